#include "codec/json_check.h"

#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The end of a \uXXXX; -1 when it is half a pair in the wrong place. */
static int escapes_code(struct escapes *esc)
{
	bool high = esc->code >= 0xD800 && esc->code <= 0xDBFF;
	bool low = esc->code >= 0xDC00 && esc->code <= 0xDFFF;

	esc->state = high ? ESC_PAIR_BACKSLASH : ESC_TEXT;
	return low == esc->low ? 0 : -1;
}

static int escapes_next(struct escapes *esc, char c)
{
	bool pair = esc->state == ESC_PAIR_U;
	int hex;

	switch (esc->state) {
	case ESC_TEXT:
		break;
	case ESC_PAIR_BACKSLASH:
		esc->state = ESC_PAIR_U;
		return c == '\\' ? 0 : -1;
	case ESC_BACKSLASH:
	case ESC_PAIR_U:
		*esc = (struct escapes){ .state = ESC_HEX, .digits = 4, .low = pair };
		if (c != 'u')
			esc->state = ESC_TEXT;
		return pair && c != 'u' ? -1 : 0;
	case ESC_HEX:
		hex = hex_value(c);
		if (hex < 0)
			return -1;
		esc->code = esc->code << 4 | (unsigned)hex;
		return --esc->digits ? 0 : escapes_code(esc);
	}
	return 0;
}

size_t escapes_scan(struct escapes *esc, const char *data, size_t len)
{
	const char *p = data, *end = data + len;

	for (; p < end; p++) {
		if (esc->state == ESC_TEXT) {
			p = memchr(p, '\\', (size_t)(end - p));
			if (!p)
				return len;
			esc->state = ESC_BACKSLASH;
		} else if (escapes_next(esc, *p) < 0) {
			return (size_t)(p - data);
		}
	}
	return len;
}

/* A copy with each NUL, of which there is one at least, made U+FFFD. */
static const char *replace_nuls(struct arena *arena, const char *text, size_t len)
{
	const size_t mark = strlen(UTF8_REPLACEMENT);
	size_t nuls = 0;
	char *copy, *to;

	for (size_t i = 0; i < len; i++)
		nuls += text[i] == '\0';
	to = copy = arena_alloc(arena, len + nuls * (mark - 1) + 1);
	for (size_t i = 0; i < len; i++) {
		if (text[i])
			*to++ = text[i];
		else
			to = stpcpy(to, UTF8_REPLACEMENT);
	}
	return copy;
}

const char *json_copy_text(struct arena *arena, const char *text, size_t len, bool allow_nul,
                           const char **ret_why)
{
	if (len > LIMIT_STRING) {
		*ret_why = "string is too long";
		return NULL;
	}
	if (!utf8_valid(text, len)) {
		*ret_why = "invalid UTF-8 in a string";
		return NULL;
	}
	if (!memchr(text, '\0', len))
		return arena_strndup(arena, text, len);
	if (allow_nul)
		return replace_nuls(arena, text, len);
	*ret_why = "NUL in a string";
	return NULL;
}
