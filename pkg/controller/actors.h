/* Whether the API server vouches for who changed a Formation. */
#ifndef CONTROLLER_ACTORS_H
#define CONTROLLER_ACTORS_H

#include "kube/client.h"

/*
 * Asks, at the start and then every five minutes, whether the policy of
 * deploy/actor is bound. Without it, or without the right to ask, which
 * comes with it, dyno.dev/changed-by may have been written by anybody.
 */
struct actors;

/* All borrowed. */
struct actors *actors_new(struct loop *loop, struct client *client);
void actors_free(struct actors *actors);

/* Ask now, and from now on. */
void actors_start(struct actors *actors);

/* What the last answer said; false before the first. NULL: false. */
bool actors_verified(const struct actors *actors);

#endif
