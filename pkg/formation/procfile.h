/* A Procfile: what Heroku's apps say they run, one process type a line. */
#ifndef FORMATION_PROCFILE_H
#define FORMATION_PROCFILE_H

#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"

/* One line `type: command`. */
struct procfile_entry {
	const char *type;    /* a process type of a Formation, see match_type */
	const char *command; /* without white space around it, never empty */
	size_t line;         /* from 1 */
};

/* A Procfile, in the order of its lines. Everything is in the arena it was read into. */
struct procfile {
	struct procfile_entry *entries; /* without the release line */
	size_t count;                   /* at least 1, at most LIMIT_PROCESSES */
	size_t release_line; /* where `release:` stands, which is no process; 0: nowhere */
};

/*
 * Read the text of a Procfile; `name` stands in messages. A line is
 * `TYPE: COMMAND`, where TYPE has letters, digits, `_` and `-`. White space
 * around both is dropped. Lines that are empty or begin with `#`, a byte
 * order mark, CRLF and a last line without its end are fine.
 * Errors: ERR_PARSE ("NAME:LINE:COLUMN: …": not such a line, a type that
 * cannot be one of a Formation, with one that can, a type that stands
 * twice, no command, a control character, no UTF-8, a command of more than
 * 16384 characters; or no type at all), ERR_LIMIT (LIMIT_PROCESSES,
 * LIMIT_CONFIG). Columns count characters, from 1.
 * Source: devcenter.heroku.com/articles/procfile, "Procfile format".
 */
int procfile_parse(struct arena *arena, const char *name, const char *text, size_t len,
                   struct procfile *ret_procfile, struct err *err);

/*
 * The nearest name that a Formation takes: lower case, `-` for any other
 * character, at most `max` characters; "app" when nothing is left.
 */
const char *dns_name_near(struct arena *arena, const char *name, size_t max);

#endif
