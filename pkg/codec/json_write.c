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

#define EACH_BYTE(value) (0x0101010101010101ULL * (value))

/* Eight bytes that are all of ASCII and need no escape. */
static bool word_is_plain(uint64_t word)
{
	uint64_t below = word - EACH_BYTE(0x20);
	uint64_t quote = (word ^ EACH_BYTE('"')) - EACH_BYTE(1);
	uint64_t slash = (word ^ EACH_BYTE('\\')) - EACH_BYTE(1);
	uint64_t delete = word + EACH_BYTE(1);

	/* A borrow or a carry between bytes begins in one that is not plain. */
	return ((word | below | quote | slash | delete) & EACH_BYTE(0x80)) == 0;
}

/* Bytes from the start of `text` that are plain for sure: eight at a time, and all of a plain end. */
static size_t plain_words(const char *text, size_t len)
{
	uint64_t word = EACH_BYTE(' ');
	size_t i = 0;

	for (; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, text + i, sizeof(word));
		if (!word_is_plain(word))
			return i;
	}
	word = EACH_BYTE(' ');
	memcpy(&word, text + i, len - i);
	return word_is_plain(word) ? len : i;
}

/* Bytes from the start of `text` that stand in JSON as they are. */
static size_t plain_run(const char *text, size_t len)
{
	size_t n;

	for (size_t i = plain_words(text, len);; i += n) {
		uint32_t code;

		n = i < len ? utf8_decode(text + i, len - i, &code) : 0;
		if (n == 0 || needs_escape(code))
			return i;
	}
}

/* What follows the first part of a string, which was plain. */
static void write_rest(struct buf *buf, const char *text, size_t len)
{
	while (len) {
		uint32_t code;
		size_t n = utf8_decode(text, len, &code);

		if (n)
			write_escape(buf, code);
		else
			buf_puts(buf, UTF8_REPLACEMENT);
		text += n ? n : 1;
		len -= n ? n : 1;
		n = plain_run(text, len);
		buf_append(buf, text, n);
		text += n;
		len -= n;
	}
	buf_putc(buf, '"');
}

void json_write_string(struct buf *buf, const char *text)
{
	size_t len = strlen(text), plain = plain_run(text, len);
	bool whole = plain == len;
	char *to = buf_extend(buf, plain + (whole ? 2 : 1));

	if (!to)
		return;
	*to = '"';
	memcpy(to + 1, text, plain);
	if (whole)
		to[plain + 1] = '"';
	else
		write_rest(buf, text + plain, len - plain);
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
