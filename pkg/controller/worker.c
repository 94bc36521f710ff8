#include "controller/worker.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/map.h"
#include "kube/workqueue.h"

enum {
	RUNS_AT_ONCE = LIMIT_WRITES_IN_FLIGHT, /* more would only wait in the transport */
	RUNS_KEPT = 4,                         /* idle ones kept with their memory */
	RUNS_A_TURN = 64,                      /* keys taken before others have the loop */
	STATUS_DELAY_MS = 50,                  /* changes of dynos within it are one */
	QUEUE_BACKOFF_MS = 300 * 1000,         /* failures.h has its own; a ceiling only */
};

struct worker {
	struct run_env env;
	struct prng prng;
	struct metrics *metrics;
	struct workqueue *queue;
	struct loop_task *pump;            /* take keys from the queue */
	struct loop_task *idle_task;       /* tell that nothing is under way */
	struct run *active[RUNS_AT_ONCE];  /* NULL: free place */
	size_t active_count;
	struct run *idle[RUNS_KEPT];
	size_t idle_count;
	struct map failures;               /* key → struct failures, those not empty */
	bool open;                         /* keys are taken */
	loop_fn *idle_fn;
	void *idle_arg;
};

static void on_run_done(void *arg, struct run *run, const struct run_result *result);

static void on_queue_ready(void *arg)
{
	struct worker *worker = arg;

	loop_task_post(worker->pump);
}

static void on_turn(void *arg, const char *key)
{
	struct worker *worker = arg;

	workqueue_add(worker->queue, key);
}

/* --- runs ---------------------------------------------------------- */

static struct run *take_run(struct worker *worker)
{
	if (worker->idle_count > 0)
		return worker->idle[--worker->idle_count];
	return run_new(&worker->env, on_run_done, worker);
}

static void give_run(struct worker *worker, struct run *run)
{
	run_reset(run);
	if (worker->idle_count < RUNS_KEPT)
		worker->idle[worker->idle_count++] = run;
	else
		run_free(run);
}

static struct failures *take_failures(struct worker *worker, const char *key)
{
	struct failures *failures = map_remove(&worker->failures, key);

	return failures ? failures : failures_new();
}

static void give_failures(struct worker *worker, const char *key, struct failures *failures,
			  bool gone)
{
	if (gone || failures_empty(failures))
		failures_free(failures);
	else
		map_put(&worker->failures, key, failures);
}

/* A run has ended, at once or later. */
static void finish(struct worker *worker, struct run *run, const struct run_result *result)
{
	const char *key = run_key(run);

	metrics_reconciled(worker->metrics, result->result,
			   loop_mono_ms(worker->env.loop) - run_started_ms(run));
	log_debug(key, "reconcile: %s, again in %lld ms", reconcile_result_name(result->result),
		  (long long)result->again_ms);
	give_failures(worker, key, run_failures(run), result->result == RECONCILE_GONE);
	if (result->result == RECONCILE_GONE)
		workqueue_forget(worker->queue, key);
	else if (result->again_ms > 0)
		workqueue_add_after(worker->queue, key, result->again_ms);
	give_run(worker, run);
	workqueue_done(worker->queue, key); /* the key is gone after this */
}

static void remember_active(struct worker *worker, struct run *run)
{
	size_t place = 0;

	while (worker->active[place])
		place++;
	worker->active[place] = run;
	worker->active_count++;
}

static void on_run_done(void *arg, struct run *run, const struct run_result *result)
{
	struct worker *worker = arg;
	size_t place = 0;

	while (worker->active[place] != run)
		place++;
	worker->active[place] = NULL;
	worker->active_count--;
	finish(worker, run, result);
	if (worker->open)
		loop_task_post(worker->pump);
	else if (worker->active_count == 0)
		loop_task_post(worker->idle_task);
}

static void work_on(struct worker *worker, const char *key)
{
	struct run *run = take_run(worker);
	struct run_result result;

	if (run_start(run, key, take_failures(worker, key), &result))
		finish(worker, run, &result);
	else
		remember_active(worker, run);
}

static void on_pump(void *arg)
{
	struct worker *worker = arg;
	const char *key = "";
	int budget = RUNS_A_TURN;

	while (worker->open && worker->active_count < RUNS_AT_ONCE && budget-- > 0) {
		key = workqueue_get(worker->queue);
		if (!key)
			return;
		work_on(worker, key);
	}
	if (worker->open && budget < 0)
		loop_task_post(worker->pump);
}

static void on_idle(void *arg)
{
	struct worker *worker = arg;
	loop_fn *idle = worker->idle_fn;

	worker->idle_fn = NULL;
	if (idle && !worker->open)
		idle(worker->idle_arg);
}

/* --- life ---------------------------------------------------------- */

struct worker *worker_new(const struct worker_config *config)
{
	struct worker *worker = x_calloc(1, sizeof(*worker));

	worker->metrics = config->metrics;
	worker->queue = workqueue_new(config->loop, QUEUE_BACKOFF_MS, on_queue_ready, worker);
	worker->pump = loop_task_new(config->loop, on_pump, worker);
	worker->idle_task = loop_task_new(config->loop, on_idle, worker);
	map_init(&worker->failures);
	prng_init(&worker->prng);
	worker->env = (struct run_env){
		.loop = config->loop,
		.client = config->client,
		.cache = config->cache,
		.recorder = config->recorder,
		.actors = config->actors,
		.turns = turns_new(config->max_size_changes, on_turn, worker),
		.prng = &worker->prng,
		.metrics = config->metrics,
	};
	return worker;
}

void worker_free(struct worker *worker)
{
	const char *key;
	void *failures;

	if (!worker)
		return;
	for (size_t i = 0; i < RUNS_AT_ONCE; i++) {
		if (worker->active[i])
			failures_free(run_failures(worker->active[i]));
		run_free(worker->active[i]);
	}
	for (size_t i = 0; i < worker->idle_count; i++)
		run_free(worker->idle[i]);
	for (size_t cursor = 0; map_next(&worker->failures, &cursor, &key, &failures);)
		failures_free(failures);
	map_release(&worker->failures);
	turns_free(worker->env.turns);
	loop_task_free(worker->idle_task);
	loop_task_free(worker->pump);
	workqueue_free(worker->queue);
	free(worker);
}

void worker_add(struct worker *worker, const char *ns, const char *name, enum change change)
{
	char *key cleanup(free_charp) = x_asprintf("%s/%s", ns, name);

	workqueue_add_after(worker->queue, key, change == CHANGE_STATUS ? STATUS_DELAY_MS : 0);
}

void worker_start(struct worker *worker)
{
	worker->open = true;
	loop_task_post(worker->pump);
}

void worker_stop(struct worker *worker, loop_fn *idle, void *arg)
{
	worker->open = false;
	worker->idle_fn = idle;
	worker->idle_arg = arg;
	for (size_t i = 0; i < RUNS_AT_ONCE; i++) {
		if (worker->active[i])
			run_stop(worker->active[i]);
	}
	if (worker->active_count == 0)
		loop_task_post(worker->idle_task);
}

size_t worker_depth(const struct worker *worker)
{
	return workqueue_depth(worker->queue);
}

size_t worker_active(const struct worker *worker)
{
	return workqueue_active(worker->queue);
}
