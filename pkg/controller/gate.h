/* Opens the gate of a singleton's dyno: formation/permit.h, carried out. */
#ifndef CONTROLLER_GATE_H
#define CONTROLLER_GATE_H

#include "controller/cache.h"
#include "controller/metrics.h"
#include "formation/model.h"
#include "kube/client.h"

/*
 * One try. Every read goes to the API server and is consistent (it names no
 * resourceVersion). What is read is handed to the cache as well, so that the next
 * plan isn't made from less than this one knew.
 */
struct gate;

struct gate_config {
	struct loop *loop;                 /* all borrowed, for as long as it goes on */
	struct client *client;
	struct cache *cache;
	struct metrics *metrics;
	struct arena *arena;               /* the gate and what it reads live here */
	const struct formation *formation;
	const char *type;                  /* of the process */
};

/*
 * The end, once. Errors: ERR_CONFLICT, somebody wrote first, or the pods
 * are not as the cache thought: look again. ERR_ALREADY_EXISTS, another
 * pod may run and isn't gone: the text says which, and what releases it.
 * The client's own errors. Only without an error has a gate been opened.
 */
typedef void gate_done_fn(void *arg, const struct err *err);

/* Start. Callbacks: `done` comes from the loop, never before this has returned. */
struct gate *gate_start(const struct gate_config *config, gate_done_fn *done, void *arg);

/* Give it up, without a callback; the request under way may still take effect. NULL is taken. */
void gate_cancel(struct gate *gate);

#endif
