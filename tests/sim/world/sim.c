/* Runs the real controller on a simulated cluster, harmed in every place, and compares. */
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/resource.h"
#include "base/log.h"
#include "controller/manager.h"
#include "scenarios.h"
#include "tree.h"
#include "usage_check.h"

enum {
	REST_MS = 45 * 1000,         /* without a move: at rest, unless it was often refused */
	REST_LONG_MS = 400 * 1000,   /* the longest backoff is over */
	QUIET_MS = 60 * 1000,        /* in which nothing may be written */
	NEVER_MS = 4 * 3600 * 1000,  /* what hasn't come to rest by then never will */
	RESTART_MS = 7,              /* a controller that ended is started again */
	IN_FLIGHT_MOST = 100,        /* calls that may be open at once, watches included */
	WALK_CHANCE = 60,            /* of 1,000 requests and events, so many are harmed */
};

/* One run of a scenario, and what came of it. */
struct run {
	const struct scenario *scenario;
	uint64_t seed;
	struct world world;
	struct loop *loop;
	struct manager *manager;
	bool walk;
	int restarts;
	const char *problem; /* why it failed, or NULL */
	char *outcome;       /* what is there at the end, and how often what was made */
};

static bool verbose;
static uint64_t run_count;

/* --- the controller --------------------------------------------------- */

static void on_stopped(void *arg)
{
	(void)arg;
}

static void start_controller(struct run *run)
{
	const struct manager_config config = {
		.max_size_changes = 1,
		.stream_lists = true,
		.version = "sim",
		.instance = "sim",
		.stopped = on_stopped,
	};
	struct err err = ERR_INIT;

	run->manager = manager_new(run->loop, &run->world.transport, &config, &err);
	if (!run->manager)
		abort();
	manager_start(run->manager);
}

static void end_controller(struct run *run)
{
	manager_free(run->manager);
	run->manager = NULL;
	if (sim_made(run->loop) != 0)
		run->problem = "a timer or task is left behind";
	if (run->world.calls)
		run->problem = "a request is left behind";
}

static void on_restart(void *arg)
{
	start_controller(arg);
}

static void crash(struct run *run)
{
	run->world.crash = false;
	if (!run->manager)
		return;
	end_controller(run);
	run->restarts++;
	sim_after(run->loop, RESTART_MS, on_restart, run);
}

/* --- time ------------------------------------------------------------- */

/* Let time pass until nothing has moved for `rest_ms`. */
static void come_to_rest(struct run *run, int64_t rest_ms)
{
	struct world *world = &run->world;
	int64_t never_ms = loop_mono_ms(run->loop) + NEVER_MS;

	world->moved_ms = loop_mono_ms(run->loop);
	while (!run->problem) {
		int64_t end_ms = world->moved_ms + rest_ms;

		if (loop_mono_ms(run->loop) > never_ms)
			run->problem = "it never comes to rest";
		if (world_open(world) > IN_FLIGHT_MOST)
			run->problem = "too many requests at once";
		if (world->hung || !run->manager)
			end_ms = never_ms + 1;
		if (!sim_step(run->loop, end_ms) && loop_mono_ms(run->loop) >= end_ms)
			return;
		if (world->crash)
			crash(run);
	}
}

static void keep_quiet(struct run *run)
{
	int64_t end_ms = loop_mono_ms(run->loop) + QUIET_MS;
	unsigned writes = run->world.writes;

	while (sim_step(run->loop, end_ms))
		;
	if (run->world.writes != writes && !run->problem)
		run->problem = "something is written though nothing has changed";
}

/* --- what is there at the end ----------------------------------------- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Someone who was overtaken writes fewer times. */
static bool is_in_a_hurry(const struct scenario *scenario)
{
	for (int i = 0; i < ACTIONS_MAX; i++) {
		if (scenario->actions[i].soon_ms)
			return true;
	}
	return false;
}

/* A resize that is refused is a rollout, with other writes. */
static bool is_refused(const struct run *run)
{
	return run->world.harm.fault == FAULT_403 || run->world.harm.fault == FAULT_422;
}

