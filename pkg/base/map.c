#include "base/map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/mem.h"

/*
 * Linear probing that doesn't wrap: behind the homes lies a spare tail,
 * and a run that reaches its end makes the table grow. So an entry only
 * ever stands behind its home, removal shifts entries only downward, and a
 * walk from the top down sees each one once whatever is removed behind it.
 */
struct map_slot {
	const char *key; /* NULL when free */
	void *value;
	uint64_t hash; /* of the key */
};

enum {
	MAP_FIRST = 8, /* homes of the first table */
	MAP_TAIL = 32, /* spare slots behind the homes */
};

static size_t slot_count(const struct map *map)
{
	return map->capacity ? map->capacity + MAP_TAIL : 0;
}

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

/* SipHash-1-3; the words are read in the machine's order, nothing is stored. */
static uint64_t hash_of(const struct map *map, const char *key)
{
	uint64_t v[4] = {
		map->seed[0] ^ 0x736f6d6570736575ULL,
		map->seed[1] ^ 0x646f72616e646f6dULL,
		map->seed[0] ^ 0x6c7967656e657261ULL,
		map->seed[1] ^ 0x7465646279746573ULL,
	};
	size_t len = strlen(key), left = len;
	uint64_t word;

	for (; left >= sizeof(word); key += sizeof(word), left -= sizeof(word)) {
		memcpy(&word, key, sizeof(word));
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	word = 0;
	memcpy(&word, key, left);
	word ^= (uint64_t)len << 56;
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void map_init(struct map *map)
{
	/* 16 bytes that the kernel gives to each process anew. */
	const void *random = (const void *)getauxval(AT_RANDOM);

	*map = (struct map){ 0 };
	if (random)
		memcpy(map->seed, random, sizeof(map->seed));
}

void map_init_borrow(struct map *map)
{
	map_init(map);
	map->borrow = true;
}

static void drop_key(const struct map *map, struct map_slot *slot)
{
	if (!map->borrow)
		free((char *)slot->key);
	slot->key = NULL;
}

void map_release(struct map *map)
{
	for (size_t i = 0; i < slot_count(map); i++)
		drop_key(map, &map->slots[i]);
	free(map->slots);
	map->slots = NULL;
	map->count = 0;
	map->capacity = 0;
}

static size_t home_of(const struct map *map, uint64_t hash)
{
	return (size_t)hash & (map->capacity - 1);
}

/* The slot that holds `key`, or the free one where it belongs, or NULL at the table's end. */
static struct map_slot *find(const struct map *map, const char *key, uint64_t hash)
{
	if (!map->capacity)
		return NULL;
	for (size_t i = home_of(map, hash); i < slot_count(map); i++) {
		struct map_slot *slot = &map->slots[i];

		if (!slot->key || (slot->hash == hash && strcmp(slot->key, key) == 0))
			return slot;
	}
	return NULL;
}

/* Put an entry whose key is not there into the table; false when it has to grow. */
static bool place(struct map *map, struct map_slot entry)
{
	for (size_t i = home_of(map, entry.hash); i < slot_count(map); i++) {
		if (!map->slots[i].key) {
			map->slots[i] = entry;
			return true;
		}
	}
	return false;
}

static bool move_all(struct map *map, const struct map_slot *slots, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (slots[i].key && !place(map, slots[i]))
			return false;
	}
	return true;
}

static void grow(struct map *map)
{
	struct map_slot *old = map->slots;
	size_t n = slot_count(map);

	map->slots = NULL;
	do {
		free(map->slots);
		map->capacity = map->capacity ? map->capacity * 2 : MAP_FIRST;
		map->slots = x_calloc(slot_count(map), sizeof(*map->slots));
	} while (!move_all(map, old, n));
	free(old);
}

void *map_get(const struct map *map, const char *key)
{
	const struct map_slot *slot = find(map, key, hash_of(map, key));

	return slot && slot->key ? slot->value : NULL;
}

void *map_put(struct map *map, const char *key, void *value)
{
	struct map_slot entry = { .key = key, .value = value, .hash = hash_of(map, key) };
	struct map_slot *slot = find(map, key, entry.hash);
	void *before = NULL;

	if (slot && slot->key) {
		before = slot->value;
		slot->value = value;
		if (map->borrow)
			slot->key = key;
		return before;
	}
	if (!map->borrow)
		entry.key = x_strdup(key);
	if (map->count >= map->capacity - map->capacity / 4)
		grow(map);
	while (!place(map, entry))
		grow(map);
	map->count++;
	return before;
}

void *map_remove(struct map *map, const char *key)
{
	struct map_slot *slot = find(map, key, hash_of(map, key));
	size_t hole, n = slot_count(map);
	void *value;

	if (!slot || !slot->key)
		return NULL;
	value = slot->value;
	drop_key(map, slot);
	hole = (size_t)(slot - map->slots);
	for (size_t i = hole + 1; i < n && map->slots[i].key; i++) {
		if (home_of(map, map->slots[i].hash) > hole)
			continue;
		map->slots[hole] = map->slots[i];
		map->slots[i].key = NULL;
		hole = i;
	}
	map->count--;
	return value;
}

bool map_next(const struct map *map, size_t *cursor, const char **ret_key, void **ret_value)
{
	for (size_t n = slot_count(map); *cursor < n;) {
		const struct map_slot *slot = &map->slots[n - ++*cursor];

		if (!slot->key)
			continue;
		if (ret_key)
			*ret_key = slot->key;
		if (ret_value)
			*ret_value = slot->value;
		return true;
	}
	return false;
}
