/* Gives running dynos another size: formation/resize.h, carried out. */
#ifndef CONTROLLER_RESIZER_H
#define CONTROLLER_RESIZER_H

#include "controller/cache.h"
#include "formation/resize.h"
#include "formation/reconcile.h"
#include "kube/client.h"

/*
 * One try, as far as it goes without waiting for others. Every read goes
 * to the API server and is consistent; what is read and answered is handed
 * to the cache as well.
 */
struct resizer;

struct resizer_config {
	struct loop *loop;                 /* all borrowed, for as long as it goes on */
	struct client *client;
	struct cache *cache;
	struct arena *arena;               /* the resizer and what it reads live here */
	const struct formation *formation;
	const struct step *step;           /* the STEP_RESIZE */
	int64_t deadline_ms;               /* of the size */
};

/* How it ended, when nothing failed. */
struct resizer_result {
	bool in_place;     /* the Deployment goes on with the new size, and nothing rolls out */
	const char *why;   /* instead, why it is a rollout; in the arena. Or NULL */
	int64_t again_ms;  /* look again after that long, though nothing changes; 0: no need */
};

/* The end, once. Errors: the client's own; ERR_CONFLICT: others write the same objects. */
typedef void resizer_done_fn(void *arg, const struct resizer_result *result,
			     const struct err *err);

/* Start. Callbacks: `done` comes from the loop, never before this has returned. */
struct resizer *resizer_start(const struct resizer_config *config, resizer_done_fn *done,
			      void *arg);

/* Give it up, without a callback; the request under way may still take effect. NULL is taken. */
void resizer_cancel(struct resizer *resizer);

#endif
