/* The plan: any Formation in any world. Inputs are those of the golden tests. */
#include "../golden/world.h"
#include "api/resource.h"
#include "fuzz.h"

/* What holds for every step of every plan. */
static void check_step(const struct formation *formation, const struct step *step)
{
	const struct process *process =
		step->name ? formation_process_of(formation, step->name) : NULL;
	const struct json *replicas = json_path(step->body, "spec", "replicas", NULL);
	bool write = step->kind != STEP_STATUS && step->kind != STEP_EVENT;

	holds(step->kind == STEP_EVENT || (step->resource && step->name && *step->name));
	holds(!write || step->resource == &RESOURCE_POD || !formation->paused);
	holds(!write || step->resource == &RESOURCE_POD || !formation->problem);
	holds(step->kind != STEP_DELETE || (step->uid && step->version));
	holds(step->kind != STEP_APPLY || step->body);
	holds(step->kind != STEP_APPLY || !process || !process->problem);
	if (step->kind == STEP_APPLY && process && process->singleton && replicas)
		holds(json_int_or(replicas, 0) <= 1);
}

static const char *plan_text(struct arena *arena, const struct world *world)
{
	struct plan plan;

	formation_reconcile(arena, &world->input, &plan);
	holds(plan.again_ms >= 0);
	for (size_t i = 0; i < plan.step_count; i++) {
		check_step(&world->formation, &plan.steps[i]);
		holds(plan.steps[i].kind != STEP_STATUS || i + 1 == plan.step_count);
		holds(i == 0 || plan.steps[i].phase >= plan.steps[i - 1].phase);
	}
	return json_text(arena, world_plan(arena, &plan, true));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct json *value = NULL;
	struct world world;
	struct err err = ERR_INIT;

	if (json_parse(&arena, (const char *)data, size, NULL, &value, &err) == 0 &&
	    world_read(&arena, value, &world, &err) == 0) {
		const char *once = plan_text(&arena, &world);

		holds(strcmp(once, plan_text(&arena, &world)) == 0);
		world_release(&world);
	}
	arena_release(&arena);
	return 0;
}
