/* Usage: how many seconds dynos ran, by type and size, counted once each. */
#ifndef FORMATION_USAGE_H
#define FORMATION_USAGE_H

#include "formation/reconcile.h"

/*
 * status.usage is a ledger:
 *
 *   observedAt: 2026-11-24T04:30:00Z   newest time that a pod had told when it was written
 *   version: 4711                      resourceVersion of the pods, up to which it has what they told
 *   processes:
 *   - {type: web, size: 2X, seconds: 86400, dynos: [6f1c…@1764000000, 09ab…@1764000010#3]}
 *
 * `seconds` has the runs that have ended. A dyno that runs, or has run before
 * and may again, stands in `dynos`: a hash of its pod's uid, @ the second from which
 * it runs uncounted, # how many of its runs are counted. So every second
 * is in exactly one place, and a reader adds for each @ what has passed since.
 *
 * Exactness. The times are the kubelet's. A run is counted when the pod
 * tells its end, together with the record that it was: in one write, under the
 * Formation's version. A pod that is gone tells its end in its last
 * event; pods of whose going there is no record are told from counted ones by the
 * version. What nobody saw lies between observedAt and
 * the moment of the finding out: `uncertainSeconds`, which may be missing in
 * `seconds`.
 */

enum {
	USAGE_DYNOS_MAX = 4000,    /* dynos in the ledger, about 30 bytes each; for more only whole lives are counted */
	USAGE_PROCESSES_MAX = 256, /* types and sizes; what comes after is counted under "*" */
	USAGE_LEFT_MAX = 16,       /* dynos that left the Formation alive and may come back */
	USAGE_WAIT_MS = 10 * 1000, /* for the last word of a pod that is gone */
};

/*
 * The ledger with all that is known, or as it was if that adds nothing, or
 * NULL when no dyno ever ran. Deciding again from the same gives the same.
 * *ret_again_ms: after how long to look again (0 never), since what is known of
 * the pods is older than the ledger, or a pod's last word is yet to come.
 */
const struct json *usage_follow(struct arena *arena, const struct reconcile_input *input,
                                int64_t *ret_again_ms);

/* Put that into a status that is being built. Returns after how long to look again, 0 never. */
int64_t usage_plan(struct arena *arena, const struct reconcile_input *input, struct json *status);

/* What a pod tells of its dyno's runs. Texts are the pod's. */
struct dyno_life dyno_life_of(const struct observed_pod *pod);

/* Whether the ledger (or NULL) has all of a pod that is gone: it need not be kept for it. */
bool usage_has(const struct json *usage, const struct gone_pod *pod);

#endif
