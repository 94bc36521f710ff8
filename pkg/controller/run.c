#include "controller/run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "controller/changes.h"
#include "controller/confirm.h"
#include "controller/gate.h"
#include "controller/run_private.h"
#include "controller/step.h"
#include "formation/singleton.h"

static const char *const RUN_STATES[] = {
	[RUN_IDLE] = "idle",
	[RUN_WRITING] = "writing",
	[RUN_REPORTING] = "reporting",
	[RUN_ENDED] = "ended",
};

static void advance(struct run *run);

static void enter(struct run *run, enum run_state state)
{
	assert(state == RUN_IDLE || state > run->state);
	log_debug(run->key, "reconcile: %s -> %s", RUN_STATES[run->state], RUN_STATES[state]);
	run->state = state;
}

struct run *run_new(const struct run_env *env, run_done_fn *done, void *arg)
{
	struct run *run = x_calloc(1, sizeof(*run));

	run->env = env;
	run->done = done;
	run->arg = arg;
	arena_init(&run->arena);
	return run;
}

void run_free(struct run *run)
{
	if (!run)
		return;
	for (size_t i = 0; i < run->write_count; i++) {
		if (run->writes[i].call)
			client_cancel(run->writes[i].call);
		gate_cancel(run->writes[i].gate);
		rival_cancel(run->writes[i].rival);
		resizer_cancel(run->writes[i].resizer);
	}
	if (run->report.call)
		client_cancel(run->report.call);
	arena_release(&run->arena);
	free(run);
}

/* --- deciding ------------------------------------------------------ */

/*
 * Read the cache and make the plan. `input` is the caller's to look at
 * until the cache changes. Returns -1 when there is no Formation to decide
 * about.
 */
static int decide(struct run *run, struct reconcile_input *ret_input)
{
	struct reconcile_input input = {.now_ms = loop_wall_ms(run->env->loop)};
	const struct stored_formation *stored;
	const char *slash = strchr(run->key, '/');
	const char *ns = arena_strndup(&run->arena, run->key, (size_t)(slash - run->key));
	struct err err = ERR_INIT;

	stored = cache_formation(run->env->cache, ns, slash + 1);
	if (!stored)
		return -1;
	if (cache_decode(&run->arena, stored, &run->formation, &err) != 0) {
		log_error(run->key, "cannot read the Formation: %s", err.msg);
		return -1;
	}
	input.formation = &run->formation;
	input.actors_verified = actors_verified(run->env->actors);
	cache_gather(run->env->cache, &run->arena, &input);
	input.failures = failures_list(run->failures, &run->arena, &input.failure_count);
	input.rivals = failures_rivals(run->failures, &run->arena, loop_mono_ms(run->env->loop),
				       &input.rival_count);
	run_note_refusals(run, &input);
	formation_reconcile(&run->arena, &input, &run->plan);
	*ret_input = input;
	return 0;
}

static void skip_process(struct run *run, const char *type)
{
	for (size_t i = 0; i < run->write_count; i++) {
		struct write *write = &run->writes[i];

		if (write->state == WRITE_PENDING && write->step.kind != STEP_STATUS &&
		    same_text(write->step.type, type))
			write->state = WRITE_SKIPPED;
	}
}

static struct digest digest_step(void *arg, const struct step *step)
{
	(void)arg;
	return step_digest(step);
}

bool run_holds(const struct run *run, const struct step *step)
{
	return step_is_request(step) && failures_hold(run->failures, step, digest_step, NULL,
						      loop_mono_ms(run->env->loop));
}

/* Take the plan's steps over, and mark those that have to wait. */
static void take_steps(struct run *run, const struct reconcile_input *input)
{
	run->write_count = run->plan.step_count;
	run->writes = arena_array(&run->arena, struct write, run->write_count);
	for (size_t i = 0; i < run->write_count; i++) {
		struct write *write = &run->writes[i];

		write->run = run;
		write->step = run->plan.steps[i];
		write->repairs = step_is_repair(input, &write->step);
		write->contested = rival_is_met(input, &write->step);
		step_own(&run->arena, &write->step);
		if (write->step.kind != STEP_STATUS && run_holds(run, &write->step))
			write->state = WRITE_FAILED;
	}
	for (size_t i = 0; i < run->write_count; i++) {
		struct write *write = &run->writes[i];

		if (write->state != WRITE_PENDING || write->repairs ||
		    !step_follows_size(input, &write->step) ||
		    turns_take(run->env->turns, run->key, loop_mono_ms(run->env->loop)))
			continue;
		run->waits_turn = true;
		skip_process(run, write->step.type);
	}
}

