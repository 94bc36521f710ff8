/* Which Formation is meant: -a, the first word, or the only one there is. */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include "cli.h"
#include "formation/model.h"
#include "session.h"

struct target {
	struct session_call call;   /* reads it */
	const struct json *value;   /* the Formation as the API server has it, managedFields too */
	struct formation formation; /* decoded */
	int used;                   /* 1: the first of cli->args is its name, else 0 */
};

/* Ask for it; `target` stays where it is until session_wait. Answers live in cli->arena. */
void target_start(struct cli *cli, struct session *session, struct target *target);

/*
 * Choose by what came.
 * Errors: ERR_NOT_FOUND, ERR_INVALID (several, none named), those of the request.
 */
int target_resolve(struct cli *cli, struct target *target, struct err *err);

/* Both, with the wait between. */
int target_find(struct cli *cli, struct session *session, struct target *target, struct err *err);

/* "dyno.dev/formation%3Dshop": the selector of its objects, as a query's labelSelector. */
const char *target_query(struct arena *arena, const char *name);

#endif
