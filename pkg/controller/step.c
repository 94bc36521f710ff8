#include "controller/step.h"

#include <string.h>

#include "base/limits.h"
#include "codec/digest.h"
#include "controller/changes.h"
#include "formation/plan.h"
#include "formation/sized.h"

void step_own(struct arena *arena, struct step *step)
{
	step->ns = arena_strdup(arena, step->ns);
	step->name = arena_strdup(arena, step->name);
	step->uid = arena_strdup(arena, step->uid);
	step->type = arena_strdup(arena, step->type);
	step->manager = arena_strdup(arena, step->manager);
	step->reason = arena_strdup(arena, step->reason);
	step->note = arena_strdup(arena, step->note);
}

bool step_is_request(const struct step *step)
{
	return step->kind != STEP_EVENT;
}

struct client_request step_request(const struct step *step, const struct json_keep *keep)
{
	struct client_request request = {
		.resource = step->resource,
		.ns = step->ns,
		.name = step->name,
		.manager = step->manager ? step->manager : FIELD_MANAGER,
		.force = step->force,
		.body = step->body,
		.keep = keep,
		.priority = HTTP_PRIORITY_NORMAL,
	};

	switch (step->kind) {
	case STEP_STATUS:
		request.subresource = "status";
		request.verb = "apply";
		break;
	case STEP_APPLY:
		request.verb = "apply";
		break;
	case STEP_PATCH:
		request.verb = "patch";
		break;
	case STEP_DELETE:
		request.verb = "delete";
		request.manager = NULL;
		request.body = NULL;
		request.delete_uid = step->uid;
		request.delete_version = step->version;
		request.delete_foreground = step->foreground;
		request.keep = NULL;
		break;
	case STEP_RESIZE:    /* several requests: controller/resizer.h */
	case STEP_OPEN_GATE: /* several requests: controller/gate.h */
	case STEP_EVENT:
		break;
	}
	return request;
}

struct client_request step_reread(const struct step *step, const struct json_keep *keep)
{
	return (struct client_request){
		.verb = "get",
		.resource = step->resource,
		.ns = step->ns,
		.name = step->name,
		.keep = keep,
		.priority = HTTP_PRIORITY_NORMAL,
	};
}

struct digest step_digest(const struct step *step)
{
	struct buf text = BUF_INIT(LIMIT_REQUEST);
	struct digest digest = {0};

	if (step->body && step->kind != STEP_STATUS) {
		json_write(&text, step->body);
		digest = digest_of(buf_cstr(&text), text.len);
	}
	buf_release(&text);
	return digest;
}

bool step_same_write(const struct step *a, const struct step *b)
{
	if (a->kind != b->kind || a->resource != b->resource || !same_text(a->name, b->name))
		return false;
	if (!a->body || !b->body)
		return a->body == b->body;
	return json_equal(a->body, b->body);
}

const char *step_text(struct arena *arena, const struct step *step)
{
	static const char *const verbs[] = {
		[STEP_APPLY] = "applied",           [STEP_DELETE] = "deleted",
		[STEP_PATCH] = "patched",           [STEP_STATUS] = "wrote the status of",
		[STEP_EVENT] = "recorded an event of", [STEP_OPEN_GATE] = "opened the gate of a",
		[STEP_RESIZE] = "resized dynos of",
	};

	return arena_printf(arena, "%s %s %s", verbs[step->kind], step->resource->kind, step->name);
}

bool object_is_owned(const struct json *object, const char *uid)
{
	json_for_each(owner, json_path(object, "metadata", "ownerReferences", NULL)) {
		if (json_bool_or(json_get(owner, "controller"), false))
			return same_text(json_string_or(json_get(owner, "uid"), NULL), uid);
	}
	return false;
}

/* The observed Deployment, Service or budget that a step is about, or NULL. */
static const struct observed_child *child_of(const struct reconcile_input *input,
					     const struct step *step)
{
	const struct observed_child *const *children = NULL;
	size_t count = 0;

	for (size_t i = 0; i < input->deployment_count; i++) {
		const struct observed_child *child = &input->deployments[i]->child;

		if (step->resource == &RESOURCE_DEPLOYMENT &&
		    same_text(child->object.name, step->name))
			return child;
	}
	if (step->resource == &RESOURCE_SERVICE) {
		children = input->services;
		count = input->service_count;
	} else if (step->resource == &RESOURCE_BUDGET) {
		children = input->budgets;
		count = input->budget_count;
	}
	for (size_t i = 0; i < count; i++) {
		if (same_text(children[i]->object.name, step->name))
			return children[i];
	}
	return NULL;
}

bool step_is_repair(const struct reconcile_input *input, const struct step *step)
{
	const struct observed_child *child = NULL;

	if (step->kind == STEP_PATCH && step->resource == &RESOURCE_DEPLOYMENT)
		return step->phase == PHASE_WRITE; /* replicas of a singleton */
	if (step->kind == STEP_APPLY && step->uid)
		child = child_of(input, step);
	return child && digest_is_none(child->satisfied) &&
	       !digest_is_none(child->satisfied_before);
}

/* Whether the pod template that `step` applies has another size than the Deployment's. */
static bool changes_size(const struct reconcile_input *input, const struct step *step)
{
	const char *wanted = sized_of(json_path(step->body, "spec", "template", NULL));

	for (size_t i = 0; i < input->deployment_count; i++) {
		if (same_text(input->deployments[i]->child.object.name, step->name))
			return !same_text(input->deployments[i]->resources, wanted);
	}
	return false;
}

bool step_follows_size(const struct reconcile_input *input, const struct step *step)
{
	const struct formation *formation = input->formation;
	int64_t seen = json_int_or(json_get(formation->status, "observedGeneration"), 0);

	if (!step->uid || step->resource != &RESOURCE_DEPLOYMENT || seen != formation->generation)
		return false;
	return step->kind == STEP_RESIZE ||
	       (step->kind == STEP_APPLY && changes_size(input, step));
}

bool step_goes_with_status(const struct step *step)
{
	return step->kind == STEP_EVENT && !step->type;
}

bool step_is_moot(const struct step *step, const struct err *err)
{
	return err->code == ERR_NOT_FOUND && step->kind != STEP_APPLY;
}

bool status_is_reconciling(const struct json *status)
{
	json_for_each(condition, json_get(status, "conditions")) {
		if (same_text(json_string_or(json_get(condition, "type"), NULL), "Reconciling"))
			return same_text(json_string_or(json_get(condition, "status"), NULL),
					 "True");
	}
	return false;
}
