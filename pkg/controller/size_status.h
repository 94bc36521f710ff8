/* Writes into each DynoSize how many dynos have it. */
#ifndef CONTROLLER_SIZE_STATUS_H
#define CONTROLLER_SIZE_STATUS_H

#include "controller/cache.h"
#include "kube/client.h"

/*
 * status.dynos of every size, kept at what the cache counts. Changes within
 * SIZE_STATUS_DELAY_MS are one write; a number that is right costs none, after
 * a restart neither. One request at a time; a pass that had a failure is
 * made again with backoff, to 5 min.
 * Only for a controller that sees all namespaces: others would each write a
 * number of their own.
 */
struct size_status;

enum { SIZE_STATUS_DELAY_MS = 1000 };

/* All borrowed. */
struct size_status *size_status_new(struct loop *loop, struct client *client, struct cache *cache);

/* Cancels what is under way, without a callback. NULL is taken. */
void size_status_free(struct size_status *status);

/* Something that is counted has changed, or what a size says. Nothing happens before _start. */
void size_status_note(struct size_status *status);

/* Begin to write: the caches are full, and this controller is the one that writes. */
void size_status_start(struct size_status *status);

/* Start no more requests. */
void size_status_stop(struct size_status *status);

/* Whether no request is under way. */
bool size_status_is_idle(const struct size_status *status);

#endif
