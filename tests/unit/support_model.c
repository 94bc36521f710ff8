#include "support_model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formation/desired.h"

enum { ROUNDS_MAX = 12 };

static const struct dyno_size SIZES[] = {
	{ .name = "1X", .memory_bytes = 512LL << 20, .cpu_milli = 100 },
	{ .name = "2X", .memory_bytes = 1LL << 30, .cpu_milli = 200 },
	{ .name = "PX", .memory_bytes = 6LL << 30, .cpu_milli = 4000, .dedicated = true },
};

static void violate(struct model *model, const char *what, const struct step *step)
{
	printf("# %s: %s %s\n", what, step->resource->kind, step->name);
	model->violations++;
}

void model_init(struct model *model)
{
	*model = (struct model){ .next_uid = 1, .now_ms = 1795435200000 };
	model->sizes = (struct dyno_sizes){ SIZES, 3 };
	model->formation = json_new_object(&model->arena);
	struct json *metadata = json_set_object(&model->arena, model->formation, "metadata");

	json_set_string(&model->arena, metadata, "name", "shop");
	json_set_string(&model->arena, metadata, "namespace", "default");
	json_set_string(&model->arena, metadata, "uid", "uid-of-shop");
	json_set_string(&model->arena, metadata, "resourceVersion", "1");
	json_set_int(&model->arena, metadata, "generation", 0);
}

void model_release(struct model *model)
{
	arena_release(&model->arena);
}

static struct json *metadata_of(const struct json *value)
{
	return (struct json *)json_get(value, "metadata");
}

static const char *meta_text(const struct json *value, const char *key)
{
	return json_string_or(json_get(metadata_of(value), key), "");
}

static void bump(struct model *model, struct json *value, bool generation)
{
	struct json *metadata = metadata_of(value);

	json_set(&model->arena, metadata, "resourceVersion",
	         json_new_printf(&model->arena, "%" PRId64, 100 + model->next_uid++));
	if (generation)
		json_set_int(&model->arena, metadata, "generation",
		             json_int_or(json_get(metadata, "generation"), 0) + 1);
}

void model_set_spec(struct model *model, const char *spec)
{
	struct json *value = NULL;
	struct err err = ERR_INIT;

	if (json_parse(&model->arena, spec, strlen(spec), NULL, &value, &err) < 0) {
		printf("# %s: %s\n", err.msg, spec);
		abort();
	}
	json_set(&model->arena, model->formation, "spec", value);
	bump(model, model->formation, true);
}

struct formation model_formation(struct model *model)
{
	struct formation formation;
	struct err err = ERR_INIT;

	if (formation_decode(&model->arena, model->formation, &formation, &err) < 0)
		abort();
	return formation;
}

struct model_object *model_find(struct model *model, const struct resource *resource,
                                const char *name)
{
	for (size_t i = 0; i < model->object_count; i++) {
		struct model_object *object = &model->objects[i];

		if (object->resource == resource &&
		    strcmp(meta_text(object->value, "name"), name) == 0)
			return object;
	}
	return NULL;
}

static struct model_object *add(struct model *model, const struct resource *resource,
                                struct json *value)
{
	struct model_object *object = &model->objects[model->object_count++];

	*object = (struct model_object){ .resource = resource, .value = value };
	json_set(&model->arena, metadata_of(value), "uid",
	         json_new_printf(&model->arena, "uid-%" PRId64, model->next_uid++));
	bump(model, value, true);
	return object;
}

void model_add_foreign(struct model *model, const struct resource *resource, const char *name)
{
	struct json *value = json_new_object(&model->arena);

	json_set_string(&model->arena, json_set_object(&model->arena, value, "metadata"), "name",
	                name);
	add(model, resource, value);
}

void model_delete(struct model *model, struct model_object *object)
{
	*object = model->objects[--model->object_count];
}

/* --- what the API server does -------------------------------------- */

static bool is_ours(const struct json *value)
{
	json_for_each (owner, json_get(metadata_of(value), "ownerReferences")) {
		if (strcmp(json_string_or(json_get(owner, "uid"), ""), "uid-of-shop") == 0)
			return true;
	}
	return false;
}

static bool fail(struct model *model, const struct step *step, enum err_code code)
{
	model->failures[model->failure_count++] = (struct write_failure){
		.type = arena_strdup(&model->arena, step->type),
		.resource = step->resource,
		.code = code,
		.create = !step->uid,
		.message = "refused",
	};
	return false;
}