/* --- events -------------------------------------------------------- */

void run_record_event(struct run *run, const struct step *step)
{
	const struct event_subject subject = {
		.resource = &RESOURCE_FORMATION,
		.ns = run->formation.ns,
		.name = run->formation.name,
		.uid = run->formation.uid,
	};

	if (same_text(step->reason, SINGLETON_OVERLAP))
		metrics_overlap(run->env->metrics);
	log_write(step->logged ? LOG_INFO : LOG_DEBUG, run->key, "%s", step->note);
	recorder_event(run->env->recorder, &subject, step->warning, step->reason, "Reconcile",
		       step->note);
}

static void record_status_events(struct run *run)
{
	for (size_t i = 0; i < run->plan.step_count; i++) {
		if (step_goes_with_status(&run->plan.steps[i]))
			run_record_event(run, &run->plan.steps[i]);
	}
}

/* --- answers ------------------------------------------------------- */

void run_write_failed(struct write *write, const struct err *err)
{
	struct run *run = write->run;
	bool unreachable = err->http_status == 0 && err->code == ERR_UNAVAILABLE;
	bool news = failures_note(run->failures, &write->step, step_digest(&write->step), err,
				  loop_mono_ms(run->env->loop), prng_next(run->env->prng));
	enum log_level level = news && !unreachable && err->code != ERR_CONFLICT ? LOG_WARN
										 : LOG_DEBUG;

	write->state = WRITE_FAILED;
	log_write(level, run->key, "%s", err->msg);
}

static void write_succeeded(struct write *write)
{
	struct run *run = write->run;

	write->state = WRITE_DONE;
	failures_clear(run->failures, &write->step);
	if (write == &run->report)
		record_status_events(run);
	log_write(write->step.kind == STEP_STATUS ? LOG_DEBUG : LOG_INFO, run->key, "%s",
		  step_text(&run->arena, &write->step));
}

/* Take what the server said into the cache; NULL: the object is gone. */
static void observe(struct write *write, struct arena *arena, const struct json *object)
{
	const struct step *step = &write->step;
	const struct cache_answer answer = {
		.resource = step->resource,
		.ns = step->ns,
		.name = step->name,
		.uid = step->uid,
		.formation = strchr(write->run->key, '/') + 1,
	};

	cache_observe(write->run->env->cache, &answer, arena, object);
}

/* Some request of the run has ended. */
void run_settle(struct write *write)
{
	struct run *run = write->run;

	if (--run->active == 0)
		advance(run);
}

/*
 * The object as it is after a conflict. If the name was meant to be free
 * and belongs to somebody else, that is what the failure is.
 */
static void on_reread(void *arg, struct arena *arena, struct json *object, const struct err *err)
{
	struct write *write = arg;
	const struct step *step = &write->step;
	struct err why = ERR_INIT;

	write->call = NULL;
	err_set(&why, ERR_CONFLICT, "%s \"%s\" was changed by somebody else meanwhile",
		step->resource->kind, step->name);
	if (err->code == ERR_NOT_FOUND)
		observe(write, arena, NULL);
	else if (err->code != ERR_NONE)
		why = *err;
	else if (step->uid || object_is_owned(object, write->run->formation.uid))
		observe(write, arena, object);
	else
		err_set(&why, ERR_ALREADY_EXISTS,
			"%s \"%s\" exists and does not belong to this Formation",
			step->resource->kind, step->name);
	run_write_failed(write, &why);
	run_settle(write);
}

static void reread(struct write *write)
{
	const struct step *step = &write->step;
	struct client_request request = step_reread(step, cache_keep(step->resource));

	write->call = client_start(write->run->env->client, &request, on_reread, write);
}

static void on_answer(void *arg, struct arena *arena, struct json *object, const struct err *err)
{
	struct write *write = arg;
	bool deleted = write->step.kind == STEP_DELETE &&
		       same_text(json_string_or(json_get(object, "kind"), NULL), "Status");

	write->call = NULL;
	if (err->code == ERR_CONFLICT || err->code == ERR_ALREADY_EXISTS) {
		reread(write);
		return;
	}
	if (step_is_moot(&write->step, err) || (err->code == ERR_NONE && deleted))
		observe(write, arena, NULL);
	else if (err->code == ERR_NONE)
		observe(write, arena, object);

	if (err->code == ERR_NONE || step_is_moot(&write->step, err))
		write_succeeded(write);
	else
		run_write_failed(write, err);
	run_settle(write);
}

