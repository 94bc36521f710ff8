/* The event recorder: events.k8s.io/v1, with series. */
#ifndef KUBE_RECORDER_H
#define KUBE_RECORDER_H

#include "kube/client.h"

struct recorder;

/* `controller` and `instance` are reportingController and -Instance; copied. */
struct recorder *recorder_new(struct loop *loop, struct client *client, const char *controller,
			      const char *instance);
void recorder_free(struct recorder *recorder);

/* What the event is about. */
struct event_subject {
	const struct resource *resource;
	const char *ns;
	const char *name;
	const char *uid;
};

/*
 * Record an event, best effort: it is sent behind everything else, dropped
 * when 1,000 wait, and never waited for. Equal events (subject, reason,
 * action, type, note) become a series: counted here, sent at the second
 * and then every 30 minutes at most.
 * Source: k8s.io/client-go/tools/events.
 */
void recorder_event(struct recorder *recorder, const struct event_subject *subject, bool warning,
		    const char *reason, const char *action, const char *note);

/* Events sent, and dropped. */
void recorder_counts(const struct recorder *recorder, uint64_t *ret_sent, uint64_t *ret_dropped);

/* Events waiting or under way: 0 when nothing is left to send. */
size_t recorder_pending(const struct recorder *recorder);

#endif
