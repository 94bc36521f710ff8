#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "codec/timestamp.h"
#include "formation/desired.h"

static const char SIZES[] =
	"[{\"metadata\":{\"name\":\"1x\"},\"spec\":{\"memory\":\"512Mi\",\"cpu\":\"100m\"}},"
	"{\"metadata\":{\"name\":\"2x\"},\"spec\":{\"memory\":\"1Gi\",\"cpu\":\"200m\"}},"
	"{\"metadata\":{\"name\":\"px\"},\"spec\":{\"memory\":\"6Gi\",\"cpu\":\"4\",\"dedicated\":"
        "true}}]";

static const char FORMATION[] =
	"{\"metadata\":{\"name\":\"shop\",\"namespace\":\"default\",\"uid\":\"uid-of-shop\","
	"\"resourceVersion\":\"50\",\"generation\":3}}";

static const char ROLLED_OUT[] = "{\"metadata\":{\"resourceVersion\":\"100\",\"generation\":1,"
				 "\"creationTimestamp\":\"2026-11-23T11:00:00Z\"}}";

static const char POD[] =
	"{\"metadata\":{\"namespace\":\"default\",\"resourceVersion\":\"200\","
	"\"creationTimestamp\":\"2026-11-23T11:00:00Z\","
	"\"ownerReferences\":[{\"kind\":\"ReplicaSet\",\"name\":\"rs\",\"uid\":\"uid-of-rs\","
	"\"controller\":true}]},\"spec\":{\"nodeName\":\"node-1\"},"
	"\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\","
	"\"lastTransitionTime\":\"2026-11-23T11:00:05Z\"}],"
	"\"containerStatuses\":[{\"name\":\"dyno\",\"restartCount\":0,"
	"\"state\":{\"running\":{\"startedAt\":\"2026-11-23T11:00:04Z\"}}}]}}";

/* Reading, for as long as nothing failed. */
struct reader {
	struct arena *arena;
	const struct json *formation; /* the tree, for "$from" */
	struct world *world;
	struct err *err;
	bool failed;
};

static struct json *parse(struct reader *reader, const char *text)
{
	struct json *value = NULL;

	if (json_parse(reader->arena, text, strlen(text), NULL, &value, reader->err) < 0)
		reader->failed = true;
	return value;
}

static const struct json *with_null(const struct json *list)
{
	return list && list->type == JSON_ARRAY ? list : NULL;
}

static void read_sizes(struct reader *reader, const struct json *list)
{
	const struct json *source = list ? list : parse(reader, SIZES);
	struct dyno_size *sizes =
		arena_array(reader->arena, struct dyno_size, json_count(source) + 1);
	size_t count = 0;

	json_for_each (item, source) {
		if (dyno_size_decode(reader->arena, item, &sizes[count++], reader->err) < 0)
			reader->failed = true;
	}
	reader->world->sizes = (struct dyno_sizes){ .items = sizes, .count = count };
}

/* --- objects written shortly --------------------------------------- */

static struct json *rendered(struct reader *reader, const struct formation *formation,
                             const struct resource *resource, const char *type)
{
	const char *name = process_object_name(reader->arena, formation, type);
	const struct process *process = formation_process_of(formation, name);
	const struct dyno_size *size;

	if (!process || process->problem || !reader->world->sizes.count ||
	    (formation->problem && !formation->image && !process->image)) {
		reader->failed = true;
		err_set(reader->err, ERR_INVALID,
		        "\"$applied\": there is no process %s that can be rendered", type);
		return NULL;
	}
	size = dyno_sizes_find(&reader->world->sizes, process->size);
	if (resource == &RESOURCE_SERVICE)
		return desired_service(reader->arena, formation, process);
	if (resource == &RESOURCE_BUDGET)
		return desired_budget(reader->arena, formation, process);
	return desired_deployment(reader->arena, formation, process,
	                          size ? size : &reader->world->sizes.items[0], TEMPLATE_VERSION);
}

static void set_status(struct arena *arena, struct json *object)
{
	static const char *const COUNTS[] = { "replicas", "updatedReplicas", "readyReplicas",
		                              "availableReplicas" };
	struct json *status = json_set_object(arena, object, "status");
	int64_t replicas = json_int_or(json_path(object, "spec", "replicas", NULL), 1);

	json_set_int(arena, status, "observedGeneration", 1);
	for (size_t i = 0; i < sizeof(COUNTS) / sizeof(COUNTS[0]); i++)
		json_set_int(arena, status, COUNTS[i], replicas);
}

/* A copy without the members of that name, as a server that doesn't know them stores it. */
static struct json *without(struct arena *arena, const struct json *value, const char *key)
{
	struct json *copy;

	if (value->type != JSON_OBJECT && value->type != JSON_ARRAY)
		return json_clone(arena, value);
	copy = value->type == JSON_OBJECT ? json_new_object(arena) : json_new_array(arena);
	json_for_each (item, value) {
		if (value->type == JSON_ARRAY)
			json_add(copy, without(arena, item, key));
		else if (strcmp(item->key, key) != 0)
			json_set(arena, copy, item->key, without(arena, item, key));
	}
	return copy;
}

