#include <stdlib.h>
#include <string.h>

#include "api/resource.h"
#include "codec/timestamp.h"
#include "formation/desired.h"
#include "formation/hash.h"
#include "formation/observed.h"
#include "formation/permit.h"
#include "formation/sized.h"
#include "formation/text.h"

static const struct json_keep KEEP_CONTAINER_STATUS[] = {
	{ "name", NULL },      { "restartCount", NULL }, { "state", NULL },
	{ "lastState", NULL }, { "resources", NULL },    { 0 },
};

static const struct json_keep KEEP_POD_CONDITION[] = {
	{ "type", NULL },
	{ "status", NULL },
	{ "reason", NULL },
	{ "message", NULL },
	{ "lastTransitionTime", NULL },
	{ 0 },
};

static const struct json_keep KEEP_POD_STATUS[] = {
	{ "phase", NULL },
	{ "conditions", KEEP_POD_CONDITION },
	{ "containerStatuses", KEEP_CONTAINER_STATUS },
	{ 0 },
};

static const struct json_keep KEEP_POD_SPEC[] = {
	{ "nodeName", NULL },
	{ "schedulingGates", NULL },
	{ 0 },
};

const struct json_keep KEEP_POD[] = {
	{ "metadata", KEEP_METADATA },
	{ "spec", KEEP_POD_SPEC },
	{ "status", KEEP_POD_STATUS },
	{ 0 },
};

static const struct json *by_name(const struct json *list, const char *key, const char *name)
{
	json_for_each (item, list) {
		if (strcmp(json_string_or(json_get(item, key), ""), name) == 0)
			return item;
	}
	return NULL;
}

static const char *text_of(const struct json *value, const char *key)
{
	return json_string_or(json_get(value, key), "");
}

static int64_t time_of(const struct json *value, const char *key)
{
	int64_t ms = timestamp_parse(text_of(value, key));

	return ms < 0 ? 0 : ms;
}

static enum pod_phase phase_of(const struct json *status)
{
	static const char *const NAMES[] = {
		[POD_PENDING] = "Pending",
		[POD_RUNNING] = "Running",
		[POD_SUCCEEDED] = "Succeeded",
		[POD_FAILED] = "Failed",
	};
	const char *phase = text_of(status, "phase");

	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		if (strcmp(NAMES[i], phase) == 0)
			return (enum pod_phase)i;
	}
	return POD_UNKNOWN;
}

/* The number in "web.1", 0 when it is no name of a dyno of that type. */
static int dyno_number(const char *name, const char *type)
{
	size_t len = strlen(type);
	char *end = NULL;
	long number;

	if (strncmp(name, type, len) != 0 || name[len] != '.' || name[len + 1] < '1' ||
	    name[len + 1] > '9')
		return 0;
	number = strtol(name + len + 1, &end, 10);
	return *end || number > INT32_MAX ? 0 : (int)number;
}

static bool has_cost(const struct json *metadata, int dyno)
{
	const char *cost = json_string_or(
		json_path(metadata, "annotations", ANNOTATION_DELETION_COST, NULL), "");

	return dyno > 0 && *cost == '-' && cost[1] >= '1' && cost[1] <= '9' &&
	       strtol(cost + 1, NULL, 10) == dyno;
}

static void read_exit(struct observed_pod *pod, const struct json *container)
{
	const struct json *ended = json_path(container, "state", "terminated", NULL);

	pod->last_exit_code = -1;
	if (!ended)
		ended = json_path(container, "lastState", "terminated", NULL);
	if (!ended)
		return;
	pod->last_exit_code = (int)json_int_or(json_get(ended, "exitCode"), -1);
	pod->oom_killed = strcmp(text_of(ended, "reason"), "OOMKilled") == 0;
	pod->last_exit_ms = time_of(ended, "finishedAt");
}

static int64_t since_of(const struct observed_pod *pod, const struct json *container,
                        const struct json *ready)
{
	const struct json *state = json_get(container, "state");
	int64_t since_ms = time_of(json_get(state, "running"), "startedAt");

	if (!since_ms)
		since_ms = time_of(json_get(state, "terminated"), "finishedAt");
	if (!since_ms)
		since_ms = time_of(ready, "lastTransitionTime");
	return since_ms ? since_ms : pod->object.created_ms;
}

static int gate_index(const struct json *gates)
{
	int index = 0;

	json_for_each (gate, gates) {
		if (strcmp(text_of(gate, "name"), SINGLETON_GATE) == 0)
			return index;
		index++;
	}
	return -1;
}

/* The timestamp says when it has to be gone, which is a grace period after it was asked for. */
static int64_t deletion_time(const struct json *metadata)
{
	int64_t until_ms = time_of(metadata, "deletionTimestamp");
	int64_t grace_s = json_int_or(json_get(metadata, "deletionGracePeriodSeconds"), 0);

	return until_ms > grace_s * 1000 ? until_ms - grace_s * 1000 : until_ms;
}

