/* The loop, the clock and the chance of a simulation: all of them repeat exactly. */
#ifndef SIM_LOOP_H
#define SIM_LOOP_H

#include "loop/loop.h"

/*
 * Takes the place of pkg/loop/loop.c and pkg/kube/prng.c in the simulator.
 * Time stands still while a callback runs and leaps to the next thing that
 * is due. One loop at a time.
 */

/* From now on every chance in the program comes from `seed`, maps' orders too. */
void sim_seed(uint64_t seed);

/* A number from 0 to limit - 1 for the world itself, a stream of its own. */
unsigned sim_below(unsigned limit);

/* Call `fn(arg)` in `delay_ms`; things due at one time happen in the order they were asked for. */
void sim_after(struct loop *loop, int64_t delay_ms, loop_fn *fn, void *arg);

/*
 * Do whatever is due next. Returns false, and lets time pass until
 * `end_ms`, when nothing is due before.
 */
bool sim_step(struct loop *loop, int64_t end_ms);

/* Tasks and timers that exist. */
int sim_made(const struct loop *loop);

#endif
