#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "controller/metrics.h"

enum { FDS_COUNTED = 1024 }; /* file descriptors above this are not looked for */

/*
 * Open file descriptors, by one poll of all numbers there may be: a
 * process that is not dumpable can't read its own /proc/self/fd.
 */
static int open_fds(void)
{
	struct pollfd fds[FDS_COUNTED];
	struct rlimit limit;
	nfds_t count = FDS_COUNTED;
	int open = 0;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < count)
		count = (nfds_t)limit.rlim_cur;
	for (nfds_t i = 0; i < count; i++)
		fds[i] = (struct pollfd){.fd = (int)i};
	if (poll(fds, count, 0) < 0)
		return 0;
	for (nfds_t i = 0; i < count; i++)
		open += !(fds[i].revents & POLLNVAL);
	return open;
}

/* Virtual and resident memory in bytes; zeros where there is no /proc. */
static void memory_bytes(uint64_t *ret_virtual, uint64_t *ret_resident)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t total = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file) {
		if (fscanf(file, "%" SCNu64 " %" SCNu64, &total, &resident) != 2)
			total = resident = 0;
		fclose(file);
	}
	*ret_virtual = total * page;
	*ret_resident = resident * page;
}

static void write_one(struct buf *page, const char *name, const char *type, const char *help)
{
	buf_printf(page, "# HELP %s %s\n# TYPE %s %s\n%s ", name, help, name, type, name);
}

void metrics_write_process(int64_t start_ms, struct buf *page)
{
	struct timespec cpu = {0};
	struct rlimit limit = {0};
	uint64_t virtual_bytes, resident_bytes;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	getrlimit(RLIMIT_NOFILE, &limit);
	memory_bytes(&virtual_bytes, &resident_bytes);

	write_one(page, "process_cpu_seconds_total", "counter",
		  "User and system CPU time spent in seconds.");
	buf_printf(page, "%" PRId64 ".%06ld\n", (int64_t)cpu.tv_sec, cpu.tv_nsec / 1000);
	write_one(page, "process_resident_memory_bytes", "gauge", "Resident memory in bytes.");
	buf_printf(page, "%" PRIu64 "\n", resident_bytes);
	write_one(page, "process_virtual_memory_bytes", "gauge", "Virtual memory in bytes.");
	buf_printf(page, "%" PRIu64 "\n", virtual_bytes);
	write_one(page, "process_open_fds", "gauge", "Open file descriptors.");
	buf_printf(page, "%d\n", open_fds());
	write_one(page, "process_max_fds", "gauge", "Most file descriptors that may be open.");
	buf_printf(page, "%" PRIu64 "\n", (uint64_t)limit.rlim_cur);
	write_one(page, "process_start_time_seconds", "gauge",
		  "Start time in seconds since the Unix epoch.");
	buf_printf(page, "%" PRId64 ".%03d\n", start_ms / 1000, (int)(start_ms % 1000));
}
