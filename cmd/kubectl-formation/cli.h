/* What every verb gets, and the table of verbs. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/err.h"
#include "base/mem.h"
#include "options.h"
#include "output.h"

struct session;

/* Exit codes: done; it failed or was refused; the command line was wrong. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* One run of the program. */
struct cli {
	struct options options;
	char **args; /* the words behind the verb that are no flags, */
	int arg_count;
	struct arena arena; /* lives until the end */
	struct output out;  /* standard output */
	struct session *session; /* NULL until cli_session */
};

/*
 * One verb: a row here, a file verb_NAME.c with its run function. Nothing
 * else has to know it.
 */
struct verb {
	const char *name;    /* "scale" */
	const char *alias;   /* "ps:scale", Heroku's spelling, or NULL */
	const char *usage;   /* "[NAME] TYPE=N…" */
	const char *summary; /* a line of the help */
	const char *help;    /* more of it, with examples, in lines */
	const struct flag *flags; /* its own, ended by a NULL name, or NULL */
	/*
	 * Returns an exit code. On EXIT_FAILED and EXIT_USAGE with a code in
	 * `err`, main prints its text: one line that ends with the remedy.
	 */
	int (*run)(struct cli *cli, struct err *err);
	bool hidden; /* not in the list of verbs */
};

extern const struct verb *const VERBS[]; /* ended by NULL */

/* The verb of that name or alias, or NULL. */
const struct verb *verb_find(const char *name);

/*
 * Connect as the options say, once; NULL with `err` when that fails. No
 * request is sent by it.
 */
struct session *cli_session(struct cli *cli, struct err *err);

/* "wrong command line": set the text and return EXIT_USAGE. */
int cli_usage(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Write one line "kubectl-formation: TEXT" to standard error. */
void cli_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Write the help of one verb, or (NULL) the list of them. */
void help_print(struct output *out, const struct verb *verb);

#endif
