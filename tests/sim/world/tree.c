#include "tree.h"

#include <stdlib.h>
#include <string.h>

struct json *tree_member(const struct json *value, const char *key)
{
	return (struct json *)(uintptr_t)json_get(value, key);
}

static void unlink_child(struct json *parent, const struct json *child)
{
	struct json *before = NULL;

	for (struct json *item = parent->first; item; before = item, item = item->next) {
		if (item != child)
			continue;
		if (before)
			before->next = item->next;
		else
			parent->first = item->next;
		if (parent->last == item)
			parent->last = before;
		return;
	}
}

void tree_remove(struct json *object, const char *key)
{
	const struct json *member = json_get(object, key);

	if (member)
		unlink_child(object, member);
}

static bool is_object(const struct json *value)
{
	return value && value->type == JSON_OBJECT;
}

void tree_merge(struct arena *arena, struct json *target, const struct json *patch,
                bool nulls_remove)
{
	json_for_each (item, patch) {
		struct json *old = tree_member(target, item->key);

		if (nulls_remove && item->type == JSON_NULL)
			tree_remove(target, item->key);
		else if (is_object(item) && is_object(old))
			tree_merge(arena, old, item, nulls_remove);
		else if (is_object(item) && nulls_remove)
			tree_merge(arena, json_set_object(arena, target, item->key), item, true);
		else
			json_set(arena, target, item->key, json_clone(arena, item));
	}
}

bool tree_conflicts(const struct json *patch, const struct json *live, const struct json *owned)
{
	json_for_each (item, patch) {
		const struct json *old = json_get(live, item->key);
		const struct json *theirs = json_get(owned, item->key);

		if (!theirs)
			continue;
		if (is_object(item) && is_object(theirs)) {
			if (tree_conflicts(item, old, theirs))
				return true;
		} else if (!json_equal(item, old)) {
			return true;
		}
	}
	return false;
}

enum { OTHERS_MAX = 8 };

void tree_prune(struct json *target, const struct json *owned, const struct json *keep,
                const struct json *const *others, size_t other_count)
{
	const struct json *below[OTHERS_MAX];
	bool held;

	json_for_each (item, owned) {
		struct json *live = tree_member(target, item->key);
		const struct json *kept = json_get(keep, item->key);

		if (!live)
			continue;
		held = kept && !is_object(item);
		for (size_t i = 0; i < other_count; i++) {
			below[i] = json_get(others[i], item->key);
			held |= below[i] && !is_object(item);
		}
		if (held)
			continue;
		if (!is_object(item) || !is_object(live)) {
			unlink_child(target, live);
			continue;
		}
		tree_prune(live, item, kept, below, other_count);
		if (!live->first && item->first)
			unlink_child(target, live);
	}
}

struct json *tree_difference(struct arena *arena, const struct json *before,
                             const struct json *after)
{
	struct json *result = NULL, *part;

	json_for_each (item, after) {
		const struct json *old = json_get(before, item->key);

		if (is_object(item) && is_object(old))
			part = tree_difference(arena, old, item);
		else
			part = json_equal(item, old) ? NULL : json_clone(arena, item);
		if (!part)
			continue;
		if (!result)
			result = json_new_object(arena);
		json_set(arena, result, item->key, part);
	}
	return result;
}

void tree_subtract(struct json *target, const struct json *what)
{
	json_for_each (item, what) {
		struct json *live = tree_member(target, item->key);

		if (is_object(item) && is_object(live))
			tree_subtract(live, item);
		else if (live)
			unlink_child(target, live);
	}
}

static int by_key(const void *a, const void *b)
{
	return strcmp((*(struct json *const *)a)->key, (*(struct json *const *)b)->key);
}

void tree_sort(struct arena *arena, struct json *value)
{
	size_t count = json_count(value), i = 0;
	struct json **items = arena_array(arena, struct json *, count);

	if (count == 0)
		return;
	for (struct json *item = value->first; item; item = item->next) {
		tree_sort(arena, item);
		items[i++] = item;
	}
	if (value->type != JSON_OBJECT)
		return;
	qsort(items, count, sizeof(struct json *), by_key);
	value->first = items[0];
	value->last = items[count - 1];
	for (i = 0; i < count; i++)
		items[i]->next = i + 1 < count ? items[i + 1] : NULL;
}

/* --- JSON patch ------------------------------------------------------- */

static struct json *element(struct json *array, long index)
{
	struct json *item = array->first;

	while (item && index-- > 0)
		item = item->next;
	return item;
}

/* The next token of a path, unescaped, in the arena; NULL at its end. */
static char *next_token(struct arena *arena, const char **path)
{
	char *token, *to;

	if (**path != '/')
		return NULL;
	token = arena_strndup(arena, *path + 1, strcspn(*path + 1, "/"));
	*path += 1 + strlen(token);
	to = token;
	for (const char *from = token; *from; from++) {
		if (*from == '~' && (from[1] == '0' || from[1] == '1'))
			*to++ = *++from == '0' ? '~' : '/';
		else
			*to++ = *from;
	}
	*to = '\0';
	return token;
}

static struct json *child_of(struct json *parent, const char *token)
{
	if (!parent)
		return NULL;
	if (parent->type == JSON_ARRAY)
		return element(parent, strtol(token, NULL, 10));
	return tree_member(parent, token);
}

static bool patch_one(struct arena *arena, struct json *target, const struct json *operation)
{
	const char *op = json_string_or(json_get(operation, "op"), "");
	const char *path = json_string_or(json_get(operation, "path"), "");
	const struct json *value = json_get(operation, "value");
	struct json *parent = target, *live;
	char *token = next_token(arena, &path);

	while (token && *path) {
		parent = child_of(parent, token);
		token = next_token(arena, &path);
	}
	if (!parent || !token)
		return false;
	live = child_of(parent, token);
	if (strcmp(op, "add") != 0 && !live)
		return false;
	if (strcmp(op, "test") == 0)
		return json_equal(live, value);
	if (strcmp(op, "remove") == 0)
		unlink_child(parent, live);
	else if (parent->type == JSON_ARRAY && strcmp(op, "add") == 0)
		json_add(parent, json_clone(arena, value));
	else if (parent->type == JSON_OBJECT)
		json_set(arena, parent, token, json_clone(arena, value));
	else
		return false;
	return true;
}

bool tree_json_patch(struct arena *arena, struct json *target, const struct json *patch)
{
	json_for_each (operation, patch) {
		if (!patch_one(arena, target, operation))
			return false;
	}
	return true;
}