static void on_gate(void *arg, const struct err *err)
{
	struct write *write = arg;

	write->gate = NULL;
	if (err->code == ERR_NONE)
		write_succeeded(write);
	else
		run_write_failed(write, err);
	run_settle(write);
}

static void open_gate(struct write *write)
{
	const struct run *run = write->run;
	const struct run_env *env = run->env;
	const struct gate_config config = {
		.loop = env->loop,
		.client = env->client,
		.cache = env->cache,
		.metrics = env->metrics,
		.arena = &write->run->arena,
		.formation = &run->formation,
		.type = write->step.type,
	};

	write->gate = gate_start(&config, on_gate, write);
}

/* --- phases -------------------------------------------------------- */

static void send_write(struct write *write)
{
	const struct step *step = &write->step;
	struct client_request request = step_request(step, cache_keep(step->resource));

	write->call = client_start(write->run->env->client, &request, on_answer, write);
}

static void on_confirmed(void *arg, struct arena *arena, struct json *object, const struct err *err)
{
	struct write *write = arg;
	const struct run *run = write->run;
	struct err why = ERR_INIT;

	write->call = NULL;
	if (confirm_holds(run->env->cache, &run->formation, arena, object, err, &why))
		return send_write(write);
	write->state = WRITE_SKIPPED;
	if (why.code != ERR_NONE)
		run_write_failed(write, &why);
	run_settle(write);
}

static void on_rival(void *arg, const char *text)
{
	struct write *write = arg;
	const struct run *run = write->run;

	write->rival = NULL;
	if (text)
		failures_note_rival(run->failures, &write->step, text,
				    loop_mono_ms(run->env->loop));
	send_write(write);
}

static void look_for_rival(struct write *write)
{
	struct run *run = write->run;
	const struct rival_config config = {
		.client = run->env->client,
		.recorder = run->env->recorder,
		.arena = &run->arena,
		.formation = &run->formation,
		.step = &write->step,
	};

	write->rival = rival_start(&config, on_rival, write);
}

static void start_write(struct write *write)
{
	struct run *run = write->run;
	struct client_request request = confirm_request(&run->formation);

	if (!step_is_request(&write->step)) {
		run_record_event(run, &write->step);
		write->state = WRITE_DONE;
		return;
	}
	write->state = WRITE_ACTIVE;
	run->active++;
	run->wrote = true;
	if (write->step.kind == STEP_OPEN_GATE)
		open_gate(write);
	else if (write->contested)
		look_for_rival(write);
	else if (write->step.kind == STEP_RESIZE)
		run_start_resize(write);
	else if (!confirm_is_needed(&run->formation, &write->step))
		send_write(write);
	else
		write->call = client_start(run->env->client, &request, on_confirmed, write);
}

static bool process_failed(const struct run *run, const struct step *step)
{
	for (size_t i = 0; i < run->write_count && step->kind != STEP_OPEN_GATE; i++) {
		if (run->writes[i].state == WRITE_FAILED &&
		    run->writes[i].step.kind != STEP_OPEN_GATE &&
		    same_text(run->writes[i].step.type, step->type))
			return true;
	}
	return false;
}

static bool is_waiting(const struct write *write)
{
	return write->state == WRITE_PENDING && write->step.kind != STEP_STATUS &&
	       !step_goes_with_status(&write->step);
}

/* Start the next phase's steps. Returns false when there was none. */
static bool start_phase(struct run *run)
{
	const struct write *first = NULL;

	for (size_t i = 0; i < run->write_count; i++) {
		const struct write *write = &run->writes[i];

		if (is_waiting(write) && (!first || write->step.phase < first->step.phase))
			first = write;
	}
	if (!first || run->stopping)
		return false;
	for (size_t i = 0, phase = (size_t)first->step.phase; i < run->write_count; i++) {
		struct write *write = &run->writes[i];

		if (!is_waiting(write) || (size_t)write->step.phase != phase)
			continue;
		if (process_failed(run, &write->step))
			write->state = WRITE_SKIPPED;
		else
			start_write(write);
	}
	return true;
}

