#include "base/utf8.h"

#include <string.h>

static bool is_continuation(unsigned char c)
{
	return (c & 0xC0) == 0x80;
}

/* The sequence's length by its first byte, and the smallest code it may hold. */
static size_t lead(unsigned char c, uint32_t *ret_bits, uint32_t *ret_least)
{
	if (c >= 0xC2 && c <= 0xDF) {
		*ret_bits = c & 0x1F;
		*ret_least = 0x80;
		return 2;
	}
	if (c >= 0xE0 && c <= 0xEF) {
		*ret_bits = c & 0x0F;
		*ret_least = 0x800;
		return 3;
	}
	if (c >= 0xF0 && c <= 0xF4) {
		*ret_bits = c & 0x07;
		*ret_least = 0x10000;
		return 4;
	}
	return 0;
}

size_t utf8_decode(const char *text, size_t len, uint32_t *ret_code)
{
	const unsigned char *p = (const unsigned char *)text;
	uint32_t code = p[0], least = 0;
	size_t n = 1;

	if (code >= 0x80) {
		n = lead(p[0], &code, &least);
		if (n == 0 || n > len)
			return 0;
		for (size_t i = 1; i < n; i++) {
			if (!is_continuation(p[i]))
				return 0;
			code = code << 6 | (p[i] & 0x3F);
		}
		if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
			return 0;
	}
	if (ret_code)
		*ret_code = code;
	return n;
}

/* How many of the first bytes are ASCII for sure: eight at a time. */
static size_t ascii_run(const char *text, size_t len)
{
	size_t i = 0;

	for (uint64_t word; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, text + i, sizeof(word));
		if (word & 0x8080808080808080ULL)
			break;
	}
	return i;
}

bool utf8_valid(const char *text, size_t len)
{
	size_t i = ascii_run(text, len);

	while (i < len) {
		size_t n = utf8_decode(text + i, len - i, NULL);

		if (n == 0)
			return false;
		i += n;
		if (n > 1)
			i += ascii_run(text + i, len - i);
	}
	return true;
}

size_t utf8_prefix(const char *text, size_t len, size_t max)
{
	size_t cut = max;

	if (len <= max)
		return len;
	for (size_t back = 0; back < 4 && back <= max; back++) {
		size_t n = utf8_decode(text + max - back, len - (max - back), NULL);

		if (n > back) {
			cut = max - back;
			break;
		}
	}
	return cut;
}
