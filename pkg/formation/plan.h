/* A plan while it is made. */
#ifndef FORMATION_PLAN_H
#define FORMATION_PLAN_H

#include "formation/reconcile.h"

/* When which step is done. */
enum plan_phase {
	PHASE_HANDOVER, /* what an apply must find done */
	PHASE_WRITE,    /* applies, deletes, dyno names: side by side */
	PHASE_EVENT,    /* what is only said once it is done */
	PHASE_STATUS,
};

struct plan_link;

/* Steps in the order in which they were added; sorted by phase at the end. */
struct planner {
	struct arena *arena;
	const struct reconcile_input *input;
	bool muted;              /* the Formation is paused: writes are thought of, not planned */
	struct plan_link *first; /* steps so far */
	struct plan_link *last;
	size_t count;
};

/*
 * Add a step about `object` of `resource`, to be filled in further. A muted
 * planner returns one that is in no plan, so callers need not ask.
 */
struct step *plan_add(struct planner *planner, enum step_kind kind, enum plan_phase phase,
                      const struct resource *resource, const char *name, const char *type);

/* Add an event on the Formation, said when the steps of `type` (NULL: any) are done. */
void plan_event(struct planner *planner, const char *type, bool warning, const char *reason,
                const char *note);

/* The finished plan, but for again_ms. */
void plan_finish(struct planner *planner, struct plan *ret_plan);

#endif
