/* What a process becomes: the bodies of its server-side applies. */
#ifndef FORMATION_DESIRED_H
#define FORMATION_DESIRED_H

#include "api/resource.h"
#include "codec/digest.h"
#include "formation/model.h"
#include "formation/observed.h"

enum {
	TEMPLATE_VERSION = 1, /* newest version of the pod template; each has golden tests */
	REVISION_HISTORY_LIMIT =
		3, /* old ReplicaSets kept: to look at, since a rollback is the Formation's */
};

#define CONTAINER_NAME "dyno" /* the dyno's own; stable, as lists of containers merge by name */
#define PORT_NAME      "http" /* of its port, and of the Service's */
#define LABEL_DEDICATED \
	"dyno.dev/dedicated" /* every pod of a dedicated size, of whichever Formation */

/*
 * On every object: the digest of the body that was applied last. A field
 * which a body does not have any more cannot be seen missing by comparing
 * values (others may have added it); another digest says so, over restarts
 * of the controller too. It is outside of the pod template.
 */
#define ANNOTATION_APPLIED "dyno.dev/applied"

/*
 * Render the objects of a process, complete but for a uid: only fields
 * that the controller owns, in the arena. `template_version` is the one
 * the Deployment was made by, or TEMPLATE_VERSION. A process or size with
 * a problem is never rendered. Labels: dyno.dev/formation and dyno.dev/type;
 * app.kubernetes.io/name and part-of are the Formation's name, component
 * is the type, managed-by is the field manager.
 * A Service needs a routed process. Whether a budget is wanted depends on
 * the quantity (budget_wanted), not what is in it.
 */
struct json *desired_deployment(struct arena *arena, const struct formation *formation,
                                const struct process *process, const struct dyno_size *size,
                                int template_version);
struct json *desired_service(struct arena *arena, const struct formation *formation,
                             const struct process *process);
struct json *desired_budget(struct arena *arena, const struct formation *formation,
                            const struct process *process);

/* Routed, and at least two dynos; `replicas` counts when the quantity is left out. */
bool budget_wanted(const struct process *process, int replicas);

/*
 * What hands replicas over before the controller stops sending them: the
 * number there is, for the field manager FIELD_MANAGER_HANDOVER. Applied
 * without force: when someone changed the number meanwhile it is refused.
 */
struct json *desired_handover(struct arena *arena, const struct formation *formation,
                              const struct observed_deployment *deployment);

/*
 * A merge patch that takes out spec.strategy.rollingUpdate: when someone
 * made a singleton's Deployment roll, an apply of Recreate is refused as
 * long as that stands, and an apply cannot remove what it does not own.
 */
struct json *desired_recreate(struct arena *arena, const struct observed_deployment *deployment);

/*
 * Write into a body, once everything else is in it, what stands for it:
 * ANNOTATION_APPLIED. Returns it. What is rendered here is signed already.
 */
struct json *desired_sign(struct arena *arena, struct json *body);

/* The digest in an annotation, or none. */
struct digest desired_digest_of(const struct json *object, const char *annotation);

/* The digest that stands for a rendered body: what its annotation ANNOTATION_APPLIED says. */
struct digest desired_digest(const struct json *body);

/*
 * The first field of `desired` that `observed` does not have with the same
 * value, or NULL. Lists are matched by their merge keys (containers and env
 * by name, ports by number, owners by uid), as server-side apply does;
 * variables have to stand in the same order, as they may refer to earlier
 * ones; other lists match element by element. Selectors are compared
 * whole. Quantities are compared by amount. Fields that the API server
 * defaults or others added do not matter, nor does an empty text or list
 * that it left out. A field that an older API server is known to drop
 * (resizePolicy) does not count when it is absent. Nor do the object's own
 * apiVersion and kind, which elements of a list don't have.
 */
const char *desired_difference(struct arena *arena, const struct json *desired,
                               const struct json *observed);

/* Whether there is no difference. */
bool desired_is_satisfied(const struct json *desired, const struct json *observed);

/*
 * A key for all that a process's objects are rendered from: the Formation's
 * uid, generation and restarts, the size (NULL where none matters), the controller's
 * newest template. What was satisfied under the same key still is, without
 * rendering again; under another key the digest decides.
 */
uint64_t desired_key(const struct formation *formation, const struct dyno_size *size);

/* Whether the object is known to satisfy what its process wants now; false: render and see. */
bool desired_is_known(const struct formation *formation, const struct dyno_size *size,
                      const struct observed_child *child);

/*
 * Fill in child->satisfied and satisfied_key (of a Deployment also
 * template_satisfied) for an object just read.
 * `value` is the object as read, `resource` its kind. Renders what
 * `formation` wants of it now; none when it is not wanted, not ours
 * (owner uid) or differs. `formation` may be NULL: none.
 */
void desired_compare(struct arena *arena, const struct formation *formation,
                     const struct dyno_sizes *sizes, const struct resource *resource,
                     const struct json *value, struct observed_child *child);

/*
 * The template version to render: the one that `deployment` (NULL: none
 * yet) was made by, as long as its pods would be the same; once they
 * change anyway, the newest.
 */
int desired_template_version(struct arena *arena, const struct formation *formation,
                             const struct process *process, const struct dyno_size *size,
                             const struct observed_deployment *deployment);

#endif
