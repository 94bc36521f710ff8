#include "formation/resize.h"

#include <string.h>

#include "codec/timestamp.h"
#include "formation/desired.h"
#include "formation/sized.h"

enum {
	AGAIN_MS = 5 * 1000,   /* nobody may say that the wait is over */
	STUCK_MS = 30 * 1000,  /* how often to look at a pod that is stuck */
};

/* --- looking ------------------------------------------------------- */

static const char *text_of(const struct json *value, const char *key)
{
	return json_string_or(json_get(value, key), "");
}

static const char *meta_of(const struct json *object, const char *key)
{
	return text_of(json_get(object, "metadata"), key);
}

static const struct json *template_of(const struct json *object)
{
	return json_path(object, "spec", "template", NULL);
}

static const char *annotation_of(const struct json *object, const char *key)
{
	return json_string_or(json_path(object, "metadata", "annotations", key, NULL), "");
}

static const char *owner_of(const struct json *object)
{
	json_for_each (owner, json_path(object, "metadata", "ownerReferences", NULL)) {
		if (json_bool_or(json_get(owner, "controller"), false))
			return text_of(owner, "uid");
	}
	return "";
}

static int64_t count_in(const struct json *object, const char *part, const char *key)
{
	return json_int_or(json_path(object, part, key, NULL), 0);
}

static const char *target_of(const struct resize_view *view)
{
	const char *text = sized_of(template_of(view->body));

	return text ? text : "";
}

static const struct json *wanted_of(const struct resize_view *view)
{
	size_t index = 0;

	return json_get(sized_container(template_of(view->body), &index), "resources");
}

static bool has_size(const struct json *object, const char *target)
{
	const char *text = sized_of(object);

	return text && strcmp(text, target) == 0;
}

/* --- pods ---------------------------------------------------------- */

/* How far a pod is whose spec has what is wanted. */
enum pod_progress {
	POD_DONE,
	POD_WORKING,    /* the kubelet has not said that it has done it */
	POD_DEFERRED,   /* no room, for now */
	POD_INFEASIBLE, /* and never on this node */
	POD_STUCK,      /* the kubelet tries, fails, and goes on trying */
};

struct progress {
	enum pod_progress state;
	const char *message;
	int64_t since_ms;
};

/* A condition that is True and speaks of the pod as it is now, or NULL. */
static const struct json *condition_of(const struct json *pod, const char *type)
{
	int64_t generation = count_in(pod, "metadata", "generation");

	json_for_each (condition, json_path(pod, "status", "conditions", NULL)) {
		int64_t seen = json_int_or(json_get(condition, "observedGeneration"), generation);

		if (strcmp(text_of(condition, "type"), type) == 0)
			return strcmp(text_of(condition, "status"), "True") == 0 &&
			                       seen >= generation
			               ? condition
			               : NULL;
	}
	return NULL;
}

static struct progress progress_by(const struct json *condition, enum pod_progress state)
{
	int64_t since_ms = timestamp_parse(text_of(condition, "lastTransitionTime"));

	return (struct progress){ state, text_of(condition, "message"), since_ms };
}

/* Whether the container runs with other resources than its pod asks for. */
static bool runs_otherwise(const struct json *pod, const struct json *wanted)
{
	json_for_each (status, json_path(pod, "status", "containerStatuses", NULL)) {
		if (strcmp(text_of(status, "name"), CONTAINER_NAME) == 0 &&
		    json_path(status, "state", "running", NULL))
			return !sized_same_resources(json_get(status, "resources"), wanted);
	}
	return false;
}

static struct progress progress_of(const struct json *pod, const struct json *wanted)
{
	const struct json *pending = condition_of(pod, "PodResizePending");
	const struct json *working = condition_of(pod, "PodResizeInProgress");

