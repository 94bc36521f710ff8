/* What stands in a Lease: read, and written; no time passes here. */
#ifndef KUBE_LEASE_RECORD_H
#define KUBE_LEASE_RECORD_H

#include "codec/json.h"

/* spec.holderIdentity, "" when there is none. */
const char *lease_holder(const struct json *lease);

/*
 * For how long others have to see it unchanged: spec.leaseDurationSeconds,
 * or `fallback_ms` when that is absent, not above 0 or over ten minutes
 * (somebody's hand).
 */
int64_t lease_duration_ms(const struct json *lease, int64_t fallback_ms);

struct lease_claim {
	const char *ns;
	const char *name;
	const char *identity;  /* who shall hold it; "": nobody */
	int64_t duration_ms;
	int64_t now_ms;        /* Unix time, for people */
};

/*
 * The object to be written, in `arena`: `seen` (NULL: there is none) with
 * the claim in place of what it said. Fields that we don't know stay, and so does
 * its resourceVersion, so that of two who write one fails. The holder's
 * change counts as a transition unless it is a release.
 */
struct json *lease_claimed(struct arena *arena, const struct json *seen,
			   const struct lease_claim *claim);

#endif
