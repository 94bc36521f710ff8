#include "formation/pod_runs.h"

#include "codec/timestamp.h"

/* Unix seconds, 0 when there is none; 1970 is how a kubelet writes that. */
static uint32_t seconds_of(const struct json *state, const char *key)
{
	int64_t ms = timestamp_parse(json_string_or(json_get(state, key), ""));

	return ms > 0 && ms / 1000 <= UINT32_MAX ? (uint32_t)(ms / 1000) : 0;
}

static void add(struct pod_runs *runs, int64_t index, const struct json *state, bool ended)
{
	if (!state || index < 0 || index > INT32_MAX)
		return;
	runs->items[runs->count++] = (struct pod_run){
		.index = (int)index,
		.start_s = seconds_of(state, "startedAt"),
		.end_s = ended ? seconds_of(state, "finishedAt") : 0,
		.ended = ended,
	};
}

struct pod_runs pod_runs_of(const struct json *container)
{
	const struct json *running = json_path(container, "state", "running", NULL);
	const struct json *ended = json_path(container, "state", "terminated", NULL);
	const struct json *last = json_path(container, "lastState", "terminated", NULL);
	int64_t restarts = json_int_or(json_get(container, "restartCount"), 0);
	struct pod_runs runs = { 0 };

	add(&runs, running || ended ? restarts - 1 : restarts, last, true);
	add(&runs, restarts, running ? running : ended, !running);
	return runs;
}

void pod_runs_follow(struct pod_runs *runs, const struct pod_runs *before)
{
	struct pod_run all[2 * POD_RUNS_MAX];
	int count = 0, first;

	for (int i = 0; i < before->count; i++) {
		const struct pod_run *run = &before->items[i];

		if (run->ended && (!runs->count || run->index < runs->items[0].index))
			all[count++] = *run;
	}
	for (int i = 0; i < runs->count; i++)
		all[count++] = runs->items[i];
	first = count > POD_RUNS_MAX ? count - POD_RUNS_MAX : 0;
	runs->count = count - first;
	for (int i = 0; i < runs->count; i++)
		runs->items[i] = all[first + i];
}
