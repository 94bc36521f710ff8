/* The objects of a Formation as the controller makes them, where there is no cluster. */
#ifndef FORMATION_RENDER_H
#define FORMATION_RENDER_H

#include "formation/model.h"

/* Called with "spec.processes[1].size: …": what is not rendered, or not as it may become. In the arena. */
typedef void render_fn(void *arg, const char *remark);

/*
 * The bodies of the applies that bring the formation about where nothing
 * of it exists, as an array: of each process its Deployment, Service and
 * budget, as far as wanted. A process that the controller would not carry
 * out (a problem, a size that is not in `sizes`) is left out, with a remark.
 * What only the cluster knows is left out too when the Formation has no
 * uid (""): ownerReferences, and the annotation ANNOTATION_APPLIED, a digest
 * over them. With its uid they are complete, to the byte.
 * `remark` is called before this returns; *ret_skipped says how many
 * processes are left out.
 */
struct json *render_formation(struct arena *arena, const struct formation *formation,
                              const struct dyno_sizes *sizes, render_fn *remark, void *arg,
                              size_t *ret_skipped);

#endif
