/* List one resource, then watch it, for ever: the state machine. */
#ifndef KUBE_REFLECTOR_H
#define KUBE_REFLECTOR_H

#include "api/resource.h"
#include "codec/json.h"
#include "kube/credentials.h"
#include "loop/loop.h"
#include "net/transport.h"

/*
 *             start                 the mark                  410
 *   STOPPED ─────────▶ STREAMING ──────────────▶ WATCHING ──────────▶ STREAMING
 *                      │   ▲   │ 422, not known  │   ▲   ⟲ end of a stream
 *              failure ▼   │   ▼                 │   │
 *          WAITING_TO_LIST │  LISTING, by pages ─┤   │ timer
 *                      └───┘                     ▼   │
 *                      timer                   WAITING_TO_WATCH
 *
 * A list is a stream of its own objects that goes on as the watch (KEP-3157)
 * or, where the server or something before it can't do that, pages and then
 * a watch; LISTING fails and waits as STREAMING does. A failure of the watch
 * that makes its version doubtful goes to WAITING_TO_LIST.
 */
enum reflector_state {
	REFLECTOR_STOPPED,          /* nothing under way */
	REFLECTOR_STREAMING,        /* a stream is open, or about to be, whose list isn't complete */
	REFLECTOR_LISTING,          /* a page is under way, or about to be asked for */
	REFLECTOR_WATCHING,         /* a stream is open, or about to be opened */
	REFLECTOR_WAITING_TO_LIST,  /* the timer runs, then STREAMING or LISTING */
	REFLECTOR_WAITING_TO_WATCH, /* the timer runs, then WATCHING from `version` */
};

/*
 * What arrived. Objects are of the reflector's kind (an item of a list may
 * come without kind), in `arena` and borrowed until return. No handler may
 * stop or free the reflector. None may be NULL.
 */
struct reflector_handlers {
	/* A list begins; one that failed half-way begins again. Events of what goes may come in between. */
	void (*list_begin)(void *arg);
	void (*list_item)(void *arg, struct arena *arena, const struct json *object);
	/* It is complete: what it had is the truth at `version`. */
	void (*list_end)(void *arg, uint64_t version);
	/* An object was added, changed, or (gone) is no more at `version`. */
	void (*event)(void *arg, struct arena *arena, const struct json *object, uint64_t version,
		      bool gone);
	void *arg;
};

struct reflector_config {
	const struct resource *resource;
	const char *ns;                   /* NULL or "": all namespaces; copied */
	const char *label_selector;       /* or NULL; unescaped, copied */
	const struct json_keep *keep;     /* of one object, NULL for everything */
	struct credentials *credentials;  /* renewed on a 401, or NULL */
	bool stream_lists;                /* try that; pages where it can't be done */
	struct reflector_handlers handlers;
};

struct reflector;

/* Pointers are borrowed but where said; all must outlive the reflector. */
struct reflector *reflector_new(struct loop *loop, struct transport *transport,
				const struct reflector_config *config);
void reflector_free(struct reflector *reflector);

/* Begin with a list, whatever was known; after stop no handler runs. */
void reflector_start(struct reflector *reflector);
void reflector_stop(struct reflector *reflector);

/*
 * There is news that trying again may succeed: end a wait now. The backoff
 * is not reset by this.
 */
void reflector_hurry(struct reflector *reflector);

/* How it is going. */
struct reflector_status {
	enum reflector_state state;
	uint64_t version;        /* everything up to this was handed on; 0 before the first list */
	uint64_t lists;          /* lists begun */
	uint64_t watches;        /* watches begun */
	const struct err *error; /* the last failure, NULL once the server answers a watch */
};

void reflector_status(const struct reflector *reflector, struct reflector_status *ret_status);

/* "watching", "waiting to list", …; static. */
const char *reflector_state_name(enum reflector_state state);

#endif
