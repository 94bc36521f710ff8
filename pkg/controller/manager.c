#include "controller/manager.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "controller/actors.h"
#include "controller/health.h"
#include "controller/size_status.h"
#include "controller/worker.h"
#include "net/http_server.h"

enum {
	STOP_MOST_MS = 10 * 1000,  /* for requests under way */
	STOP_EVENTS_MS = 500,      /* for events that wait */
	STOP_LOOK_MS = 20,         /* how often to look whether events are left */
};

enum manager_state {
	MANAGER_NEW,      /* nothing started */
	MANAGER_SYNCING,  /* caches are being filled */
	MANAGER_STANDBY,  /* caches are full, another controller writes */
	MANAGER_RUNNING,  /* caches are full, plans are carried out */
	MANAGER_STOPPING, /* requests under way may end */
	MANAGER_FLUSHING, /* events that wait may be sent */
	MANAGER_STOPPED,  /* config.stopped has been called */
	MANAGER_STATES,
};

static const char *const STATE_NAMES[] = {
	[MANAGER_NEW] = "new",           [MANAGER_SYNCING] = "syncing",
	[MANAGER_STANDBY] = "standby",   [MANAGER_RUNNING] = "running",
	[MANAGER_STOPPING] = "stopping", [MANAGER_FLUSHING] = "flushing",
	[MANAGER_STOPPED] = "stopped",
};

struct manager {
	struct loop *loop;
	enum manager_state state;
	bool leading;                       /* may write, once the caches are full */
	loop_fn *synced;
	loop_fn *stopped;
	void *arg;
	struct metrics *metrics;
	struct client_observer observer;
	struct client *client;
	struct recorder *recorder;
	struct actors *actors;
	struct cache *cache;
	struct worker *worker;
	struct size_status *sizes;          /* NULL: some namespaces only are watched */
	struct health *health;
	struct http_server *metrics_server;
	struct http_server *health_server;  /* may be the same */
	struct loop_timer *deadline;        /* of stopping, then of flushing */
	struct loop_timer *look;            /* while flushing */
	int64_t started_ms;
};

static void enter(struct manager *manager, enum manager_state state)
{
	assert(state > manager->state);
	log_debug("manager", "%s -> %s", STATE_NAMES[manager->state], STATE_NAMES[state]);
	manager->state = state;
}

/* --- what the cache tells ------------------------------------------ */

static void on_wake(void *arg, const char *ns, const char *name, enum change change)
{
	struct manager *manager = arg;

	worker_add(manager->worker, ns, name, change);
}

/* The worker finds nothing to decide about and forgets it. */
static void on_gone(void *arg, const char *ns, const char *name)
{
	struct manager *manager = arg;

	worker_add(manager->worker, ns, name, CHANGE_NOW);
}

static void on_counted(void *arg)
{
	struct manager *manager = arg;

	if (manager->sizes)
		size_status_note(manager->sizes);
}

static void begin(struct manager *manager)
{
	enter(manager, MANAGER_RUNNING);
	worker_start(manager->worker);
	if (manager->sizes)
		size_status_start(manager->sizes);
}

void manager_lead(struct manager *manager)
{
	manager->leading = true;
	if (manager->state == MANAGER_STANDBY)
		begin(manager);
}

bool manager_is_idle(const struct manager *manager)
{
	return worker_active(manager->worker) == 0 &&
	       (!manager->sizes || size_status_is_idle(manager->sizes));
}

static void on_synced(void *arg)
{
	struct manager *manager = arg;
	struct metrics_cache counts[CACHE_RESOURCES];

	cache_counts(manager->cache, counts);
	log_info("manager", "caches synced after %lld ms: %llu formations, %llu deployments",
		 (long long)(loop_mono_ms(manager->loop) - manager->started_ms),
		 (unsigned long long)counts[0].objects, (unsigned long long)counts[2].objects);
	enter(manager, MANAGER_STANDBY);
	if (manager->leading)
		begin(manager);
	if (manager->synced)
		manager->synced(manager->arg);
}

/* --- servers ------------------------------------------------------- */

static int serve_metrics(void *arg, const char *query, struct buf *body)
{
	struct manager *manager = arg;
	struct metrics_cache counts[CACHE_RESOURCES];
	struct metrics_gauges gauges = {
		.leading = manager->leading && manager->state <= MANAGER_RUNNING,
		.queue_depth = worker_depth(manager->worker),
		.queue_active = worker_active(manager->worker),
		.caches = counts,
		.cache_count = CACHE_RESOURCES,
	};

	(void)query;
	cache_counts(manager->cache, counts);
	recorder_counts(manager->recorder, &gauges.events_sent, &gauges.events_dropped);
	metrics_write(manager->metrics, &gauges, body);
	return body->overflow ? 500 : 200;
}

static int serve_healthz(void *arg, const char *query, struct buf *body)
{
	(void)arg;
	(void)query;
	buf_puts(body, "ok\n");
	return 200;
}

static int serve_readyz(void *arg, const char *query, struct buf *body)
{
	struct manager *manager = arg;

	(void)query;
	if (manager->state > MANAGER_RUNNING) {
		buf_puts(body, "stopping\n");
		return 503;
	}
	if (!health_ready(manager->health, body))
		return 503;
	buf_puts(body, "ok\n");
	return 200;
}

