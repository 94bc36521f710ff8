/* Status: what the controller reports back. */
#ifndef FORMATION_STATUS_H
#define FORMATION_STATUS_H

#include "formation/reconcile.h"
#include "formation/verdict.h"

/*
 * The complete status (observedGeneration, formation, ready, processes,
 * conditions), in the arena; one report and one verdict for each process,
 * in the order of the spec. A type that stands twice has one entry. Of the
 * observed status, a singleton's permit and the transition times of
 * conditions whose status stays are carried over.
 */
struct json *status_build(struct arena *arena, const struct reconcile_input *input,
                          const struct process_report *reports, const struct verdict *verdicts,
                          size_t count);

/* Whether `observed` (or NULL) says all that `status` does, and nothing of ours besides. */
bool status_is_same(const struct json *status, const struct json *observed);

/* The entry of a type in the observed status, or NULL. */
const struct json *status_process(const struct json *status, const char *type);

/*
 * Ready, Reconciling and Stalled, after kstatus: Ready=True when every
 * verdict is OK, False only beside Stalled=True, Unknown while work is
 * under way, which Reconciling=True says too. One reason stands in all
 * three, the first of the worst verdicts; messages name the processes.
 * Source: sigs.k8s.io/cli-utils/pkg/kstatus.
 */
struct json *conditions_build(struct arena *arena, const struct reconcile_input *input,
                              const struct process_report *reports, const struct verdict *verdicts,
                              size_t count);

/* Whether it is a type of condition that the controller sets; others are left alone. */
bool condition_is_own(const char *type);

/* As status_is_same, for the list of conditions. Conditions that others set don't matter. */
bool conditions_are_same(const struct json *conditions, const struct json *observed);

#endif