	if (pending && strcmp(text_of(pending, "reason"), "Infeasible") == 0)
		return progress_by(pending, POD_INFEASIBLE);
	if (pending)
		return progress_by(pending, POD_DEFERRED);
	if (working)
		return progress_by(working, *text_of(working, "reason") ? POD_STUCK : POD_WORKING);
	return (struct progress){ .state = runs_otherwise(pod, wanted) ? POD_WORKING : POD_DONE };
}

static bool is_live(const struct json *pod, const struct json *set)
{
	const char *phase = json_string_or(json_path(pod, "status", "phase", NULL), "");

	return strcmp(owner_of(pod), meta_of(set, "uid")) == 0 &&
	       !json_path(pod, "metadata", "deletionTimestamp", NULL) &&
	       strcmp(phase, "Succeeded") != 0 && strcmp(phase, "Failed") != 0;
}

static const struct json *resources_of(const struct json *pod)
{
	size_t index = 0;

	return json_get(sized_container(pod, &index), "resources");
}

bool resize_is_ignored(const struct resize_view *view, const struct json *pod)
{
	return !sized_same_resources(resources_of(pod), wanted_of(view));
}

/* Pods without the annotation were made by somebody else's template: they are left alone. */
static bool is_behind(const struct resize_view *view, const struct json *pod,
                      const struct json *set)
{
	return is_live(pod, set) && sized_of(pod) && !has_size(pod, target_of(view));
}

/* Why a pod can't be resized where it is, or NULL. */
static const char *pod_obstacle(struct arena *arena, const struct resize_view *view,
                                const struct json *pod)
{
	struct progress progress;

	if (resize_is_ignored(view, pod))
		return NULL;
	progress = progress_of(pod, wanted_of(view));
	if (progress.state == POD_INFEASIBLE)
		return arena_printf(arena, "pod %s can't be resized on its node: %s",
		                    meta_of(pod, "name"), progress.message);
	if (progress.state == POD_DEFERRED &&
	    view->now_ms - progress.since_ms >= view->deadline_ms)
		return arena_printf(arena, "pod %s has waited for room for %lld s: %s",
		                    meta_of(pod, "name"),
		                    (long long)(view->now_ms - progress.since_ms) / 1000,
		                    progress.message);
	return NULL;
}

static const char *pods_obstacle(struct arena *arena, const struct resize_view *view,
                                 const struct json *set)
{
	for (size_t i = 0; i < view->pod_count; i++) {
		const char *why = is_behind(view, view->pods[i], set)
		                          ? pod_obstacle(arena, view, view->pods[i])
		                          : NULL;

		if (why)
			return why;
	}
	return NULL;
}

static void wait_for(struct resize_decision *decision, int64_t again_ms)
{
	decision->action = RESIZE_WAIT;
	if (!decision->again_ms || again_ms < decision->again_ms)
		decision->again_ms = again_ms;
}

/* What is to be done about one pod that is behind. Returns whether it is to be done now. */
static bool decide_pod(const struct resize_view *view, size_t index, bool *ret_stuck,
                       struct resize_decision *decision)
{
	const struct json *pod = view->pods[index];
	struct progress progress = progress_of(pod, wanted_of(view));
	int64_t since_ms = progress.since_ms > 0 ? progress.since_ms : view->since_ms;
	int64_t left_ms = since_ms > 0 ? since_ms + view->deadline_ms - view->now_ms : AGAIN_MS;

	decision->index = index;
	if (resize_is_ignored(view, pod)) {
		decision->action =
			has_size(pod, RESOURCES_CHANGING) ? RESIZE_POD : RESIZE_BEGIN;
		return true;
	}
	if (progress.state == POD_DONE) {
		decision->action = RESIZE_MARK;
		return true;
	}
	if (progress.state != POD_DEFERRED && left_ms <= 0)
		*ret_stuck = true; /* the others don't wait for it */
	else
		wait_for(decision, left_ms < 1 ? 1 : left_ms);
	return false;
}

