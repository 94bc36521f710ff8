/* What parsers let pass in strings and must not: for json_read.c and yaml.c alone. */
#ifndef CODEC_JSON_CHECK_H
#define CODEC_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

/*
 * Looks for half a surrogate pair in \u escapes, which yajl reads as "?"
 * and swallows a character with. A backslash only stands in strings, so no
 * more of JSON needs to be known. All zero is the beginning.
 */
struct escapes {
	/* What comes next: text, anything after `\`, hex digits, `\` and `u` of the second half. */
	enum { ESC_TEXT, ESC_BACKSLASH, ESC_HEX, ESC_PAIR_BACKSLASH, ESC_PAIR_U } state;
	unsigned code; /* ESC_HEX: the digits so far */
	int digits;    /* ESC_HEX: how many are missing */
	bool low;      /* ESC_HEX: has to be the second half */
};

/*
 * Look at the next bytes, cut anywhere.
 * Returns `len`, or the position of the first byte that is wrong.
 */
size_t escapes_scan(struct escapes *esc, const char *data, size_t len);

/*
 * Copy a string into the arena, NUL-terminated, or return NULL when it is
 * longer than LIMIT_STRING, no UTF-8, or holds a NUL: *ret_why says which
 * (static). With `allow_nul` each NUL becomes U+FFFD instead.
 */
const char *json_copy_text(struct arena *arena, const char *text, size_t len, bool allow_nul,
			   const char **ret_why);

#endif
