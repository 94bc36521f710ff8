#include "formation/hash.h"

#define PRIME UINT64_C(0x100000001b3)

uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * PRIME;
	return (hash ^ 0xff) * PRIME;
}

uint64_t hash_number(uint64_t hash, uint64_t number)
{
	for (int shift = 0; shift < 64; shift += 8)
		hash = (hash ^ (number >> shift & 0xff)) * PRIME;
	return hash;
}

uint64_t hash_value(uint64_t hash, const struct json *value)
{
	if (!value)
		return hash_text(hash, "");
	hash = hash_number(hash, value->type);
	if (value->key)
		hash = hash_text(hash, value->key);
	json_for_each (item, value) {
		hash = hash_value(hash, item);
	}
	return hash_text(hash, json_scalar_or(value, ""));
}
