#include "controller/run_private.h"

#include <string.h>

#include "base/log.h"
#include "formation/resize_plan.h"

enum { LOOK_AGAIN_MS = 1000 }; /* the cache may be behind what was read */

static int64_t deadline_of(const struct run *run, const struct write *write)
{
	struct reconcile_input input = {.formation = &run->formation};
	const struct dyno_size *size = NULL;

	cache_gather(run->env->cache, &write->run->arena, &input);
	for (size_t i = 0; i < run->formation.process_count; i++) {
		const struct process *process = &run->formation.processes[i];

		if (process->type && strcmp(process->type, write->step.type) == 0 && !size)
			size = dyno_sizes_find(input.sizes, process->size);
	}
	return 1000 * (int64_t)(size ? size->resize_deadline_s : RESIZE_DEADLINE_DEFAULT_S);
}

static void remember_refusal(struct run *run, const char *type, const char *why)
{
	struct resize_refusal *refusals =
		arena_array(&run->arena, struct resize_refusal, run->refusal_count + 1);

	if (run->refusal_count)
		memcpy(refusals, run->refusals, run->refusal_count * sizeof(*refusals));
	refusals[run->refusal_count++] = (struct resize_refusal){type, why};
	run->refusals = refusals;
}

/* Say which way was taken. */
static void announce(struct write *write, const struct resizer_result *result)
{
	struct run *run = write->run;
	const char *type = write->step.type;
	struct step event = {.kind = STEP_EVENT};

	if (!result->why && !result->in_place)
		return;
	metrics_resized(run->env->metrics, !result->why);
	event.reason = result->why ? RESIZING_ROLLOUT : "Resized";
	event.note = result->why
			     ? arena_printf(&run->arena, "%s: by a rollout: %s", type, result->why)
			     : arena_printf(&run->arena, "%s: its dynos have their new size, and none "
							 "was restarted", type);
	run_record_event(run, &event);
	if (result->why)
		remember_refusal(run, type,
				 arena_printf(&run->arena, "by a rollout: %s", result->why));
}

static void on_resized(void *arg, const struct resizer_result *result, const struct err *err)
{
	struct write *write = arg;

	write->resizer = NULL;
	if (err->code != ERR_NONE) {
		run_write_failed(write, err);
	} else {
		write->state = WRITE_DONE;
		write->again_ms = result->again_ms ? result->again_ms : LOOK_AGAIN_MS;
		failures_clear(write->run->failures, &write->step);
		announce(write, result);
	}
	run_settle(write);
}

void run_start_resize(struct write *write)
{
	struct run *run = write->run;
	const struct resizer_config config = {
		.loop = run->env->loop,
		.client = run->env->client,
		.cache = run->env->cache,
		.arena = &run->arena,
		.formation = &run->formation,
		.step = &write->step,
		.deadline_ms = deadline_of(run, write),
	};

	write->resizer = resizer_start(&config, on_resized, write);
}

int64_t run_resize_again(const struct run *run, const struct step *step)
{
	for (size_t i = 0; i < run->write_count; i++) {
		const struct write *write = &run->writes[i];

		if (write->step.kind == STEP_RESIZE && write->state == WRITE_DONE &&
		    strcmp(write->step.name, step->name) == 0)
			return write->again_ms;
	}
	return 0;
}

void run_note_refusals(struct run *run, struct reconcile_input *input)
{
	for (size_t i = 0; i < run->write_count && !run->noted; i++) {
		const struct step *step = &run->writes[i].step;

		if (step->kind == STEP_EVENT && step->type &&
		    strcmp(step->reason, RESIZING_ROLLOUT) == 0 && run->writes[i].state == WRITE_DONE)
			remember_refusal(run, step->type, step->note + strlen(step->type) + 2);
	}
	run->noted = run->write_count > 0;
	input->refusals = run->refusals;
	input->refusal_count = run->refusal_count;
}
