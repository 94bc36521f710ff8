/* Writes that failed: what a Formation's next reconcile has to know of them. */
#ifndef CONTROLLER_FAILURES_H
#define CONTROLLER_FAILURES_H

#include "codec/digest.h"
#include "formation/reconcile.h"

/*
 * The memory of one Formation: at most one entry an object. An entry holds
 * back the very write that failed until its time comes; a write with
 * another body is free at once, for the user may have mended it.
 */
struct failures;

struct failures *failures_new(void);
void failures_free(struct failures *failures);
bool failures_empty(const struct failures *failures);

/*
 * Remember that `step` failed with `err`. `body` is the digest of what was
 * sent. The wait doubles with each failure of the same object:
 * from 10 ms after a conflict, from 100 ms when the server or the network
 * is at fault (up to 30 s), from 1 s when a person has to act (up to 5
 * min), never less than the server's Retry-After; a quarter of it is
 * spread by `jitter`, any number.
 * Returns whether that is news: the first time, or with another text.
 */
bool failures_note(struct failures *failures, const struct step *step, struct digest body,
		   const struct err *err, int64_t now_ms, uint64_t jitter);

/*
 * Remember that `step` succeeded, but only repaired what something else had
 * changed, or was changed back at once: a webhook or another controller
 * that disagrees. The first three times within five minutes cost nothing;
 * from then on the same write waits as above, from 1 s, so that we fight
 * nobody. Call after failures_clear. Returns how often it happened by now.
 */
int failures_note_undone(struct failures *failures, const struct step *step, struct digest body,
			 int64_t now_ms, uint64_t jitter);

/*
 * Remember for five minutes who scales the singleton whose replicas `step` sets
 * back, in words for the user. Copied. A later one replaces it.
 */
void failures_note_rival(struct failures *failures, const struct step *step, const char *text,
			 int64_t now_ms);

/* The write of `step` succeeded: forget its failure (but not that it was undone). */
void failures_clear(struct failures *failures, const struct step *step);

/* Whether `step` has to wait longer. Its digest is only asked for (`body`) when it matters. */
typedef struct digest failures_digest_fn(void *arg, const struct step *step);
bool failures_hold(const struct failures *failures, const struct step *step,
		   failures_digest_fn *body, void *arg, int64_t now_ms);

/* Forget every object that `plan` doesn't want to write any more. */
void failures_sweep(struct failures *failures, const struct plan *plan, int64_t now_ms);

/* As input of a reconcile: those a person may want to read of. In the arena, texts borrowed. */
const struct write_failure *failures_list(const struct failures *failures, struct arena *arena,
					  size_t *ret_count);

/* Those of failures_note_rival, as input of a reconcile. In the arena, texts borrowed. */
const struct rival_note *failures_rivals(const struct failures *failures, struct arena *arena,
					 int64_t now_ms, size_t *ret_count);

/* Milliseconds until the first held write is free again, at least 1; 0 when none is held. */
int64_t failures_wait_ms(const struct failures *failures, int64_t now_ms);

#endif