static bool same_selector(const struct json *a, const struct json *b)
{
	return json_equal(json_path(a, "spec", "selector", NULL),
	                  json_path(b, "spec", "selector", NULL));
}

/* What has no owner any more falls back to its default, as server-side apply has it. */
static void keep_replicas(struct model *model, struct model_object *object, struct json *value)
{
	const struct json *before = json_path(object->value, "spec", "replicas", NULL);
	bool were_ours = json_path(object->value, "metadata", "annotations", ANNOTATION_QUANTITY,
	                           NULL) != NULL;
	struct json *spec = (struct json *)json_get(value, "spec");

	if (json_get(spec, "replicas"))
		object->handed_over = false;
	else if (before && (!were_ours || object->handed_over))
		json_set(&model->arena, spec, "replicas", json_clone(&model->arena, before));
}

static bool apply_handover(struct model *model, struct model_object *object,
                           const struct step *step)
{
	const struct json *replicas = json_path(step->body, "spec", "replicas", NULL);

	if (!json_equal(replicas, json_path(object->value, "spec", "replicas", NULL)))
		return fail(model, step, ERR_CONFLICT);
	object->handed_over = true;
	return true;
}

static bool apply(struct model *model, const struct step *step)
{
	struct model_object *object = model_find(model, step->resource, step->name);
	struct json *value = json_clone(&model->arena, step->body);
	const char *uid = meta_text(step->body, "uid");

	if (!object) {
		if (*uid)
			return fail(model, step, ERR_CONFLICT);
		add(model, step->resource, value);
		return true;
	}
	if (strcmp(step->manager, FIELD_MANAGER_HANDOVER) == 0)
		return apply_handover(model, object, step);
	if (*meta_text(step->body, "resourceVersion") ||
	    (*uid && strcmp(uid, meta_text(object->value, "uid")) != 0) ||
	    (!step->force && !same_selector(value, object->value)))
		return fail(model, step, ERR_CONFLICT);
	if (step->resource == &RESOURCE_DEPLOYMENT && !same_selector(value, object->value))
		return fail(model, step, ERR_INVALID);
	if (step->resource == &RESOURCE_DEPLOYMENT)
		keep_replicas(model, object, value);
	json_set(&model->arena, metadata_of(value), "generation",
	         json_clone(&model->arena, json_get(metadata_of(object->value), "generation")));
	json_set_string(&model->arena, metadata_of(value), "uid", meta_text(object->value, "uid"));
	object->value = value;
	bump(model, value, true);
	return true;
}

static bool delete (struct model *model, const struct step *step)
{
	struct model_object *object = model_find(model, step->resource, step->name);

	if (!object || strcmp(meta_text(object->value, "uid"), step->uid) != 0 ||
	    strtoull(meta_text(object->value, "resourceVersion"), NULL, 10) != step->version)
		return fail(model, step, ERR_CONFLICT);
	model_delete(model, object);
	return true;
}

/* Of a Deployment; another of its patches changes what the model doesn't have. */
static bool patch_replicas(struct model *model, const struct step *step)
{
	struct model_object *object = model_find(model, step->resource, step->name);
	const struct json *replicas = json_path(step->body, "spec", "replicas", NULL);

	if (object && replicas) {
		json_set(&model->arena, (struct json *)json_get(object->value, "spec"), "replicas",
		         json_clone(&model->arena, replicas));
		bump(model, object->value, true);
	}
	return object != NULL;
}

static bool patch(struct model *model, const struct step *step)
{
	for (size_t i = 0; i < model->pod_count; i++) {
		struct json *metadata = metadata_of(model->pods[i]);
		struct json *labels = (struct json *)json_get(metadata, "labels");
		const struct json *change = json_get(step->body, "metadata");

		if (strcmp(json_string_or(json_get(metadata, "name"), ""), step->name) != 0)
			continue;
		json_set(&model->arena, labels, LABEL_DYNO,
		         json_clone(&model->arena, json_path(change, "labels", LABEL_DYNO, NULL)));
		json_set(&model->arena, metadata, "annotations",
		         json_clone(&model->arena, json_get(change, "annotations")));
		return true;
	}
	return patch_replicas(model, step);
}

static bool write_status(struct model *model, const struct step *step)
{
	json_set(&model->arena, model->formation, "status",
	         json_clone(&model->arena, json_get(step->body, "status")));
	bump(model, model->formation, false);
	return true;
}

