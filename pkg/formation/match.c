#include <string.h>

#include "codec/quantity.h"
#include "formation/desired.h"
#include "formation/path.h"

/* How the values below a path are compared. */
struct mode {
	bool whole;  /* nothing may stand beside what is desired: atomic in the API */
	bool amount; /* numbers and strings are quantities */
};

/* Lists that server-side apply merges, and by what. */
static const struct {
	const char *list, *key;
} MERGED[] = {
	{ "containers", "name" },     { "env", "name" },   { "imagePullSecrets", "name" },
	{ "ports", "containerPort" }, { "ports", "port" }, { "ownerReferences", "uid" },
	{ "schedulingGates", "name" },
};

static const char *const WHOLE[] = { "selector", "nodeSelector", "labelSelector",
	                             "namespaceSelector" };
static const char *const AMOUNTS[] = { "limits", "requests", "divisor" };
static const char *const KIND[] = { "apiVersion", "kind" };
static const char *const DROPPED[] = { "resizePolicy" };

#define IS_IN(key, list) is_in((key), (list), sizeof(list) / sizeof((list)[0]))

static bool is_in(const char *key, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i], key) == 0)
			return true;
	}
	return false;
}

static const char *merge_key(const char *list, const struct json *element)
{
	for (size_t i = 0; list && i < sizeof(MERGED) / sizeof(MERGED[0]); i++) {
		if (strcmp(MERGED[i].list, list) == 0 && json_get(element, MERGED[i].key))
			return MERGED[i].key;
	}
	return NULL;
}

static const char *compare(struct arena *arena, const struct json *desired,
                           const struct json *observed, const struct path *path, struct mode mode);

/* Go's omitempty leaves out what is empty. */
static bool may_be_absent(const struct json *desired, const char *key)
{
	if ((desired->type == JSON_STRING && !*desired->text) ||
	    (desired->type == JSON_ARRAY && !desired->first))
		return true;
	return key && IS_IN(key, DROPPED);
}

static const char *compare_object(struct arena *arena, const struct json *desired,
                                  const struct json *observed, const struct path *path,
                                  struct mode mode)
{
	if (mode.whole && json_count(desired) != json_count(observed))
		return path_text(arena, path);
	json_for_each (item, desired) {
		const struct path place = { .parent = path, .key = item->key };
		struct mode below = { .whole = mode.whole || IS_IN(item->key, WHOLE),
			              .amount = mode.amount || IS_IN(item->key, AMOUNTS) };
		const char *difference = NULL;

		if (path->parent || !IS_IN(item->key, KIND))
			difference =
				compare(arena, item, json_get(observed, item->key), &place, below);
		if (difference)
			return difference;
	}
	return NULL;
}

/* Each desired element is there under its key; of variables, behind the one before. */
static const char *compare_merged(struct arena *arena, const struct json *desired,
                                  const struct json *observed, const struct path *path,
                                  const char *key)
{
	bool ordered = strcmp(path->key, "env") == 0;
	const struct json *from = observed->first;
	size_t index = 0;

	json_for_each (element, desired) {
		const struct path place = { .parent = path, .index = index++ };
		const struct json *found = ordered ? from : observed->first;
		const char *difference;

		while (found && !json_equal(json_get(found, key), json_get(element, key)))
			found = found->next;
		difference = compare(arena, element, found, &place, (struct mode){ 0 });
		if (difference)
			return difference;
		from = found->next;
	}
	return NULL;
}

static const char *compare_list(struct arena *arena, const struct json *desired,
                                const struct json *observed, const struct path *path,
                                struct mode mode)
{
	const char *key = desired->first ? merge_key(path->key, desired->first) : NULL;
	const struct json *other = observed->first;
	size_t index = 0;

	if (key)
		return compare_merged(arena, desired, observed, path, key);
	if (json_count(desired) != json_count(observed))
		return path_text(arena, path);
	json_for_each (element, desired) {
		const struct path place = { .parent = path, .index = index++ };
		const char *difference = compare(arena, element, other, &place, mode);

		if (difference)
			return difference;
		other = other->next;
	}
	return NULL;
}

static bool same_scalar(const struct json *desired, const struct json *observed, bool amount)
{
	const char *a = json_scalar_or(desired, ""), *b = json_scalar_or(observed, "");

	if (desired->type == observed->type && strcmp(a, b) == 0)
		return true;
	return amount && quantity_equal(a, b);
}

static const char *compare(struct arena *arena, const struct json *desired,
                           const struct json *observed, const struct path *path, struct mode mode)
{
	bool same;

	if (!observed || observed->type == JSON_NULL)
		return may_be_absent(desired, path->key) ? NULL : path_text(arena, path);
	switch (desired->type) {
	case JSON_OBJECT:
		if (observed->type == JSON_OBJECT)
			return compare_object(arena, desired, observed, path, mode);
		same = false;
		break;
	case JSON_ARRAY:
		if (observed->type == JSON_ARRAY)
			return compare_list(arena, desired, observed, path, mode);
		same = false;
		break;
	default:
		same = same_scalar(desired, observed, mode.amount);
		break;
	}
	return same ? NULL : path_text(arena, path);
}

const char *desired_difference(struct arena *arena, const struct json *desired,
                               const struct json *observed)
{
	const struct path root = { .key = "" };

	return compare(arena, desired, observed, &root, (struct mode){ 0 });
}

bool desired_is_satisfied(const struct json *desired, const struct json *observed)
{
	struct arena arena = ARENA_INIT;
	bool satisfied = !desired_difference(&arena, desired, observed);

	arena_release(&arena);
	return satisfied;
}
