/* Pods that are gone, kept until the ledger of their usage has them. */
#ifndef CONTROLLER_DEPARTED_H
#define CONTROLLER_DEPARTED_H

#include "base/list.h"
#include "formation/gone_pod.h"
#include "formation/observed.h"

enum { DEPARTED_MAX = 4096 }; /* about 1 MB; of more the oldest are dropped: their end is uncertain */

/*
 * What a pod said last is told once, by the event of its deletion. Until
 * a status with it has been written, and written by a controller that may,
 * it is kept here, in the order of arrival. Only pods whose container ran
 * are of interest.
 */
struct departed {
	struct list pods;
	size_t count;
};

void departed_init(struct departed *departed);
void departed_release(struct departed *departed);

/* A pod as its last event has it, seen at `now_ms`. */
void departed_said(struct departed *departed, const struct observed_pod *pod, int64_t now_ms);

/* A pod left the store; unless its last word is here it may be yet to come. */
void departed_lost(struct departed *departed, const struct observed_pod *pod, int64_t now_ms);

/*
 * Those of a Formation that its ledger has not; the others are given back.
 * In the arena, what they point to borrowed until the next call of this header.
 */
const struct gone_pod *departed_gather(struct departed *departed, struct arena *arena,
				       const struct formation *formation, size_t *ret_count);

#endif