/* How many ReplicaSets may be made where no dyno may be replaced, else 0. */
static unsigned long sets_kept(const struct scenario *scenario)
{
	for (int i = 0; i < ACTIONS_MAX; i++) {
		if (scenario->actions[i].what == ACTION_KEEP)
			return strtoul(scenario->actions[i].text, NULL, 10);
	}
	return 0;
}

/* An object without what differs from run to run. */
static const char *object_line(const struct run *run, struct arena *arena,
                               const struct object *object)
{
	struct json *value = json_clone(arena, object->value);
	struct json *metadata = tree_member(value, "metadata");

	if (object->kind == KIND_POD)
		return arena_printf(arena, "Pod of %s%s, size %s: %s",
		                    object_label(object, LABEL_TYPE),
		                    *object_label(object, LABEL_DYNO) ? " with a number" : "",
		                    object_label(object, LABEL_SIZE),
		                    json_string_or(json_path(value, "status", "phase", NULL), ""));
	/* What nobody looked at in between is one entry, so these follow the run. */
	tree_remove((struct json *)(uintptr_t)json_get(value, "status"), "history");
	tree_remove((struct json *)(uintptr_t)json_path(value, "status", "recorded", NULL), "changes");
	tree_remove(metadata, "resourceVersion");
	tree_remove(metadata, "creationTimestamp");
	if (object->kind != KIND_FORMATION && (run->walk || is_in_a_hurry(run->scenario)))
		tree_remove(metadata, "uid");
	if (object->kind == KIND_DEPLOYMENT &&
	    (run->walk || is_in_a_hurry(run->scenario) || sets_kept(run->scenario))) {
		tree_remove(metadata, "generation");
		tree_remove(tree_member(value, "status"), "observedGeneration");
	}
	tree_remove(tree_member(value, "status"), "usage"); /* checked by itself */
	json_for_each (condition, json_path(value, "status", "conditions", NULL)) {
		tree_remove((struct json *)(uintptr_t)condition, "lastTransitionTime");
	}
	json_for_each (process, json_path(value, "status", "processes", NULL)) {
		tree_remove((struct json *)(uintptr_t)process, "permit");
	}
	tree_sort(arena, value);
	return arena_printf(arena, "%s %s: %s", KIND_NAMES[object->kind], object->name,
	                    json_text(arena, value));
}

/* How often a child was made and deleted, by whomever. */
static const char *count_line(struct arena *arena, const struct cluster *cluster, size_t index)
{
	const struct change *first = &cluster->history[index];
	int made = 0, deleted = 0;

	for (size_t i = 0; i < cluster->history_count; i++) {
		const struct change *change = &cluster->history[i];

		if (change->kind != first->kind || strcmp(change->name, first->name) != 0)
			continue;
		if (i < index)
			return NULL;
		made += change->type == CHANGE_ADDED;
		deleted += change->type == CHANGE_DELETED;
	}
	return arena_printf(arena, "%s %s was made %d times, deleted %d times",
	                    KIND_NAMES[first->kind], first->name, made, deleted);
}

static bool is_counted(enum kind kind)
{
	return kind == KIND_DEPLOYMENT || kind == KIND_SERVICE || kind == KIND_BUDGET;
}

static char *describe(struct run *run)
{
	const struct cluster *cluster = &run->world.cluster;
	struct arena *arena = &run->world.cluster.arena;
	const char **lines = arena_array(arena, const char *,
	                                 cluster->count + cluster->history_count);
	struct buf text = BUF_INIT(1 << 24);
	size_t count = 0;

	for (size_t i = 0; i < cluster->count; i++) {
		enum kind kind = cluster->objects[i]->kind;

		if (kind != KIND_EVENT && kind != KIND_LEASE && kind != KIND_REPLICA_SET)
			lines[count++] = object_line(run, arena, cluster->objects[i]);
	}
	for (size_t i = 0; i < cluster->history_count; i++) {
		const char *line = is_counted(cluster->history[i].kind) && !run->walk &&
		                                   !is_in_a_hurry(run->scenario)
		                           ? count_line(arena, cluster, i)
		                           : NULL;

		if (line)
			lines[count++] = line;
	}
	qsort(lines, count, sizeof(*lines), by_text);
	for (size_t i = 0; i < count; i++)
		buf_printf(&text, "%s\n", lines[i]);
	return buf_detach(&text, NULL);
}

