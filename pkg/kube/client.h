/* Requests to the Kubernetes API, one answer each. */
#ifndef KUBE_CLIENT_H
#define KUBE_CLIENT_H

#include "api/resource.h"
#include "codec/json.h"
#include "kube/credentials.h"
#include "loop/loop.h"
#include "net/transport.h"

/*
 * Reads here go to the API server, never to a cache (store_get reads the
 * cache).
 */
struct client;
struct client_call;

/* One place where the client reports what it does, for metrics. May be NULL. */
struct client_observer {
	void (*request_done)(void *arg, const char *verb, const struct resource *resource,
			     int http_status, int64_t duration_ms);
	void *arg;
};

/* All borrowed, must outlive the client. */
struct client *client_new(struct loop *loop, struct transport *transport,
			  const struct client_observer *observer);
/* Cancels what is under way, without callbacks; not from one. NULL is taken. */
void client_free(struct client *client);

/*
 * On a 401 have the credentials renewed, and send that request once more
 * when they were: a refused request had no effect. NULL: don't. Borrowed,
 * must outlive the client.
 */
void client_set_credentials(struct client *client, struct credentials *credentials);

/* Requests under way. */
size_t client_in_flight(const struct client *client);

/*
 * The end of a request, exactly once, unless cancelled.
 * `object` is the answer (filtered by the request's keep) in `arena`,
 * both valid until the callback returns, NULL when `err` has a code. The
 * text of `err` begins with the request: "apply deployments shop/web: …".
 */
typedef void client_done_fn(void *arg, struct arena *arena, struct json *object,
			    const struct err *err);

struct client_request {
	/* "get", "list", "create", "update", "apply", "patch" (merge), "json-patch", "delete" */
	const char *verb;
	const struct resource *resource;
	const char *ns;            /* NULL or "" for cluster-scoped, or a list over all */
	const char *name;          /* NULL for list and create (but for that of a subresource) */
	const char *subresource;   /* "status", "scale", … or NULL */
	const char *query;         /* further escaped parameters "a=b&c=d", or NULL */
	const char *manager;       /* fieldManager of a write, or NULL */
	bool force;                /* of an apply */
	bool dry_run;
	const struct json *body;   /* or NULL; written out before the call returns; not of a delete */
	const char *delete_uid;    /* preconditions of a delete, or NULL */
	uint64_t delete_version;   /* or 0 */
	bool delete_foreground;    /* the object stays until all that it owns is gone */
	const struct json_keep *keep; /* of the answer, NULL for everything */
	enum http_priority priority;
	int64_t timeout_ms;        /* 0: 30 s */
};

/*
 * Start a request. Never fails; failures come by `done`, never before
 * this has returned. No retry is made here but the one of a 401: the
 * caller's queue does that.
 * A delete asks for background propagation unless told. Its answer is a Status, or the
 * object while finalizers keep it: then it isn't gone.
 * `request` and what it points to are read before this returns, but
 * resource and keep, which must outlive the call.
 * Errors: answers that are no success become errors by api/status.h, of
 * which LIMIT_ERROR_BODY is read; a success whose body is cut off, not JSON
 * or no object is ERR_PARSE; an answer over LIMIT_DOCUMENT (ask for a list
 * in pages) or a body over LIMIT_REQUEST is ERR_LIMIT; the transport's own.
 */
struct client_call *client_start(struct client *client, const struct client_request *request,
				 client_done_fn *done, void *arg);
void client_cancel(struct client_call *call);

/*
 * The path of a request with its query, in the arena; for watches and
 * tests. NULL when it is longer than LIMIT_HTTP_HEAD.
 */
const char *client_path(struct arena *arena, const struct client_request *request);

#endif