static bool carry_out(struct model *model, const struct step *step)
{
	switch (step->kind) {
	case STEP_APPLY:
	case STEP_RESIZE: /* its pods are of no ReplicaSet: there is nothing to resize */
		return apply(model, step);
	case STEP_DELETE:
		return delete (model, step);
	case STEP_PATCH:
		return patch(model, step);
	case STEP_STATUS:
		return write_status(model, step);
	case STEP_OPEN_GATE: /* no pod of the model has one */
	case STEP_EVENT:
		break;
	}
	return false;
}

/* --- what Deployments do ------------------------------------------- */

static int count_pods(struct model *model, const char *type)
{
	int count = 0;

	for (size_t i = 0; i < model->pod_count; i++)
		count += strcmp(json_string_or(json_path(model->pods[i], "metadata", "labels",
		                                         LABEL_TYPE, NULL),
		                               ""),
		                type) == 0;
	return count;
}

static void add_pod(struct model *model, const char *type)
{
	static const char POD[] =
		"{\"metadata\":{\"namespace\":\"default\",\"resourceVersion\":\"5\","
		"\"ownerReferences\":[{\"uid\":\"rs\",\"controller\":true}],\"labels\":{"
		"\"dyno.dev/"
	        "formation\":\"shop\"}},\"status\":{\"phase\":\"Running\",\"conditions\":"
		"[{\"type\":\"Ready\",\"status\":\"True\"}],\"containerStatuses\":[{\"name\":"
	        "\"dyno\","
		"\"state\":{\"running\":{\"startedAt\":\"2026-11-23T12:00:00Z\"}}}]}}";
	struct json *pod = NULL, *metadata;
	struct err err = ERR_INIT;

	if (model->pod_count == MODEL_PODS_MAX ||
	    json_parse(&model->arena, POD, strlen(POD), NULL, &pod, &err) < 0)
		return;
	metadata = metadata_of(pod);
	json_set(&model->arena, metadata, "name",
	         json_new_printf(&model->arena, "shop-%s-%" PRId64, type, model->next_uid++));
	json_set_string(&model->arena, metadata, "uid", meta_text(pod, "name"));
	json_set_string(&model->arena, (struct json *)json_get(metadata, "labels"), LABEL_TYPE,
	                type);
	model->pods[model->pod_count++] = pod;
}

static void remove_pod(struct model *model, const char *type)
{
	for (size_t i = 0; i < model->pod_count; i++) {
		const struct json *labels = json_get(metadata_of(model->pods[i]), "labels");

		if (strcmp(json_string_or(json_get(labels, LABEL_TYPE), ""), type) == 0) {
			model->pods[i] = model->pods[--model->pod_count];
			return;
		}
	}
}

static void roll_out(struct model *model, struct json *value)
{
	static const char *const COUNTS[] = { "replicas", "updatedReplicas", "readyReplicas",
		                              "availableReplicas" };
	const char *type =
		json_string_or(json_path(value, "metadata", "labels", LABEL_TYPE, NULL), "");
	struct json *status = json_set_object(&model->arena, value, "status");
	int replicas = (int)json_int_or(json_path(value, "spec", "replicas", NULL), 1);

	json_set_int(&model->arena, status, "observedGeneration",
	             json_int_or(json_get(metadata_of(value), "generation"), 0));
	for (size_t i = 0; i < sizeof(COUNTS) / sizeof(COUNTS[0]); i++)
		json_set_int(&model->arena, status, COUNTS[i], replicas);
	while (count_pods(model, type) < replicas && model->pod_count < MODEL_PODS_MAX)
		add_pod(model, type);
	while (count_pods(model, type) > replicas)
		remove_pod(model, type);
}

static void follow_deployments(struct model *model)
{
	for (size_t i = 0; i < model->object_count; i++) {
		if (model->objects[i].resource == &RESOURCE_DEPLOYMENT &&
		    is_ours(model->objects[i].value))
			roll_out(model, model->objects[i].value);
	}
}

/* --- a round ------------------------------------------------------- */

/* The projections of one round. */
struct view {
	struct formation formation;
	struct observed_child *children[MODEL_OBJECTS_MAX];
	const struct observed_deployment *deployments[MODEL_OBJECTS_MAX];
	const struct observed_child *services[MODEL_OBJECTS_MAX], *budgets[MODEL_OBJECTS_MAX];
	const struct observed_pod *pods[MODEL_PODS_MAX];
	struct reconcile_input input;
};

