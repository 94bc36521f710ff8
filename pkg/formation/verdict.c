#include "formation/verdict.h"

#include <string.h>

#include "formation/claim.h"
#include "formation/singleton.h"
#include "formation/trouble.h"

static void say(struct verdict *verdict, enum verdict_level level, const char *reason,
                const char *message)
{
	verdict->level = level;
	verdict->reason = reason;
	verdict->message = message;
}

/* --- counting ------------------------------------------------------ */

static int desired_of(const struct process_report *report)
{
	if (report->process->quantity != QUANTITY_UNSET)
		return report->process->quantity;
	if (report->deployment)
		return report->deployment->replicas;
	return report->reason ? 0 : 1;
}

/*
 * Ready is the Deployment's count, which its rollout goes by; pods are seen
 * by another watch, earlier or later, and a ready dyno runs.
 */
static void count(const struct reconcile_input *input, const struct process_report *report,
                  struct verdict *verdict)
{
	int ready = 0;

	for (size_t i = 0; i < input->pod_count; i++) {
		const struct observed_pod *pod = input->pods[i];

		if (strcmp(pod->type, report->process->type) != 0 ||
		    observed_pod_is_terminal(pod) || !pod->object.owner_uid)
			continue;
		verdict->running += pod->running;
		ready += pod->ready;
	}
	verdict->desired = desired_of(report);
	verdict->ready = report->deployment ? report->deployment->ready : ready;
	verdict->updated = report->deployment ? report->deployment->updated : 0;
	if (report->resizing && report->resized < verdict->updated)
		verdict->updated = report->resized;
	if (verdict->running < verdict->ready)
		verdict->running = verdict->ready;
}

/* --- judging ------------------------------------------------------- */

static bool is_quota(const char *message)
{
	return strstr(message, "exceeded quota") != NULL;
}

static void judge_failure(struct verdict *verdict, const struct write_failure *failure)
{
	switch (failure->code) {
	case ERR_FORBIDDEN:
	case ERR_INVALID:
	case ERR_LIMIT:
		say(verdict, VERDICT_STALLED,
		    is_quota(failure->message) ? "QuotaExceeded" : "Refused", failure->message);
		break;
	default:
		say(verdict, VERDICT_PROGRESSING, "Retrying", failure->message);
		break;
	}
}

static const struct rival_note *rival_of(const struct reconcile_input *input,
                                         const struct process_report *report)
{
	for (size_t i = 0; i < input->rival_count; i++) {
		const char *type = input->rivals[i].type;

		if (type && strcmp(type, report->process->type) == 0)
			return &input->rivals[i];
	}
	return NULL;
}

static void judge_rival(const struct rival_note *rival, enum verdict_level level,
                        struct verdict *verdict)
{
	say(verdict, level, REASON_CONTESTED, rival->text);
	verdict->again_ms = rival->left_ms;
}

static void judge_pending(const struct reconcile_input *input, const struct process_report *report,
                          struct verdict *verdict)
{
	const struct write_failure *failure = input_failure(input, report->process->type, NULL);
	const struct rival_note *rival = rival_of(input, report);

	if (input->formation->paused)
		say(verdict, VERDICT_STALLED, "Paused",
		    "the Formation is paused, and its spec is not carried out; to go on set "
		    "spec.paused to false");
	else if (failure)
		judge_failure(verdict, failure);
	else if (rival)
		judge_rival(rival, VERDICT_PROGRESSING, verdict);
	else if (report->resizing)
		say(verdict, VERDICT_PROGRESSING, "Resizing", report->resizing);
	else if (report->deployment)
		say(verdict, VERDICT_PROGRESSING, "Updating", "its objects are being written");
	else
		say(verdict, VERDICT_PROGRESSING, "Creating", "its objects are being made");
}

/* As `kubectl rollout status` has it, and every dyno ready besides. */
static bool is_complete(const struct observed_deployment *deployment, const struct verdict *verdict)
{
	return deployment->observed_generation >= deployment->child.object.generation &&
	       deployment->updated == verdict->desired &&
	       deployment->status_replicas == deployment->updated &&
	       deployment->ready >= verdict->desired && deployment->available >= verdict->desired;
}

static void judge_complete(struct arena *arena, const struct reconcile_input *input,
                           const struct process_report *report, struct verdict *verdict)
{
	struct trouble killed =
		trouble_killed(arena, input, report, input->now_ms - STALL_AFTER_MS);
	const struct rival_note *rival = rival_of(input, report);

	if (rival) {
		judge_rival(rival, VERDICT_OK, verdict);
	} else if (killed.reason) {
		say(verdict, VERDICT_OK, killed.reason, killed.message);
		verdict->again_ms = killed.unready_ms + STALL_AFTER_MS - input->now_ms;
	} else {
		say(verdict, VERDICT_OK, verdict->desired ? "Running" : "ScaledToZero", "");
	}
}

