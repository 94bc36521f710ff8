#include "kube/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kube/prng.h"

enum {
	TABLE_FIRST = 16, /* slots of a table's first allocation; a power of two */
	TOMBSTONES = 1024, /* removed objects that are remembered */
};

/*
 * Open addressing with linear probing and no deleted marks: removal shifts
 * back what follows. An object's keys are its own strings.
 */
struct table {
	struct object **slots; /* capacity entries, NULL when empty */
	size_t count;          /* slots in use */
	size_t capacity;       /* 0 or a power of two */
	bool by_formation;     /* the key's second half is object->formation, not ->name */
};

/* A uid whose objects up to `version` must not come back. */
struct tombstone {
	uint64_t uid_hash; /* of the uid; 64 bits are enough not to collide */
	uint64_t version;  /* UINT64_MAX: for ever */
};

struct store {
	struct table by_key;          /* every object */
	struct table by_formation;    /* one object of each ring, see object.by_formation */
	uint64_t seed;                /* of the hash, so that names cannot be made to collide */
	struct tombstone *tombstones; /* ring of TOMBSTONES, allocated when first needed */
	size_t tombstone_count;       /* entries in use */
	size_t tombstone_next;        /* entry to be written next */
};

/* --- hash ------------------------------------------------------------ */

static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	size_t len = strlen(text);

	hash = mix(hash ^ len, 0x9e3779b97f4a7c15U);
	while (len > 0) {
		uint64_t block = 0;
		size_t n = len < sizeof(block) ? len : sizeof(block);

		memcpy(&block, text, n);
		hash = mix(hash ^ block, 0xa0761d6478bd642fU);
		text += n;
		len -= n;
	}
	return hash;
}

static uint64_t hash_key(const struct store *store, const char *ns, const char *name)
{
	return hash_text(hash_text(store->seed, ns), name);
}

/* --- table ----------------------------------------------------------- */

static const char *second_key(const struct table *table, const struct object *object)
{
	return table->by_formation ? object->formation : object->name;
}

static size_t home_of(const struct store *store, const struct table *table,
		      const struct object *object)
{
	return hash_key(store, object->ns, second_key(table, object)) & (table->capacity - 1);
}

/* The slot of a key, or the empty slot where it would go; NULL without slots. */
static struct object **table_find(const struct store *store, const struct table *table,
				  const char *ns, const char *name)
{
	size_t mask = table->capacity - 1, i;

	if (!table->capacity)
		return NULL;
	i = hash_key(store, ns, name) & mask;
	for (; table->slots[i]; i = (i + 1) & mask)
		if (strcmp(second_key(table, table->slots[i]), name) == 0 &&
		    strcmp(table->slots[i]->ns, ns) == 0)
			break;
	return &table->slots[i];
}

/* Make room for one more, at most three quarters full. */
static void table_reserve(const struct store *store, struct table *table)
{
	struct object **old = table->slots;
	size_t old_capacity = table->capacity;

	if ((table->count + 1) * 4 <= table->capacity * 3)
		return;
	table->capacity = old_capacity ? old_capacity * 2 : TABLE_FIRST;
	table->slots = x_calloc(table->capacity, sizeof(*table->slots));
	for (size_t i = 0; i < old_capacity; i++) {
		size_t at;

		if (!old[i])
			continue;
		at = home_of(store, table, old[i]);
		while (table->slots[at])
			at = (at + 1) & (table->capacity - 1);
		table->slots[at] = old[i];
	}
	free(old);
}

/* Empty a slot, and move back what was displaced past it. */
static void table_clear_slot(const struct store *store, struct table *table, struct object **slot)
{
	size_t mask = table->capacity - 1;
	size_t hole = (size_t)(slot - table->slots), i = hole;

	for (;;) {
		i = (i + 1) & mask;
		if (!table->slots[i])
			break;
		/* May it stand at the hole? Only when its home is not between the two. */
		if (((i - home_of(store, table, table->slots[i])) & mask) >= ((i - hole) & mask)) {
			table->slots[hole] = table->slots[i];
			hole = i;
		}
	}
	table->slots[hole] = NULL;
	table->count--;
}

static struct object *table_get(const struct store *store, const struct table *table,
				const char *ns, const char *name)
{
	struct object **slot = table_find(store, table, ns, name);

	return slot ? *slot : NULL;
}

static void table_insert(const struct store *store, struct table *table, struct object *object)
{
	struct object **slot;

	table_reserve(store, table);
	slot = table_find(store, table, object->ns, second_key(table, object));
	assert(!*slot);
	*slot = object;
	table->count++;
}

/* --- tombstones ------------------------------------------------------ */

static struct tombstone *tombstone_find(const struct store *store, const char *uid)
{
	uint64_t hash;

	if (!store->tombstone_count)
		return NULL;
	hash = hash_text(store->seed, uid);
	for (size_t i = 0; i < store->tombstone_count; i++)
		if (store->tombstones[i].uid_hash == hash)
			return &store->tombstones[i];
	return NULL;
}

static void bury(struct store *store, const char *uid, uint64_t version)
{
	struct tombstone *tombstone = tombstone_find(store, uid);

	if (tombstone) {
		if (tombstone->version < version)
			tombstone->version = version;
		return;
	}
	if (!store->tombstones)
		store->tombstones = x_calloc(TOMBSTONES, sizeof(*store->tombstones));
	store->tombstones[store->tombstone_next] =
		(struct tombstone){ hash_text(store->seed, uid), version };
	store->tombstone_next = (store->tombstone_next + 1) % TOMBSTONES;
	if (store->tombstone_count < TOMBSTONES)
		store->tombstone_count++;
}