static void view_object(struct model *model, struct view *view, size_t i)
{
	struct model_object *object = &model->objects[i];
	struct reconcile_input *input = &view->input;
	struct observed_child before = { 0 }, *child;
	struct err err = ERR_INIT;

	if (object->resource == &RESOURCE_DEPLOYMENT)
		child = (struct observed_child *)observed_deployment_new(object->value, &err);
	else
		child = observed_child_new(object->value, &err);
	if (!child)
		abort();
	memcpy(before.object.uid, child->object.uid, UID_MAX);
	before.satisfied = object->satisfied;
	before.satisfied_before = object->satisfied_before;
	desired_compare(&model->arena, &view->formation, &model->sizes, object->resource,
	                object->value, child);
	observed_child_follow(child, &before);
	object->satisfied = child->satisfied;
	object->satisfied_before = child->satisfied_before;
	view->children[i] = child;
	if (object->resource == &RESOURCE_DEPLOYMENT)
		view->deployments[input->deployment_count++] = (struct observed_deployment *)child;
	else if (object->resource == &RESOURCE_SERVICE)
		view->services[input->service_count++] = child;
	else
		view->budgets[input->budget_count++] = child;
}

static void view_init(struct model *model, struct view *view)
{
	struct err err = ERR_INIT;

	*view = (struct view){ .formation = model_formation(model) };
	view->input = (struct reconcile_input){
		.formation = &view->formation,
		.sizes = &model->sizes,
		.deployments = view->deployments,
		.services = view->services,
		.budgets = view->budgets,
		.pods = view->pods,
		.pod_count = model->pod_count,
		.pods_version = UINT64_MAX,
		.failures = model->failures,
		.failure_count = model->failure_count,
		.now_ms = model->now_ms,
	};
	for (size_t i = 0; i < model->object_count; i++)
		view_object(model, view, i);
	for (size_t i = 0; i < model->pod_count; i++) {
		view->pods[i] = observed_pod_new(model->pods[i], &err);
		if (!view->pods[i])
			abort();
	}
}

static void view_release(const struct model *model, struct view *view, size_t objects, size_t pods)
{
	(void)model;
	for (size_t i = 0; i < objects; i++)
		free(view->children[i]);
	for (size_t i = 0; i < pods; i++)
		free((void *)view->pods[i]);
}

/* The one thing that is done for a process with a problem: a singleton of two becomes one. */
static bool is_singletons_correction(const struct process *process, const struct step *step)
{
	const struct json *replicas = json_path(step->body, "spec", "replicas", NULL);

	return process->singleton && step->kind == STEP_PATCH && json_int_or(replicas, 0) == 1;
}

static void check_step(struct model *model, const struct formation *formation,
                       const struct step *step)
{
	const struct model_object *object = model_find(model, step->resource, step->name);
	const struct process *process = formation_process_of(formation, step->name);
	bool write = step->kind != STEP_STATUS && step->kind != STEP_EVENT &&
	             step->kind != STEP_OPEN_GATE;

	if (write && formation->paused)
		violate(model, "written while paused", step);
	if (write && formation->problem)
		violate(model, "written for a Formation with a problem", step);
	if (write && process && process->problem && !is_singletons_correction(process, step))
		violate(model, "written for a process with a problem", step);
	if (step->kind == STEP_APPLY && process && process->singleton &&
	    json_int_or(json_path(step->body, "spec", "replicas", NULL), 1) > 1)
		violate(model, "a singleton above one", step);
	if (write && object && !is_ours(object->value) &&
	    (step->force || step->kind == STEP_DELETE) && digest_is_none(object->satisfied_before))
		violate(model, "a foreign object touched", step);
	if (step->kind == STEP_APPLY && step->force != (step->uid != NULL) &&
	    strcmp(step->manager, FIELD_MANAGER) == 0)
		violate(model, "force without a uid, or a uid without force", step);
}

int model_round(struct model *model)
{
	static struct view view;
	size_t objects = model->object_count, pods = model->pod_count;
	struct plan plan;
	int done = 0, phase = 0;

	view_init(model, &view);
	formation_reconcile(&model->arena, &view.input, &plan);
	model->failure_count = 0;
	for (size_t i = 0; i < plan.step_count; i++) {
		const struct step *step = &plan.steps[i];

		if (step->phase < phase)
			violate(model, "phases out of order", step);
		phase = step->phase;
		check_step(model, &view.formation, step);
		if (!carry_out(model, step))
			continue;
		done++;
		model->writes += step->kind != STEP_STATUS;
	}
	view_release(model, &view, objects, pods);
	follow_deployments(model);
	model->now_ms += 1000;
	return done;
}

int model_converge(struct model *model)
{
	for (int round = 0; round < ROUNDS_MAX; round++) {
		if (model_round(model) == 0)
			return round;
	}
	return -1;
}
