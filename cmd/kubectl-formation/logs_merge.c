#include "logs_merge.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void log_lines_release(struct log_lines *lines)
{
	arena_release(&lines->arena);
	free(lines->items);
	*lines = (struct log_lines){0};
}

/* Bytes of the time that the line begins with, 0 when it has none. */
static size_t time_len(const char *line, size_t len)
{
	const char *blank = memchr(line, ' ', len);
	size_t n = blank ? (size_t)(blank - line) : len;

	return n >= 20 && n <= 40 && isdigit((unsigned char)line[0]) && line[4] == '-' &&
			       line[10] == 'T'
		       ? n
		       : 0;
}

const char *log_lines_add(struct log_lines *lines, const char *source, int color,
			  const char *line, size_t len, const char *last_time)
{
	size_t n = time_len(line, len), skip = n ? n + (n < len) : 0;
	struct log_line *item;

	if (lines->count == lines->capacity) {
		lines->capacity = lines->capacity ? 2 * lines->capacity : 256;
		lines->items = x_realloc(lines->items, lines->capacity * sizeof(*lines->items));
	}
	item = &lines->items[lines->count++];
	*item = (struct log_line){
		.time = n ? arena_strndup(&lines->arena, line, n)
			  : arena_strdup(&lines->arena, last_time),
		.source = arena_strdup(&lines->arena, source),
		.color = color,
		.order = lines->arrived++,
		.text = arena_strndup(&lines->arena, line + skip, len - skip),
	};
	return item->time;
}

/*
 * Fractions have as many digits as are not zero ("…00.5Z", "…00Z"), so the
 * seconds are compared first, then the digits, where an end is the smallest.
 */
static int compare_times(const char *a, const char *b)
{
	int seconds = strncmp(a, b, 19);

	if (seconds != 0 || strlen(a) < 19 || strlen(b) < 19)
		return seconds;
	for (a += 19, b += 19; *a && *a == *b; a++, b++)
		;
	if (*a == *b)
		return 0;
	/* A digit is more than the end of the fraction, whatever stands there. */
	if (isdigit((unsigned char)*a) || *a == '.')
		return isdigit((unsigned char)*b) ? (*a < *b ? -1 : 1) : 1;
	return isdigit((unsigned char)*b) || *b == '.' ? -1 : 0;
}

static int compare_lines(const void *a, const void *b)
{
	const struct log_line *one = a, *two = b;
	int times = compare_times(one->time, two->time);

	if (times != 0)
		return times;
	return one->order < two->order ? -1 : one->order > two->order;
}

void log_lines_sort(struct log_lines *lines)
{
	if (lines->count > 1)
		qsort(lines->items, lines->count, sizeof(*lines->items), compare_lines);
}

void log_lines_clear(struct log_lines *lines)
{
	lines->count = 0;
	arena_reset(&lines->arena);
}
