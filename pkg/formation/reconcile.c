#include "formation/reconcile.h"

#include <string.h>

#include "base/clock.h"
#include "formation/claim.h"
#include "formation/desired.h"
#include "formation/dyno_names.h"
#include "formation/history.h"
#include "formation/plan.h"
#include "formation/resize_plan.h"
#include "formation/singleton.h"
#include "formation/status.h"
#include "formation/usage.h"

static const struct resource *const CHILDREN[] = { &RESOURCE_DEPLOYMENT, &RESOURCE_SERVICE,
	                                           &RESOURCE_BUDGET };

#define VERSION_OF_NONE                                                           \
	"1" /* a resourceVersion: of an object that is there the apply is refused \
	     */

enum { CHILD_KINDS = sizeof(CHILDREN) / sizeof(CHILDREN[0]) };

/* --- what keeps a process from being carried out ------------------- */

static void decide(struct process_report *report, const char *reason, bool stalled,
                   const char *message)
{
	report->reason = reason;
	report->stalled = stalled;
	report->message = message;
}

static bool has_problem(struct planner *planner, const struct process *process,
                        struct process_report *report)
{
	const struct formation *formation = planner->input->formation;
	const struct dyno_sizes *sizes = planner->input->sizes;

	report->size = dyno_sizes_find(sizes, process->size);
	if (formation->problem)
		decide(report, "Invalid", true, formation->problem);
	else if (process->problem)
		decide(report, "Invalid", true, process->problem);
	else if (!report->size)
		decide(report, "UnknownSize", true,
		       arena_printf(planner->arena,
		                    "there is no size %s; sizes there are: %s. What runs goes on "
		                    "running",
		                    process->size, dyno_sizes_names(planner->arena, sizes)));
	else if (report->size->problem)
		decide(report, "InvalidSize", true,
		       arena_printf(planner->arena, "DynoSize %s: %s. What runs goes on running",
		                    process->size, report->size->problem));
	return report->reason != NULL;
}

static int replicas_of(const struct process_report *report)
{
	return report->deployment ? report->deployment->replicas : 1;
}

static bool is_wanted(const struct process_report *report, const struct resource *resource)
{
	if (resource == &RESOURCE_SERVICE)
		return report->process->routed;
	if (resource == &RESOURCE_BUDGET)
		return budget_wanted(report->process, replicas_of(report));
	return true;
}

/* One kind whose name is taken; what the API server refused counts as taken. */
static bool is_taken(struct planner *planner, struct process_report *report,
                     const struct resource *resource, const char *name)
{
	const struct observed_child *child = input_child(planner->input, resource, name);
	const struct write_failure *failure =
		input_failure(planner->input, report->process->type, resource);
	enum claim claim = claim_of(planner->input->formation, child);

	if (claim == CLAIM_ABSENT && failure && failure_is_conflict(failure))
		claim = CLAIM_FOREIGN;
	if (claim == CLAIM_FOREIGN)
		decide(report, "NameConflict", true,
		       arena_printf(
			       planner->arena,
			       "%s %s exists and is not this Formation's, so it is not touched; "
			       "delete it, or call the process type something else",
			       resource->kind, name));
	else if (claim == CLAIM_FORMER)
		decide(report, "NameConflict", false,
		       arena_printf(
			       planner->arena,
			       "%s %s is another owner's; it is made anew when that one is gone",
			       resource->kind, name));
	return report->reason != NULL;
}

/* --- writing ------------------------------------------------------- */

/* Reasons of a process that can be given before all of its objects are there. */
static const char *const UNSEEN[] = { "Creating", "Updating",    "Replacing",    "Retrying",
	                              "Refused",  "Paused",      "NameConflict", "QuotaExceeded",
	                              "Invalid",  "UnknownSize", "InvalidSize" };

/*
 * Whether the last status was written with the objects of this generation
 * in sight, so that one which is missing was deleted since, or lost the
 * label by which it is seen.
 */