static int listen_on(struct manager *manager, const struct manager_config *config,
		     struct err *err)
{
	const char *metrics = config->metrics_address, *health = config->health_address;

	if (metrics) {
		manager->metrics_server = http_server_new(manager->loop, metrics, err);
		if (!manager->metrics_server)
			return err_wrap(err, "metrics");
		http_server_handle(manager->metrics_server, "/metrics", serve_metrics, manager);
	}
	if (health && metrics && strcmp(health, metrics) == 0)
		manager->health_server = manager->metrics_server;
	else if (health)
		manager->health_server = http_server_new(manager->loop, health, err);
	if (health && !manager->health_server)
		return err_wrap(err, "health probes");
	if (health) {
		http_server_handle(manager->health_server, "/healthz", serve_healthz, manager);
		http_server_handle(manager->health_server, "/readyz", serve_readyz, manager);
	}
	return 0;
}

int manager_metrics_port(const struct manager *manager)
{
	return manager->metrics_server ? http_server_port(manager->metrics_server) : 0;
}

int manager_health_port(const struct manager *manager)
{
	return manager->health_server ? http_server_port(manager->health_server) : 0;
}

/* --- the end ------------------------------------------------------- */

static void finish_stop(struct manager *manager)
{
	if (manager->state == MANAGER_STOPPED)
		return;
	enter(manager, MANAGER_STOPPED);
	loop_timer_stop(manager->deadline);
	loop_timer_stop(manager->look);
	manager->stopped(manager->arg);
}

static void on_look(void *arg)
{
	struct manager *manager = arg;

	if (recorder_pending(manager->recorder) == 0 && manager_is_idle(manager))
		finish_stop(manager);
	else
		loop_timer_start(manager->look, STOP_LOOK_MS);
}

static void on_idle(void *arg)
{
	struct manager *manager = arg;

	if (manager->state != MANAGER_STOPPING)
		return;
	enter(manager, MANAGER_FLUSHING);
	loop_timer_start(manager->deadline, STOP_EVENTS_MS);
	on_look(manager);
}

static void on_deadline(void *arg)
{
	struct manager *manager = arg;

	if (manager->state == MANAGER_STOPPING)
		log_warn("manager", "requests under way were given up after %d s",
			 STOP_MOST_MS / 1000);
	finish_stop(manager);
}

void manager_stop(struct manager *manager)
{
	if (manager->state >= MANAGER_STOPPING)
		return;
	enter(manager, MANAGER_STOPPING);
	cache_stop(manager->cache);
	if (manager->sizes)
		size_status_stop(manager->sizes);
	loop_timer_start(manager->deadline, STOP_MOST_MS);
	worker_stop(manager->worker, on_idle, manager);
}

/* --- life ---------------------------------------------------------- */

struct manager *manager_new(struct loop *loop, struct transport *transport,
			    const struct manager_config *config, struct err *err)
{
	struct manager *manager = x_calloc(1, sizeof(*manager));

	manager->loop = loop;
	manager->leading = !config->standby;
	manager->synced = config->synced;
	manager->stopped = config->stopped;
	manager->arg = config->arg;
	manager->deadline = loop_timer_new(loop, on_deadline, manager);
	manager->look = loop_timer_new(loop, on_look, manager);
	manager->metrics = metrics_new(config->version, loop_wall_ms(loop));
	manager->observer = (struct client_observer){metrics_request_done, manager->metrics};
	manager->client = client_new(loop, transport, &manager->observer);
	client_set_credentials(manager->client, config->credentials);
	manager->recorder = recorder_new(loop, manager->client, "dyno.dev/formation-controller",
					 config->instance);
	manager->actors = actors_new(loop, manager->client);
	manager->cache = cache_new(&(struct cache_config){
		.loop = loop,
		.transport = transport,
		.credentials = config->credentials,
		.namespaces = config->namespaces,
		.stream_lists = config->stream_lists,
		.events = {on_wake, on_gone, on_counted, on_synced, manager},
	});
	manager->worker = worker_new(&(struct worker_config){
		.loop = loop,
		.client = manager->client,
		.cache = manager->cache,
		.recorder = manager->recorder,
		.actors = manager->actors,
		.metrics = manager->metrics,
		.max_size_changes = config->max_size_changes,
	});
	if (!config->namespaces || !config->namespaces[0])
		manager->sizes = size_status_new(loop, manager->client, manager->cache);
	manager->health = health_new(loop, manager->cache);
	if (listen_on(manager, config, err) != 0) {
		manager_free(manager);
		return NULL;
	}
	return manager;
}

void manager_free(struct manager *manager)
{
	if (!manager)
		return;
	if (manager->health_server != manager->metrics_server)
		http_server_free(manager->health_server);
	http_server_free(manager->metrics_server);
	health_free(manager->health);
	size_status_free(manager->sizes);
	worker_free(manager->worker);
	cache_free(manager->cache);
	actors_free(manager->actors);
	recorder_free(manager->recorder);
	client_free(manager->client);
	metrics_free(manager->metrics);
	loop_timer_free(manager->look);
	loop_timer_free(manager->deadline);
	free(manager);
}

void manager_start(struct manager *manager)
{
	manager->started_ms = loop_mono_ms(manager->loop);
	enter(manager, MANAGER_SYNCING);
	actors_start(manager->actors);
	cache_start(manager->cache);
}
