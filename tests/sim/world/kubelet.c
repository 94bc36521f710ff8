#include "kubelet.h"

#include <string.h>

#include "actors.h"
#include "codec/timestamp.h"
#include "tree.h"

static const char *now_text(struct cluster *cluster)
{
	char *text = arena_alloc(&cluster->arena, TIMESTAMP_MAX);

	timestamp_format(loop_wall_ms(cluster->loop), text);
	return text;
}

static struct json *container_of(const struct json *pod)
{
	const struct json *list = json_path(pod, "status", "containerStatuses", NULL);

	return list ? list->first : NULL;
}

/* The resources that the pod's one container asks for. */
static const struct json *asked_resources(const struct json *pod)
{
	const struct json *list = json_path(pod, "spec", "containers", NULL);

	return json_get(list ? list->first : NULL, "resources");
}

/* The resources that it has: once it runs, others only come by kubelet_resize(). */
static const struct json *resources_of(const struct json *pod)
{
	const struct json *resources = json_get(container_of(pod), "resources");

	return resources ? resources : asked_resources(pod);
}

static struct json *terminated(struct cluster *cluster, const struct json *running)
{
	struct json *state = json_new_object(&cluster->arena);
	struct json *ended = json_set_object(&cluster->arena, state, "terminated");

	json_set_string(&cluster->arena, ended, "startedAt",
	                json_string_or(json_get(running, "startedAt"), ""));
	json_set_string(&cluster->arena, ended, "finishedAt", now_text(cluster));
	json_set_int(&cluster->arena, ended, "exitCode", 1);
	return state;
}

/* Write the pod's status: what it does, and its one container. */
static void report(struct cluster *cluster, struct object *pod, const char *phase, int64_t restarts,
                   struct json *state, struct json *last)
{
	struct arena *arena = &cluster->arena;
	bool running = strcmp(phase, "Running") == 0;
	struct json *value = cluster_edit(cluster, pod), *container, *ready;
	struct json *status = json_new_object(arena);
	const struct json *resources = resources_of(value);

	json_set_string(arena, status, "phase", phase);
	ready = json_add(json_set_array(arena, status, "conditions"), json_new_object(arena));
	json_set_string(arena, ready, "type", "Ready");
	json_set_string(arena, ready, "status", running ? "True" : "False");
	container = json_add(json_set_array(arena, status, "containerStatuses"),
	                     json_new_object(arena));
	json_set_string(arena, container, "name", "dyno");
	json_set_int(arena, container, "restartCount", restarts);
	json_set(arena, container, "state", state);
	json_set(arena, container, "resources", json_clone(arena, resources));
	if (last)
		json_set(arena, container, "lastState", last);
	json_set(arena, value, "status", status);
	cluster_store(cluster, pod, value, "kubelet");
}

static struct json *started(struct cluster *cluster)
{
	struct json *state = json_new_object(&cluster->arena);

	json_set_string(&cluster->arena, json_set_object(&cluster->arena, state, "running"),
	                "startedAt", now_text(cluster));
	return state;
}

void kubelet_start(struct cluster *cluster, struct object *pod)
{
	report(cluster, pod, "Running", 0, started(cluster), NULL);
}

bool kubelet_resize(struct cluster *cluster, struct object *pod)
{
	struct json *value;

	if (json_equal(resources_of(pod->value), asked_resources(pod->value)))
		return false;
	if (loop_mono_ms(cluster->loop) - pod->changed_ms < POD_RESIZE_MS)
		return true;
	value = cluster_edit(cluster, pod);
	json_set(&cluster->arena, container_of(value), "resources",
	         json_clone(&cluster->arena, asked_resources(value)));
	cluster_store(cluster, pod, value, "kubelet");
	return true;
}

void kubelet_crash(struct cluster *cluster, struct object *pod)
{
	const struct json *container = container_of(pod->value);
	const struct json *running = json_path(container, "state", "running", NULL);

	if (running)
		report(cluster, pod, "Running",
		       json_int_or(json_get(container, "restartCount"), 0) + 1, started(cluster),
		       terminated(cluster, running));
}

void kubelet_end(struct cluster *cluster, struct object *pod)
{
	const struct json *container = container_of(pod->value);
	const struct json *last = json_get(container, "lastState");

	report(cluster, pod, "Failed", json_int_or(json_get(container, "restartCount"), 0),
	       terminated(cluster, json_path(container, "state", "running", NULL)),
	       last ? json_clone(&cluster->arena, last) : NULL);
}