/* No two dynos have one number. */
static void check_numbers(struct run *run)
{
	const struct cluster *cluster = &run->world.cluster;

	for (size_t i = 0; i < cluster->count; i++) {
		const char *number = object_label(cluster->objects[i], LABEL_DYNO);

		for (size_t j = 0; *number && j < i; j++) {
			if (strcmp(object_label(cluster->objects[j], LABEL_DYNO), number) == 0)
				run->problem = "two dynos have one number";
		}
	}
}

/* No Deployment is left paused, and where dynos may not be replaced none was. */
static void check_sizes(struct run *run)
{
	const struct cluster *cluster = &run->world.cluster;
	unsigned made = 0;

	for (size_t i = 0; i < cluster->count; i++) {
		if (cluster->objects[i]->kind == KIND_DEPLOYMENT &&
		    json_path(cluster->objects[i]->value, "spec", "paused", NULL))
			run->problem = "a Deployment is left paused";
	}
	for (size_t i = 0; i < cluster->history_count; i++)
		made += cluster->history[i].kind == KIND_REPLICA_SET &&
		        cluster->history[i].type == CHANGE_ADDED;
	if (sets_kept(run->scenario) && made > sets_kept(run->scenario) && !run->walk &&
	    !is_refused(run))
		run->problem = "dynos were replaced";
}

/* The status tells of the spec that is there, and says what the scenario expects. */
static void check_status(struct run *run)
{
	const struct object *object =
		cluster_find(&run->world.cluster, KIND_FORMATION, "default", "shop");
	const char *reason = "";

	if (!object || !run->scenario->ready) {
		if (object || run->scenario->ready)
			run->problem = "the Formation should be there, or should not";
		return;
	}
	if (json_int_or(json_path(object->value, "status", "observedGeneration", NULL), -1) !=
	    json_int_or(json_path(object->value, "metadata", "generation", NULL), 0))
		run->problem = "the status is of another generation";
	json_for_each (condition, json_path(object->value, "status", "conditions", NULL)) {
		if (strcmp(json_string_or(json_get(condition, "type"), ""), "Ready") == 0)
			reason = json_string_or(json_get(condition, "reason"), "");
	}
	if (strcmp(reason, run->scenario->ready) != 0)
		run->problem = arena_printf(&run->world.cluster.arena,
		                            "the Formation is %s, not %s", reason,
		                            run->scenario->ready);
}

/* Without a restart, and with every event, nothing may be uncertain. */
static void check_usage(struct run *run)
{
	const struct object *object =
		cluster_find(&run->world.cluster, KIND_FORMATION, "default", "shop");
	bool exact = !run->walk && run->restarts == 0 &&
	             run->world.harm.fault < FAULT_REQUESTS;

	if (object)
		run->problem = usage_check(&run->world.cluster, object, exact, run->walk);
}

/* What was refused as wrong, or forbidden, is tried again after up to five minutes. */
static int64_t rest_of(const struct run *run)
{
	enum fault fault = run->world.harm.fault;

	return fault == FAULT_403 || fault == FAULT_422 ? REST_LONG_MS : REST_MS;
}

/* How long nothing must have moved before somebody does this. What he changes has to be there. */
static int64_t pause_before(const struct run *run, const struct action *action)
{
	if (action->soon_ms)
		return action->soon_ms;
	if (action->what == ACTION_SPEC || action->what == ACTION_SIZE || !run->walk)
		return run->walk ? 10 + sim_below(3000) : rest_of(run);
	return REST_LONG_MS;
}

/* --- a run ------------------------------------------------------------ */

