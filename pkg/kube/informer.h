/* List and watch one resource into a store, for ever. */
#ifndef KUBE_INFORMER_H
#define KUBE_INFORMER_H

#include "kube/reflector.h"
#include "kube/store.h"

/*
 * The reflector lists and watches by one transport stream; the informer
 * puts what arrives into the store and tells what changed.
 */
struct informer;

/* No handler may stop or free the informer. */
struct informer_handlers {
	/*
	 * Project an object from the API server; asked only for versions
	 * newer than the stored one. `arena` is scratch until return. Returns a malloc'ed object for the store, or NULL with
	 * `err`: it is logged, counted and skipped.
	 */
	struct object *(*decode)(void *arg, struct arena *arena, const struct json *value,
				 struct err *err);
	/*
	 * The store changed: added (old NULL), changed, or gone (now NULL).
	 * Both are borrowed until return.
	 */
	void (*changed)(void *arg, const struct object *old, const struct object *now);
	/* The first list is complete. May be NULL. */
	void (*synced)(void *arg);
	void *arg;
	/*
	 * The watch says that an object is gone, and how it was last, whether or
	 * not the store still had it; before `changed`. May be NULL.
	 */
	void (*gone)(void *arg, const struct json *value);
};

struct informer_config {
	const struct resource *resource;
	const char *ns;               /* NULL or "": all namespaces */
	const char *label_selector;   /* or NULL; unescaped */
	const struct json_keep *keep; /* of one object */
	struct store *store;          /* may be shared by informers of other namespaces */
	struct credentials *credentials; /* renewed on a 401, or NULL */
	bool stream_lists;            /* where the server can */
	struct informer_handlers handlers;
};

/* What /readyz and /metrics say of it. */
struct informer_state {
	bool synced;               /* the first list was complete */
	uint64_t version;          /* the store has everything up to here; bookmarks move it too */
	const char *phase;         /* "streaming a list", "watching", "waiting to list" … static */
	uint64_t lists;            /* lists begun */
	uint64_t watches;          /* watches begun */
	uint64_t events;           /* objects received */
	uint64_t decode_errors;    /* objects skipped */
	const struct err *error;   /* last failure while not watching, or NULL; ERR_NOT_FOUND: no CRD */
};

/* Everything in `config` is borrowed but the strings, which are copied. */
struct informer *informer_new(struct loop *loop, struct transport *transport,
			      const struct informer_config *config);
void informer_free(struct informer *informer);

/* Begin to list; after stop no callback runs. */
void informer_start(struct informer *informer);
void informer_stop(struct informer *informer);

/* Another informer has reached the server again: don't wait any longer for the next try. */
void informer_hurry(struct informer *informer);

void informer_state(const struct informer *informer, struct informer_state *ret_state);

/*
 * Take the answer of one of our own writes into the store at once, as if
 * the watch had brought it (and tell `changed`): read your writes. What is
 * older than the store, or known to be gone, or another kind, is left out.
 */
void informer_observe(struct informer *informer, struct arena *arena, const struct json *value);

/*
 * The same for an object that we deleted and the server says is gone. With
 * a `uid`, nothing late brings that one back.
 */
void informer_observe_gone(struct informer *informer, const char *ns, const char *name,
			   const char *uid);

#endif
