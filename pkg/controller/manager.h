/* Owns the controller's parts, and starts and ends them in order. */
#ifndef CONTROLLER_MANAGER_H
#define CONTROLLER_MANAGER_H

#include <stdbool.h>
#include <stddef.h>

#include "kube/credentials.h"
#include "loop/loop.h"
#include "net/transport.h"

/*
 * Loop and transport come from outside: the program brings libevent's and
 * libcurl's, the simulator a virtual clock and a model of the API server.
 */
struct manager;

struct manager_config {
	const char *const *namespaces;   /* ended by NULL; NULL or empty: all. Copied. */
	const char *metrics_address;     /* of /metrics, or NULL for none */
	const char *health_address;      /* of /healthz and /readyz, or NULL; may be the same */
	size_t max_size_changes;         /* Formations that follow a changed size at once */
	const char *version;             /* for metrics; copied */
	const char *instance;            /* for events: host or pod name; copied */
	bool stream_lists;               /* where the server can: KEP-3157 */
	bool standby;                    /* write nothing before manager_lead */
	struct credentials *credentials; /* renewed on a 401, or NULL; borrowed */
	loop_fn *synced;                 /* once, when the caches have synced, or NULL */
	loop_fn *stopped;                /* once, after manager_stop */
	void *arg;                       /* of both */
};

/*
 * Errors: what http_server_new says of an address. `loop` and `transport`
 * are borrowed and must outlive the manager.
 */
struct manager *manager_new(struct loop *loop, struct transport *transport,
			    const struct manager_config *config, struct err *err);

/* Cancels whatever is under way, without callbacks. NULL is taken. */
void manager_free(struct manager *manager);

/*
 * Fill the caches; when they have synced, reconcile. On standby with that
 * wait for manager_lead: with full caches it takes over at once.
 */
void manager_start(struct manager *manager);

/* From now on this one of several controllers is the one that writes. */
void manager_lead(struct manager *manager);

/* Whether no write is under way: after `stopped`, a lease may be released then. */
bool manager_is_idle(const struct manager *manager);

/*
 * Start nothing more, let requests that are under way end (for at most 10
 * s) and events that wait be sent (for at most half a second), then call
 * config->stopped. A second call does nothing.
 */
void manager_stop(struct manager *manager);

/* The ports that are listened on, 0 for none. */
int manager_metrics_port(const struct manager *manager);
int manager_health_port(const struct manager *manager);

#endif
