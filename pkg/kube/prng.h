/* Small random numbers for jitter and hash seeds; nothing secret. */
#ifndef KUBE_PRNG_H
#define KUBE_PRNG_H

#include <stdint.h>

/*
 * The simulator links another implementation of prng_init that draws from
 * its seed: then every delay and every order of a run is repeatable.
 */
struct prng {
	uint64_t state; /* any value */
};

/* Seed from the kernel; from the clock when that gives nothing. */
void prng_init(struct prng *prng);

/* The next 64 bits. Source: splitmix64, Vigna 2015. */
uint64_t prng_next(struct prng *prng);

/* A number from 0 to `limit` inclusive; `limit` >= 0. */
int64_t prng_upto(struct prng *prng, int64_t limit);

#endif
