#include "world.h"

static const char *const KINDS[] = {
	[STEP_APPLY] = "apply",	  [STEP_DELETE] = "delete", [STEP_PATCH] = "patch",
	[STEP_STATUS] = "status", [STEP_EVENT] = "event",
};

static void set_text(struct arena *arena, struct json *object, const char *key, const char *text)
{
	if (text)
		json_set_string(arena, object, key, text);
}

static struct json *step_json(struct arena *arena, const struct step *step)
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
		json_set(arena, value, "body", json_clone(arena, step->body));
	if (step->kind == STEP_EVENT)
		json_set_bool(arena, value, "warning", step->warning);
	set_text(arena, value, "reason", step->reason);
	set_text(arena, value, "note", step->note);
	return value;
}

struct json *world_plan(struct arena *arena, const struct plan *plan)
{
	struct json *value = json_new_object(arena);
	struct json *steps = json_set_array(arena, value, "steps");

	for (size_t i = 0; i < plan->step_count; i++)
		json_add(steps, step_json(arena, &plan->steps[i]));
	if (plan->again_ms)
		json_set_int(arena, value, "againMs", plan->again_ms);
	return value;
}
