/*
 * Written by hand and not by yajl_gen: that would copy everything through
 * a buffer of its own, and bring yajl's headers into a second file.
 */
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "codec/json.h"

enum { COMPACT = -1 }; /* indentation that means none */

static void write_value(struct buf *buf, const struct json *value, int indent);

static void write_escape(struct buf *buf, uint32_t code)
{
	static const char shorts[] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
	};

	if (code == '"' || code == '\\')
		buf_append(buf, (const char[]){ '\\', (char)code }, 2);
	else if (code < sizeof(shorts) && shorts[code])
		buf_append(buf, (const char[]){ '\\', shorts[code] }, 2);
	else
		buf_printf(buf, "\\u%04x", (unsigned int)code);
}

/*
 * What JSON may not hold as it is, and what YAML may not: an apply is read
 * as YAML, which refuses the controls past ASCII and folds the line breaks
 * of Unicode.
 */
static bool needs_escape(uint32_t code)
{
	return code < 0x20 || code == '"' || code == '\\' || (code >= 0x7f && code <= 0x9f) ||
	       code == 0x2028 || code == 0x2029 || code == 0xfeff || code == 0xfffe || code == 0xffff;
}

/* Bytes from the start of `text` that stand in JSON as they are. */
static size_t plain_run(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len) {
		uint32_t code = (unsigned char)text[i];
		size_t n = 1;

		if (code >= 0x80)
			n = utf8_decode(text + i, len - i, &code);
		if (n == 0 || needs_escape(code))
			break;
		i += n;
	}
	return i;
}

void json_write_string(struct buf *buf, const char *text)
{
	size_t len = strlen(text);

	buf_putc(buf, '"');
	while (len) {
		size_t n = plain_run(text, len);
		uint32_t code;

		buf_append(buf, text, n);
		text += n;
		len -= n;
		if (!len)
			break;
		n = utf8_decode(text, len, &code);
		if (n)
			write_escape(buf, code);
		else
			buf_puts(buf, UTF8_REPLACEMENT);
		text += n ? n : 1;
		len -= n ? n : 1;
	}
	buf_putc(buf, '"');
}

static void write_break(struct buf *buf, int indent)
{
	if (indent == COMPACT)
		return;
	buf_putc(buf, '\n');
	for (int i = 0; i < indent; i++)
		buf_puts(buf, "  ");
}

static void write_container(struct buf *buf, const struct json *value, int indent)
{
	bool object = value->type == JSON_OBJECT;
	int inner = indent == COMPACT ? COMPACT : indent + 1;

	buf_putc(buf, object ? '{' : '[');
	json_for_each (item, value) {
		if (item != value->first)
			buf_putc(buf, ',');
		write_break(buf, inner);
		if (object) {
			json_write_string(buf, item->key);
			buf_puts(buf, indent == COMPACT ? ":" : ": ");
		}
		write_value(buf, item, inner);
	}
	if (value->first)
		write_break(buf, indent);
	buf_putc(buf, object ? '}' : ']');
}

static void write_value(struct buf *buf, const struct json *value, int indent)
{
	switch (value ? value->type : JSON_NULL) {
	case JSON_NULL:
		buf_puts(buf, "null");
		break;
	case JSON_BOOL:
		buf_puts(buf, value->boolean ? "true" : "false");
		break;
	case JSON_NUMBER:
		buf_puts(buf, value->text);
		break;
	case JSON_STRING:
		json_write_string(buf, value->text);
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		write_container(buf, value, indent);
		break;
	}
}

void json_write(struct buf *buf, const struct json *value)
{
	write_value(buf, value, COMPACT);
}

void json_write_pretty(struct buf *buf, const struct json *value)
{
	write_value(buf, value, 0);
	buf_putc(buf, '\n');
}

const char *json_text(struct arena *arena, const struct json *value)
{
	struct buf buf = BUF_INIT(SIZE_MAX / 4);
	char *text;

	json_write(&buf, value);
	text = arena_strndup(arena, buf_cstr(&buf), buf.len);
	buf_release(&buf);
	return text;
}
