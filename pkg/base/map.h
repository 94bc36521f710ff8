/* A hash map from strings to pointers. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot;

/*
 * Keys are copied unless the map borrows them (map_init_borrow: then the
 * key must live as long as its entry, usually inside the value). Values
 * are the caller's. Iteration order is unspecified, and differs from run
 * to run: the hash is keyed with the process's own random bytes, since keys
 * come from outside.
 */
struct map {
	struct map_slot *slots; /* open addressing; a key stands at its home or behind it */
	size_t count;           /* entries */
	size_t capacity;        /* homes, a power of two; 0 before the first map_put */
	uint64_t seed[2];       /* the hash's key */
	bool borrow;            /* keys are not copied */
};

void map_init(struct map *map);
void map_init_borrow(struct map *map);
void map_release(struct map *map);

/* The value of `key`, or NULL. */
void *map_get(const struct map *map, const char *key);

/*
 * Set; returns the value that was there before, or NULL. `value` is not
 * NULL. A map that borrows its keys takes the new key over with the value.
 */
void *map_put(struct map *map, const char *key, void *value);

/* Remove; returns the value that was there, or NULL. */
void *map_remove(struct map *map, const char *key);

/*
 * Step through all entries: start with *cursor = 0; false at the end.
 * During a walk any entry that the walk has already given, the current one
 * included, may be removed: the others are still given once each. Nothing
 * may be added. ret_key and ret_value may be NULL.
 */
bool map_next(const struct map *map, size_t *cursor, const char **ret_key, void **ret_value);

#endif
