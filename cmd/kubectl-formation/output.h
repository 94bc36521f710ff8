/* Standard output: buffered, coloured on a terminal, and a closed pipe is no error. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "codec/json.h"

enum { OUTPUT_COLORS = 6 }; /* that dynos are told apart by */

struct output {
	struct buf text; /* not yet written */
	bool terminal;   /* standard output is one */
	bool color;
	bool closed;     /* the reader is gone: nothing more is written */
};

void output_init(struct output *out, bool no_color);

/* Writes what is left. */
void output_release(struct output *out);

/* Write what was put. Returns 0, or -1 when the reader is gone: end, as it is no failure. */
int output_flush(struct output *out);

void output_puts(struct output *out, const char *text);
void output_printf(struct output *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Text of others, its control characters escaped. */
void output_plain(struct output *out, const char *text);

/* Begin and end a colour; nothing where there are none. */
void output_color(struct output *out, int number);
void output_color_end(struct output *out);

/* A tree as indented JSON or as YAML. */
void output_json(struct output *out, const struct json *value);
void output_yaml(struct output *out, const struct json *value);

/* Columns and lines of the terminal, 80 and 24 where there is none. */
int output_columns(void);
int output_lines(void);

/* "3s", "12m", "8h", "4d": a time that has passed, as people say it. */
const char *age_text(struct arena *arena, int64_t ms);

#endif
