#include "world.h"

#include <string.h>

static const char *const KINDS[] = {
	[STEP_APPLY] = "apply",   [STEP_DELETE] = "delete", [STEP_PATCH] = "patch",
	[STEP_STATUS] = "status", [STEP_EVENT] = "event",   [STEP_OPEN_GATE] = "open-gate",
	[STEP_RESIZE] = "resize",
};

static void set_text(struct arena *arena, struct json *object, const char *key, const char *text)
{
	if (text)
		json_set_string(arena, object, key, text);
}

/* What stands for a whole body. */
static struct json *brief(struct arena *arena, const struct json *body)
{
	static const char *const LEFT_OUT[] = { "labels",   "ownerReferences",
		                                "template", "revisionHistoryLimit",
		                                "ports",    "selector" };
	struct json *kept = json_new_object(arena);

	json_for_each (member, body) {
		bool left_out = false;

		for (size_t i = 0; i < sizeof(LEFT_OUT) / sizeof(LEFT_OUT[0]); i++)
			left_out |= strcmp(LEFT_OUT[i], member->key) == 0;
		if (!left_out)
			json_set(arena, kept, member->key,
			         member->type == JSON_OBJECT ? brief(arena, member)
			                                     : json_clone(arena, member));
	}
	return kept;
}

static struct json *step_json(struct arena *arena, const struct step *step, bool rendering)
{
	struct json *value = json_new_object(arena);

	json_set_string(arena, value, "kind", KINDS[step->kind]);
	json_set_int(arena, value, "phase", step->phase);
	set_text(arena, value, "resource", step->resource->kind);
	set_text(arena, value, "namespace", step->ns);
	set_text(arena, value, "name", step->name);
	set_text(arena, value, "type", step->type);
	set_text(arena, value, "uid", step->uid);
	if (step->version)
		json_set_int(arena, value, "version", (int64_t)step->version);
	set_text(arena, value, "manager", step->manager);
	if (step->kind == STEP_APPLY || step->kind == STEP_STATUS)
		json_set_bool(arena, value, "force", step->force);
	if (step->foreground)
		json_set_bool(arena, value, "foreground", true);
	if (step->body)
		json_set(arena, value, "body",
		         rendering || (step->kind != STEP_APPLY && step->kind != STEP_RESIZE) ? json_clone(arena, step->body)
		                                               : brief(arena, step->body));
	if (step->kind == STEP_EVENT)
		json_set_bool(arena, value, "warning", step->warning);
	set_text(arena, value, "reason", step->reason);
	set_text(arena, value, "note", step->note);
	return value;
}

struct json *world_plan(struct arena *arena, const struct plan *plan, bool rendering)
{
	struct json *value = json_new_object(arena);
	struct json *steps = json_set_array(arena, value, "steps");

	for (size_t i = 0; i < plan->step_count; i++)
		json_add(steps, step_json(arena, &plan->steps[i], rendering));
	if (plan->again_ms)
		json_set_int(arena, value, "againMs", plan->again_ms);
	return value;
}
