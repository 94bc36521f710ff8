#include "formation/plain.h"

#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7F && c <= 0x9F) || (c >= 0x2028 && c <= 0x202E) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0x200E || c == 0x200F || c == 0x061C ||
	       c == 0xFEFF;
}

static void escape(struct buf *buf, uint32_t c)
{
	if (c == '\n')
		buf_puts(buf, "\\n");
	else if (c == '\t')
		buf_puts(buf, "\\t");
	else
		buf_printf(buf, "\\u%04x", (unsigned)c);
}

static const char *finish(struct arena *arena, struct buf *buf)
{
	const char *copy = arena_strdup(arena, buf_cstr(buf));

	buf_release(buf);
	return copy;
}

const char *plain_text(struct arena *arena, const char *text, size_t max)
{
	const size_t mark = strlen(UTF8_ELLIPSIS);
	struct buf buf = BUF_INIT(max);
	size_t n, fits = 0; /* bytes after which the mark still has room */

	for (; *text; text += n) {
		uint32_t c = 0;

		n = utf8_decode(text, strlen(text), &c);
		if (n == 0) {
			n = 1;
			buf_puts(&buf, UTF8_REPLACEMENT);
		} else if (is_control(c)) {
			escape(&buf, c);
		} else {
			buf_append(&buf, text, n);
		}
		if (buf.overflow)
			return arena_printf(arena, "%.*s" UTF8_ELLIPSIS, (int)fits,
			                    finish(arena, &buf));
		if (buf.len + mark <= max)
			fits = buf.len;
	}
	return finish(arena, &buf);
}

const char *plain_quoted(struct arena *arena, const char *text)
{
	char *copy = arena_printf(arena, "\"%s\"", text);

	for (char *p = copy + 1; p[0] && p[1]; p++) {
		if (*p == '"')
			*p = '\'';
	}
	return copy;
}

const char *plain_word(struct arena *arena, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p <= ' ' || *p > '~' || strchr("\"(),;", *p))
			return plain_quoted(arena, text);
	}
	return *text ? text : "\"\"";
}
