/* Digests: a short name for contents. */
#ifndef CODEC_DIGEST_H
#define CODEC_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

struct json;

/* The first 16 bytes of a SHA-256. All zero means "none". */
struct digest {
	unsigned char bytes[16];
};

struct digest digest_of(const void *data, size_t len);

/* Of a value's compact text, as json_write has it. NULL is null. */
struct digest digest_of_json(const struct json *value);

bool digest_equal(struct digest a, struct digest b);
bool digest_is_none(struct digest d);

/* Lower-case hex of the first `bytes` bytes (at most 16), with its NUL. */
void digest_hex(struct digest d, size_t bytes, char *ret_hex);

/*
 * Decode standard base64 (padding required, white space skipped).
 * Returns bytes written to `out` (of capacity `cap`), or -1.
 */
long base64_decode(const char *text, unsigned char *out, size_t cap);

#endif