static bool was_seen(const struct planner *planner, const struct process *process)
{
	const struct json *status = planner->input->formation->status;
	const char *reason =
		json_string_or(json_get(status_process(status, process->type), "reason"), "");

	if (!*reason || json_int_or(json_get(status, "observedGeneration"), 0) !=
	                        planner->input->formation->generation)
		return false;
	for (size_t i = 0; i < sizeof(UNSEEN) / sizeof(UNSEEN[0]); i++) {
		if (strcmp(UNSEEN[i], reason) == 0)
			return false;
	}
	return true;
}

/* Whether someone took away an object that had been there. */
static bool was_deleted(const struct planner *planner, const struct process_report *report,
                        const struct resource *resource)
{
	if (resource == &RESOURCE_BUDGET && report->process->quantity == QUANTITY_UNSET)
		return false;
	return was_seen(planner, report->process);
}

static void plan_drift_event(struct planner *planner, const struct process_report *report,
                             const struct resource *resource, const char *name,
                             const struct observed_child *child, struct digest digest)
{
	const char *note = NULL;

	if (child && digest_is_none(child->satisfied) &&
	    digest_equal(child->satisfied_before, digest))
		note = arena_printf(planner->arena,
		                    "%s %s was changed by someone else and is set right again",
		                    resource->kind, name);
	else if (!child && was_deleted(planner, report, resource))
		note = arena_printf(
			planner->arena,
			"%s %s was deleted by someone else, or lost its label, and is there again",
			resource->kind, name);
	if (note)
		plan_event(planner, report->process->type, false, "DriftCorrected", note);
}

/*
 * Apply `body` unless the object satisfies it. Returns whether it has to be
 * applied. What is believed absent is applied without force, so that a
 * foreign object of that name is not taken: its selector is another one. A
 * Service or budget may have no selector; the version, which no object has,
 * lets them only be created. What was ours a moment ago may just have lost
 * its label, and is found again by its name.
 */
static bool plan_apply(struct planner *planner, const struct process_report *report,
                       const struct resource *resource, const struct observed_child *child,
                       struct json *body)
{
	const char *name = json_string_or(json_path(body, "metadata", "name", NULL), "");
	struct json *metadata = (struct json *)json_get(body, "metadata");
	struct digest digest = desired_digest(body);
	struct step *step;

	if (child && digest_equal(child->satisfied, digest))
		return false;
	plan_drift_event(planner, report, resource, name, child, digest);
	step = plan_add(planner, STEP_APPLY, PHASE_WRITE, resource, name, report->process->type);
	step->manager = FIELD_MANAGER;
	step->body = body;
	if (child) {
		step->uid = child->object.uid;
		step->force = true;
		json_set_string(planner->arena, metadata, "uid", child->object.uid);
	} else if (resource != &RESOURCE_DEPLOYMENT && !was_deleted(planner, report, resource)) {
		json_set_string(planner->arena, metadata, "resourceVersion", VERSION_OF_NONE);
	}
	return true;
}

static void plan_delete(struct planner *planner, const char *type, const struct resource *resource,
                        const struct observed_child *child, bool foreground)
{
	struct step *step =
		plan_add(planner, STEP_DELETE, PHASE_WRITE, resource, child->object.name, type);

	step->uid = child->object.uid;
	step->version = child->object.version;
	step->foreground = foreground;
}

static void plan_handover(struct planner *planner, const struct process_report *report)
{
	const struct observed_deployment *deployment = report->deployment;
	struct step *step = plan_add(planner, STEP_APPLY, PHASE_HANDOVER, &RESOURCE_DEPLOYMENT,
	                             deployment->child.object.name, report->process->type);

	step->manager = FIELD_MANAGER_HANDOVER;
	step->uid = deployment->child.object.uid;
	step->body = desired_handover(planner->arena, planner->input->formation, deployment);
}

