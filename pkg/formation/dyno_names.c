#include "formation/dyno_names.h"

#include <stdlib.h>
#include <string.h>

const char *dyno_name(struct arena *arena, const struct observed_pod *pod)
{
	if (pod->dyno == 0)
		return pod->object.name;
	return arena_printf(arena, "%s.%d", pod->type, pod->dyno);
}

static int compare_age(const void *a, const void *b)
{
	const struct object *x = &(*(const struct observed_pod *const *)a)->object;
	const struct object *y = &(*(const struct observed_pod *const *)b)->object;

	if (x->created_ms != y->created_ms)
		return x->created_ms < y->created_ms ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* The pods of a process that live, oldest first. */
static const struct observed_pod **live_pods(struct arena *arena,
                                             const struct reconcile_input *input,
                                             const struct process *process, size_t *ret_count)
{
	const struct observed_pod **pods =
		arena_array(arena, const struct observed_pod *, input->pod_count);
	size_t count = 0;

	for (size_t i = 0; i < input->pod_count; i++) {
		const struct observed_pod *pod = input->pods[i];

		if (pod->object.owner_uid && !observed_pod_is_terminal(pod) &&
		    strcmp(pod->type, process->type) == 0)
			pods[count++] = pod;
	}
	qsort(pods, count, sizeof(const struct observed_pod *), compare_age);
	*ret_count = count;
	return pods;
}

static void plan_name(struct planner *planner, const struct process *process,
                      const struct observed_pod *pod, int number)
{
	struct arena *arena = planner->arena;
	struct json *body = json_new_object(arena);
	struct json *metadata = json_set_object(arena, body, "metadata");
	struct step *step = plan_add(planner, STEP_PATCH, PHASE_WRITE, &RESOURCE_POD,
	                             pod->object.name, process->type);

	json_set_string(arena, metadata, "uid", pod->object.uid);
	json_set(arena, json_set_object(arena, metadata, "labels"), LABEL_DYNO,
	         json_new_printf(arena, "%s.%d", process->type, number));
	json_set(arena, json_set_object(arena, metadata, "annotations"), ANNOTATION_DELETION_COST,
	         json_new_printf(arena, "-%d", number));
	step->uid = pod->object.uid;
	step->manager = FIELD_MANAGER;
	step->body = body;
}

void dyno_names_plan(struct planner *planner, const struct process *process)
{
	size_t count, free_number = 1;
	const struct observed_pod **pods =
		live_pods(planner->arena, planner->input, process, &count);
	bool *taken = arena_array(planner->arena, bool, count + 1);
	int *numbers = arena_array(planner->arena, int, count);

	/* Numbers above the count of pods never stand in the way. Of two with one number the older
	 * keeps it. */
	for (size_t i = 0; i < count; i++) {
		size_t number = (size_t)pods[i]->dyno;

		numbers[i] = pods[i]->dyno;
		if (number > 0 && number <= count) {
			numbers[i] = taken[number] ? 0 : pods[i]->dyno;
			taken[number] = true;
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (pods[i]->object.deleting)
			continue;
		while (numbers[i] == 0 && taken[free_number])
			free_number++;
		if (numbers[i] == 0)
			plan_name(planner, process, pods[i], (int)free_number++);
		else if (!pods[i]->has_deletion_cost)
			plan_name(planner, process, pods[i], numbers[i]);
	}
}
