#include "controller/turns.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

/* One key that holds a turn or waits. */
struct turn {
	struct list node;  /* in holders or waiters */
	char *key;
	bool held;
	int64_t since_ms;  /* when it was granted */
};

struct turns {
	size_t limit;
	size_t held;
	struct map keys;      /* key → struct turn */
	struct list holders;  /* oldest first */
	struct list waiters;  /* oldest first */
	turns_grant_fn *granted;
	void *arg;
};

struct turns *turns_new(size_t limit, turns_grant_fn *granted, void *arg)
{
	struct turns *turns = x_calloc(1, sizeof(*turns));

	turns->limit = limit;
	turns->granted = granted;
	turns->arg = arg;
	map_init_borrow(&turns->keys);
	list_init(&turns->holders);
	list_init(&turns->waiters);
	return turns;
}

static void turn_free(struct turns *turns, struct turn *turn)
{
	map_remove(&turns->keys, turn->key);
	list_remove(&turn->node);
	if (turn->held)
		turns->held--;
	free(turn->key);
	free(turn);
}

void turns_free(struct turns *turns)
{
	if (!turns)
		return;
	list_for_each_safe(node, next, &turns->holders)
		turn_free(turns, list_entry(node, struct turn, node));
	list_for_each_safe(node, next, &turns->waiters)
		turn_free(turns, list_entry(node, struct turn, node));
	map_release(&turns->keys);
	free(turns);
}

static void grant(struct turns *turns, struct turn *turn, int64_t now_ms)
{
	list_remove(&turn->node);
	list_add_tail(&turns->holders, &turn->node);
	turn->held = true;
	turn->since_ms = now_ms;
	turns->held++;
}

/* Take back turns that were held too long; the list is in order of age. */
static void expire(struct turns *turns, int64_t now_ms)
{
	list_for_each_safe(node, next, &turns->holders) {
		struct turn *turn = list_entry(node, struct turn, node);

		if (now_ms - turn->since_ms < TURN_MS)
			return;
		turn_free(turns, turn);
	}
}

static void grant_next(struct turns *turns, int64_t now_ms)
{
	while (turns->held < turns->limit && !list_empty(&turns->waiters)) {
		struct turn *turn = list_entry(turns->waiters.next, struct turn, node);

		grant(turns, turn, now_ms);
		turns->granted(turns->arg, turn->key);
	}
}

bool turns_take(struct turns *turns, const char *key, int64_t now_ms)
{
	struct turn *turn;

	expire(turns, now_ms);
	grant_next(turns, now_ms);
	turn = map_get(&turns->keys, key);
	if (turn)
		return turn->held;

	turn = x_calloc(1, sizeof(*turn));
	turn->key = x_strdup(key);
	list_init(&turn->node);
	map_put(&turns->keys, turn->key, turn);
	if (turns->held < turns->limit)
		grant(turns, turn, now_ms);
	else
		list_add_tail(&turns->waiters, &turn->node);
	return turn->held;
}

void turns_release(struct turns *turns, const char *key, int64_t now_ms)
{
	struct turn *turn = map_get(&turns->keys, key);

	if (turn)
		turn_free(turns, turn);
	expire(turns, now_ms);
	grant_next(turns, now_ms);
}

bool turns_held(const struct turns *turns, const char *key)
{
	const struct turn *turn = map_get(&turns->keys, key);

	return turn && turn->held;
}

size_t turns_waiting(const struct turns *turns)
{
	return turns->keys.count - turns->held;
}
