/* A golden case's input: the world as JSON, and as reconcile takes it. */
#ifndef WORLD_H
#define WORLD_H

#include "formation/reconcile.h"

/*
 * What an input.json may hold, all but `formation` optional:
 *
 *   formation    a Formation; name, namespace, uid and versions are filled in
 *   sizes        DynoSizes; left out: 1X, 2X and PX as they are shipped
 *   deployments, services, budgets, pods
 *                objects as the API server would return them
 *   before       the four lists again, as they were seen before
 *   failures     {type, resource, code, create, message} of failed writes
 *   now          a timestamp, 2026-11-23T12:00:00Z when left out
 *   rendering    true: the plan shows all that is applied, not what makes a
 *                difference alone
 *
 * Objects can be written shortly. {"$applied": "web"} is what the controller
 * applies for web, rolled out; with "$from" it was applied when the
 * Formation still differed by that merge patch; with "$drop" the members of
 * that name are missing anywhere in it. {"$pod": "web", "$number": 1}
 * is web.1, running. All further members are a merge patch upon that.
 */
struct world {
	struct formation formation;
	struct dyno_sizes sizes;
	struct reconcile_input input;
};

/* Read a world. Everything lives in `arena` but projections, given back by world_release. */
int world_read(struct arena *arena, const struct json *value, struct world *ret_world,
               struct err *err);
void world_release(struct world *world);

/* A plan as JSON; without `rendering` pod templates, labels and owners are left out. */
struct json *world_plan(struct arena *arena, const struct plan *plan, bool rendering);

/* `target` with the merge patch `patch` applied (RFC 7386), a new tree. */
struct json *merge_patch(struct arena *arena, const struct json *target, const struct json *patch);

#endif
