/* Who uses a DynoSize: the Formations that name it, and the dynos that have it. */
#ifndef CONTROLLER_SIZE_USERS_H
#define CONTROLLER_SIZE_USERS_H

#include "formation/observed.h"
#include "kube/store.h"

/*
 * Call `fn` for every Formation of the store with a process of that size,
 * by metadata.name of the DynoSize. The store may not change meanwhile.
 */
void size_users_each(const struct store *formations, const char *size,
		     void (*fn)(void *arg, const struct object *formation), void *arg);

/* A size, and how many dynos have it. */
struct size_count {
	const struct stored_size *size; /* borrowed from its store */
	int dynos;
};

/*
 * Count the dynos of every size. A dyno has the size of its label
 * dyno.dev/size, from when it has a node until its pod has ended or is gone:
 * that is what it takes room for. So a dyno that crashes again and again
 * counts as one, and the number stands still. In the arena, in any order.
 */
const struct size_count *size_counts(struct arena *arena, const struct store *sizes,
				     const struct store *pods, size_t *ret_count);

/* Whether a pod counts otherwise than it did. Both struct observed_pod, either may be NULL. */
bool size_counts_differ(const struct object *old, const struct object *now);

#endif
