/* The event recorder: events.k8s.io/v1, with series. */
#ifndef KUBE_RECORDER_H
#define KUBE_RECORDER_H

#include "kube/client.h"

struct recorder;

/* Both borrowed, must outlive it. `controller` and `instance` are reportingController and -Instance; copied. */
struct recorder *recorder_new(struct loop *loop, struct client *client, const char *controller,
			      const char *instance);
void recorder_free(struct recorder *recorder);

/* What the event is about; all copied but `resource`, which is static. */
struct event_subject {
	const struct resource *resource;
	const char *ns;   /* NULL or "" when cluster-scoped: the event goes to "default" */
	const char *name;
	const char *uid;  /* or NULL */
};

/*
 * Record an event, best effort: it is sent behind everything else, dropped
 * when 1,000 wait, and never waited for. Equal events (subject, reason,
 * action, type, note) become a series: counted here, sent at the second
 * and then every 30 minutes at most, and once more when it has rested for
 * six. Texts are cut to what the API takes: reason and action 128
 * characters, note 1 kB.
 * Source: k8s.io/client-go/tools/events.
 */
void recorder_event(struct recorder *recorder, const struct event_subject *subject, bool warning,
		    const char *reason, const char *action, const char *note);

/* Requests that the server took, and events dropped (refused, or too many waited). */
void recorder_counts(const struct recorder *recorder, uint64_t *ret_sent, uint64_t *ret_dropped);

/* Events waiting or under way: 0 when nothing is left to send. */
size_t recorder_pending(const struct recorder *recorder);

#endif