/* What an apply must find done; see desired_handover and desired_recreate. */
static void plan_preparation(struct planner *planner, const struct process_report *report)
{
	const struct observed_deployment *deployment = report->deployment;
	struct step *step;

	if (!deployment)
		return;
	if (deployment->quantity_annotation != QUANTITY_UNSET &&
	    report->process->quantity == QUANTITY_UNSET)
		plan_handover(planner, report);
	if (deployment->rolling && report->process->singleton) {
		step = plan_add(planner, STEP_PATCH, PHASE_HANDOVER, &RESOURCE_DEPLOYMENT,
		                deployment->child.object.name, report->process->type);
		step->manager = FIELD_MANAGER_HANDOVER;
		step->uid = deployment->child.object.uid;
		step->body = desired_recreate(planner->arena, deployment);
	}
}

/* A selector can't be changed, so another one needs another Deployment, never beside the old. */
static bool plan_replacement(struct planner *planner, struct process_report *report)
{
	const struct observed_deployment *deployment = report->deployment;

	if (!deployment || deployment->singleton == report->process->singleton)
		return false;
	plan_delete(planner, report->process->type, &RESOURCE_DEPLOYMENT, &deployment->child, true);
	report->pending_writes = true;
	if (!planner->muted && !input_failure(planner->input, report->process->type, NULL))
		decide(report, "Replacing", false,
		       arena_printf(
			       planner->arena,
			       "Deployment %s is deleted with its dynos, then made anew: it %s a "
			       "singleton's",
			       deployment->child.object.name,
			       report->process->singleton ? "becomes" : "was"));
	return true;
}

static void plan_deployment(struct planner *planner, struct process_report *report)
{
	const struct formation *formation = planner->input->formation;
	const struct process *process = report->process;
	const struct observed_deployment *deployment = report->deployment;
	struct json *body;
	int version;

	if (resize_plan(planner, report)) {
		plan_preparation(planner, report);
		return;
	}
	if (deployment && desired_is_known(formation, report->size, &deployment->child))
		return;
	if (plan_replacement(planner, report))
		return;
	version = desired_template_version(planner->arena, formation, process, report->size,
	                                   deployment);
	body = desired_deployment(planner->arena, formation, process, report->size, version);
	if (!plan_apply(planner, report, &RESOURCE_DEPLOYMENT,
	                deployment ? &deployment->child : NULL, body))
		return;
	report->pending_writes = true;
	plan_preparation(planner, report);
}

/* Service or budget: applied where it is wanted, deleted where not. */
static void plan_companion(struct planner *planner, struct process_report *report,
                           const struct resource *resource, const char *name)
{
	const struct formation *formation = planner->input->formation;
	const struct observed_child *child = input_child(planner->input, resource, name);
	enum claim claim = claim_of(formation, child);
	struct json *body;

	if (!is_wanted(report, resource)) {
		if (claim == CLAIM_OURS) {
			plan_delete(planner, report->process->type, resource, child, false);
			report->pending_writes = true;
		}
		return;
	}
	if (claim == CLAIM_LEAVING) {
		report->pending_writes = true;
		return;
	}
	if (child && desired_is_known(formation, NULL, child))
		return;
	body = resource == &RESOURCE_SERVICE
	               ? desired_service(planner->arena, formation, report->process)
	               : desired_budget(planner->arena, formation, report->process);
	report->pending_writes |= plan_apply(planner, report, resource, child, body);
}

static void plan_child(struct planner *planner, struct process_report *report,
                       const struct resource *resource, const char *name)
{
	if (resource == &RESOURCE_DEPLOYMENT)
		plan_deployment(planner, report);
	else
		plan_companion(planner, report, resource, name);
}

/*
 * Nothing of a process whose name is taken is written, but for another try
 * at what was refused: what has the name can't be seen, nor its going.
 */
