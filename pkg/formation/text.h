/* Strings behind a struct, in its one allocation. */
#ifndef FORMATION_TEXT_H
#define FORMATION_TEXT_H

#include <stddef.h>
#include <string.h>

enum {
	TEXT_KEPT_MAX = 512
}; /* bytes kept of one text with its NUL: messages of others can be long */

/* Bytes that text_pack takes; NULL takes none. */
static inline size_t text_packed(const char *text)
{
	return text ? strnlen(text, TEXT_KEPT_MAX - 1) + 1 : 0;
}

/*
 * Copy to *at, cut to TEXT_KEPT_MAX between two characters, and move *at
 * behind the copy. NULL stays NULL.
 */
static inline const char *text_pack(char **at, const char *text)
{
	size_t size = text_packed(text), len;
	char *copy = *at;

	if (!text)
		return NULL;
	len = size - 1;
	while (text[len] && len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80)
		len--;
	memcpy(copy, text, len);
	memset(copy + len, 0, size - len);
	*at = copy + size;
	return copy;
}

#endif