static struct json *applied_object(struct reader *reader, const struct resource *resource,
                                   const struct json *value)
{
	struct arena *arena = reader->arena;
	const struct json *from = json_get(value, "$from");
	struct formation formation = reader->world->formation;
	struct json *object, *metadata;

	if (from && formation_decode(arena, merge_patch(arena, reader->formation, from), &formation,
	                             reader->err) < 0)
		reader->failed = true;
	object = rendered(reader, &formation, resource,
	                  json_string_or(json_get(value, "$applied"), ""));
	if (!object)
		return NULL;
	object = merge_patch(arena, object, parse(reader, ROLLED_OUT));
	metadata = (struct json *)json_get(object, "metadata");
	json_set(arena, metadata, "uid",
	         json_new_printf(arena, "%s-%s", resource->plural,
	                         json_string_or(json_get(metadata, "name"), "")));
	if (resource == &RESOURCE_DEPLOYMENT)
		set_status(arena, object);
	object = merge_patch(arena, object, value);
	return without(arena, object, json_string_or(json_get(value, "$drop"), ""));
}

static struct json *pod_object(struct reader *reader, const struct json *value)
{
	struct arena *arena = reader->arena;
	const char *type = json_string_or(json_get(value, "$pod"), "");
	int64_t number = json_int_or(json_get(value, "$number"), 1);
	struct json *object = parse(reader, POD);
	struct json *metadata = (struct json *)json_get(object, "metadata");
	struct json *labels = json_set_object(arena, metadata, "labels");
	struct json *annotations = json_set_object(arena, metadata, "annotations");
	const char *name =
		arena_printf(arena, "%s-%s-%d", reader->world->formation.name, type, (int)number);

	json_set_string(arena, metadata, "name", name);
	json_set(arena, metadata, "uid", json_new_printf(arena, "pods-%s", name));
	json_set_string(arena, labels, LABEL_FORMATION, reader->world->formation.name);
	json_set_string(arena, labels, LABEL_TYPE, type);
	json_set_string(arena, labels, LABEL_SIZE, "1X");
	json_set(arena, labels, LABEL_DYNO, json_new_printf(arena, "%s.%d", type, (int)number));
	json_set(arena, annotations, ANNOTATION_DELETION_COST,
	         json_new_printf(arena, "-%d", (int)number));
	return merge_patch(arena, object, value);
}

static const struct json *expand(struct reader *reader, const struct resource *resource,
                                 const struct json *value)
{
	if (json_get(value, "$applied"))
		return applied_object(reader, resource, value);
	if (json_get(value, "$pod"))
		return pod_object(reader, value);
	return value;
}

/* --- projections --------------------------------------------------- */

/* `value` as it comes out of a watch: with what `keep` names. */
static const struct json *reread(struct reader *reader, const struct json *value,
                                 const struct json_keep *keep)
{
	const char *text = json_text(reader->arena, value);
	struct json *kept = NULL;

	if (json_parse(reader->arena, text, strlen(text), keep, &kept, reader->err) < 0)
		reader->failed = true;
	return kept;
}

static struct observed_child *project(struct reader *reader, const struct resource *resource,
                                      const struct json *value)
{
	struct observed_child *child;

	value = expand(reader, resource, value);
	if (!value)
		return NULL;
	value = reread(reader, value,
	               resource == &RESOURCE_DEPLOYMENT ? KEEP_DEPLOYMENT : KEEP_CHILD);
	if (resource == &RESOURCE_DEPLOYMENT)
		child = (struct observed_child *)observed_deployment_new(value, reader->err);
	else
		child = observed_child_new(value, reader->err);
	if (child)
		desired_compare(reader->arena, &reader->world->formation, &reader->world->sizes,
		                resource, value, child);
	return child;
}

static void follow(struct reader *reader, const struct resource *resource,
                   struct observed_child *child, const struct json *before)
{
	json_for_each (item, with_null(before)) {
		struct observed_child *old = project(reader, resource, item);

		if (old && strcmp(old->object.uid, child->object.uid) == 0)
			observed_child_follow(child, old);
		free(old);
	}
}

static struct observed_child **read_children(struct reader *reader, const struct json *value,
                                             const char *key, const struct resource *resource,
                                             size_t *ret_count)
{
	const struct json *list = with_null(json_get(value, key));
	struct observed_child **children =
		arena_array(reader->arena, struct observed_child *, json_count(list) + 1);
	size_t count = 0;

	json_for_each (item, list) {
		children[count] = project(reader, resource, item);
		if (!children[count]) {
			reader->failed = true;
			continue;
		}
		follow(reader, resource, children[count], json_path(value, "before", key, NULL));
		count++;
	}
	*ret_count = count;
	return children;
}

static struct observed_pod **read_pods(struct reader *reader, const struct json *list,
                                       size_t *ret_count)
{
	struct observed_pod **pods =
		arena_array(reader->arena, struct observed_pod *, json_count(list) + 1);
	size_t count = 0;

	json_for_each (item, list) {
		const struct json *pod =
			reread(reader, expand(reader, &RESOURCE_POD, item), KEEP_POD);

		pods[count] = observed_pod_new(pod, reader->err);
		reader->failed |= !pods[count];
		count += pods[count] != NULL;
	}
	*ret_count = count;
	return pods;
}

