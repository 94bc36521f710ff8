#include "formation/singleton.h"

#include <string.h>

#include "codec/timestamp.h"
#include "formation/claim.h"
#include "formation/desired.h"
#include "formation/status.h"

struct permit_pod permit_pod_of(const struct observed_pod *pod)
{
	return (struct permit_pod){
		.name = pod->object.name,
		.uid = pod->object.uid,
		.gated = pod->singleton_gate >= 0,
		.terminal = observed_pod_is_terminal(pod),
		.deleting = pod->object.deleting,
		.orphan = !pod->object.owner_uid,
		.gate_index = pod->singleton_gate,
		.created_ms = pod->object.created_ms,
		.node = pod->node,
	};
}

struct permit permit_of(const struct json *status, const char *type)
{
	const struct json *permit = json_get(status_process(status, type), "permit");

	return (struct permit){
		.pod = json_string_or(json_get(permit, "pod"), ""),
		.uid = json_string_or(json_get(permit, "uid"), ""),
	};
}

/* --- what is written ----------------------------------------------- */

/* A copy of the status without the conditions of others, which an apply would take. */
static struct json *own_status(struct arena *arena, const struct json *status)
{
	struct json *copy = json_clone(arena, status);
	struct json *conditions = json_set_array(arena, copy, "conditions");

	json_for_each (condition, json_get(status, "conditions")) {
		if (condition_is_own(json_string_or(json_get(condition, "type"), "")))
			json_add(conditions, json_clone(arena, condition));
	}
	return copy;
}

struct json *permit_body(struct arena *arena, const struct json *formation, const char *type,
                         const struct permit_pod *pod)
{
	const struct json *from = json_get(formation, "metadata");
	static const char *const NAMES[] = { "name", "namespace", "uid", "resourceVersion" };
	struct json *body = json_new_object(arena);
	struct json *metadata, *status, *entry, *permit;

	json_set_string(arena, body, "apiVersion", RESOURCE_FORMATION.api_version);
	json_set_string(arena, body, "kind", RESOURCE_FORMATION.kind);
	metadata = json_set_object(arena, body, "metadata");
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		json_set_string(arena, metadata, NAMES[i],
		                json_string_or(json_get(from, NAMES[i]), ""));
	if (!json_get(formation, "status"))
		return NULL;
	status = own_status(arena, json_get(formation, "status"));
	entry = (struct json *)status_process(status, type);
	if (!entry || !json_bool_or(json_get(entry, "singleton"), false))
		return NULL;
	permit = json_set_object(arena, entry, "permit");
	json_set_string(arena, permit, "pod", pod->name);
	json_set_string(arena, permit, "uid", pod->uid);
	json_set(arena, body, "status", status);
	return body;
}

static void add_operation(struct arena *arena, struct json *patch, const char *verb,
                          const char *path, const char *value)
{
	struct json *operation = json_add(patch, json_new_object(arena));

	json_set_string(arena, operation, "op", verb);
	json_set_string(arena, operation, "path", path);
	if (value)
		json_set_string(arena, operation, "value", value);
}

struct json *permit_patch(struct arena *arena, const struct permit_pod *pod)
{
	const char *path = arena_printf(arena, "/spec/schedulingGates/%d", pod->gate_index);
	struct json *patch = json_new_array(arena);

	add_operation(arena, patch, "test", "/metadata/uid", pod->uid);
	add_operation(arena, patch, "test", arena_printf(arena, "%s/name", path), SINGLETON_GATE);
	add_operation(arena, patch, "remove", path, NULL);
	return patch;
}

/* --- what the cache shows ------------------------------------------ */

/* The decision by the cache; its pods are in the arena. */
static struct permit_decision decide(struct arena *arena, const struct reconcile_input *input,
                                     const char *type)
{
	struct permit_pod *pods = arena_array(arena, struct permit_pod, input->pod_count);
	struct permit_view view = { .record = permit_of(input->formation->status, type),
		                    .pods = pods };
	struct permit_decision decision;

	for (size_t i = 0; i < input->pod_count; i++) {
		if (strcmp(input->pods[i]->type, type) != 0)
			continue;
		pods[view.pod_count] = permit_pod_of(input->pods[i]);
		if (strcmp(input->pods[i]->object.uid, view.record.uid) == 0)
			view.recorded = &pods[view.pod_count];
		view.pod_count++;
	}
	permit_decide(&view, &decision);
	return decision;
}

bool singleton_plan(struct planner *planner, const struct process *process)
{
	const struct formation *formation = planner->input->formation;
	const struct json *entry = status_process(formation->status, process->type);
	struct permit_decision decision;

	if (!process->singleton || process->repeated || !*process->type)
		return false;
	decision = decide(planner->arena, planner->input, process->type);
	if (decision.verdict != PERMIT_RECORD && decision.verdict != PERMIT_OPEN)
		return false;
	if (!json_bool_or(json_get(entry, "singleton"), false))
		return true;
	plan_add(planner, STEP_OPEN_GATE, PHASE_WRITE, &RESOURCE_POD,
	         process_object_name(planner->arena, formation, process->type), process->type);
	return false;
}

