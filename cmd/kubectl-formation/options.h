/* The command line of kubectl-formation: kubectl's flags, and those of a verb. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

enum output_format { FORMAT_TEXT, FORMAT_WIDE, FORMAT_NAME, FORMAT_JSON, FORMAT_YAML };
enum dry_run { DRY_RUN_NONE, DRY_RUN_CLIENT, DRY_RUN_SERVER };

/* What was asked for; texts are NULL and numbers 0 (or as said) when it wasn't. Texts are argv's. */
struct options {
	/* everywhere */
	const char *ns, *context, *cluster, *user, *kubeconfig;
	const char *as;             /* --as: impersonate that user, */
	const char *as_group;       /* in this group, */
	const char *as_uid;         /* with this uid */
	const char *app;            /* -a/--app: the Formation's name */
	int64_t request_timeout_ms; /* 0: the client's own */
	int verbosity;              /* -v: from 6 on requests are logged */
	bool no_color;
	bool help;
	/* of verbs */
	enum output_format format;
	enum dry_run dry_run;
	bool watch;         /* ps -w */
	bool follow;        /* logs -f */
	bool previous;      /* logs -p */
	bool no_wait, force;
	int64_t timeout_ms; /* --timeout; 0: none */
	int64_t since_ms;   /* logs --since; 0: all */
	int tail;           /* logs --tail; -1: all */
	const char *file;   /* -f FILE */
	const char *procfile, *image, *app_json, *name;
	const char *sizes;   /* render --sizes */
	bool all_namespaces; /* sizes -A */
};

enum flag_kind {
	FLAG_TEXT,     /* const char * */
	FLAG_BOOL,     /* bool; takes =true and =false */
	FLAG_COUNT,    /* int, 0 or more; -1 is taken for "all" */
	FLAG_DURATION, /* int64_t in ms: "90s", "1h30m", "90" for seconds */
	FLAG_FORMAT,   /* enum output_format */
	FLAG_DRY_RUN,  /* enum dry_run; the value only behind `=`, "client" without one */
};

/* A flag of a verb: where its value goes. Tables end with a NULL name. */
struct flag {
	const char *name;  /* without the dashes */
	char letter;       /* or 0 */
	enum flag_kind kind;
	size_t offset;     /* in struct options */
	const char *value; /* what stands for its value in the help; NULL: takes none */
	const char *help;
};

extern const struct flag FLAGS_EVERYWHERE[];

/*
 * Flags that several verbs have: rows for their tables.
 */
#define FLAG_ROW_FORMAT                                                                            \
	{ "output", 'o', FLAG_FORMAT, offsetof(struct options, format), "FORMAT",                  \
	  "json, yaml, name or wide" }
#define FLAG_ROW_DRY_RUN                                                                           \
	{ "dry-run", 0, FLAG_DRY_RUN, offsetof(struct options, dry_run), "client|server",          \
	  "change nothing; client: say what would change; server: let the API server check it" }

void options_init(struct options *options);

/*
 * Read the flags in argv[0..argc) and gather the other words in
 * ret_args (of argc pointers, the caller's). Flags are those of
 * FLAGS_EVERYWHERE and `own` (or NULL), which come first; `--` ends them.
 * With `first_only` it stops at the first word that is no flag.
 * Returns how many words of argv were read, or -1.
 * Errors: ERR_INVALID, which names the flag.
 */
int options_parse(struct options *options, const struct flag *own, int argc, char **argv,
		  bool first_only, char **ret_args, int *ret_count, struct err *err);

/* "1h30m", "90s", "500ms" or plain seconds in ms. Returns 0, or -1. */
int duration_parse(const char *text, int64_t *ret_ms);

#endif