/* --- failures ------------------------------------------------------ */

static const struct resource *resource_of(const char *kind)
{
	static const struct resource *const ALL[] = { &RESOURCE_DEPLOYMENT, &RESOURCE_SERVICE,
		                                      &RESOURCE_BUDGET, &RESOURCE_POD,
		                                      &RESOURCE_FORMATION };

	for (size_t i = 0; i < sizeof(ALL) / sizeof(ALL[0]); i++) {
		if (strcmp(ALL[i]->kind, kind) == 0)
			return ALL[i];
	}
	return &RESOURCE_DEPLOYMENT;
}

static enum err_code code_of(const char *name)
{
	for (int code = ERR_NONE; code <= ERR_SYSTEM; code++) {
		if (strcmp(err_code_name((enum err_code)code), name) == 0)
			return (enum err_code)code;
	}
	return ERR_NONE;
}

static void read_failures(struct reader *reader, const struct json *list)
{
	struct write_failure *failures =
		arena_array(reader->arena, struct write_failure, json_count(list) + 1);
	size_t count = 0;

	json_for_each (item, list) {
		failures[count] = (struct write_failure){
			.type = json_string_or(json_get(item, "type"), NULL),
			.resource = resource_of(json_string_or(json_get(item, "resource"), "")),
			.code = code_of(json_string_or(json_get(item, "code"), "")),
			.create = json_bool_or(json_get(item, "create"), false),
			.message = json_string_or(json_get(item, "message"), ""),
		};
		if (failures[count++].code == ERR_NONE)
			reader->failed = true;
	}
	reader->world->input.failures = failures;
	reader->world->input.failure_count = count;
}

static void read_rivals(struct reader *reader, const struct json *list)
{
	struct rival_note *rivals =
		arena_array(reader->arena, struct rival_note, json_count(list) + 1);
	size_t count = 0;

	json_for_each (item, list) {
		rivals[count++] = (struct rival_note){
			.type = json_string_or(json_get(item, "type"), NULL),
			.text = json_string_or(json_get(item, "text"), ""),
			.left_ms = json_int_or(json_get(item, "leftMs"), 0),
		};
	}
	reader->world->input.rivals = rivals;
	reader->world->input.rival_count = count;
}

/* --- all of it ----------------------------------------------------- */

int world_read(struct arena *arena, const struct json *value, struct world *ret_world,
               struct err *err)
{
	struct reader reader = { .arena = arena, .world = ret_world, .err = err };
	struct reconcile_input *input = &ret_world->input;

	*ret_world = (struct world){ 0 };
	reader.formation =
		merge_patch(arena, parse(&reader, FORMATION), json_get(value, "formation"));
	read_sizes(&reader, with_null(json_get(value, "sizes")));
	if (formation_decode(arena, reader.formation, &ret_world->formation, err) < 0)
		return -1;
	input->formation = &ret_world->formation;
	input->sizes = &ret_world->sizes;
	input->deployments = (const struct observed_deployment *const *)read_children(
		&reader, value, "deployments", &RESOURCE_DEPLOYMENT, &input->deployment_count);
	input->services = (const struct observed_child *const *)read_children(
		&reader, value, "services", &RESOURCE_SERVICE, &input->service_count);
	input->budgets = (const struct observed_child *const *)read_children(
		&reader, value, "budgets", &RESOURCE_BUDGET, &input->budget_count);
	input->pods = (const struct observed_pod *const *)read_pods(
		&reader, with_null(json_get(value, "pods")), &input->pod_count);
	input->pods_version = UINT64_MAX;
	/* Unless a world is about usage, its dynos are ones that never ran. */
	for (size_t i = 0; i < input->pod_count && !json_get(value, "usage"); i++)
		((struct observed_pod *)input->pods[i])->runs.count = 0;
	read_failures(&reader, with_null(json_get(value, "failures")));
	read_rivals(&reader, with_null(json_get(value, "rivals")));
	input->now_ms =
		timestamp_parse(json_string_or(json_get(value, "now"), "2026-11-23T12:00:00Z"));
	if (reader.failed && err->code == ERR_NONE)
		err_set(err, ERR_INVALID, "a failure's code or an object is wrong");
	if (!reader.failed)
		return 0;
	world_release(ret_world);
	*ret_world = (struct world){ 0 };
	return -1;
}

void world_release(struct world *world)
{
	const struct reconcile_input *input = &world->input;

	for (size_t i = 0; i < input->deployment_count; i++)
		free((void *)input->deployments[i]);
	for (size_t i = 0; i < input->service_count; i++)
		free((void *)input->services[i]);
	for (size_t i = 0; i < input->budget_count; i++)
		free((void *)input->budgets[i]);
	for (size_t i = 0; i < input->pod_count; i++)
		free((void *)input->pods[i]);
}
