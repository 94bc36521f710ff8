#include "kube/prng.h"

#include <sys/random.h>
#include <time.h>

void prng_init(struct prng *prng)
{
	struct timespec now = { 0 };

	if (getrandom(&prng->state, sizeof(prng->state), GRND_NONBLOCK) ==
	    (ssize_t)sizeof(prng->state))
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	prng->state = (uint64_t)now.tv_sec * 1000000007U + (uint64_t)now.tv_nsec;
}

uint64_t prng_next(struct prng *prng)
{
	uint64_t z = (prng->state += 0x9e3779b97f4a7c15U);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

int64_t prng_upto(struct prng *prng, int64_t limit)
{
	return (int64_t)(prng_next(prng) % ((uint64_t)limit + 1));
}
