/* Taking turns: how many Formations may follow a changed size at once. */
#ifndef CONTROLLER_TURNS_H
#define CONTROLLER_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Keys hold turns or wait for one, in the order in which they asked.
 * Invariants: at most `limit` keys hold a turn; a key never both holds
 * and waits; nobody waits while a turn is free. A holder that says nothing
 * for TURN_MS loses its turn, so that one Formation that never gets ready
 * doesn't stop the others for ever.
 */
struct turns;

enum { TURN_MS = 10 * 60 * 1000 }; /* longest a turn is held: a rollout's progress deadline */

/*
 * Called from turns_release for each key that got a turn after waiting.
 * It may not call back into the turns.
 */
typedef void turns_grant_fn(void *arg, const char *key);

/* `limit` is at least 1. */
struct turns *turns_new(size_t limit, turns_grant_fn *granted, void *arg);
void turns_free(struct turns *turns);

/*
 * Ask for a turn, at the time `now_ms` (monotonic). Returns whether `key`
 * holds one now; if not it waits, and is told by `granted`.
 */
bool turns_take(struct turns *turns, const char *key, int64_t now_ms);

/*
 * Give a turn back, or stop waiting; a key that does neither is ignored.
 * Turns held longer than TURN_MS are taken back at the same time.
 * Callbacks: calls `granted`.
 */
void turns_release(struct turns *turns, const char *key, int64_t now_ms);

/* Whether `key` holds a turn. */
bool turns_held(const struct turns *turns, const char *key);

/* How many wait. */
size_t turns_waiting(const struct turns *turns);

#endif