/* Returns whether there is something to do, or to wait for, before the Deployment's turn. */
static bool decide_pods(const struct resize_view *view, const struct json *set, bool *ret_stuck,
                        struct resize_decision *decision)
{
	for (size_t i = 0; i < view->pod_count; i++) {
		if (is_behind(view, view->pods[i], set) &&
		    decide_pod(view, i, ret_stuck, decision))
			return true;
	}
	return decision->action == RESIZE_WAIT;
}

/* --- the Deployment ------------------------------------------------ */

enum { NO_SET = SIZE_MAX };

static bool is_active(const struct json *set, const struct json *deployment)
{
	return strcmp(owner_of(set), meta_of(deployment, "uid")) == 0 &&
	       (count_in(set, "spec", "replicas") > 0 || count_in(set, "status", "replicas") > 0);
}

/* The one ReplicaSet that has pods; *ret_count is how many do. */
static size_t find_active(const struct resize_view *view, size_t *ret_count)
{
	size_t found = NO_SET;

	*ret_count = 0;
	for (size_t i = 0; i < view->set_count; i++) {
		if (!is_active(view->sets[i], view->deployment))
			continue;
		found = i;
		(*ret_count)++;
	}
	return found;
}

/*
 * Another ReplicaSet with the Deployment's template, of a time when dynos had this size, or
 * NO_SET. The Deployment controller takes the oldest for its own: it would wait for it, and resumed
 * replace every dyno.
 */
static size_t find_twin(struct arena *arena, const struct resize_view *view, size_t active)
{
	for (size_t i = 0; i < view->set_count; i++) {
		if (i != active &&
		    strcmp(owner_of(view->sets[i]), meta_of(view->deployment, "uid")) == 0 &&
		    sized_same_template(arena, template_of(view->deployment),
		                        template_of(view->sets[i])))
			return i;
	}
	return NO_SET;
}

static bool is_satisfied(const struct resize_view *view)
{
	return strcmp(annotation_of(view->body, ANNOTATION_APPLIED),
	              annotation_of(view->deployment, ANNOTATION_APPLIED)) == 0 &&
	       desired_is_satisfied(view->body, view->deployment);
}

/* The Deployment controller has seen its template, and that the ReplicaSet has the same. */
static bool is_seen(const struct json *deployment)
{
	return count_in(deployment, "status", "observedGeneration") >=
	               count_in(deployment, "metadata", "generation") &&
	       count_in(deployment, "status", "updatedReplicas") ==
	               count_in(deployment, "status", "replicas");
}

/* Why the dynos have to be replaced whatever the kubelet says, or NULL. */
static const char *obstacle(struct arena *arena, const struct resize_view *view,
                            const struct json *set)
{
	const struct json *old = template_of(set);
	const char *size = sized_of(old);

	if (strcmp(annotation_of(view->body, ANNOTATION_UNSIZED),
	           annotation_of(view->deployment, ANNOTATION_UNSIZED)) != 0)
		return "something else changes as well";
	if (!size || !json_equal(sized_strip(arena, old),
	                         sized_strip(arena, template_of(view->deployment))))
		return "a rollout is under way";
	if (sized_is_guaranteed(size) != sized_is_guaranteed(target_of(view)))
		return "the QoS class changes, which a running pod cannot";
	if (strcmp(size, target_of(view)) == 0 &&
	    has_size(template_of(view->deployment), target_of(view)) &&
	    !sized_same_template(arena, old, template_of(view->deployment)))
		return "the ReplicaSet's template can't be made like the Deployment's";
	return NULL;
}

static bool is_ours(const struct json *deployment)
{
	return *annotation_of(deployment, ANNOTATION_RESIZING) != '\0';
}

/* It rolls out by itself once it is as it is wanted. */
static enum resize_action roll_out(const struct resize_view *view)
{
	return is_ours(view->deployment) || !is_satisfied(view) ? RESIZE_APPLY : RESIZE_END;
}

static bool replicas_differ(const struct resize_view *view)
{
	const struct json *wanted = json_path(view->body, "spec", "replicas", NULL);

	return wanted && json_int_or(wanted, 0) != count_in(view->deployment, "spec", "replicas");
}

