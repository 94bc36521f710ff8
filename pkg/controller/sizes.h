/* The DynoSizes of the cluster, decoded once for every reconcile. */
#ifndef CONTROLLER_SIZES_H
#define CONTROLLER_SIZES_H

#include "formation/model.h"
#include "kube/store.h"

/*
 * Sizes change rarely and every reconcile needs them all: they are decoded
 * when somebody asks after a change, not at each change.
 */
struct sizes {
	const struct store *store; /* of struct stored_size; borrowed */
	struct arena arena;        /* what the table points into */
	struct dyno_sizes table;   /* valid unless stale */
	bool stale;                /* something changed since */
};

void sizes_init(struct sizes *sizes, const struct store *store);
void sizes_release(struct sizes *sizes);

/* The store has changed. What sizes_table returned is not valid any more. */
void sizes_changed(struct sizes *sizes);

/*
 * All sizes, at most LIMIT_DYNO_SIZES. Borrowed until the next
 * sizes_changed. One that can't be decoded is left out: a process that
 * names it is told that it doesn't exist.
 */
const struct dyno_sizes *sizes_table(struct sizes *sizes);

#endif
