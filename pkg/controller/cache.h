/* Everything the controller knows of the cluster: stores kept up to date. */
#ifndef CONTROLLER_CACHE_H
#define CONTROLLER_CACHE_H

#include "controller/changes.h"
#include "controller/metrics.h"
#include "controller/size_users.h"
#include "formation/reconcile.h"
#include "kube/informer.h"

/*
 * One store a resource, filled by an informer for each namespace that is
 * watched (DynoSizes for the whole cluster). Formations and sizes come
 * first; the children's informers start when those have synced, so that
 * each child finds its Formation when it is compared with what is wanted
 * of it (desired_compare), and need not be kept itself.
 * Invariant: our own writes are in the stores as soon as they are answered.
 */
struct cache;

/* What the cache tells. All are called from the loop; none may free the cache. */
struct cache_events {
	/* Something changed that a reconcile of this Formation has to look at, how soon. */
	void (*wake)(void *arg, const char *ns, const char *name, enum change change);
	/* The Formation is gone. */
	void (*gone)(void *arg, const char *ns, const char *name);
	/* How many dynos have a size, or what a size says of it, may be another number now. */
	void (*counted)(void *arg);
	/* Everything has been listed once. */
	void (*synced)(void *arg);
	void *arg;
};

struct cache_config {
	struct loop *loop;                  /* borrowed, as is the transport */
	struct transport *transport;
	struct credentials *credentials;    /* renewed on a 401, or NULL */
	const char *const *namespaces;      /* ended by NULL; NULL or empty: all. Copied. */
	bool stream_lists;                  /* where the server can */
	struct cache_events events;
};

struct cache *cache_new(const struct cache_config *config);
void cache_free(struct cache *cache);
void cache_start(struct cache *cache);
void cache_stop(struct cache *cache); /* no event is told after this */

/* Informers that wait for their next try don't wait any longer. */
void cache_hurry(struct cache *cache);

bool cache_synced(const struct cache *cache);

/* The Formation's projection, or NULL. Borrowed until the cache changes. */
const struct stored_formation *cache_formation(const struct cache *cache, const char *ns,
					       const char *name);

/*
 * Decode a Formation's projection. Everything is in the arena.
 * Errors: ERR_PARSE, ERR_LIMIT.
 */
int cache_decode(struct arena *arena, const struct stored_formation *stored,
		 struct formation *ret_formation, struct err *err);

/*
 * Fill in sizes, deployments, services, budgets and pods of the Formation
 * in `input->formation`. Arrays are in the arena; what they point to is
 * borrowed until the cache changes.
 */
void cache_gather(struct cache *cache, struct arena *arena, struct reconcile_input *input);

/* The dynos of each size, in the arena; sizes are borrowed until the cache changes. */
const struct size_count *cache_size_counts(const struct cache *cache, struct arena *arena,
					   size_t *ret_count);

/* What to keep of an answer that is handed to cache_observe. */
const struct json_keep *cache_keep(const struct resource *resource);

/* Whose request was answered, and about what. */
struct cache_answer {
	const struct resource *resource;
	const char *ns;
	const char *name;
	const char *uid;       /* of the object, or NULL */
	const char *formation; /* is not woken by this: it knows */
};

/*
 * Take the answer of one of our own writes (or reads) in at once: the
 * object, or (NULL) that the server says it is gone.
 */
void cache_observe(struct cache *cache, const struct cache_answer *answer, struct arena *arena,
		   const struct json *object);

/* --- for people ---------------------------------------------------- */

/* One informer. */
struct cache_source {
	const struct resource *resource;
	const char *ns;              /* "" for all */
	struct informer_state state;
};

/* Informers, and the state of one of them. */
size_t cache_source_count(const struct cache *cache);
void cache_source(const struct cache *cache, size_t index, struct cache_source *ret_source);

enum { CACHE_RESOURCES = 6 }; /* Formations, sizes, Deployments, Services, budgets, pods */

/* Counts by resource, summed over namespaces. */
void cache_counts(const struct cache *cache, struct metrics_cache ret_counts[CACHE_RESOURCES]);

#endif
