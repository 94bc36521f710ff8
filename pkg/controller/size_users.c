#include "controller/size_users.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "controller/projection.h"

/* --- Formations ---------------------------------------------------- */

/* A walk over Formations. */
struct walk {
	const char *size;
	void (*fn)(void *arg, const struct object *formation);
	void *arg;
	struct arena arena; /* of the Formation looked at */
};

static bool uses_size(struct walk *walk, const struct object *object)
{
	struct formation formation;
	struct err err = ERR_INIT;

	arena_reset(&walk->arena);
	if (projection_formation(&walk->arena, (const struct stored_formation *)object, &formation,
				 &err) != 0)
		return false;
	for (size_t i = 0; i < formation.process_count; i++) {
		const char *size = formation.processes[i].size;

		if (size && strcasecmp(size, walk->size) == 0)
			return true;
	}
	return false;
}

static bool visit_formation(void *arg, const struct object *object)
{
	struct walk *walk = arg;

	if (uses_size(walk, object))
		walk->fn(walk->arg, object);
	return true;
}

void size_users_each(const struct store *formations, const char *size,
		     void (*fn)(void *arg, const struct object *formation), void *arg)
{
	struct walk walk = {.size = size, .fn = fn, .arg = arg};

	arena_init(&walk.arena);
	store_each(formations, visit_formation, &walk);
	arena_release(&walk.arena);
}

/* --- dynos --------------------------------------------------------- */

/* The size that a pod counts for, or NULL. */
static const char *counts_for(const struct object *object)
{
	const struct observed_pod *pod = (const struct observed_pod *)object;

	return pod && pod->node && !observed_pod_is_terminal(pod) ? pod->size : NULL;
}

bool size_counts_differ(const struct object *old, const struct object *now)
{
	const char *before = counts_for(old), *after = counts_for(now);

	if (!before || !after)
		return before != after;
	return strcasecmp(before, after) != 0;
}

/* The counts, sorted by name without regard to case. */
struct tally {
	struct size_count *items;
	size_t count;
};

static bool take_size(void *arg, const struct object *object)
{
	struct tally *tally = arg;

	tally->items[tally->count++].size = (const struct stored_size *)object;
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct size_count *one = a, *other = b;

	return strcasecmp(one->size->object.name, other->size->object.name);
}

static int name_of(const void *key, const void *item)
{
	return strcasecmp(key, ((const struct size_count *)item)->size->object.name);
}

static bool take_pod(void *arg, const struct object *object)
{
	struct tally *tally = arg;
	const char *size = counts_for(object);
	struct size_count *count = NULL;

	if (size)
		count = bsearch(size, tally->items, tally->count, sizeof(*count), name_of);
	if (count)
		count->dynos++;
	return true;
}

const struct size_count *size_counts(struct arena *arena, const struct store *sizes,
				     const struct store *pods, size_t *ret_count)
{
	struct tally tally = {0};

	*ret_count = store_count(sizes);
	tally.items = arena_array(arena, struct size_count, *ret_count);
	store_each(sizes, take_size, &tally);
	if (tally.count > 0) {
		qsort(tally.items, tally.count, sizeof(*tally.items), by_name);
		store_each(pods, take_pod, &tally);
	}
	return tally.items;
}
