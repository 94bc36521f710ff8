/* A singleton process: which of its dynos may run, and why one waits. */
#ifndef FORMATION_SINGLETON_H
#define FORMATION_SINGLETON_H

#include "formation/permit.h"
#include "formation/plan.h"
#include "formation/trouble.h"
#include "formation/verdict.h"

/* What permit.h wants to know of a pod. Everything is borrowed from it. */
struct permit_pod permit_pod_of(const struct observed_pod *pod);

/* The record of a type in a Formation's status (or NULL), borrowed from it. */
struct permit permit_of(const struct json *status, const char *type);

/*
 * The apply of the status subresource that puts `pod` on record: the
 * status as it is in `formation`, as read, with the permit in it and
 * formation's uid and resourceVersion as preconditions. In the arena.
 * NULL when the status has no entry of a singleton of that type yet.
 */
struct json *permit_body(struct arena *arena, const struct json *formation, const char *type,
                         const struct permit_pod *pod);

/* The JSON patch that takes the gate from `pod`, if it is the pod with that uid still. */
struct json *permit_patch(struct arena *arena, const struct permit_pod *pod);

/*
 * Plan to open a gate, when the cache shows one that may be opened; it is
 * looked at closely when that is carried out. Returns whether one may, but has
 * to wait until the status has an entry for the permit.
 */
bool singleton_plan(struct planner *planner, const struct process *process);

/*
 * Plan to take a Deployment of a singleton back to one replica, though its
 * process can't be carried out: it is older than a rule and asks for more.
 */
void singleton_correct(struct planner *planner, const struct process *process,
                       const struct observed_deployment *deployment);

/*
 * "a pod on node n, …, has to be gone first; …": what the user has to know
 * while `pod` keeps another from running. In the arena.
 */
const char *singleton_wait_text(struct arena *arena, const struct permit_pod *pod,
                                int64_t deleting_ms);

/*
 * Why a singleton is not as it should be, by its pods: `reason` is
 * SINGLETON_HELD, SINGLETON_OVERLAP or NULL; unready_ms is since when.
 */
struct trouble singleton_trouble(struct arena *arena, const struct reconcile_input *input,
                                 const struct process *process);

#define SINGLETON_HELD    "Held"             /* a dyno waits for another to be gone */
#define SINGLETON_OVERLAP "SingletonOverlap" /* two have run permission: somebody else's doing */

#endif
