/* --dry-run: what a change would do, by the controller's own reconcile. */
#ifndef CLI_PREVIEW_H
#define CLI_PREVIEW_H

#include "change.h"
#include "cli.h"
#include "session.h"

/*
 * Print which objects the controller would write for `changes` of the
 * Formation `value`, which dynos restart, and how much CPU and memory more
 * or less is reserved. Nothing is written.
 * Returns an exit code.
 */
int preview_print(struct cli *cli, struct session *session, const struct json *value,
		  const struct changes *changes, struct err *err);

#endif
