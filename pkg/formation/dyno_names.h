/* Dynos have names: web.1, web.2, … */
#ifndef FORMATION_DYNO_NAMES_H
#define FORMATION_DYNO_NAMES_H

#include "formation/plan.h"

/*
 * Plan a patch for each pod of a process that has no name yet: the lowest
 * number that no other pod has, terminating ones included, the oldest pod
 * first. With it goes the cost of deleting it, minus the number, so that
 * scaling down takes the highest numbers first.
 * The patch has the pod's uid as its precondition and not its version,
 * which changes with each of the kubelet's reports.
 * Source: KEP-2255 (pod deletion cost).
 */
void dyno_names_plan(struct planner *planner, const struct process *process);

/* "web.1", or the pod's own name while it has no number; in the arena. */
const char *dyno_name(struct arena *arena, const struct observed_pod *pod);

#endif
