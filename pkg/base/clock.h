/* Time, behind a seam: tests and the simulator bring their own. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/*
 * Two readings of time. `mono_ms` never goes back and counts suspend
 * (CLOCK_BOOTTIME): deadlines, delays, leases. `wall_ms` is Unix time:
 * only for timestamps that people read.
 */
struct clock {
	int64_t (*mono_ms)(void *arg);
	int64_t (*wall_ms)(void *arg);
	void *arg;
};

static inline int64_t clock_mono_ms(const struct clock *clock)
{
	return clock->mono_ms(clock->arg);
}

static inline int64_t clock_wall_ms(const struct clock *clock)
{
	return clock->wall_ms(clock->arg);
}

/* The shorter of two delays, where 0 means that there is none. */
static inline int64_t clock_sooner_ms(int64_t a_ms, int64_t b_ms)
{
	if (a_ms == 0 || b_ms == 0)
		return a_ms + b_ms;
	return a_ms < b_ms ? a_ms : b_ms;
}

/* The machine's own clock, static. */
const struct clock *clock_system(void);

#endif
