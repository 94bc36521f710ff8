/* The cache of one resource: projections by key and by formation. */
#ifndef KUBE_STORE_H
#define KUBE_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "api/object.h"

/*
 * Owns its objects. Reads are from this cache, not from the API server.
 * Invariant: an object is only replaced by a newer version of itself
 * (resourceVersions compared), or by another uid that is newer: a late
 * watch event or a list from a lagging cache never turns time back. An
 * object deleted by ourselves or seen deleted is remembered by its version
 * until the list or watch has passed that.
 */
struct store;

struct store *store_new(void);
void store_free(struct store *store);

/* The object, or NULL. Borrowed until the next change of the store. */
const struct object *store_get(const struct store *store, const char *ns, const char *name);

/*
 * Take a newer version. On true the store owns `object` and *ret_old (may
 * be NULL) is the replaced one, to be freed by the caller after use; on
 * false `object` was older or the same and stays the caller's.
 */
bool store_put(struct store *store, struct object *object, struct object **ret_old);

/*
 * Take an object out, when its uid is this (NULL: any) and its version is
 * not newer than `version` (0: any). Returns it, the caller's to free, or NULL.
 */
struct object *store_remove(struct store *store, const char *ns, const char *name, const char *uid,
			    uint64_t version);

size_t store_count(const struct store *store);

/* Walk everything; return false from `fn` to stop. The store may not change meanwhile. */
typedef bool store_visit_fn(void *arg, const struct object *object);
void store_each(const struct store *store, store_visit_fn *fn, void *arg);

/* Walk the objects of one Formation (by object->formation). */
void store_each_of(const struct store *store, const char *ns, const char *formation,
		   store_visit_fn *fn, void *arg);

/*
 * Mark and sweep around a list: begin unmarks everything in `ns` (NULL:
 * everywhere), store_put and store_mark_seen mark, sweep takes out what
 * was not marked and is not newer than `version` (the list's), handing
 * each to `fn`, which owns it.
 */
typedef void store_swept_fn(void *arg, struct object *object);
void store_sweep_begin(struct store *store, const char *ns);
void store_mark_seen(struct store *store, const char *ns, const char *name);
void store_sweep(struct store *store, const char *ns, uint64_t version, store_swept_fn *fn,
		 void *arg);

#endif
