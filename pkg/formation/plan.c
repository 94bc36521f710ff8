#include "formation/plan.h"

struct plan_link {
	struct step step;
	struct plan_link *next;
};

struct step *plan_add(struct planner *planner, enum step_kind kind, enum plan_phase phase,
                      const struct resource *resource, const char *name, const char *type)
{
	struct plan_link *link = arena_new(planner->arena, struct plan_link);

	link->step = (struct step){
		.kind = kind,
		.phase = phase,
		.resource = resource,
		.ns = planner->input->formation->ns,
		.name = name,
		.type = type,
	};
	if (planner->muted)
		return &link->step;
	if (planner->last)
		planner->last->next = link;
	else
		planner->first = link;
	planner->last = link;
	planner->count++;
	return &link->step;
}

void plan_event(struct planner *planner, const char *type, bool warning, const char *reason,
                const char *note)
{
	const struct formation *formation = planner->input->formation;
	struct step *step = plan_add(planner, STEP_EVENT, PHASE_EVENT, &RESOURCE_FORMATION,
	                             formation->name, type);

	step->uid = formation->uid;
	step->warning = warning;
	step->reason = reason;
	step->note = note;
}

void plan_finish(struct planner *planner, struct plan *ret_plan)
{
	struct step *steps = arena_array(planner->arena, struct step, planner->count);
	size_t count = 0;

	for (int phase = PHASE_HANDOVER; phase <= PHASE_STATUS; phase++) {
		for (const struct plan_link *link = planner->first; link; link = link->next) {
			if (link->step.phase == phase)
				steps[count++] = link->step;
		}
	}
	*ret_plan = (struct plan){ .steps = steps, .step_count = count };
}