static bool has_conflict(struct planner *planner, struct process_report *report, const char *name)
{
	for (size_t i = 0; i < CHILD_KINDS; i++) {
		const struct observed_child *child = input_child(planner->input, CHILDREN[i], name);

		if (!is_wanted(report, CHILDREN[i]) ||
		    !is_taken(planner, report, CHILDREN[i], name))
			continue;
		if (!child)
			plan_child(planner, report, CHILDREN[i], name);
		return true;
	}
	return false;
}

static void find_deployment(struct planner *planner, struct process_report *report,
                            const char *name)
{
	const struct reconcile_input *input = planner->input;
	enum claim claim;

	for (size_t i = 0; i < input->deployment_count; i++) {
		const struct observed_deployment *deployment = input->deployments[i];

		if (strcmp(deployment->child.object.name, name) != 0)
			continue;
		claim = claim_of(input->formation, &deployment->child);
		if (claim == CLAIM_OURS || claim == CLAIM_LEAVING)
			report->deployment = deployment;
	}
}

/* All but finding its Deployment. */
static void plan_found(struct planner *planner, struct process_report *report, const char *name)
{
	const struct process *process = report->process;

	if (has_problem(planner, process, report)) {
		if (!planner->input->formation->problem)
			singleton_correct(planner, process, report->deployment);
		return;
	}
	if (has_conflict(planner, report, name))
		return;
	if (report->deployment && report->deployment->child.object.deleting) {
		report->pending_writes = true;
		decide(report, "Replacing", false,
		       arena_printf(
			       planner->arena,
			       "Deployment %s is being deleted; it is made anew when it is gone",
			       name));
		return;
	}
	for (size_t i = 0; i < CHILD_KINDS; i++)
		plan_child(planner, report, CHILDREN[i], name);
	if (report->deployment)
		dyno_names_plan(planner, process);
}

static void plan_process(struct planner *planner, struct process_report *report)
{
	const struct process *process = report->process;
	const char *name =
		process_object_name(planner->arena, planner->input->formation, process->type);

	if (!process->repeated)
		find_deployment(planner, report, name);
	plan_found(planner, report, name);
	if (!report->resizing)
		resize_release(planner, report);
}

/* --- pruning ------------------------------------------------------- */

static void prune_child(struct planner *planner, const struct resource *resource,
                        const struct observed_child *child)
{
	const struct formation *formation = planner->input->formation;

	if (claim_of(formation, child) == CLAIM_OURS &&
	    !formation_process_of(formation, child->object.name))
		plan_delete(planner, *child->type ? child->type : NULL, resource, child, false);
}

/* Objects of types that are in the spec no more. */
static void plan_prune(struct planner *planner)
{
	const struct reconcile_input *input = planner->input;

	if (input->formation->problem)
		return;
	for (size_t i = 0; i < input->deployment_count; i++)
		prune_child(planner, &RESOURCE_DEPLOYMENT, &input->deployments[i]->child);
	for (size_t i = 0; i < input->service_count; i++)
		prune_child(planner, &RESOURCE_SERVICE, input->services[i]);
	for (size_t i = 0; i < input->budget_count; i++)
		prune_child(planner, &RESOURCE_BUDGET, input->budgets[i]);
}

/* A paused Formation's dynos are replaced too when they end: that changes nothing. */
static bool plan_gates(struct planner *planner)
{
	const struct formation *formation = planner->input->formation;
	bool waits = false;

	for (size_t i = 0; i < formation->process_count; i++)
		waits |= singleton_plan(planner, &formation->processes[i]);
	return waits;
}

/* --- reporting ----------------------------------------------------- */

/* Of a process that has come to need a person, unless that was its own wish. */
static void plan_stalled_event(struct planner *planner, const struct process *process,
                               const struct verdict *verdict)
{
	const struct json *before =
		status_process(planner->input->formation->status, process->type);
	const char *reason = json_string_or(json_get(before, "reason"), "");

	if (verdict->level != VERDICT_STALLED || strcmp(reason, verdict->reason) == 0 ||
	    strcmp(verdict->reason, "Paused") == 0 || process->repeated || !*process->type)
		return;
	plan_event(planner, NULL, true, verdict->reason,
	           arena_printf(planner->arena, "%s: %s", process->type, verdict->message));
}

