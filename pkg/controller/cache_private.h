/* What cache.c and cache_state.c share of a cache, and nobody else sees. */
#ifndef CONTROLLER_CACHE_PRIVATE_H
#define CONTROLLER_CACHE_PRIVATE_H

#include "controller/cache.h"
#include "controller/departed.h"
#include "controller/projection.h"
#include "kube/store.h"

/* In the order in which they are started and shown. */
enum kind {
	KIND_FORMATION,
	KIND_SIZE,
	KIND_DEPLOYMENT, /* the first that waits for the two above */
	KIND_SERVICE,
	KIND_BUDGET,
	KIND_POD,
	KINDS,
};

/* One informer: a resource, in one namespace or all. */
struct source {
	struct cache *cache;
	enum kind kind;
	const struct resource *resource;
	struct informer *informer;
	char *ns;    /* "" for all */
	bool synced;
};

struct cache {
	struct loop *loop;
	struct transport *transport;
	struct credentials *credentials;
	struct cache_events events;
	struct store *stores[KINDS];
	struct source *sources;   /* grouped by kind */
	size_t source_count;
	struct sizes sizes;
	struct projector projector;
	struct departed departed; /* pods that are gone, for their usage */
	bool started_children;
	bool synced;
	const char *quiet;        /* the Formation that is not to be woken, or NULL */
};

#endif
