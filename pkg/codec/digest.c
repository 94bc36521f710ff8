#include "codec/digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <string.h>

#include "codec/json.h"

struct digest digest_of(const void *data, size_t len)
{
	unsigned char sha[EVP_MAX_MD_SIZE];
	struct digest digest;
	int done = EVP_Digest(data, len, sha, NULL, EVP_sha256(), NULL);

	/* It fails only where OpenSSL was configured without SHA-256. */
	assert(done == 1);
	(void)done;
	memcpy(digest.bytes, sha, sizeof(digest.bytes));
	return digest;
}

struct digest digest_of_json(const struct json *value)
{
	struct buf text = BUF_INIT(SIZE_MAX / 4);
	struct digest digest;

	json_write(&text, value);
	digest = digest_of(buf_cstr(&text), text.len);
	buf_release(&text);
	return digest;
}

bool digest_equal(struct digest a, struct digest b)
{
	return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

bool digest_is_none(struct digest d)
{
	return digest_equal(d, (struct digest){ { 0 } });
}

void digest_hex(struct digest d, size_t bytes, char *ret_hex)
{
	static const char hex[] = "0123456789abcdef";

	assert(bytes <= sizeof(d.bytes));
	for (size_t i = 0; i < bytes; i++) {
		*ret_hex++ = hex[d.bytes[i] >> 4];
		*ret_hex++ = hex[d.bytes[i] & 15];
	}
	*ret_hex = '\0';
}

/* The six bits of a character; -1 when it has none. */
static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

static const char *skip_space(const char *text)
{
	return text + strspn(text, " \t\r\n");
}

/* Four characters into 24 bits; what follows them, or NULL. Padding counts as zero bits. */
static const char *base64_group(const char *text, unsigned *ret_bits, size_t *ret_bytes)
{
	unsigned bits = 0;
	size_t pads = 0;

	for (int i = 0; i < 4; i++, text = skip_space(text + 1)) {
		int value = base64_value(*text);

		if (*text == '=' && i >= 2) {
			pads++;
			value = 0;
		} else if (value < 0 || pads) {
			return NULL;
		}
		bits = bits << 6 | (unsigned)value;
	}
	*ret_bits = bits;
	*ret_bytes = 3 - pads;
	return text;
}

long base64_decode(const char *text, unsigned char *out, size_t cap)
{
	size_t len = 0, bytes = 3;
	unsigned bits;

	for (text = skip_space(text); *text;) {
		if (bytes < 3)
			return -1;
		text = base64_group(text, &bits, &bytes);
		if (!text || bytes > cap - len)
			return -1;
		for (size_t i = 0; i < bytes; i++)
			out[len++] = (unsigned char)(bits >> (16 - 8 * i));
	}
	return (long)len;
}