/* Set the level of a dyno's fault by how long it has lasted. */
static enum verdict_level level_since(const struct reconcile_input *input,
                                      const struct observed_deployment *deployment,
                                      int64_t unready_ms, struct verdict *verdict)
{
	int64_t left_ms = unready_ms + STALL_AFTER_MS - input->now_ms;

	if (deployment->deadline_exceeded || (unready_ms && left_ms <= 0))
		return VERDICT_STALLED;
	if (unready_ms)
		verdict->again_ms = left_ms;
	return VERDICT_PROGRESSING;
}

static void judge_progress(struct arena *arena, const struct observed_deployment *deployment,
                           struct verdict *verdict)
{
	bool behind = deployment->observed_generation < deployment->child.object.generation;
	bool mixed = deployment->status_replicas > deployment->updated;

	if (deployment->status_replicas > 0 && mixed)
		say(verdict, VERDICT_PROGRESSING, "Updating",
		    arena_printf(arena,
		                 "%d of %d dynos run what the spec says, %d older ones are left",
		                 deployment->updated, verdict->desired,
		                 deployment->status_replicas - deployment->updated));
	else if (deployment->status_replicas > 0 && behind)
		say(verdict, VERDICT_PROGRESSING, "Updating",
		    "the Deployment is about to follow its change");
	else if (deployment->status_replicas > verdict->desired)
		say(verdict, VERDICT_PROGRESSING, "Stopping",
		    arena_printf(arena, "%d dynos, and %d should run", deployment->status_replicas,
		                 verdict->desired));
	else
		say(verdict, VERDICT_PROGRESSING, "Starting",
		    arena_printf(arena, "%d of %d dynos are ready", verdict->ready,
		                 verdict->desired));
}

static void judge_unready(struct arena *arena, const struct reconcile_input *input,
                          const struct process_report *report, struct verdict *verdict)
{
	const struct observed_deployment *deployment = report->deployment;
	struct trouble trouble = trouble_find(arena, input, report);
	enum verdict_level level = level_since(input, deployment, trouble.unready_ms, verdict);

	if (trouble.reason) {
		say(verdict, level, trouble.reason, trouble.message);
		return;
	}
	judge_progress(arena, deployment, verdict);
	if (level != VERDICT_STALLED)
		return;
	say(verdict, level, deployment->deadline_exceeded ? "ProgressDeadlineExceeded" : "NotReady",
	    arena_printf(arena,
	                 "%d of %d dynos are ready, and for too long none has become so; kubectl "
	                 "describe pod and kubectl logs say more",
	                 verdict->ready, verdict->desired));
}

/* Whether what is to be said of it is what keeps a singleton's dyno waiting. */
static bool judge_singleton(struct arena *arena, const struct reconcile_input *input,
                            const struct process_report *report, struct verdict *verdict)
{
	struct trouble trouble = { 0 };
	int64_t left_ms;

	if (report->process->singleton)
		trouble = singleton_trouble(arena, input, report->process);
	if (!trouble.reason)
		return false;
	left_ms = trouble.unready_ms + STALL_AFTER_MS - input->now_ms;
	say(verdict, VERDICT_PROGRESSING, trouble.reason, trouble.message);
	if (strcmp(trouble.reason, SINGLETON_OVERLAP) == 0 || (trouble.unready_ms && left_ms <= 0))
		verdict->level = VERDICT_STALLED;
	else if (trouble.unready_ms)
		verdict->again_ms = left_ms;
	return true;
}

void process_judge(struct arena *arena, const struct reconcile_input *input,
                   const struct process_report *report, struct verdict *ret_verdict)
{
	const struct observed_deployment *deployment = report->deployment;
	struct verdict verdict = { 0 };

	count(input, report, &verdict);
	if (report->reason)
		say(&verdict, report->stalled ? VERDICT_STALLED : VERDICT_PROGRESSING,
		    report->reason, report->message);
	else if (report->pending_writes || !deployment)
		judge_pending(input, report, &verdict);
	else if (judge_singleton(arena, input, report, &verdict))
		; /* said already */
	else if (is_complete(deployment, &verdict))
		judge_complete(arena, input, report, &verdict);
	else if (deployment->failure)
		say(&verdict, VERDICT_STALLED,
		    is_quota(deployment->failure) ? "QuotaExceeded" : "ReplicaFailure",
		    deployment->failure);
	else if (deployment->paused)
		say(&verdict, VERDICT_STALLED, "Paused",
		    arena_printf(
			    arena,
			    "Deployment %s is paused; kubectl rollout resume deployment/%s goes on",
			    deployment->child.object.name, deployment->child.object.name));
	else
		judge_unready(arena, input, report, &verdict);
	*ret_verdict = verdict;
}
