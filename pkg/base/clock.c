#include "base/clock.h"

#include <time.h>

static int64_t read_ms(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_mono_ms(void *arg)
{
	(void)arg;
	return read_ms(CLOCK_BOOTTIME);
}

static int64_t system_wall_ms(void *arg)
{
	(void)arg;
	return read_ms(CLOCK_REALTIME);
}

const struct clock *clock_system(void)
{
	static const struct clock system_clock = {
		.mono_ms = system_mono_ms,
		.wall_ms = system_wall_ms,
	};

	return &system_clock;
}
