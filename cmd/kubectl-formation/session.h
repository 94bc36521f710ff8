/* The cluster: kubeconfig, connection, requests that are waited for. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "kube/client.h"
#include "kube/credentials.h"
#include "loop/loop.h"
#include "options.h"

struct session;

/*
 * Load the kubeconfig and make the client; nothing is sent. `options` is
 * borrowed and must outlive it.
 * Errors: those of kube_config_load and kube_config_connect.
 */
struct session *session_new(const struct options *options, struct err *err);
void session_free(struct session *session); /* NULL is taken */

const char *session_ns(const struct session *session);     /* -n, or the context's */
const char *session_server(const struct session *session); /* its URL */
struct loop *session_loop(struct session *session);
struct transport *session_transport(struct session *session);
struct credentials *session_credentials(struct session *session);

/*
 * A request and its answer. Several may be on their way at once: start
 * each, then wait for all.
 */
struct session_call {
	struct client_request request; /* filled in by the caller; ns NULL: none */
	struct arena *arena;           /* takes the answer */
	/* set when it is done: */
	struct json *answer; /* NULL when `err` has a code */
	struct err err;
	bool done;
	/* the session's own: */
	struct session *session;
	struct client_call *call;
	char *page;          /* of a list: the query asked with, */
	const char *query;   /* and the caller's */
};

/* Start it; `call` must stay where it is until it is done. A list is fetched in pages, all its items in one answer. */
void session_start(struct session *session, struct session_call *call);

/*
 * Run the loop until everything started is done, or a signal comes.
 * Returns 0, or -1 with ERR_CANCELED on SIGINT and SIGTERM, when all is cancelled.
 */
int session_wait(struct session *session, struct err *err);

/* Start one, wait, and give its answer in `arena`, or NULL with `err`. */
struct json *session_request(struct session *session, struct arena *arena,
			     const struct client_request *request, struct err *err);

/*
 * Run the loop until session_stop, a signal or `deadline_ms` from now (0:
 * none). Returns 0 when stopped; -1 with ERR_CANCELED (a signal) or
 * ERR_TIMEOUT.
 */
int session_run(struct session *session, int64_t deadline_ms, struct err *err);
void session_stop(struct session *session);

/* Wait a moment, as a signal or the deadline allow; as session_run. */
int session_pause(struct session *session, int64_t delay_ms, struct err *err);

/*
 * Say what a failed request means to a person: who was not allowed what, or
 * that the server can't be reached, and what to do. The code stays.
 */
void session_explain(const struct session *session, struct err *err);

#endif
