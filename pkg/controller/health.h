/* Whether the controller can do its work, in words for people. */
#ifndef CONTROLLER_HEALTH_H
#define CONTROLLER_HEALTH_H

#include "controller/cache.h"

/*
 * Looks at the cache's informers from time to time and logs each change:
 * one line when a resource can't be read, one when all can again, however
 * often it is tried in between. What many informers fail with alike is one
 * line. When one of them gets through after the network or the server
 * failed, the others try at once, too.
 */
struct health;

/* Both are borrowed. Starts to look at once. */
struct health *health_new(struct loop *loop, struct cache *cache);
void health_free(struct health *health);

/*
 * Whether the caches have synced; if not append the reasons to `why`, one
 * a line: "formations: cannot connect to …: connection refused". A
 * controller that has synced stays ready while the API server is away: it
 * can do nothing about it, and a restart would lose what it knows.
 */
bool health_ready(const struct health *health, struct buf *why);

#endif