static void plan_problem_event(struct planner *planner)
{
	const struct formation *formation = planner->input->formation;
	int64_t before = json_int_or(json_get(formation->status, "observedGeneration"), 0);

	if (before != formation->generation)
		plan_event(planner, NULL, true, "Invalid", formation->problem);
}

static void plan_status(struct planner *planner, struct json *status, bool same)
{
	struct arena *arena = planner->arena;
	const struct formation *formation = planner->input->formation;
	struct json *body, *metadata;
	bool exact = json_get(status, "usage") || json_get(status, "recorded");
	struct step *step;

	if (same)
		return;
	json_for_each (entry, json_get(status, "processes")) {
		exact |= json_get(entry, "permit") != NULL;
	}
	body = json_new_object(arena);
	json_set_string(arena, body, "apiVersion", RESOURCE_FORMATION.api_version);
	json_set_string(arena, body, "kind", RESOURCE_FORMATION.kind);
	metadata = json_set_object(arena, body, "metadata");
	json_set_string(arena, metadata, "name", formation->name);
	json_set_string(arena, metadata, "namespace", formation->ns);
	json_set_string(arena, metadata, "uid", formation->uid);
	json_set(arena, body, "status", status);
	step = plan_add(planner, STEP_STATUS, PHASE_STATUS, &RESOURCE_FORMATION, formation->name,
	                NULL);
	step->uid = formation->uid;
	step->manager = FIELD_MANAGER;
	step->force = true;
	step->body = body;
	/* A permit, usage or a history that was carried over must not replace one written meanwhile. */
	if (exact) {
		step->version = formation->version;
		json_set(arena, metadata, "resourceVersion",
		         json_new_printf(arena, "%llu", (unsigned long long)formation->version));
	}
}

static int64_t plan_reports(struct planner *planner, const struct process_report *reports,
                            size_t count)
{
	struct verdict *verdicts = arena_array(planner->arena, struct verdict, count);
	int64_t again_ms = 0;
	struct json *status;
	bool same;

	if (planner->input->formation->problem)
		plan_problem_event(planner);
	for (size_t i = 0; i < count; i++) {
		process_judge(planner->arena, planner->input, &reports[i], &verdicts[i]);
		if (!planner->input->formation->problem)
			plan_stalled_event(planner, reports[i].process, &verdicts[i]);
		again_ms = clock_sooner_ms(again_ms, verdicts[i].again_ms);
	}
	status = status_build(planner->arena, planner->input, reports, verdicts, count);
	again_ms = clock_sooner_ms(again_ms,
	                           usage_plan(planner->arena, planner->input, status));
	same = status_is_same(status, planner->input->formation->status);
	same &= !history_plan(planner, reports, count, status);
	plan_status(planner, status, same);
	return again_ms;
}

void formation_reconcile(struct arena *arena, const struct reconcile_input *input,
                         struct plan *ret_plan)
{
	const struct formation *formation = input->formation;
	struct planner planner = { .arena = arena, .input = input, .muted = formation->paused };
	struct process_report *reports;
	int64_t again_ms;
	bool waits;

	if (formation->deleting) {
		*ret_plan = (struct plan){ 0 };
		return;
	}
	reports = arena_array(arena, struct process_report, formation->process_count);
	for (size_t i = 0; i < formation->process_count; i++) {
		reports[i].process = &formation->processes[i];
		plan_process(&planner, &reports[i]);
	}
	plan_prune(&planner);
	planner.muted = false;
	waits = plan_gates(&planner);
	again_ms = plan_reports(&planner, reports, formation->process_count);
	if (waits)
		again_ms = 1;
	plan_finish(&planner, ret_plan);
	ret_plan->again_ms = again_ms;
}
