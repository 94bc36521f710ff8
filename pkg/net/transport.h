/* Requests and streamed answers: the seam below the Kubernetes client. */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Implemented by the HTTP client (net/http_client.h), and by a model of
 * the API server in the simulator.
 */

enum http_priority {
	HTTP_PRIORITY_NORMAL, /* waits for its turn under the cap of requests in flight */
	HTTP_PRIORITY_HIGH,   /* lease renewals: before everything that waits, not counted */
	HTTP_PRIORITY_STREAM, /* watches: not counted under the cap */
};

struct http_request {
	const char *method;       /* "GET", "PATCH", … */
	const char *path;         /* with query, "/apis/…"; escaped */
	const char *content_type; /* of the body, or NULL */
	const char *accept;       /* or NULL for application/json */
	const char *body;         /* or NULL; copied */
	size_t body_len;
	int64_t timeout_ms;      /* whole request, from its turn on; 0 = none */
	int64_t idle_timeout_ms; /* longest silence on a stream; 0 = none */
	enum http_priority priority;
};

/* How a request ended. */
struct http_result {
	int status;         /* 0 when no answer came */
	int retry_after_ms; /* from the header, capped at 60 s; 0 when absent or unreadable */
	bool complete;      /* the body arrived whole */
	bool untrusted;     /* the server's certificate was refused: settings, not weather */
};

/*
 * A handler may start and cancel calls, its own too (not in on_done: there
 * the call is over). It may not free the transport.
 */
struct http_handlers {
	/* The answer's head has arrived. May be NULL. */
	void (*on_head)(void *arg, int status);
	/*
	 * Bytes of the body, borrowed, never 0 of them; return -1 with `err`
	 * set to give the request up: it becomes on_done's.
	 */
	int (*on_data)(void *arg, const char *data, size_t len, struct err *err);
	/*
	 * The end, exactly once, never before start has returned, never after
	 * cancel. `err` has code ERR_NONE when an answer came whole (whatever
	 * its status); else ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_LIMIT (a head too
	 * large), ERR_INVALID (a path that cannot be sent), or what on_data
	 * said. Its numbers are those of the result.
	 */
	void (*on_done)(void *arg, const struct http_result *result, const struct err *err);
};

struct http_call;

struct transport {
	/*
	 * Never fails: failures come by on_done. The call is gone after
	 * on_done. Request and handlers are copied.
	 */
	struct http_call *(*start)(struct transport *transport, const struct http_request *request,
	                           const struct http_handlers *handlers, void *arg);
	/* Give up: no callback runs after this. The request may still take effect. */
	void (*cancel)(struct transport *transport, struct http_call *call);
};

static inline struct http_call *transport_start(struct transport *t, const struct http_request *r,
                                                const struct http_handlers *h, void *arg)
{
	return t->start(t, r, h, arg);
}

static inline void transport_cancel(struct transport *t, struct http_call *call)
{
	t->cancel(t, call);
}

#endif