/* All pods have their size: the Deployment and its ReplicaSet get it. */
static void decide_templates(const struct resize_view *view, size_t set, bool in_sync, bool stuck,
                             struct resize_decision *decision)
{
	const struct json *deployment = view->deployment;
	bool paused = json_bool_or(json_path(deployment, "spec", "paused", NULL), false);
	bool ours = is_ours(deployment);
	bool wants = has_size(template_of(deployment), target_of(view));

	decision->index = set;
	if (in_sync && ours && paused && !is_seen(deployment))
		wait_for(decision, AGAIN_MS);
	else if (in_sync && (ours || !is_satisfied(view)))
		decision->action = RESIZE_APPLY;
	else if (in_sync && stuck)
		wait_for(decision, STUCK_MS);
	else if (in_sync)
		decision->action = RESIZE_END;
	else if (wants && !paused) { /* somebody ended the pause: it rolls out already */
		decision->why = "the Deployment was resumed by somebody else meanwhile";
		decision->action = roll_out(view);
	} else {
		decision->action = wants ? RESIZE_SET : RESIZE_PAUSE;
	}
}

/* One ReplicaSet has pods. */
static void decide_in(struct arena *arena, const struct resize_view *view, size_t set,
                      struct resize_decision *decision)
{
	const struct json *template = template_of(view->deployment);
	bool paused = json_bool_or(json_path(view->deployment, "spec", "paused", NULL), false);
	bool in_sync = has_size(template, target_of(view)) &&
	               sized_same_template(arena, template, template_of(view->sets[set]));
	size_t twin = in_sync && paused ? find_twin(arena, view, set) : NO_SET;
	bool stuck = false;

	decision->index = set;
	decision->why = obstacle(arena, view, view->sets[set]);
	if (decision->why) {
		decision->action = roll_out(view);
		return;
	}
	decision->why = view->refusal ? view->refusal : pods_obstacle(arena, view, view->sets[set]);
	if (decision->why)
		decision->action = in_sync ? RESIZE_SUPERSEDE : roll_out(view);
	else if (!paused && !view->scaled && replicas_differ(view))
		decision->action = RESIZE_SCALE;
	else if (twin != NO_SET)
		*decision = (struct resize_decision){ .action = RESIZE_SUPERSEDE, .index = twin };
	else if (!decide_pods(view, view->sets[set], &stuck, decision))
		decide_templates(view, set, in_sync, stuck, decision);
}

static bool is_there(const struct resize_view *view)
{
	return view->deployment &&
	       !json_path(view->deployment, "metadata", "deletionTimestamp", NULL) &&
	       strcmp(meta_of(view->deployment, "uid"), meta_of(view->body, "uid")) == 0;
}

void resize_decide(struct arena *arena, const struct resize_view *view,
                   struct resize_decision *ret_decision)
{
	bool paused = json_bool_or(json_path(view->deployment, "spec", "paused", NULL), false);
	size_t active, set;

	*ret_decision = (struct resize_decision){ .action = RESIZE_END };
	if (!is_there(view) || (paused && !is_ours(view->deployment)))
		return;
	set = find_active(view, &active);
	if (active == 1) {
		decide_in(arena, view, set, ret_decision);
	} else {
		ret_decision->why = active > 1 ? "a rollout is under way" : NULL;
		ret_decision->action = roll_out(view);
	}
}

const char *resize_action_name(enum resize_action action)
{
	static const char *const NAMES[] = {
		[RESIZE_END] = "end",       [RESIZE_WAIT] = "wait",   [RESIZE_SCALE] = "scale",
		[RESIZE_BEGIN] = "begin pod", [RESIZE_POD] = "resize pod", [RESIZE_MARK] = "mark pod", [RESIZE_PAUSE] = "pause",
		[RESIZE_SET] = "patch ReplicaSet", [RESIZE_APPLY] = "apply",
		[RESIZE_SUPERSEDE] = "supersede",
	};

	return NAMES[action];
}
