#include "live.h"

#include <stdlib.h>
#include <string.h>

#include "kube/informer.h"

enum { REDRAW_MS = 100, FORMATIONS = 0, PODS = 1, KINDS = 2 };

struct live {
	const char *ns;
	char *name;
	char *selector;
	struct store *stores[KINDS];
	struct informer *informers[KINDS];
	struct loop_timer *timer; /* runs while a change waits to be told */
	loop_fn *changed;
	void *arg;
};

static struct object *decode_formation(void *arg, struct arena *arena, const struct json *value,
				       struct err *err)
{
	(void)arg;
	(void)arena;
	return (struct object *)stored_formation_new(value, err);
}

static struct object *decode_pod(void *arg, struct arena *arena, const struct json *value,
				 struct err *err)
{
	(void)arg;
	(void)arena;
	return (struct object *)observed_pod_new(value, err);
}

static void on_timer(void *arg)
{
	struct live *live = arg;
	struct informer_state states[KINDS];

	for (size_t i = 0; i < KINDS; i++) {
		informer_state(live->informers[i], &states[i]);
		if (!states[i].synced)
			return;
	}
	live->changed(live->arg);
}

static void on_changed(void *arg, const struct object *old, const struct object *now)
{
	struct live *live = arg;

	(void)old;
	(void)now;
	if (!loop_timer_running(live->timer))
		loop_timer_start(live->timer, REDRAW_MS);
}

static void on_synced(void *arg)
{
	struct live *live = arg;

	loop_timer_start(live->timer, 0);
}

struct live *live_new(struct session *session, const char *ns, const char *formation,
		      loop_fn *changed, void *arg)
{
	struct live *live = x_calloc(1, sizeof(*live));
	struct informer_config config = {
		.resource = &RESOURCE_FORMATION,
		.ns = ns,
		.keep = KEEP_FORMATION,
		.credentials = session_credentials(session),
		.handlers = {decode_formation, on_changed, on_synced, live},
	};

	live->ns = ns;
	live->name = x_strdup(formation);
	live->selector = x_asprintf("%s=%s", LABEL_FORMATION, formation);
	live->changed = changed;
	live->arg = arg;
	live->timer = loop_timer_new(session_loop(session), on_timer, live);
	for (size_t i = 0; i < KINDS; i++) {
		config.store = live->stores[i] = store_new();
		if (i == PODS) {
			config.resource = &RESOURCE_POD;
			config.keep = KEEP_POD;
			config.label_selector = live->selector;
			config.handlers.decode = decode_pod;
		}
		live->informers[i] = informer_new(session_loop(session),
						  session_transport(session), &config);
		informer_start(live->informers[i]);
	}
	return live;
}

void live_free(struct live *live)
{
	if (!live)
		return;
	for (size_t i = 0; i < KINDS; i++) {
		informer_free(live->informers[i]);
		store_free(live->stores[i]);
	}
	loop_timer_free(live->timer);
	free(live->selector);
	free(live->name);
	free(live);
}

const struct stored_formation *live_formation(const struct live *live)
{
	return (const struct stored_formation *)store_get(live->stores[FORMATIONS], live->ns,
							  live->name);
}

struct gathering {
	const struct observed_pod **pods;
	size_t count;
};

static bool gather(void *arg, const struct object *object)
{
	struct gathering *gathering = arg;

	gathering->pods[gathering->count++] = (const struct observed_pod *)object;
	return true;
}

const struct observed_pod **live_pods(const struct live *live, struct arena *arena,
				      size_t *ret_count)
{
	struct gathering gathering = {
		.pods = arena_array(arena, const struct observed_pod *,
				    store_count(live->stores[PODS]) + 1)};

	store_each(live->stores[PODS], gather, &gathering);
	*ret_count = gathering.count;
	return gathering.pods;
}

const struct err *live_error(const struct live *live)
{
	struct informer_state state;

	for (size_t i = 0; i < KINDS; i++) {
		informer_state(live->informers[i], &state);
		if (state.error)
			return state.error;
	}
	return NULL;
}
