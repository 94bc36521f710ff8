/* What the files of the reflector share, and nobody else sees. */
#ifndef KUBE_REFLECTOR_PRIVATE_H
#define KUBE_REFLECTOR_PRIVATE_H

#include "base/buf.h"
#include "kube/backoff.h"
#include "kube/reflector.h"

enum {
	LIST_TIMEOUT_MS = 60 * 1000,  /* of one page, or a streamed list; the server's own is as long */
};

struct reflector {
	struct loop *loop;
	struct transport *transport;
	const struct resource *resource;
	struct reflector_handlers handlers;
	struct credentials *credentials;     /* or NULL */
	struct arena arena;                  /* of the strings and tables below */
	const char *name;                    /* "watch pods", for the log */
	const char *ns;                      /* or NULL */
	const char *selector;                /* escaped query "labelSelector=…&", or "" */
	const struct json_keep *keep_list;   /* of a list with its items */
	const struct json_keep *keep_event;  /* of a watch event */

	enum reflector_state state;
	struct loop_task *next;              /* does what the state says */
	struct loop_timer *timer;            /* ends a WAITING state */
	struct http_call *call;              /* of STREAMING, LISTING and WATCHING, NULL in between */
	struct json_stream *stream;          /* reads its answer while it is a success */
	int status;                          /* of its answer, 0 before the head */
	struct buf refusal;                  /* its body while it is none */
	size_t received;                     /* bytes of the whole list so far */
	bool whole;                          /* the page's document was complete */

	char *page;                          /* escaped token of the next page, or NULL */
	bool unpaged;                        /* the next list is asked for in one piece */
	bool stream_lists;                   /* the server may know how to, as far as we know */
	bool page_next;                      /* a stream broke: the next list is asked for by pages */
	uint64_t list_version;               /* of the list under way, 0 unknown */
	uint64_t version;                    /* handed on; where the next watch begins */
	int64_t watch_began_ms;              /* when the stream was asked for */
	uint64_t watch_events;               /* that it brought */

	unsigned gone_in_row;                /* 410s since a watch last was healthy */
	unsigned watch_failures;             /* failed watches since then */
	struct backoff backoff;
	struct err error;                    /* the last failure, or ERR_NONE */
	struct credentials_waiter waiter;    /* after a 401 */
	uint64_t generation;                 /* of the credentials the call was made with */
	uint64_t lists;
	uint64_t watches;
};

/* Go to a state without anything to do in it yet. */
void reflector_enter(struct reflector *reflector, enum reflector_state state);

/* Enter a state that has something to do, which is done in the next turn. */
void reflector_proceed(struct reflector *reflector, enum reflector_state state);

/* To a list, by a stream or by pages. */
void reflector_relist(struct reflector *reflector);

/* Wait in `state`; a 401 ends the wait when there are new credentials. */
void reflector_wait(struct reflector *reflector, enum reflector_state state, const struct err *err);

/* The version is too old: list at once, but not twice in a row. */
void reflector_list_again(struct reflector *reflector, const struct err *err);

/* Send the request of a state. `config` is copied, `timeout_ms` bounds all of the answer. */
void reflector_open_call(struct reflector *reflector, const char *query, int64_t timeout_ms,
			 const struct json_stream_config *config);
void reflector_close_call(struct reflector *reflector);

/* Whether an object has our kind and then `suffix`, or neither kind nor version when that is `optional`. */
bool reflector_is_kind(const struct reflector *reflector, const struct json *object,
		       const char *suffix, bool optional);

/* The version of an object or a list, or 0. */
uint64_t reflector_version_of(const struct json *value);

/* Begin to hand on a list. */
void reflector_list_begin(struct reflector *reflector);

/* The list is complete: hand that on, and where the watch begins. */
void reflector_list_end(struct reflector *reflector, uint64_t version);

/* By pages: ask for the next one; its answer has ended. */
void reflector_list_page(struct reflector *reflector);
void reflector_list_done(struct reflector *reflector, const struct http_result *result,
			 struct err *err);

/* By events: ask for them all, with those there are at first or from `version`; their end. */
void reflector_stream_open(struct reflector *reflector);
void reflector_stream_done(struct reflector *reflector, struct err *err);
void reflector_stream_late(struct reflector *reflector);
void reflector_watch_open(struct reflector *reflector);
void reflector_watch_done(struct reflector *reflector, struct err *err);

#endif
