#include "controller/sizes.h"

#include "base/limits.h"
#include "formation/observed.h"

void sizes_init(struct sizes *sizes, const struct store *store)
{
	*sizes = (struct sizes){.store = store, .stale = true};
	arena_init(&sizes->arena);
}

void sizes_release(struct sizes *sizes)
{
	arena_release(&sizes->arena);
}

void sizes_changed(struct sizes *sizes)
{
	sizes->stale = true;
}

/* Where a walk over the store puts the decoded sizes. */
struct filling {
	struct arena *arena;
	struct dyno_size *items;
	size_t count;
};

static bool add_size(void *arg, const struct object *object)
{
	const struct stored_size *stored = (const struct stored_size *)object;
	struct filling *filling = arg;
	struct json *value;
	struct err err = ERR_INIT;

	if (filling->count == LIMIT_DYNO_SIZES)
		return false;
	if (json_parse(filling->arena, stored->json, stored->json_len, NULL, &value, &err) == 0 &&
	    dyno_size_decode(filling->arena, value, &filling->items[filling->count], &err) == 0)
		filling->count++;
	return true;
}

const struct dyno_sizes *sizes_table(struct sizes *sizes)
{
	struct filling filling = {.arena = &sizes->arena};
	size_t most = store_count(sizes->store);

	if (!sizes->stale)
		return &sizes->table;
	arena_reset(&sizes->arena);
	if (most > LIMIT_DYNO_SIZES)
		most = LIMIT_DYNO_SIZES;
	filling.items = arena_array(&sizes->arena, struct dyno_size, most);
	store_each(sizes->store, add_size, &filling);
	sizes->table = (struct dyno_sizes){.items = filling.items, .count = filling.count};
	sizes->stale = false;
	return &sizes->table;
}
