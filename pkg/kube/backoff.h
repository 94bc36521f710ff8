/* How long to wait after a failure. */
#ifndef KUBE_BACKOFF_H
#define KUBE_BACKOFF_H

#include "kube/prng.h"

/*
 * Each wait is twice the one before, up to a ceiling, and up to as much
 * again by chance, so that many clients of a server that comes back don't
 * all come at once. After a while without failure it starts anew.
 * Source: k8s.io/client-go/tools/cache/reflector.go.
 */
struct backoff {
	int64_t first_ms;  /* the first wait */
	int64_t last_ms;   /* the longest, without chance */
	int64_t reset_ms;  /* without failure, after which the first comes next */
	int64_t wait_ms;   /* the last one without chance, 0 before the first */
	int64_t failed_ms; /* when the last failure was */
	struct prng prng;
};

void backoff_init(struct backoff *backoff, int64_t first_ms, int64_t last_ms, int64_t reset_ms);

/* The wait after a failure at `now_ms`, of at most `most_ms` without chance. */
int64_t backoff_next(struct backoff *backoff, int64_t now_ms, int64_t most_ms);

#endif
