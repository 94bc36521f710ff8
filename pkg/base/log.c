#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/utf8.h"

static struct {
	enum log_level level;
	enum log_format format;
	int fd;
} sink = { .level = LOG_INFO, .format = LOG_FORMAT_TEXT, .fd = STDERR_FILENO };

static const char *const level_names[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warn",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

static const char *const level_words[] = {
	[LOG_ERROR] = "ERROR",
	[LOG_WARN] = "WARN",
	[LOG_INFO] = "INFO",
	[LOG_DEBUG] = "DEBUG",
};

static const char *const format_names[] = {
	[LOG_FORMAT_TEXT] = "text",
	[LOG_FORMAT_JSON] = "json",
};

/* One line under way; TAIL bytes stay free for what has to end it. */
struct line {
	char text[LIMIT_LOG_LINE];
	size_t len;
	bool json; /* how to escape */
	bool full; /* the mark of a cut text is set */
};

enum { TAIL = 8 }; /* the mark, `"}` and the newline */

void log_setup(enum log_level level, enum log_format format, int fd)
{
	sink.level = level;
	sink.format = format;
	sink.fd = fd;
}

bool log_enabled(enum log_level level)
{
	return level <= sink.level;
}

/* Add all of it or, when it doesn't fit, the mark of a cut text and then nothing more. */
static void line_add(struct line *line, const char *text, size_t len)
{
	if (line->full)
		return;
	if (len > sizeof(line->text) - TAIL - line->len) {
		line->full = true;
		text = UTF8_ELLIPSIS;
		len = strlen(UTF8_ELLIPSIS);
	}
	memcpy(line->text + line->len, text, len);
	line->len += len;
}

static void line_puts(struct line *line, const char *text)
{
	line_add(line, text, strlen(text));
}

/* What must not reach a terminal or a log reader as it is. */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7F && c <= 0x9F) || (c >= 0x2028 && c <= 0x202E) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0x200E || c == 0x200F;
}

static void line_escape_code(struct line *line, uint32_t c)
{
	char escape[16];

	if (c == '\n')
		snprintf(escape, sizeof(escape), "\\n");
	else if (c == '\t')
		snprintf(escape, sizeof(escape), "\\t");
	else if (line->json || c > 0xFF)
		snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)c);
	else
		snprintf(escape, sizeof(escape), "\\x%02x", (unsigned)c);
	line_puts(line, escape);
}

static void line_invalid(struct line *line, char byte)
{
	char escape[8];

	if (line->json) {
		line_puts(line, UTF8_REPLACEMENT);
		return;
	}
	snprintf(escape, sizeof(escape), "\\x%02x", (unsigned char)byte);
	line_puts(line, escape);
}

static void line_escaped(struct line *line, const char *text)
{
	size_t n, len = strlen(text);

	for (; len && !line->full; text += n, len -= n) {
		uint32_t c;

		n = utf8_decode(text, len, &c);
		if (n == 0) {
			line_invalid(line, *text);
			n = 1;
		} else if (is_control(c)) {
			line_escape_code(line, c);
		} else if (line->json && (c == '"' || c == '\\')) {
			line_add(line, (const char[]){ '\\', (char)c }, 2);
		} else {
			line_add(line, text, n);
		}
	}
}

static void line_time(struct line *line)
{
	int64_t now_ms = clock_wall_ms(clock_system());
	time_t now = (time_t)(now_ms / 1000);
	char text[40];
	struct tm tm;
	size_t n;

	gmtime_r(&now, &tm);
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, sizeof(text) - n, ".%03dZ", (int)(now_ms % 1000));
	line_puts(line, text);
}

static void line_text_head(struct line *line, enum log_level level, const char *object)
{
	line_time(line);
	line_puts(line, " ");
	line_puts(line, level_words[level]);
	line_puts(line, " ");
	if (object) {
		line_escaped(line, object);
		line_puts(line, ": ");
	}
}

static void line_json_head(struct line *line, enum log_level level, const char *object)
{
	line_puts(line, "{\"time\":\"");
	line_time(line);
	line_puts(line, "\",\"level\":\"");
	line_puts(line, level_names[level]);
	if (object) {
		line_puts(line, "\",\"object\":\"");
		line_escaped(line, object);
	}
	line_puts(line, "\",\"msg\":\"");
}

static void line_end(struct line *line)
{
	const char *end = line->json ? "\"}\n" : "\n";
	size_t len = strlen(end);

	memcpy(line->text + line->len, end, len);
	line->len += len;
}

void log_write(enum log_level level, const char *object, const char *fmt, ...)
{
	struct line line = { .len = 0, .json = sink.format == LOG_FORMAT_JSON };
	char text[LIMIT_LOG_LINE];
	int saved = errno;
	ssize_t written;
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	if (line.json)
		line_json_head(&line, level, object);
	else
		line_text_head(&line, level, object);
	line_escaped(&line, text);
	line_end(&line);
	do
		written = write(sink.fd, line.text, line.len);
	while (written < 0 && errno == EINTR);
	errno = saved;
}

static int find_name(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0)
			return (int)i;
	}
	return -1;
}

int log_level_parse(const char *name)
{
	return find_name(level_names, sizeof(level_names) / sizeof(level_names[0]), name);
}

int log_format_parse(const char *name)
{
	return find_name(format_names, sizeof(format_names) / sizeof(format_names[0]), name);
}
