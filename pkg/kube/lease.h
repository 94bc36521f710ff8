/* Leader election: one of many holds a Lease, and only it may write. */
#ifndef KUBE_LEASE_H
#define KUBE_LEASE_H

#include <stdbool.h>

#include "base/clock.h"
#include "kube/client.h"

/*
 *            start             written             not renewed in time, or
 *   IDLE ─────────▶ STANDBY ───────────▶ LEADING ─────────────────────────▶ OVER
 *                      │                    │    another holds it            ▲
 *                      │      release       ▼            written, or 2 s     │
 *                      └───────────────▶ RELEASING ──────────────────────────┘
 *
 * Who holds the Lease writes it every `retry_ms`. Others look at it as
 * often, and take it over when they have seen it unchanged for its whole
 * duration, or when it has no holder. Nobody's wall clock is compared:
 * only the time for which we have seen the same counts, and that the
 * monotonic clock tells, which counts suspend.
 *
 * Two can still believe that they lead, for a moment: a write may be on
 * its way when the lease ends. So every write is safe under two leaders
 * (uid preconditions, names that follow from the Formation).
 * Source: k8s.io/client-go/tools/leaderelection; there, too, a process
 * that has lost its lease ends: what it knows and has under way is doubtful.
 */
struct lease;

struct lease_config {
	struct loop *loop;               /* all pointers borrowed but the texts, which are copied */
	const struct clock *clock;       /* read in the middle of a turn of the loop, too */
	struct transport *transport;
	struct credentials *credentials; /* renewed on a 401, or NULL */
	const char *ns;
	const char *name;
	const char *identity;            /* of this process, never used by another one */
	int64_t duration_ms;             /* after which others take over: 15 s */
	int64_t deadline_ms;             /* after which a holder stops writing: 10 s */
	int64_t retry_ms;                /* between renewals, and between looks: 2 s */
	loop_fn *leading;                /* once, when the lease is held */
	loop_fn *lost;                   /* once, when it was held and no longer is */
	loop_fn *released;               /* once, after lease_release; then not `lost` */
	void *arg;                       /* of the three; none is called from a function of this header */
};

/*
 * Whether the three times fit each other: duration > deadline > 1.2 retry > 0.
 * Errors: ERR_INVALID, with what is wrong.
 */
int lease_check_times(int64_t duration_ms, int64_t deadline_ms, int64_t retry_ms, struct err *err);

/* The times must fit. */
struct lease *lease_new(const struct lease_config *config);

/* Cancels what is under way, without callbacks; not from one. NULL is taken. */
void lease_free(struct lease *lease);

/* Try to get it, for ever. What hinders is logged when it changes. */
void lease_start(struct lease *lease);

/*
 * Give it up so that another takes over at once. To be called when the
 * last write has ended: while one is under way, the lease must run out.
 */
void lease_release(struct lease *lease);

/*
 * Whether a write may be sent at this moment: held, and renewed less than
 * `deadline_ms` ago by the clock, whatever timers have fired. If the
 * deadline has passed `lost` follows. Callbacks: from any, libcurl's too.
 */
bool lease_may_write(struct lease *lease);

bool lease_is_leading(const struct lease *lease);

#endif
