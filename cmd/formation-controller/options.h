/* The command line and the --config file of formation-controller. */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

/*
 * Strings are in the arena or in argv, which must outlive this. A flag on
 * the command line wins over the file, the file over the default.
 */
struct options {
	const char *kubeconfig;       /* or NULL: client-go's order */
	const char *context;          /* or NULL: the kubeconfig's current */
	const char **namespaces;      /* ended by NULL; without any: all */
	size_t namespace_count;
	const char *config;           /* the file, or NULL */
	int log_level;                /* enum log_level */
	int log_format;               /* enum log_format */
	const char *metrics_address;  /* "0": none */
	const char *health_address;   /* "0": none */
	int max_size_changes;         /* 1..1000 */
	bool watch_list;              /* lists as streams, where the server can */
	bool leader_elect;            /* only the holder of a Lease writes */
	const char *lease_namespace;  /* or NULL: our own */
	const char *lease_name;
	int lease_duration_s;
	int lease_deadline_s;
	int lease_retry_s;
	bool version;                 /* print it and end */
	bool help;
	struct arena arena;
};

/*
 * Read the command line, then the file that it names.
 * Errors: ERR_INVALID, the command line is wrong: print the text and the
 * usage, exit 2. Any other code, the file is: it is named, with the line
 * where that can be found. In both cases options_release.
 */
int options_parse(struct options *options, int argc, char *const *argv, struct err *err);
void options_release(struct options *options);

/* Write the text of --help. */
void options_help(FILE *file);

#endif