static void run_scenario(struct run *run)
{
	const struct action *action = run->scenario->actions;
	struct err err = ERR_INIT;

	sim_seed(run->seed);
	run->loop = loop_new(NULL, &err);
	world_init(&run->world, run->loop, run->world.harm);
	scenario_prepare(&run->world);
	start_controller(run);
	for (; action->what != ACTION_END && !run->problem; action++) {
		come_to_rest(run, pause_before(run, action));
		scenario_act(&run->world, action);
	}
	come_to_rest(run, rest_of(run));
	run->world.calm = true; /* the weather is good from now on */
	if (run->walk)
		come_to_rest(run, REST_LONG_MS);
	keep_quiet(run);
	if (!run->problem)
		run->problem = run->world.cluster.broken;
	if (!run->problem)
		check_status(run);
	if (!run->problem)
		check_numbers(run);
	if (!run->problem)
		check_sizes(run);
	if (!run->problem)
		check_usage(run);
	run->outcome = describe(run);
	if (run->manager)
		end_controller(run);
	run_count++;
}

static void release_run(struct run *run)
{
	free(run->outcome);
	world_release(&run->world);
	loop_free(run->loop);
}

/* Lines can be long: what matters is where they part. */
static size_t common_prefix(const char *line, const char *other)
{
	size_t longest = 0;

	for (; *other; other += strcspn(other, "\n") + 1) {
		size_t len = 0;

		while (line[len] && line[len] == other[len] && line[len] != '\n')
			len++;
		longest = len > longest ? len : longest;
	}
	return longest > 40 ? longest - 40 : 0;
}

static void print_lines_only_in(const char *mark, const char *text, const char *other)
{
	for (; *text; text += strcspn(text, "\n") + 1) {
		char *line cleanup(free_charp) = x_strndup(text, strcspn(text, "\n") + 1);

		if (!strstr(other, line))
			printf("#   %s %.20s… %.300s\n", mark, line,
			       line + common_prefix(line, other));
	}
}

static void print_failure(const struct run *run, const char *expected)
{
	const struct harm *harm = &run->world.harm;

	printf("# %s: %s\n", run->scenario->name, run->problem);
	if (run->walk)
		printf("#   again: sim --scenario %s --walk --seed %" PRIu64 "\n",
		       run->scenario->name, run->seed);
	else
		printf("#   again: sim --scenario %s --fault %s --at %u --seed %" PRIu64 "\n",
		       run->scenario->name, FAULT_NAMES[harm->fault], harm->at, run->seed);
	if (expected) {
		print_lines_only_in("-", expected, run->outcome);
		print_lines_only_in("+", run->outcome, expected);
	}
}

/* Run it, and hold it against what should be there. */
static bool attempt(struct run *run, const char *expected)
{
	run_scenario(run);
	if (!run->problem && expected && strcmp(run->outcome, expected) != 0)
		run->problem = "the end differs from that of an undisturbed run";
	if (run->problem || verbose)
		print_failure(run, expected);
	return !run->problem;
}

/* --- every fault in every place --------------------------------------- */

enum { FAILURES_SHOWN = 5 };

struct batch {
	const struct scenario *scenario;
	uint64_t seed;
	unsigned stride;
	unsigned runs, failed;
};

static void try_fault(struct batch *batch, enum fault fault, unsigned at, const char *expected)
{
	struct run run = { .scenario = batch->scenario,
		           .seed = batch->seed,
		           .world.harm = { .fault = fault, .at = at } };

	if (batch->failed >= FAILURES_SHOWN)
		return;
	batch->runs++;
	batch->failed += !attempt(&run, expected);
	release_run(&run);
}

static void try_everything(struct batch *batch)
{
	struct run calm = { .scenario = batch->scenario, .seed = batch->seed };

	batch->runs++;
	if (!attempt(&calm, NULL))
		batch->failed++;
	for (int fault = FAULT_NONE + 1; fault < FAULTS && !calm.problem; fault++) {
		unsigned most = fault < FAULT_REQUESTS ? calm.world.requests : calm.world.events;

		/* Not the same places for every fault: together they are all. */
		for (unsigned at = 1 + (unsigned)fault % batch->stride;
		     at <= most && fault != FAULT_REQUESTS; at += batch->stride)
			try_fault(batch, (enum fault)fault, at, calm.outcome);
	}
	release_run(&calm);
}

/* --- random walks ----------------------------------------------------- */

static void walk(struct batch *batch, uint64_t seed)
{
	struct run calm = { .scenario = batch->scenario, .seed = batch->seed, .walk = true };
	struct run run = { .scenario = batch->scenario,
		           .seed = seed,
		           .walk = true,
		           .world.harm.chance = WALK_CHANCE };

	if (batch->failed >= FAILURES_SHOWN)
		return;
	batch->runs++;
	run_scenario(&calm);
	batch->failed += !attempt(&run, calm.outcome);
	release_run(&run);
	release_run(&calm);
}