void singleton_correct(struct planner *planner, const struct process *process,
                       const struct observed_deployment *deployment)
{
	struct json *body = json_new_object(planner->arena);
	struct step *step;

	if (!process->singleton || !deployment || !deployment->singleton ||
	    deployment->child.object.deleting || deployment->replicas <= 1)
		return;
	json_set_string(planner->arena, json_set_object(planner->arena, body, "metadata"), "uid",
	                deployment->child.object.uid);
	json_set_int(planner->arena, json_set_object(planner->arena, body, "spec"), "replicas", 1);
	step = plan_add(planner, STEP_PATCH, PHASE_WRITE, &RESOURCE_DEPLOYMENT,
	                deployment->child.object.name, process->type);
	step->manager = FIELD_MANAGER_HANDOVER;
	step->uid = deployment->child.object.uid;
	step->body = body;
}

/* --- what is said of it -------------------------------------------- */

static const char *place(struct arena *arena, const struct permit_pod *pod)
{
	return pod->node ? arena_printf(arena, " on node %s", pod->node) : "";
}

const char *singleton_wait_text(struct arena *arena, const struct permit_pod *pod,
                                int64_t deleting_ms)
{
	char since[TIMESTAMP_MAX];

	timestamp_format(deleting_ms, since);
	if (!pod->deleting)
		return arena_printf(arena,
		                    "pod %s%s may run and has to be gone first, whatever its "
		                    "labels say; kubectl delete pod %s releases it",
		                    pod->name, place(arena, pod), pod->name);
	if (!pod->node)
		return arena_printf(arena,
		                    "pod %s, being deleted since %s, has to be gone first; look "
		                    "at its finalizers",
		                    pod->name, since);
	return arena_printf(arena,
	                    "pod %s on node %s, being deleted since %s, has to be gone first. If "
	                    "that node doesn't come back: kubectl delete node %s, or taint it "
	                    "node.kubernetes.io/out-of-service=:NoExecute once it is off",
	                    pod->name, pod->node, since, pod->node);
}

static int64_t deletion_of(const struct reconcile_input *input, const struct permit_pod *pod)
{
	for (size_t i = 0; i < input->pod_count; i++) {
		if (strcmp(input->pods[i]->object.uid, pod->uid) == 0)
			return input->pods[i]->deleting_ms;
	}
	return 0;
}

/* What the close look said when the cache thought that a gate may be opened. */
static struct trouble seen_closely(const struct reconcile_input *input, const char *type)
{
	const struct write_failure *failure = input_failure(input, type, &RESOURCE_POD);

	if (!failure || failure->code != ERR_ALREADY_EXISTS)
		return (struct trouble){ 0 };
	return (struct trouble){ SINGLETON_HELD, failure->message, 0 };
}

/*
 * A dyno that runs and stays makes of those that wait superfluous ones. One that
 * isn't on record is no dyno of ours: somebody else's pod with its labels.
 */
static bool runs_on(const struct permit *record, const struct permit_pod *pod)
{
	return !pod->gated && !pod->deleting && !pod->orphan &&
	       strcmp(record->uid, pod->uid) == 0;
}

struct trouble singleton_trouble(struct arena *arena, const struct reconcile_input *input,
                                 const struct process *process)
{
	struct permit_decision decision = decide(arena, input, process->type);
	struct permit record = permit_of(input->formation->status, process->type);
	int64_t deleting_ms;

	if (decision.overlap)
		return (struct trouble){
			SINGLETON_OVERLAP,
			arena_printf(arena,
			             "pod %s runs beside another dyno of this singleton, and not by "
			             "this controller's doing: its gate was opened, or its labels "
			             "set, by hand; delete one of the two",
			             decision.overlap->name),
			0,
		};
	if (decision.verdict == PERMIT_RECORD || decision.verdict == PERMIT_OPEN)
		return seen_closely(input, process->type);
	if (decision.verdict != PERMIT_WAIT || runs_on(&record, decision.pod))
		return (struct trouble){ 0 };
	deleting_ms = deletion_of(input, decision.pod);
	if (decision.pod->gated && !decision.pod->deleting)
		return (struct trouble){
			SINGLETON_HELD,
			arena_printf(arena,
			             "several dynos wait, and none is on record; pod %s has to go "
			             "first",
			             decision.pod->name),
			0,
		};
	return (struct trouble){ SINGLETON_HELD,
		                 singleton_wait_text(arena, decision.pod, deleting_ms),
		                 deleting_ms };
}
