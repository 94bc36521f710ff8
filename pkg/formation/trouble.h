/* What keeps a dyno from running, in words that help. */
#ifndef FORMATION_TROUBLE_H
#define FORMATION_TROUBLE_H

#include "formation/verdict.h"

struct trouble {
	const char *reason; /* the kubelet's or our word, NULL: none */
	const char *message;
	int64_t unready_ms; /* since when the dyno isn't ready, 0 unknown */
};

/*
 * The worst trouble among the dynos of a process that are not ready; of two
 * alike, that of the lower name. Without a dyno in trouble the reason is
 * NULL and unready_ms that of the one which has been unready longest.
 */
struct trouble trouble_find(struct arena *arena, const struct reconcile_input *input,
                            const struct process_report *report);

/*
 * That a dyno which may run again was killed by its memory limit after
 * `since_ms`; the reason is NULL when none was, else unready_ms is when.
 */
struct trouble trouble_killed(struct arena *arena, const struct reconcile_input *input,
                              const struct process_report *report, int64_t since_ms);

#endif
