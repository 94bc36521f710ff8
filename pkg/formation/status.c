#include "formation/status.h"

#include <string.h>

const struct json *status_process(const struct json *status, const char *type)
{
	json_for_each (entry, json_get(status, "processes")) {
		if (strcmp(json_string_or(json_get(entry, "type"), ""), type) == 0)
			return entry;
	}
	return NULL;
}

/* An entry without a type, or with one that stood before, would not be told apart. */
static bool has_entry(const struct process *process)
{
	return *process->type && !process->repeated;
}

static struct json *process_entry(struct arena *arena, const struct reconcile_input *input,
                                  const struct process *process, const struct verdict *verdict)
{
	const struct json *permit =
		json_get(status_process(input->formation->status, process->type), "permit");
	struct json *entry = json_new_object(arena);

	json_set_string(arena, entry, "type", process->type);
	json_set_string(arena, entry, "size", process->size);
	json_set_int(arena, entry, "desired", verdict->desired);
	json_set_int(arena, entry, "running", verdict->running);
	json_set_int(arena, entry, "ready", verdict->ready);
	json_set_int(arena, entry, "updated", verdict->updated);
	json_set_bool(arena, entry, "singleton", process->singleton);
	json_set_string(arena, entry, "reason", verdict->reason);
	json_set_string(arena, entry, "message", verdict->message);
	if (permit && process->singleton)
		json_set(arena, entry, "permit", json_clone(arena, permit));
	return entry;
}

/* Of more dynos ready than desired, as while a rollout goes on, no other process lives. */
static const char *ready_text(struct arena *arena, const struct process_report *reports,
                              const struct verdict *verdicts, size_t count)
{
	int ready = 0, desired = 0;

	for (size_t i = 0; i < count; i++) {
		const struct verdict *verdict = &verdicts[i];

		if (!has_entry(reports[i].process))
			continue;
		ready += verdict->ready < verdict->desired ? verdict->ready : verdict->desired;
		desired += verdict->desired;
	}
	return arena_printf(arena, "%d/%d", ready, desired);
}

static const char *formation_text(struct arena *arena, const struct process_report *reports,
                                  const struct verdict *verdicts, size_t count)
{
	const char *text = "";

	for (size_t i = 0; i < count; i++) {
		const struct process *process = reports[i].process;

		if (has_entry(process))
			text = arena_printf(arena, "%s%s%s=%d:%s", text, *text ? " " : "",
			                    process->type, verdicts[i].desired, process->size);
	}
	return text;
}

struct json *status_build(struct arena *arena, const struct reconcile_input *input,
                          const struct process_report *reports, const struct verdict *verdicts,
                          size_t count)
{
	struct json *status = json_new_object(arena);
	struct json *list;

	json_set_int(arena, status, "observedGeneration", input->formation->generation);
	json_set_string(arena, status, "formation",
	                formation_text(arena, reports, verdicts, count));
	json_set_string(arena, status, "ready", ready_text(arena, reports, verdicts, count));
	list = json_set_array(arena, status, "processes");
	for (size_t i = 0; i < count; i++) {
		if (has_entry(reports[i].process))
			json_add(list,
			         process_entry(arena, input, reports[i].process, &verdicts[i]));
	}
	json_set(arena, status, "conditions",
	         conditions_build(arena, input, reports, verdicts, count));
	return status;
}

bool status_is_same(const struct json *status, const struct json *observed)
{
	json_for_each (member, status) {
		const struct json *other = json_get(observed, member->key);

		if (strcmp(member->key, "conditions") == 0 ? !conditions_are_same(member, other)
		                                           : !json_equal(member, other))
			return false;
	}
	return true;
}
