#include "listing.h"

#include <stdlib.h>
#include <string.h>

#include "codec/quantity.h"
#include "codec/timestamp.h"
#include "formation/dyno_names.h"
#include "output.h"

/* --- one dyno ------------------------------------------------------ */

/* Waiting because it ended, not because it is being made. */
static bool has_crashed(const struct observed_pod *pod)
{
	return !pod->running && pod->last_exit_code >= 0 && pod->phase != POD_SUCCEEDED;
}

const char *dyno_state(const struct observed_pod *pod)
{
	if (pod->object.deleting)
		return "stopping";
	if (pod->gated)
		return "held";
	if (pod->ready)
		return "up";
	if (has_crashed(pod) || pod->phase == POD_FAILED)
		return "crashed";
	if (pod->phase == POD_PENDING && !pod->node)
		return "pending";
	return "starting";
}

static const char *crash_text(struct arena *arena, const struct observed_pod *pod, int64_t now_ms)
{
	int64_t at_ms = pod->last_exit_ms ? pod->last_exit_ms : pod->since_ms;
	const char *cause = pod->oom_killed
				    ? "out of memory"
				    : arena_printf(arena, "exit %d", pod->last_exit_code);

	if (pod->last_exit_code < 0)
		cause = "failed";
	return arena_printf(arena, "crashed %s ago (%s, %d restart%s)",
			    age_text(arena, now_ms - at_ms), cause, pod->restarts,
			    pod->restarts == 1 ? "" : "s");
}

const char *dyno_text(struct arena *arena, const struct observed_pod *pod, int64_t now_ms)
{
	const char *state = dyno_state(pod);
	int64_t since_ms = pod->since_ms ? pod->since_ms : pod->object.created_ms;
	const char *text;

	if (strcmp(state, "crashed") == 0)
		return crash_text(arena, pod, now_ms);
	if (strcmp(state, "stopping") == 0)
		return state;
	if (strcmp(state, "pending") == 0 || strcmp(state, "held") == 0)
		since_ms = pod->object.created_ms;
	text = arena_printf(arena, "%s for %s", state, age_text(arena, now_ms - since_ms));
	if (strcmp(state, "held") == 0)
		return arena_printf(arena, "%s (waits until no other dyno of it can run)", text);
	if (strcmp(state, "pending") == 0 && pod->unschedulable)
		return arena_printf(arena, "%s (%s)", text, pod->unschedulable);
	if (strcmp(state, "starting") == 0 && pod->waiting &&
	    strcmp(pod->waiting, "ContainerCreating") != 0)
		return arena_printf(arena, "%s (%s%s%s)", text, pod->waiting,
				    pod->waiting_message ? ": " : "",
				    pod->waiting_message ? pod->waiting_message : "");
	return text;
}

/* --- the dynos of a process ---------------------------------------- */

static int compare_dynos(const void *a, const void *b)
{
	const struct observed_pod *one = *(const struct observed_pod *const *)a;
	const struct observed_pod *two = *(const struct observed_pod *const *)b;

	if (one->dyno != two->dyno)
		return !one->dyno ? 1 : !two->dyno ? -1 : one->dyno < two->dyno ? -1 : 1;
	if (one->object.deleting != two->object.deleting)
		return one->object.deleting ? 1 : -1;
	return strcmp(one->object.name, two->object.name);
}

const struct observed_pod **listing_dynos(struct arena *arena, const struct listing_input *input,
					  const char *type, size_t *ret_count)
{
	const struct observed_pod **dynos =
		arena_array(arena, const struct observed_pod *, input->pod_count + 1);
	size_t count = 0;

	for (size_t i = 0; i < input->pod_count; i++) {
		if (strcmp(input->pods[i]->type, type) == 0 &&
		    (!observed_pod_is_terminal(input->pods[i]) || input->pods[i]->object.deleting))
			dynos[count++] = input->pods[i];
	}
	qsort(dynos, count, sizeof(*dynos), compare_dynos);
	*ret_count = count;
	return dynos;
}

static const char *args_text(struct arena *arena, const struct json *args)
{
	const char *text = "";

	json_for_each (item, args)
		text = arena_printf(arena, "%s%s%s", text, *text ? " " : "",
				    json_string_or(item, ""));
	return text;
}

static const char *command_of(struct arena *arena, const struct process *process)
{
	if (process->command)
		return process->command;
	return process->args ? args_text(arena, process->args) : "";
}

