/* Giving running dynos another size without a restart: what to do next. Pure. */
#ifndef FORMATION_RESIZE_H
#define FORMATION_RESIZE_H

#include "formation/model.h"

/*
 * A Deployment whose pod template changes replaces its pods. This order of
 * steps changes their size and replaces none:
 *
 *   pods            each one's annotation (its size is changing), its `resize`,
 *                   and when the kubelet has carried that out, its label and
 *                   annotation; so what cannot be resized is known before
 *                   anything else was touched
 *   Deployment      the new template, and paused, with ANNOTATION_RESIZING
 *   ReplicaSet      the same template
 *   (wait)          until the Deployment controller has seen both
 *   Deployment      no longer paused: there is nothing to roll out
 *
 * Each step is decided from what is there, so it doesn't matter who did the
 * one before, or when; pods that were made from the old template meanwhile are
 * found at the end. Where this cannot be, the Deployment is applied as it
 * always is, and rolls out. One that a person paused is left alone.
 */

/* What is known: all as read from the API server. Borrowed. */
struct resize_view {
	const struct json *body;        /* what is wanted: desired_deployment, with the uid */
	const struct json *deployment;  /* NULL: there is none */
	const struct json **sets;       /* ReplicaSets of the process */
	size_t set_count;
	const struct json **pods;       /* pods of the process */
	size_t pod_count;
	const char *refusal; /* what was said to a resize a moment ago that will not do, or NULL */
	bool scaled;         /* RESIZE_SCALE was done a moment ago */
	int64_t now_ms;      /* Unix time */
	int64_t since_ms;    /* since when the dynos are being resized, 0 unknown */
	int64_t deadline_ms; /* how long a pod may wait for room on its node, or for its kubelet */
};

enum resize_action {
	RESIZE_END,       /* nothing is left to do */
	RESIZE_WAIT,      /* for the kubelet or the Deployment controller */
	RESIZE_SCALE,     /* apply all but the size: replicas do not wait for it */
	RESIZE_BEGIN,     /* pods[index] is about to change: say so on it, as nobody knows after a crash */
	RESIZE_POD,       /* patch `resize` of pods[index] */
	RESIZE_MARK,      /* pods[index] has its new size: say so on it */
	RESIZE_PAUSE,     /* apply the Deployment with the new size, paused */
	RESIZE_SET,       /* patch the template of sets[index] */
	RESIZE_APPLY,     /* apply the Deployment as it is wanted; it goes on by itself */
	RESIZE_SUPERSEDE, /* patch the template of sets[index], so that its pods are replaced */
};

struct resize_decision {
	enum resize_action action;
	size_t index;      /* of the pod or ReplicaSet */
	const char *why;   /* why it is a rollout after all, or NULL: in place */
	int64_t again_ms;  /* RESIZE_WAIT: look again after that long, though nothing changes */
};

/* Decide. Texts are in the arena or borrowed from the view. */
void resize_decide(struct arena *arena, const struct resize_view *view,
                   struct resize_decision *ret_decision);

/* The body that carries the decision out; NULL for RESIZE_END and RESIZE_WAIT. In the arena. */
struct json *resize_body(struct arena *arena, const struct resize_view *view,
                         const struct resize_decision *decision);

/* Whether `pod`, as the API server answered, is not what was asked of it by RESIZE_POD. */
bool resize_is_ignored(const struct resize_view *view, const struct json *pod);

/* "pause", for logs. */
const char *resize_action_name(enum resize_action action);

/* What to keep of what is read; the Deployment's is KEEP_DEPLOYMENT. */
extern const struct json_keep KEEP_RESIZE_SET[];
extern const struct json_keep KEEP_RESIZE_POD[];

#endif
