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
	bool resized;         /* had other sizes, too */
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
	const char *size = json_string_or(json_get(labels, LABEL_SIZE), "");
	struct start *start;

	for (size_t i = 0; i < truth->count; i++) {
		start = &truth->starts[i];
		if (start->restarts != restarts || strcmp(start->uid, uid) != 0)
			continue;
		start->resized |= strcmp(start->size, size) != 0;
		return start;
	}
	if (truth->count == STARTS_MAX)
		abort();
	start = &truth->starts[truth->count++];
	*start = (struct start){ .uid = uid,
		                 .restarts = restarts,
		                 .type = json_string_or(json_get(labels, LABEL_TYPE), ""),
		                 .size = size };
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

static int64_t seconds_of(const struct start *start, int64_t now_s)
{
	int64_t seconds = (start->to_s ? start->to_s : now_s) - start->from_s;

	return seconds < 1 ? 1 : seconds;
}

/*
 * How many dynos of a type got another size while they ran. The
 * controller splits their seconds when it learns of that: only the sum of the sizes is exact,
 * and to a second each, since no part is less than one where nobody saw it end.
 */
static int64_t count_resized(const struct truth *truth, const char *type)
{
	int64_t count = 0;

	for (size_t i = 0; i < truth->count; i++)
		count += truth->starts[i].resized && strcmp(truth->starts[i].type, type) == 0;
	return count;
}

/* A run whose end nobody saw is a second at least, though the dyno may have ended in the second
 * before. */
static int64_t slack(const struct truth *truth, const char *type, bool exact, bool unseen)
{
	return (exact ? 0 : count_resized(truth, type)) + unseen;
}

/* Of all sizes if `size` is NULL. */
static int64_t true_seconds(const struct truth *truth, const char *type, const char *size,
                            int64_t now_s)
{
	int64_t sum = 0;

	for (size_t i = 0; i < truth->count; i++) {
		const struct start *start = &truth->starts[i];

		if (strcmp(start->type, type) == 0 && (!size || strcmp(start->size, size) == 0))
			sum += seconds_of(start, now_s);
	}
	return sum;
}

/* What is told of a type and size, or, if that was split, of the type. */
static struct usage_total told(const struct truth *truth, const struct usage_total *totals,
                               size_t count, const struct usage_total *of)
{
	struct usage_total sum = { .type = of->type, .size = of->size };

	if (count_resized(truth, of->type))
		sum.size = NULL;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(totals[i].type, sum.type) != 0 ||
		    (sum.size && strcmp(totals[i].size, sum.size) != 0))
			continue;
		sum.seconds += totals[i].seconds;
		sum.uncertain_s += totals[i].uncertain_s;
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
		struct usage_total sum = told(truth, totals, count, &totals[i]);
		int64_t is = true_seconds(truth, sum.type, sum.size, now_s);
		int64_t uncertain = exact ? 0 : sum.uncertain_s;

		if (sum.seconds > is + slack(truth, sum.type, exact, unseen) ||
		    (sum.seconds + uncertain < is && !unseen))
			return arena_printf(arena,
			                    "%s:%s used %lld s, not %lld s and %lld uncertain",
			                    sum.type, sum.size ? sum.size : "*", (long long)is,
			                    (long long)sum.seconds, (long long)uncertain);
		all += totals[i].seconds + (exact ? 0 : totals[i].uncertain_s);
	}
	for (size_t i = 0; i < truth->count; i++)
		all_true += seconds_of(&truth->starts[i], now_s);
	if (all < all_true && !unseen)
		return arena_printf(arena, "dynos ran %lld s, %lld are told", (long long)all_true,
		                    (long long)all);
	return NULL;
}
