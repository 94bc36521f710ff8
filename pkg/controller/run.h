/* One reconcile of one Formation: its plan, carried out. */
#ifndef CONTROLLER_RUN_H
#define CONTROLLER_RUN_H

#include "controller/actors.h"
#include "controller/cache.h"
#include "controller/failures.h"
#include "controller/turns.h"
#include "kube/client.h"
#include "kube/prng.h"
#include "kube/recorder.h"

/* What a run works with. All borrowed. */
struct run_env {
	struct loop *loop;
	struct client *client;
	struct cache *cache;
	struct recorder *recorder;
	const struct actors *actors;
	struct turns *turns;
	struct prng *prng;
	struct metrics *metrics;
};

/* How it ended. */
struct run_result {
	enum reconcile_result result;
	int64_t again_ms; /* look again after this long though nothing changes; 0: no need */
};

/*
 * Phases are carried out one after the other, the steps of one side by
 * side. When a step fails, later phases of its process are not done; but gates
 * and what else is written of a process don't wait for each other. After
 * the writes it is decided once more, from a cache that holds their
 * answers by now, and the status is written as it then is: once, and true
 * to what happened.
 */
struct run;

/* Told once of the end, if run_start said that it goes on. It may free the run. */
typedef void run_done_fn(void *arg, struct run *run, const struct run_result *result);

/* A run may be started again after its end; that saves its memory. */
struct run *run_new(const struct run_env *env, run_done_fn *done, void *arg);

/* Cancels what is under way, without a callback; it may still take effect. */
void run_free(struct run *run);

/*
 * Reconcile the Formation ns/name (`key`). Strings are borrowed until
 * run_reset. `failures` is its memory, to be kept by the caller.
 * Returns whether it ended at once, with *ret_result set; else `done` comes
 * later. Callbacks: none are called from here.
 */
bool run_start(struct run *run, const char *key, struct failures *failures,
	       struct run_result *ret_result);

/* Let requests that are under way end, and start nothing more. */
void run_stop(struct run *run);

/* After the end: forget what it was about, give back what it took. */
void run_reset(struct run *run);

/* What run_start was given; NULL between runs. */
const char *run_key(const struct run *run);
struct failures *run_failures(const struct run *run);

/* When it was started, in the loop's monotonic time. */
int64_t run_started_ms(const struct run *run);

#endif