static bool is_buried(const struct store *store, const struct object *object)
{
	const struct tombstone *tombstone = tombstone_find(store, object->uid);

	return tombstone && object->version <= tombstone->version;
}

/* --- the index by formation ------------------------------------------ */

/*
 * The objects of a Formation are a ring without a head: the table holds one
 * of them, and a new one goes in before it, which is the end.
 */
static void index_add(struct store *store, struct object *object)
{
	struct object *first;

	list_init(&object->by_formation);
	if (!object->formation)
		return;
	first = table_get(store, &store->by_formation, object->ns, object->formation);
	if (first)
		list_add_tail(&first->by_formation, &object->by_formation);
	else
		table_insert(store, &store->by_formation, object);
}

static void index_remove(struct store *store, struct object *object)
{
	struct object **slot;

	if (!object->formation)
		return;
	slot = table_find(store, &store->by_formation, object->ns, object->formation);
	if (*slot == object) {
		if (list_empty(&object->by_formation))
			table_clear_slot(store, &store->by_formation, slot);
		else
			*slot = list_entry(object->by_formation.next, struct object, by_formation);
	}
	list_remove(&object->by_formation);
}

/* --- the store ------------------------------------------------------- */

struct store *store_new(void)
{
	struct store *store = x_calloc(1, sizeof(*store));
	struct prng prng;

	prng_init(&prng);
	store->seed = prng_next(&prng);
	store->by_formation.by_formation = true;
	return store;
}

void store_free(struct store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->by_key.capacity; i++)
		free(store->by_key.slots[i]);
	free(store->by_key.slots);
	free(store->by_formation.slots);
	free(store->tombstones);
	free(store);
}

const struct object *store_get(const struct store *store, const char *ns, const char *name)
{
	return table_get(store, &store->by_key, ns ? ns : "", name);
}

bool store_put(struct store *store, struct object *object, struct object **ret_old)
{
	struct object **slot = table_find(store, &store->by_key, object->ns, object->name);
	struct object *old = slot ? *slot : NULL;

	if (old && old->version >= object->version) {
		old->marked = true;
		return false;
	}
	if (is_buried(store, object))
		return false;
	if (old) {
		index_remove(store, old);
		*slot = object;
		if (strcmp(old->uid, object->uid) != 0)
			bury(store, old->uid, object->version);
	} else {
		table_insert(store, &store->by_key, object);
	}
	object->marked = true;
	index_add(store, object);
	if (ret_old)
		*ret_old = old;
	else
		free(old);
	return true;
}

struct object *store_remove(struct store *store, const char *ns, const char *name, const char *uid,
			    uint64_t version)
{
	struct object **slot = table_find(store, &store->by_key, ns ? ns : "", name);
	struct object *object = slot ? *slot : NULL;
	uint64_t until = version ? version : UINT64_MAX;

	if (uid)
		bury(store, uid, until);
	if (!object || object->version > until || (uid && strcmp(object->uid, uid) != 0))
		return NULL;
	if (!uid)
		bury(store, object->uid, until);
	index_remove(store, object);
	table_clear_slot(store, &store->by_key, slot);
	return object;
}

size_t store_count(const struct store *store)
{
	return store->by_key.count;
}

void store_each(const struct store *store, store_visit_fn *fn, void *arg)
{
	for (size_t i = 0; i < store->by_key.capacity; i++)
		if (store->by_key.slots[i] && !fn(arg, store->by_key.slots[i]))
			return;
}

void store_each_of(const struct store *store, const char *ns, const char *formation,
		   store_visit_fn *fn, void *arg)
{
	const struct object *first, *object;

	first = table_get(store, &store->by_formation, ns ? ns : "", formation);
	for (object = first; object;) {
		if (!fn(arg, object))
			return;
		object = list_entry(object->by_formation.next, struct object, by_formation);
		if (object == first)
			return;
	}
}

/* --- mark and sweep -------------------------------------------------- */

static bool is_in(const struct object *object, const char *ns)
{
	return !ns || !*ns || strcmp(object->ns, ns) == 0;
}

void store_sweep_begin(struct store *store, const char *ns)
{
	for (size_t i = 0; i < store->by_key.capacity; i++) {
		struct object *object = store->by_key.slots[i];

		if (object && is_in(object, ns))
			object->marked = false;
	}
}

void store_mark_seen(struct store *store, const char *ns, const char *name)
{
	struct object *object = table_get(store, &store->by_key, ns ? ns : "", name);

	if (object)
		object->marked = true;
}

void store_sweep(struct store *store, const char *ns, uint64_t version, store_swept_fn *fn,
		 void *arg)
{
	struct table *table = &store->by_key;
	struct list doomed;

	list_init(&doomed);
	for (size_t i = 0; i < table->capacity;) {
		struct object *object = table->slots[i];

		if (!object || object->marked || object->version > version || !is_in(object, ns)) {
			i++;
			continue;
		}
		index_remove(store, object);
		bury(store, object->uid, version);
		table_clear_slot(store, table, &table->slots[i]); /* may refill slot i */
		list_add_tail(&doomed, &object->by_formation);
	}
	list_for_each_safe(node, next, &doomed) {
		list_remove(node);
		fn(arg, list_entry(node, struct object, by_formation));
	}
}
