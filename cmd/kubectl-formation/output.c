#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "codec/yaml_write.h"

enum { PIECE = 64 * 1024 }; /* written at once when that much waits */

void output_init(struct output *out, bool no_color)
{
	const char *term = getenv("TERM"), *wish = getenv("NO_COLOR");

	*out = (struct output){.terminal = isatty(STDOUT_FILENO)};
	buf_init(&out->text, LIMIT_LIST);
	out->color = out->terminal && !no_color && !(wish && *wish) &&
		     !(term && strcmp(term, "dumb") == 0);
}

void output_release(struct output *out)
{
	output_flush(out);
	buf_release(&out->text);
}

int output_flush(struct output *out)
{
	const char *at = buf_cstr(&out->text);
	size_t left = out->text.len;

	while (left && !out->closed) {
		ssize_t n = write(STDOUT_FILENO, at, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			out->closed = true;
			break;
		}
		at += n;
		left -= (size_t)n;
	}
	buf_reset(&out->text);
	return out->closed ? -1 : 0;
}

static void flush_much(struct output *out)
{
	if (out->text.len >= PIECE)
		output_flush(out);
}

void output_puts(struct output *out, const char *text)
{
	buf_puts(&out->text, text);
	flush_much(out);
}

void output_printf(struct output *out, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		abort();
	output_puts(out, text);
	free(text);
}

/* Characters that move the cursor or change the direction of writing. */
static bool is_control(uint32_t code)
{
	return (code < 0x20 && code != '\t') || (code >= 0x7f && code < 0xa0) || code == 0x2028 ||
	       code == 0x2029 || (code >= 0x202a && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

void output_plain(struct output *out, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		uint32_t code = 0;
		size_t n = utf8_decode(text, len, &code);

		if (n == 0) {
			buf_puts(&out->text, UTF8_REPLACEMENT);
			n = 1;
		} else if (is_control(code)) {
			buf_printf(&out->text, "\\u%04x", code);
		} else {
			buf_append(&out->text, text, n);
		}
		text += n;
		len -= n;
	}
	flush_much(out);
}

void output_color(struct output *out, int number)
{
	static const int CODES[OUTPUT_COLORS] = {36, 33, 32, 35, 34, 31};

	if (out->color)
		buf_printf(&out->text, "\033[%dm", CODES[(unsigned)number % OUTPUT_COLORS]);
}

void output_color_end(struct output *out)
{
	if (out->color)
		buf_puts(&out->text, "\033[0m");
}

void output_json(struct output *out, const struct json *value)
{
	json_write_pretty(&out->text, value);
	flush_much(out);
}

void output_yaml(struct output *out, const struct json *value)
{
	yml_write(&out->text, value);
	flush_much(out);
}

static int size_of(bool columns, const char *variable, int fallback)
{
	const char *text = getenv(variable);
	struct winsize size;
	int number = text ? atoi(text) : 0;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0)
		return columns ? size.ws_col : size.ws_row;
	return number > 0 ? number : fallback;
}

int output_columns(void)
{
	return size_of(true, "COLUMNS", 80);
}

int output_lines(void)
{
	return size_of(false, "LINES", 24);
}

const char *age_text(struct arena *arena, int64_t ms)
{
	long long s = ms > 0 ? ms / 1000 : 0;

	if (s < 120)
		return arena_printf(arena, "%llds", s);
	if (s < 120 * 60)
		return arena_printf(arena, "%lldm", s / 60);
	if (s < 48 * 3600)
		return arena_printf(arena, "%lldh", s / 3600);
	return arena_printf(arena, "%lldd", s / 86400);
}
