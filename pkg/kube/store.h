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
 * object that was taken out is remembered (its uid and the version at
 * which it was gone, the last 1,024 of them), so that the late answer of a
 * write does not bring it back.
 *
 * An object costs two pointers at most here (1.3 to 2.7 each, by the
 * tables' load); its keys are its own strings.
 */
struct store;

struct store *store_new(void);
void store_free(struct store *store);

/* The object, or NULL. Borrowed until the next change of the store. */
const struct object *store_get(const struct store *store, const char *ns, const char *name);

/*
 * Take a newer version. On true the store owns `object` and *ret_old (may
 * be NULL) is the replaced one, to be freed by the caller after use; on
 * false `object` was older, the same or known to be gone, and stays the
 * caller's. Either way what is now stored under that key is marked.
 */
bool store_put(struct store *store, struct object *object, struct object **ret_old);

/*
 * Take an object out, when its uid is this (NULL: any) and its version is
 * not newer than `version` (0: any, it is gone for good). Returns it, the
 * caller's to free, or NULL. A `uid` is remembered as gone even when the
 * store does not have it.
 */
struct object *store_remove(struct store *store, const char *ns, const char *name, const char *uid,
			    uint64_t version);

size_t store_count(const struct store *store);

/*
 * Walk everything, in no particular order; return false from `fn` to stop.
 * The store may not change meanwhile.
 */
typedef bool store_visit_fn(void *arg, const struct object *object);
void store_each(const struct store *store, store_visit_fn *fn, void *arg);

/* Walk the objects of one Formation (by object->formation). */
void store_each_of(const struct store *store, const char *ns, const char *formation,
		   store_visit_fn *fn, void *arg);

/*
 * Mark and sweep around a list: begin unmarks everything in `ns` (NULL or
 * "": everywhere), store_put and store_mark_seen mark, sweep takes out what
 * was not marked and is not newer than `version` (the list's), handing
 * each to `fn`, which owns it and may change the store.
 */
typedef void store_swept_fn(void *arg, struct object *object);
void store_sweep_begin(struct store *store, const char *ns);
void store_mark_seen(struct store *store, const char *ns, const char *name);
void store_sweep(struct store *store, const char *ns, uint64_t version, store_swept_fn *fn,
		 void *arg);

#endif