static void read_status(struct observed_pod *pod, const struct json *value,
                        const struct json *container)
{
	const struct json *status = json_get(value, "status");
	const struct json *ready = by_name(json_get(status, "conditions"), "type", "Ready");

	pod->phase = phase_of(status);
	pod->ready = strcmp(text_of(ready, "status"), "True") == 0;
	pod->running = json_path(container, "state", "running", NULL) != NULL;
	pod->restarts = (int)json_int_or(json_get(container, "restartCount"), 0);
	pod->gated = json_path(value, "spec", "schedulingGates", NULL) &&
	             json_count(json_path(value, "spec", "schedulingGates", NULL)) > 0;
	pod->singleton_gate = gate_index(json_path(value, "spec", "schedulingGates", NULL));
	pod->deleting_ms = deletion_time(json_get(value, "metadata"));
	read_exit(pod, container);
	pod->since_ms = since_of(pod, container, ready);
	if (!pod->ready)
		pod->unready_ms = time_of(ready, "lastTransitionTime");
	if (!pod->ready && !pod->unready_ms)
		pod->unready_ms = pod->object.created_ms;
}

/* The dyno's container; where something renamed it, the first. */
static const struct json *dyno_container(const struct json *value)
{
	const struct json *list = json_path(value, "status", "containerStatuses", NULL);
	const struct json *container = by_name(list, "name", CONTAINER_NAME);

	return container ? container : (list ? list->first : NULL);
}

static const char *unschedulable(const struct json *value)
{
	const struct json *scheduled =
		by_name(json_path(value, "status", "conditions", NULL), "type", "PodScheduled");

	if (strcmp(text_of(scheduled, "status"), "False") != 0 ||
	    strcmp(text_of(scheduled, "reason"), "Unschedulable") != 0)
		return NULL;
	return text_of(scheduled, "message");
}

/* What the kubelet says of a resize that it has not carried out, or NULL. */
static const struct json *resize_condition(const struct json *value)
{
	static const char *const TYPES[] = { "PodResizePending", "PodResizeInProgress" };

	for (size_t i = 0; i < sizeof(TYPES) / sizeof(TYPES[0]); i++) {
		const struct json *condition =
			by_name(json_path(value, "status", "conditions", NULL), "type", TYPES[i]);

		if (strcmp(text_of(condition, "status"), "True") == 0)
			return condition;
	}
	return NULL;
}

static const char *resize_word(const struct json *condition)
{
	const char *reason = text_of(condition, "reason");

	if (!condition)
		return NULL;
	return *reason ? reason : "InProgress";
}

/* The strings of a pod, first as they are read, then as they are packed. */
struct pod_texts {
	const char *type, *size, *waiting, *waiting_message, *unschedulable, *node, *resources,
		*resize, *resize_message;
};

static struct pod_texts read_texts(const struct json *value, const struct json *container)
{
	const struct json *labels = json_path(value, "metadata", "labels", NULL);
	const struct json *waiting = json_path(container, "state", "waiting", NULL);
	const struct json *resize = resize_condition(value);

	return (struct pod_texts){
		.type = text_of(labels, LABEL_TYPE),
		.size = text_of(labels, LABEL_SIZE),
		.waiting = json_string_or(json_get(waiting, "reason"), NULL),
		.waiting_message = json_string_or(json_get(waiting, "message"), NULL),
		.unschedulable = unschedulable(value),
		.node = json_string_or(json_path(value, "spec", "nodeName", NULL), NULL),
		.resources = sized_of(value),
		.resize = resize_word(resize),
		.resize_message = resize ? text_of(resize, "message") : NULL,
	};
}

struct observed_pod *observed_pod_new(const struct json *value, struct err *err)
{
	const struct json *metadata = json_get(value, "metadata");
	const struct json *container = dyno_container(value);
	struct pod_texts texts = read_texts(value, container);
	struct observed_pod *pod;
	char *at = NULL;

	pod = (struct observed_pod *)object_new(
		value, sizeof(*pod),
		text_packed(texts.type) + text_packed(texts.size) + text_packed(texts.waiting) +
			text_packed(texts.waiting_message) + text_packed(texts.unschedulable) +
			text_packed(texts.node) + text_packed(texts.resources) +
			text_packed(texts.resize) + text_packed(texts.resize_message),
		&at, err);
	if (!pod)
		return NULL;
	pod->type = text_pack(&at, texts.type);
	pod->size = text_pack(&at, texts.size);
	pod->waiting = text_pack(&at, texts.waiting);
	pod->waiting_message = text_pack(&at, texts.waiting_message);
	pod->unschedulable = text_pack(&at, texts.unschedulable);
	pod->node = text_pack(&at, texts.node);
	pod->resources = text_pack(&at, texts.resources);
	pod->resize = text_pack(&at, texts.resize);
	pod->resize_message = text_pack(&at, texts.resize_message);
	pod->resources_hash = hash_value(HASH_INIT, json_get(container, "resources"));
	pod->dyno = dyno_number(text_of(json_get(metadata, "labels"), LABEL_DYNO), pod->type);
	pod->has_deletion_cost = has_cost(metadata, pod->dyno);
	pod->runs = pod_runs_of(container);
	read_status(pod, value, container);
	return pod;
}
