/* Lines of many dynos in one order of time. Pure. */
#ifndef CLI_LOGS_MERGE_H
#define CLI_LOGS_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/* One line, waiting to be printed. */
struct log_line {
	const char *time;   /* RFC 3339 with nanoseconds, as it came; lines sort by it */
	const char *source; /* "web.1", "formation" */
	int color;          /* number of the source's colour; -1: none */
	size_t order;       /* as it arrived, for lines of one time */
	const char *text;
};

/* Lines that wait. Everything is in `arena`, which is reset when all are taken. */
struct log_lines {
	struct arena arena;
	struct log_line *items;
	size_t count, capacity;
	size_t arrived; /* so far, in all */
};

void log_lines_release(struct log_lines *lines);

/*
 * Add one line as the API server sends it with timestamps=true: "TIME TEXT". One
 * without a time has that of the line before it of that source, `last_time` ("" at
 * first). `source` is copied. Returns its time, valid until log_lines_clear.
 */
const char *log_lines_add(struct log_lines *lines, const char *source, int color,
			  const char *line, size_t len, const char *last_time);

/* Sort by time; lines of one time stay as they arrived. */
void log_lines_sort(struct log_lines *lines);

/* All were printed. */
void log_lines_clear(struct log_lines *lines);

#endif
