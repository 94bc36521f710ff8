#include "base/clock.h"
#include "controller/run_private.h"
#include "controller/step.h"

static enum reconcile_result result_of(const struct run *run)
{
	if (run->gone)
		return RECONCILE_GONE;
	if (run->report.state == WRITE_FAILED)
		return RECONCILE_FAILED;
	for (size_t i = 0; i < run->write_count; i++) {
		if (run->writes[i].state == WRITE_FAILED)
			return RECONCILE_FAILED;
	}
	return run->wrote ? RECONCILE_CHANGED : RECONCILE_UNCHANGED;
}

bool run_wants_more(const struct run *run)
{
	for (size_t i = 0; i < run->plan.step_count; i++) {
		const struct step *step = &run->plan.steps[i];

		if (step->kind != STEP_STATUS && step_is_request(step) && !run_holds(run, step) &&
		    !run_resize_again(run, step))
			return true;
	}
	return false;
}

int64_t run_resize_wait_ms(const struct run *run)
{
	int64_t again_ms = 0;

	for (size_t i = 0; i < run->plan.step_count; i++) {
		const struct step *step = &run->plan.steps[i];

		if (step->kind == STEP_RESIZE)
			again_ms = clock_sooner_ms(again_ms, run_resize_again(run, step));
	}
	return again_ms;
}

struct run_result run_summary(const struct run *run)
{
	struct run_result result = {.result = result_of(run)};

	if (run->gone)
		return result;
	result.again_ms =
		failures_wait_ms(run->failures, loop_mono_ms(run->env->loop));
	result.again_ms = clock_sooner_ms(result.again_ms, run->plan.again_ms);
	result.again_ms = clock_sooner_ms(result.again_ms, run->resize_wait_ms);
	if (run->wants_more && !run->waits_turn)
		result.again_ms = 1;
	/* What was held is free by now: its time came while the status was written. */
	if (result.result == RECONCILE_FAILED && result.again_ms == 0)
		result.again_ms = 1;
	if (run->waits_turn)
		result.again_ms = clock_sooner_ms(result.again_ms, TURN_MS);
	return result;
}
