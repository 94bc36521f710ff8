#include "formation/resize_plan.h"

#include <string.h>

#include "formation/desired.h"
#include "formation/sized.h"

static bool same_text(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}

/* --- dynos --------------------------------------------------------- */

/* Pods without a size on record were made by somebody else's template. */
static bool is_dyno(const struct process_report *report, const struct observed_pod *pod)
{
	return strcmp(pod->type, report->process->type) == 0 && pod->object.owner_uid &&
	       pod->resources && !pod->object.deleting && !observed_pod_is_terminal(pod);
}

/* How far it is, in words; *ret_done dynos have their size. */
static const char *progress(struct arena *arena, const struct reconcile_input *input,
                            const struct process_report *report, const char *target, int *ret_done)
{
	const struct observed_pod *waits = NULL;
	int all = 0;

	*ret_done = 0;
	for (size_t i = 0; i < input->pod_count; i++) {
		const struct observed_pod *pod = input->pods[i];

		if (!is_dyno(report, pod))
			continue;
		all++;
		*ret_done += same_text(pod->resources, target);
		if (pod->resize && (!waits || strcmp(pod->object.name, waits->object.name) < 0))
			waits = pod;
	}
	if (!waits)
		return arena_printf(arena, "%d of %d dynos are %s now; none is restarted", *ret_done,
		                    all, report->process->size);
	return arena_printf(arena, "%d of %d dynos are %s now; none is restarted; pod %s: %s: %s",
	                    *ret_done, all, report->process->size, waits->object.name,
	                    waits->resize, waits->resize_message);
}

/* The rollout is through, by the Deployment's word, so all dynos have one template. */
static bool is_settled(const struct observed_deployment *deployment)
{
	return deployment->observed_generation >= deployment->child.object.generation &&
	       deployment->updated == deployment->status_replicas && !deployment->paused;
}

/* Dynos of another size than their Deployment's: made, or left so, while its size changed. */
static bool has_leftover(const struct planner *planner, const struct process_report *report,
                         const char *target)
{
	const struct reconcile_input *input = planner->input;

	for (size_t i = 0; i < input->pod_count && is_settled(report->deployment); i++) {
		if (is_dyno(report, input->pods[i]) &&
		    !same_text(input->pods[i]->resources, target))
			return true;
	}
	return false;
}

/* --- what only a rollout can do ------------------------------------ */

/* Why, as far as that can be told without a closer look, or NULL. */
static const char *rollout_reason(const struct observed_deployment *deployment,
                                  const struct json *body, const char *target)
{
	if (sized_is_guaranteed(deployment->resources) != sized_is_guaranteed(target))
		return "the QoS class changes, which a running pod cannot";
	if (!digest_equal(deployment->unsized, desired_digest_of(body, ANNOTATION_UNSIZED)))
		return "something besides cpu and memory changes as well";
	return NULL;
}

static void announce(struct planner *planner, struct process_report *report, const char *target,
                     const char *why)
{
	const char *from = report->deployment->resources;

	report->unresized = arena_printf(planner->arena, "from %s to %s by a rollout: %s", from,
	                                 target, why);
	plan_event(planner, report->process->type, false, RESIZING_ROLLOUT,
	           arena_printf(planner->arena, "%s: %s", report->process->type,
	                        report->unresized));
}

static const char *refused(const struct planner *planner, const struct process_report *report)
{
	const struct reconcile_input *input = planner->input;

	for (size_t i = 0; i < input->refusal_count; i++) {
		if (same_text(input->refusals[i].type, report->process->type))
			return input->refusals[i].why;
	}
	return NULL;
}

/* --- planning ------------------------------------------------------ */

static void plan_resize(struct planner *planner, struct process_report *report, struct json *body,
                        const char *target)
{
	const struct observed_deployment *deployment = report->deployment;
	struct step *step = plan_add(planner, STEP_RESIZE, PHASE_WRITE, &RESOURCE_DEPLOYMENT,
	                             deployment->child.object.name, report->process->type);

	json_set_string(planner->arena, (struct json *)(uintptr_t)json_get(body, "metadata"), "uid",
	                deployment->child.object.uid);
	step->manager = FIELD_MANAGER;
	step->force = true;
	step->uid = deployment->child.object.uid;
	step->body = body;
	report->pending_writes = true;
	if (planner->muted)
		return;
	report->resizing =
		progress(planner->arena, planner->input, report, target, &report->resized);
}

/* Whether the size that the Deployment has is another one, which running dynos could be given. */
static bool is_change(const struct observed_deployment *deployment, const char *target)
{
	return deployment->resources && !same_text(deployment->resources, target) &&
	       (deployment->replicas > 0 || deployment->status_replicas > 0);
}

bool resize_plan(struct planner *planner, struct process_report *report)
{
	const struct observed_deployment *deployment = report->deployment;
	const char *target = sized_text(planner->arena, report->process, report->size);
	const char *why = NULL;
	struct json *body;
	bool change, leftover;

	report->unresized = refused(planner, report);
	if (!deployment || deployment->singleton != report->process->singleton ||
	    (deployment->paused && !deployment->resizing))
		return false;
	change = is_change(deployment, target);
	leftover = !change && has_leftover(planner, report, target);
	if (!deployment->resizing && !change && !leftover)
		return false;
	body = desired_deployment(planner->arena, planner->input->formation, report->process,
	                          report->size,
	                          desired_template_version(planner->arena,
	                                                   planner->input->formation,
	                                                   report->process, report->size,
	                                                   deployment));
	if (leftover && !deployment->resizing &&
	    !digest_equal(deployment->child.satisfied, desired_digest(body)))
		return false; /* its own change comes first */
	if (change && !deployment->resizing)
		why = rollout_reason(deployment, body, target);
	if (why) {
		announce(planner, report, target, why);
		return false;
	}
	plan_resize(planner, report, body, target);
	return true;
}

void resize_release(struct planner *planner, const struct process_report *report)
{
	const struct observed_deployment *deployment = report->deployment;
	struct json *body = json_new_object(planner->arena), *metadata;
	struct step *step;

	if (!deployment || !deployment->resizing || deployment->child.object.deleting)
		return;
	metadata = json_set_object(planner->arena, body, "metadata");
	json_set_string(planner->arena, metadata, "uid", deployment->child.object.uid);
	json_set(planner->arena, json_set_object(planner->arena, metadata, "annotations"),
	         ANNOTATION_RESIZING, json_new_string(planner->arena, NULL));
	json_set(planner->arena, json_set_object(planner->arena, body, "spec"), "paused",
	         json_new_string(planner->arena, NULL));
	step = plan_add(planner, STEP_PATCH, PHASE_HANDOVER, &RESOURCE_DEPLOYMENT,
	                deployment->child.object.name, report->process->type);
	step->manager = FIELD_MANAGER;
	step->uid = deployment->child.object.uid;
	step->body = body;
}
