/* A process whose size changed: whether its dynos are resized or replaced. */
#ifndef FORMATION_RESIZE_PLAN_H
#define FORMATION_RESIZE_PLAN_H

#include "formation/plan.h"
#include "formation/verdict.h"

#define RESIZING "Resizing" /* type of the condition */
#define RESIZING_IN_PLACE "InPlace" /* its reasons */
#define RESIZING_ROLLOUT  "RollingUpdate"

/*
 * Plan to give the dynos their size in place, where the cache shows that
 * this is what is to be done, or was begun; it is looked at closely when that
 * is carried out (resize.h). Sets `resizing` and `resized` of the report, or
 * `unresized` with an event when another size comes with what only a rollout
 * can do. Returns whether that is planned: then the Deployment is written
 * there.
 */
bool resize_plan(struct planner *planner, struct process_report *report);

/*
 * Plan to end our pause of a Deployment whose process can't be carried out
 * any more, so that none is left that no person paused.
 */
void resize_release(struct planner *planner, const struct process_report *report);

#endif
