#include "formation/render.h"

#include <string.h>

#include "formation/desired.h"

/* What a new Deployment begins with when nobody says how many. */
enum { REPLICAS_DEFAULT = 1 };

static const char *process_path(struct arena *arena, const struct process *process)
{
	return arena_printf(arena, "spec.processes[%zu]", process->index);
}

/* Why the controller would not carry a process out, or NULL. */
static const char *obstacle(struct arena *arena, const struct process *process,
                            const struct dyno_sizes *sizes)
{
	const struct dyno_size *size = dyno_sizes_find(sizes, process->size);

	if (process->problem)
		return process->problem;
	if (!size)
		return arena_printf(arena, "%s.size: there is no size %s: there are %s",
		                    process_path(arena, process), process->size,
		                    dyno_sizes_names(arena, sizes));
	if (size->problem)
		return arena_printf(arena, "%s.size: DynoSize %s: %s", process_path(arena, process),
		                    size->name, size->problem);
	return NULL;
}

/* A copy without what the cluster alone knows. */
static struct json *without_cluster(struct arena *arena, const struct json *body)
{
	struct json *copy = json_new_object(arena);

	json_for_each (item, body) {
		struct json *member;

		if (strcmp(item->key, "ownerReferences") == 0 ||
		    strcmp(item->key, ANNOTATION_APPLIED) == 0)
			continue;
		member = strcmp(item->key, "metadata") == 0 || strcmp(item->key, "annotations") == 0
		                 ? without_cluster(arena, item)
		                 : json_clone(arena, item);
		if (strcmp(item->key, "annotations") != 0 || member->first)
			json_set(arena, copy, item->key, member);
	}
	return copy;
}

static void add(struct arena *arena, struct json *list, const struct formation *formation,
                struct json *body)
{
	json_add(list, *formation->uid ? body : without_cluster(arena, body));
}

struct json *render_formation(struct arena *arena, const struct formation *formation,
                              const struct dyno_sizes *sizes, render_fn *remark, void *arg,
                              size_t *ret_skipped)
{
	struct json *list = json_new_array(arena);

	*ret_skipped = 0;
	for (size_t i = 0; i < formation->process_count; i++) {
		const struct process *process = &formation->processes[i];
		const char *why = obstacle(arena, process, sizes);

		if (why) {
			++*ret_skipped;
			remark(arg, why);
			continue;
		}
		add(arena, list, formation,
		    desired_deployment(arena, formation, process,
		                       dyno_sizes_find(sizes, process->size), TEMPLATE_VERSION));
		if (process->routed)
			add(arena, list, formation, desired_service(arena, formation, process));
		if (budget_wanted(process, REPLICAS_DEFAULT))
			add(arena, list, formation, desired_budget(arena, formation, process));
		else if (process->routed && process->quantity == QUANTITY_UNSET)
			remark(arg, arena_printf(arena,
			                         "%s.quantity: left out, so a PodDisruptionBudget "
			                         "comes when %s has 2 dynos",
			                         process_path(arena, process), process->type));
	}
	return list;
}
