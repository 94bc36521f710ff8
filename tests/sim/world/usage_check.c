#include "usage_check.h"

#include <stdlib.h>
#include <string.h>

#include "api/resource.h"
#include "codec/timestamp.h"
#include "formation/usage_total.h"

enum { STARTS_MAX = 4096 };

/* One start of a container, as the history tells it. */
struct start {
	const char *uid;
	int64_t restarts;
	const char *type, *size;
	int64_t from_s, to_s; /* to_s 0: it goes on */
};

struct truth {
	struct start starts[STARTS_MAX];
	size_t count;
	int64_t since_s; /* pods made before are another Formation's */
};

static int64_t time_in(const struct json *state, const char *key)
{
	return timestamp_parse(json_string_or(json_get(state, key), "")) / 1000;
}

static struct start *start_of(struct truth *truth, const struct json *pod, int64_t restarts)
{
	const char *uid = json_string_or(json_path(pod, "metadata", "uid", NULL), "");
	const struct json *labels = json_path(pod, "metadata", "labels", NULL);
	struct start *start;

	for (size_t i = 0; i < truth->count; i++) {
		if (truth->starts[i].restarts == restarts &&
		    strcmp(truth->starts[i].uid, uid) == 0)
			return &truth->starts[i];
	}
	if (truth->count == STARTS_MAX)
		abort();
	start = &truth->starts[truth->count++];
	*start = (struct start){ .uid = uid,
		                 .restarts = restarts,
		                 .type = json_string_or(json_get(labels, LABEL_TYPE), ""),
		                 .size = json_string_or(json_get(labels, LABEL_SIZE), "") };
	return start;
}

/* Every version of every pod is looked at: none of its starts is missed. */
static void take(struct truth *truth, const struct json *pod)
{
	const struct json *list = json_path(pod, "status", "containerStatuses", NULL);
	const struct json *container = list ? list->first : NULL;
	const struct json *state = json_get(container, "state"), *is;
	int64_t restarts = json_int_or(json_get(container, "restartCount"), 0);

	if (time_in(json_get(pod, "metadata"), "creationTimestamp") < truth->since_s)
		return;
	is = json_get(state, "running");
	if (is)
		start_of(truth, pod, restarts)->from_s = time_in(is, "startedAt");
	is = json_get(state, "terminated");
	if (is)
		start_of(truth, pod, restarts)->to_s = time_in(is, "finishedAt");
	is = json_path(container, "lastState", "terminated", NULL);
	if (is)
		start_of(truth, pod, restarts - 1)->to_s = time_in(is, "finishedAt");
}

static void read_history(struct cluster *cluster, struct truth *truth)
{
	for (size_t i = 0; i < cluster->history_count; i++) {
		const struct change *change = &cluster->history[i];
		struct json *pod = NULL;
		struct err err = ERR_INIT;

		if (change->kind != KIND_POD)
			continue;
		if (json_parse(&cluster->arena, change->text, strlen(change->text), NULL, &pod,
		               &err) < 0)
			abort();
		take(truth, pod);
	}
}

static int64_t true_seconds(const struct truth *truth, const char *type, const char *size,
                            int64_t now_s)
{
	int64_t sum = 0;

	for (size_t i = 0; i < truth->count; i++) {
		const struct start *start = &truth->starts[i];
		int64_t seconds = (start->to_s ? start->to_s : now_s) - start->from_s;

		if (strcmp(start->type, type) == 0 && strcmp(start->size, size) == 0)
			sum += seconds < 1 ? 1 : seconds;
	}
	return sum;
}

const char *usage_check(struct cluster *cluster, const struct object *formation, bool exact,
                        bool unseen)
{
	struct arena *arena = &cluster->arena;
	struct truth *truth = arena_new(arena, struct truth);
	int64_t now_s = loop_wall_ms(cluster->loop) / 1000, all = 0, all_true = 0;
	const struct usage_total *totals;
	size_t count;

	truth->since_s = time_in(json_get(formation->value, "metadata"), "creationTimestamp");
	read_history(cluster, truth);
	totals = usage_totals(arena, json_path(formation->value, "status", "usage", NULL), now_s,
	                      &count);
	for (size_t i = 0; i < count; i++) {
		int64_t is = true_seconds(truth, totals[i].type, totals[i].size, now_s);
		int64_t uncertain = exact ? 0 : totals[i].uncertain_s;

		if (totals[i].seconds > is || (totals[i].seconds + uncertain < is && !unseen))
			return arena_printf(arena, "%s:%s used %lld s, not %lld s and %lld uncertain",
			                    totals[i].type, totals[i].size, (long long)is,
			                    (long long)totals[i].seconds, (long long)uncertain);
		all += totals[i].seconds + uncertain;
	}
	for (size_t i = 0; i < truth->count; i++) {
		int64_t seconds = (truth->starts[i].to_s ? truth->starts[i].to_s : now_s) -
		                  truth->starts[i].from_s;

		all_true += seconds < 1 ? 1 : seconds;
	}
	if (all < all_true && !unseen)
		return arena_printf(arena, "dynos ran %lld s, %lld are told", (long long)all_true,
		                    (long long)all);
	return NULL;
}
