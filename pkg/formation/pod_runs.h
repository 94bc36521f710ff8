/* When a dyno's container ran, as far as its pod tells. */
#ifndef FORMATION_POD_RUNS_H
#define FORMATION_POD_RUNS_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/json.h"

enum {
	POD_RUNS_MAX = 8
}; /* a pod tells two, the others its earlier versions did: with a kubelet's backoff ten minutes of crashes */

/* One time that the container ran. Times are the kubelet's, Unix seconds. */
struct pod_run {
	int index;        /* the how-manieth, from 0: restartCount as it was then */
	uint32_t start_s; /* 0: it never ran, or nobody knows */
	uint32_t end_s;   /* 0: it runs, or with `ended` nobody knows */
	bool ended;
};

/*
 * The last runs, the earlier ones first. A pod tells two at most.
 * Source: the kubelet's convertToAPIContainerStatuses. While a container
 * runs, or has just ended, lastState is the run before; while it waits to be
 * started again, lastState is the last run, and restartCount its index.
 */
struct pod_runs {
	struct pod_run items[POD_RUNS_MAX];
	int count;
};

/* Read a containerStatus; NULL gives none. */
struct pod_runs pod_runs_of(const struct json *container);

/*
 * Carry over what an earlier version of the same pod told and `runs` no
 * longer does: runs that have ended, the last ones as far as there is room.
 */
void pod_runs_follow(struct pod_runs *runs, const struct pod_runs *before);

/* Whether the last of them goes on. */
static inline bool pod_runs_open(const struct pod_runs *runs)
{
	return runs->count > 0 && !runs->items[runs->count - 1].ended;
}

#endif
