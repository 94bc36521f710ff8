/* Who scales a singleton: found out before its replicas are set back. */
#ifndef CONTROLLER_RIVAL_H
#define CONTROLLER_RIVAL_H

#include "formation/reconcile.h"
#include "kube/client.h"
#include "kube/recorder.h"

/*
 * Two reads, done only when a singleton's Deployment is found with more than one
 * replica: the Deployment's managedFields (an apply of ours takes the field, and
 * with it the name of who set it), and the namespace's
 * HorizontalPodAutoscalers. Neither is cached or watched.
 */
struct rival;

/* All borrowed, and kept until the end. */
struct rival_config {
	struct client *client;
	struct recorder *recorder;
	struct arena *arena;
	const struct formation *formation;
	const struct step *step; /* the write that sets replicas back */
};

/*
 * The end, once: what to tell the user, in the arena, or NULL when nobody was
 * found. A Warning event has told it already. Reads that fail find nobody.
 */
typedef void rival_done_fn(void *arg, const char *text);

/* Whether `step` sets back the replicas of a singleton's Deployment. */
bool rival_is_met(const struct reconcile_input *input, const struct step *step);

/* In the arena. Callbacks: `done` is never called from here. */
struct rival *rival_start(const struct rival_config *config, rival_done_fn *done, void *arg);

/* No `done` after this. NULL is taken. */
void rival_cancel(struct rival *rival);

#endif