/* --- the program ------------------------------------------------------ */

struct options {
	const char *scenario; /* only this one, or NULL */
	enum fault fault;
	unsigned at;
	bool walk;            /* only the walk of `seed` */
	uint64_t seed;        /* of single runs, and of latencies */
	uint64_t seeds;       /* how many walks a scenario */
	unsigned stride;      /* every how-manieth place is harmed */
};

static enum fault fault_of(const char *name)
{
	int fault = 0;

	while (fault < FAULTS && strcmp(FAULT_NAMES[fault], name) != 0)
		fault++;
	return (enum fault)fault;
}

static int usage(void)
{
	fputs("usage: sim [--scenario NAME] [--seed N] [--seeds N] [--stride N]\n"
	      "           [--fault NAME --at N | --walk] [-v]\n",
	      stderr);
	return 2;
}

static int read_options(int argc, char **argv, struct options *options)
{
	*options = (struct options){ .seed = 1, .seeds = 20, .stride = 1 };
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(argv[i], "-v") == 0) {
			verbose = true;
			continue;
		} else if (strcmp(argv[i], "--walk") == 0) {
			options->walk = true;
			continue;
		} else if (!value) {
			return usage();
		}
		i++;
		if (strcmp(argv[i - 1], "--scenario") == 0)
			options->scenario = value;
		else if (strcmp(argv[i - 1], "--seed") == 0)
			options->seed = strtoull(value, NULL, 10);
		else if (strcmp(argv[i - 1], "--seeds") == 0)
			options->seeds = strtoull(value, NULL, 10);
		else if (strcmp(argv[i - 1], "--stride") == 0)
			options->stride = (unsigned)strtoul(value, NULL, 10);
		else if (strcmp(argv[i - 1], "--at") == 0)
			options->at = (unsigned)strtoul(value, NULL, 10);
		else if (strcmp(argv[i - 1], "--fault") == 0)
			options->fault = fault_of(value);
		else
			return usage();
	}
	return options->fault == FAULTS || options->stride == 0 ? usage() : 0;
}

static void run_batch(struct batch *batch, const struct options *options)
{
	struct run calm = { .scenario = batch->scenario, .seed = batch->seed };

	if (options->walk) {
		walk(batch, options->seed);
	} else if (options->fault != FAULT_NONE) {
		run_scenario(&calm);
		try_fault(batch, options->fault, options->at, calm.outcome);
		release_run(&calm);
	} else {
		try_everything(batch);
		for (uint64_t i = 0; i < options->seeds; i++)
			walk(batch, options->seed + i);
	}
}

int main(int argc, char **argv)
{
	struct timespec begin, end;
	struct options options;
	int number = 0, failed = 0;
	double seconds;

	if (read_options(argc, argv, &options) != 0)
		return 2;
	log_setup(verbose ? LOG_DEBUG : LOG_ERROR, LOG_FORMAT_TEXT, verbose ? 1 : open("/dev/null", O_WRONLY));
	mallopt(M_TRIM_THRESHOLD, 1 << 28); /* the next run wants the memory again */
	mallopt(M_MMAP_THRESHOLD, 1 << 28);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (const struct scenario *scenario = SCENARIOS; scenario->name; scenario++) {
		struct batch batch = { .scenario = scenario,
			               .seed = options.seed,
			               .stride = options.stride };

		if (options.scenario && strcmp(options.scenario, scenario->name) != 0)
			continue;
		run_batch(&batch, &options);
		failed += batch.failed > 0;
		printf("%sok %d - %s, %u runs\n", batch.failed ? "not " : "", ++number,
		       scenario->name, batch.runs);
		fflush(stdout);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
	printf("# %" PRIu64 " runs in %.1f s, %.0f us each; seeds from %" PRIu64 "\n", run_count,
	       seconds, seconds * 1e6 / (double)run_count, options.seed);
	printf("1..%d\n", number);
	return failed > 0 || number == 0;
}
