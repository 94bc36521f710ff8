/* Carries plans out: keys from the queue, a run for each. */
#ifndef CONTROLLER_WORKER_H
#define CONTROLLER_WORKER_H

#include "controller/run.h"

/*
 * At most one run a Formation at a time, and as many at once as requests
 * fit into the transport. Invariant: nothing is written before
 * worker_start and after worker_stop (but what is under way then): that is
 * the gate which leader election closes.
 */
struct worker;

struct worker_config {
	struct loop *loop;         /* all borrowed */
	struct client *client;
	struct cache *cache;
	struct recorder *recorder;
	const struct actors *actors;
	struct metrics *metrics;
	size_t max_size_changes;   /* Formations that follow a changed size at once */
};

struct worker *worker_new(const struct worker_config *config);

/* Cancels what is under way, without callbacks. NULL is taken. */
void worker_free(struct worker *worker);

/*
 * This Formation wants to be looked at (or to be forgotten, when it is
 * gone): now, or within 50 ms when only its status may change.
 */
void worker_add(struct worker *worker, const char *ns, const char *name, enum change change);

/* Begin, or begin again, to take keys from the queue. */
void worker_start(struct worker *worker);

/*
 * Take no more keys and start no more requests. `idle` is called once, from
 * the loop, when the last request has ended; at the next turn of the loop
 * when none is under way. NULL: nobody waits.
 */
void worker_stop(struct worker *worker, loop_fn *idle, void *arg);

/* Keys that wait, and that are worked on. */
size_t worker_depth(const struct worker *worker);
size_t worker_active(const struct worker *worker);

#endif
