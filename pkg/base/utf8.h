/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, up to U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The character at the start of `text`, of which `len` > 0 bytes are there.
 * Returns its length of 1..4 bytes, or 0 when no valid one starts here;
 * ret_code may be NULL.
 */
size_t utf8_decode(const char *text, size_t len, uint32_t *ret_code);

/* Whether all `len` bytes are valid UTF-8; NUL is valid. */
bool utf8_valid(const char *text, size_t len);

/*
 * The longest prefix of `text` of at most `max` bytes that does not cut a
 * character; `len` is the whole text's. Invalid bytes count as characters.
 */
size_t utf8_prefix(const char *text, size_t len, size_t max);

/* The mark of a cut text: U+2026, three bytes. */
#define UTF8_ELLIPSIS "\xe2\x80\xa6"

/* What stands for bytes that are no UTF-8: U+FFFD, three bytes. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

#endif