/* --- the end ------------------------------------------------------- */

/* The writes that succeeded and are wanted again, or only put right what others changed. */
static void note_undone(struct run *run)
{
	for (size_t i = 0; i < run->write_count; i++) {
		const struct write *write = &run->writes[i];
		bool undone = write->repairs;

		if ((write->step.kind != STEP_APPLY && !undone) || write->state != WRITE_DONE)
			continue;
		for (size_t j = 0; !undone && j < run->plan.step_count; j++)
			undone = step_same_write(&write->step, &run->plan.steps[j]);
		if (undone)
			failures_note_undone(run->failures, &write->step, step_digest(&write->step),
					     loop_mono_ms(run->env->loop),
					     prng_next(run->env->prng));
	}
}

/* Decide once more, now that it is known what came of the writes. */
static void decide_again(struct run *run)
{
	struct reconcile_input input;

	if (decide(run, &input) != 0) {
		run->gone = true;
		return;
	}
	note_undone(run);
	run->wants_more = run_wants_more(run);
	run->resize_wait_ms = run_resize_wait_ms(run);
}

/* Start to write the status, if that is wanted. */
static void start_report(struct run *run)
{
	bool wanted = false;

	for (size_t i = 0; i < run->plan.step_count; i++) {
		struct write *report = &run->report;

		if (run->plan.steps[i].kind != STEP_STATUS)
			continue;
		*report = (struct write){.run = run, .step = run->plan.steps[i]};
		step_own(&run->arena, &report->step);
		if (run_holds(run, &report->step))
			report->state = WRITE_FAILED;
		else
			start_write(report);
		wanted = true;
	}
	if (!wanted)
		record_status_events(run);
}

/* The status as it is now: just written, or as it was found. */
static const struct json *latest_status(const struct run *run)
{
	if (run->report.state == WRITE_DONE && run->report.step.body)
		return json_get(run->report.step.body, "status");
	return run->formation.status;
}

/* A Formation whose work is done, or can't go on, lets the next one follow its size. */
static void give_turn(struct run *run)
{
	struct turns *turns = run->env->turns;

	if (run->gone || (turns_held(turns, run->key) && !run->stopping &&
			  !status_is_reconciling(latest_status(run))))
		turns_release(turns, run->key, loop_mono_ms(run->env->loop));
}

static void end(struct run *run)
{
	struct run_result result;

	enter(run, RUN_ENDED);
	give_turn(run);
	if (run->starting)
		return;
	result = run_summary(run);
	run->done(run->arg, run, &result);
}

/* Go on as far as is possible without an answer. */
static void advance(struct run *run)
{
	if (run->state == RUN_WRITING) {
		while (run->active == 0 && start_phase(run))
			;
		if (run->active > 0)
			return;
		enter(run, RUN_REPORTING);
		if (run->wrote)
			decide_again(run);
		if (!run->gone && !run->stopping)
			start_report(run);
		if (run->active > 0)
			return;
	}
	end(run);
}

bool run_start(struct run *run, const char *key, struct failures *failures,
	       struct run_result *ret_result)
{
	struct reconcile_input input;

	assert(run->state == RUN_IDLE);
	run->key = key;
	run->failures = failures;
	run->started_ms = loop_mono_ms(run->env->loop);
	run->starting = true;
	enter(run, RUN_WRITING);
	if (decide(run, &input) != 0) {
		run->gone = true;
		end(run);
	} else {
		failures_sweep(failures, &run->plan, run->started_ms);
		take_steps(run, &input);
		advance(run);
	}
	run->starting = false;
	if (run->state != RUN_ENDED)
		return false;
	*ret_result = run_summary(run);
	return true;
}

void run_stop(struct run *run)
{
	run->stopping = true;
}

void run_reset(struct run *run)
{
	assert(run->state == RUN_ENDED);
	enter(run, RUN_IDLE);
	arena_reset(&run->arena);
	*run = (struct run){
		.env = run->env, .done = run->done, .arg = run->arg, .arena = run->arena};
}

const char *run_key(const struct run *run)
{
	return run->key;
}

struct failures *run_failures(const struct run *run)
{
	return run->failures;
}

int64_t run_started_ms(const struct run *run)
{
	return run->started_ms;
}
