/* Waiting until a change runs, with Heroku's lines. */
#ifndef CLI_SCALE_WAIT_H
#define CLI_SCALE_WAIT_H

#include "cli.h"
#include "progress.h"
#include "session.h"

/*
 * Print "VERB TYPE processes... done, now running 4" for each goal, when it
 * is so; on a terminal with the progress until then. `words` says what
 * stays in effect when the wait is given up: "web=4 worker=1".
 * Returns an exit code, as a verb does.
 */
int scale_wait(struct cli *cli, struct session *session, const char *ns, const char *formation,
	       const char *verb, const struct goal *goals, size_t count, const char *words,
	       struct err *err);

/* The line of --no-wait for each. */
void scale_accepted(struct cli *cli, const char *verb, const struct goal *goals, size_t count);

#endif
