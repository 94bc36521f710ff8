#include "kube/keep.h"

#include <string.h>

static const struct json_keep *find(const struct json_keep *table, const char *key)
{
	for (; table->key; table++)
		if (strcmp(table->key, key) == 0)
			return table;
	return NULL;
}

static size_t count(const struct json_keep *table)
{
	size_t n = 0;

	while (table[n].key)
		n++;
	return n;
}

const struct json_keep *keep_merge(struct arena *arena, const struct json_keep *a,
				   const struct json_keep *b)
{
	struct json_keep *merged;
	size_t n = 0;

	if (!a || !b)
		return NULL;
	merged = arena_array(arena, struct json_keep, count(a) + count(b) + 1);
	/* The first match counts: what only b names goes before a's wildcards. */
	for (; b->key; b++) {
		const struct json_keep *same = find(a, b->key);

		merged[n].key = b->key;
		merged[n++].children =
			same ? keep_merge(arena, same->children, b->children) : b->children;
	}
	for (; a->key; a++)
		if (!find(merged, a->key))
			merged[n++] = *a;
	return merged;
}

static const struct json_keep METADATA[] = {
	{ "name", NULL }, { "namespace", NULL }, { "uid", NULL }, { "resourceVersion", NULL }, { 0 },
};

static const struct json_keep OBJECT[] = {
	{ "kind", NULL }, { "apiVersion", NULL }, { "metadata", METADATA }, { 0 },
};

static const struct json_keep LIST_METADATA[] = {
	{ "resourceVersion", NULL }, { "continue", NULL }, { 0 },
};

/* Of a bookmark: that the objects there were at first are complete. */
static const struct json_keep MARK[] = {
	{ "k8s.io/initial-events-end", NULL }, { 0 },
};

static const struct json_keep MARK_METADATA[] = {
	{ "annotations", MARK }, { 0 },
};

static const struct json_keep STATUS[] = {
	{ "code", NULL }, { "reason", NULL }, { "message", NULL }, { "details", NULL }, { 0 },
};

static const struct json_keep LIST[] = {
	{ "kind", NULL }, { "apiVersion", NULL }, { "metadata", LIST_METADATA }, { 0 },
};

static const struct json_keep EVENT[] = {
	{ "type", NULL }, { 0 },
};

/* `table` and one member more. */
static const struct json_keep *with(struct arena *arena, const struct json_keep *table,
				    const char *key, const struct json_keep *children)
{
	struct json_keep *one = arena_array(arena, struct json_keep, 2);

	one[0] = (struct json_keep){ key, children };
	return keep_merge(arena, table, one);
}

const struct json_keep *keep_of_list(struct arena *arena, const struct json_keep *object)
{
	return with(arena, LIST, "items", keep_merge(arena, object, OBJECT));
}

const struct json_keep *keep_of_event(struct arena *arena, const struct json_keep *object)
{
	const struct json_keep *both = keep_merge(arena, object, OBJECT);

	both = with(arena, both, "metadata", MARK_METADATA);
	return with(arena, EVENT, "object", keep_merge(arena, both, STATUS));
}