static const char *header(struct arena *arena, const struct process *process)
{
	const char *command = command_of(arena, process);

	return arena_printf(arena, "=== %s (%s%s)%s%s%s", process->type, process->size,
			    process->singleton ? ", singleton" : "", *command ? ": `" : "", command,
			    *command ? "`" : "");
}

static const char *memory_of(struct arena *arena, const struct listing_input *input,
			     const char *size_name)
{
	const struct dyno_size *size = input->sizes ? dyno_sizes_find(input->sizes, size_name) : NULL;
	char text[QUANTITY_TEXT_MAX];

	if (!size)
		return NULL;
	quantity_format_bytes(size->memory_bytes, text);
	return arena_strdup(arena, text);
}

static const char *dyno_line(struct arena *arena, const struct listing_input *input,
			     const struct observed_pod *pod)
{
	const char *text = arena_printf(arena, "%s: %s", dyno_name(arena, pod),
					dyno_text(arena, pod, input->now_ms));
	const char *memory = memory_of(arena, input, pod->size);

	if (!input->wide)
		return text;
	return arena_printf(arena, "%s  pod=%s node=%s size=%s restarts=%d memory=%s", text,
			    pod->object.name, pod->node ? pod->node : "-", pod->size, pod->restarts,
			    memory ? memory : "-");
}

static bool is_shown(const struct listing_input *input, const struct process *process)
{
	return !process->repeated && (!input->type || strcmp(input->type, process->type) == 0);
}

const char **listing_lines(struct arena *arena, const struct listing_input *input,
			   size_t *ret_count)
{
	size_t count = 0, most = input->pod_count + 2 * input->formation->process_count;
	const char **lines = arena_array(arena, const char *, most + 1);

	for (size_t i = 0; i < input->formation->process_count; i++) {
		const struct process *process = &input->formation->processes[i];
		const struct observed_pod **dynos;
		size_t dyno_count;

		if (!is_shown(input, process))
			continue;
		if (count)
			lines[count++] = "";
		lines[count++] = header(arena, process);
		dynos = listing_dynos(arena, input, process->type, &dyno_count);
		for (size_t at = 0; at < dyno_count; at++)
			lines[count++] = dyno_line(arena, input, dynos[at]);
	}
	*ret_count = count;
	return lines;
}

/* --- as data ------------------------------------------------------- */

static struct json *dyno_json(struct arena *arena, const struct listing_input *input,
			      const struct observed_pod *pod)
{
	struct json *item = json_new_object(arena);
	const char *memory = memory_of(arena, input, pod->size);
	char since[TIMESTAMP_MAX];

	json_set_string(arena, item, "name", dyno_name(arena, pod));
	json_set_string(arena, item, "state", dyno_state(pod));
	timestamp_format(pod->since_ms ? pod->since_ms : pod->object.created_ms, since);
	json_set_string(arena, item, "since", since);
	json_set_string(arena, item, "pod", pod->object.name);
	if (pod->node)
		json_set_string(arena, item, "node", pod->node);
	json_set_string(arena, item, "size", pod->size);
	if (memory)
		json_set_string(arena, item, "memory", memory);
	json_set_int(arena, item, "restarts", pod->restarts);
	if (pod->last_exit_code >= 0)
		json_set_int(arena, item, "lastExitCode", pod->last_exit_code);
	if (pod->unschedulable)
		json_set_string(arena, item, "message", pod->unschedulable);
	else if (pod->waiting_message)
		json_set_string(arena, item, "message", pod->waiting_message);
	return item;
}

struct json *listing_json(struct arena *arena, const struct listing_input *input)
{
	struct json *root = json_new_object(arena), *list;

	json_set_string(arena, root, "formation", input->formation->name);
	json_set_string(arena, root, "namespace", input->formation->ns);
	list = json_set_array(arena, root, "processes");
	for (size_t i = 0; i < input->formation->process_count; i++) {
		const struct process *process = &input->formation->processes[i];
		const struct observed_pod **dynos;
		struct json *item, *items;
		size_t count;

		if (!is_shown(input, process))
			continue;
		item = json_add(list, json_new_object(arena));
		json_set_string(arena, item, "type", process->type);
		json_set_string(arena, item, "size", process->size);
		if (process->quantity != QUANTITY_UNSET)
			json_set_int(arena, item, "quantity", process->quantity);
		json_set_bool(arena, item, "singleton", process->singleton);
		json_set_string(arena, item, "command", command_of(arena, process));
		items = json_set_array(arena, item, "dynos");
		dynos = listing_dynos(arena, input, process->type, &count);
		for (size_t at = 0; at < count; at++)
			json_add(items, dyno_json(arena, input, dynos[at]));
	}
	return root;
}
