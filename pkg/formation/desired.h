/* What a process becomes: the bodies of its server-side applies. */
#ifndef FORMATION_DESIRED_H
#define FORMATION_DESIRED_H

#include "formation/model.h"
#include "formation/observed.h"

enum { TEMPLATE_VERSION = 1 }; /* newest version of the pod template; each has golden tests */

/*
 * Render the objects of a process, complete but for a uid: only fields
 * that the controller owns, in the arena. `template_version` is the one
 * the Deployment was made by, or TEMPLATE_VERSION. A process or size with
 * a problem is never rendered.
 * Returns NULL where the process has no such object (Service of a process
 * that is not routed, budget below two dynos).
 */
struct json *desired_deployment(struct arena *arena, const struct formation *formation,
				const struct process *process, const struct dyno_size *size,
				int template_version);
struct json *desired_service(struct arena *arena, const struct formation *formation,
			     const struct process *process);
struct json *desired_budget(struct arena *arena, const struct formation *formation,
			    const struct process *process);

/* The digest that stands for a rendered body. */
struct digest desired_digest(const struct json *body);

/*
 * Whether `observed` has every field that `desired` has, with the same
 * value: lists are matched by their merge keys (containers, env and
 * volumes by name, ports by containerPort or port, …) as server-side
 * apply does, others element by element; quantities by amount; fields that
 * the API server defaults or others added do not matter. A field that an
 * older API server is known to drop does not count.
 */
bool desired_is_satisfied(const struct json *desired, const struct json *observed);

/*
 * Fill in child->satisfied for an object just read.
 * `value` is the object as read, `resource` its kind. Renders what
 * `formation` wants of it now; none when it is not wanted, not ours
 * (owner uid) or differs.
 */
void desired_compare(struct arena *arena, const struct formation *formation,
		     const struct dyno_sizes *sizes, const struct resource *resource,
		     const struct json *value, struct observed_child *child);

#endif
