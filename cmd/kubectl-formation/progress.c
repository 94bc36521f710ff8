#include "progress.h"

#include <string.h>
#include <strings.h>

static const struct json *by_type(const struct json *list, const char *type)
{
	json_for_each (item, list) {
		if (strcmp(json_string_or(json_get(item, "type"), ""), type) == 0)
			return item;
	}
	return NULL;
}

/* Stalled, and this process has something to say about it. */
static const char *stalled(const struct json *status, const char *type)
{
	const struct json *condition = by_type(json_get(status, "conditions"), "Stalled");
	const struct json *process = by_type(json_get(status, "processes"), type);
	const char *message = json_string_or(json_get(process, "message"), "");

	if (strcmp(json_string_or(json_get(condition, "status"), ""), "True") != 0 || !*message)
		return NULL;
	return message;
}

struct progress progress_of(const struct goal *goal, const struct json *formation,
			    const struct observed_pod *const *pods, size_t count)
{
	const struct json *status = json_get(formation, "status");
	struct progress progress = {0};

	for (size_t i = 0; i < count; i++) {
		const struct observed_pod *pod = pods[i];

		if (strcmp(pod->type, goal->type) != 0 || pod->object.deleting ||
		    observed_pod_is_terminal(pod))
			continue;
		if (pod->ready && strcasecmp(pod->size, goal->size) == 0)
			progress.running++;
		else
			progress.others++;
	}
	progress.done = progress.running == goal->quantity && progress.others == 0;
	progress.seen =
		json_int_or(json_get(status, "observedGeneration"), 0) >= goal->generation;
	if (progress.seen && !progress.done)
		progress.stalled = stalled(status, goal->type);
	return progress;
}
