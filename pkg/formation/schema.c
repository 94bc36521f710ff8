#include "formation/schema.h"

#include <inttypes.h>
#include <string.h>

const struct json *schema_member(const struct json *value, const char *key)
{
	const struct json *member = json_get(value, key);

	return member && member->type != JSON_NULL ? member : NULL;
}

struct json *schema_clone(struct arena *arena, const struct json *value)
{
	struct json *copy;

	if (value->type != JSON_OBJECT && value->type != JSON_ARRAY)
		return json_clone(arena, value);
	copy = value->type == JSON_OBJECT ? json_new_object(arena) : json_new_array(arena);
	json_for_each (item, value) {
		if (value->type == JSON_ARRAY)
			json_add(copy, schema_clone(arena, item));
		else if (item->type != JSON_NULL)
			json_set(arena, copy, item->key, schema_clone(arena, item));
	}
	return copy;
}

static const char *const TYPE_NAMES[] = {
	[SCHEMA_STRING] = "string",  [SCHEMA_INTEGER] = "integer",
	[SCHEMA_BOOL] = "boolean",   [SCHEMA_OBJECT] = "object",
	[SCHEMA_LIST] = "array",     [SCHEMA_QUANTITY] = "integer,string",
	[SCHEMA_STRINGS] = "object",
};

static bool is_integer(const struct json *value)
{
	return value->type == JSON_NUMBER && !strpbrk(value->text, ".eE");
}

static bool has_type(const struct json *value, enum schema_type type)
{
	switch (type) {
	case SCHEMA_STRING:
		return value->type == JSON_STRING;
	case SCHEMA_INTEGER:
		return is_integer(value);
	case SCHEMA_BOOL:
		return value->type == JSON_BOOL;
	case SCHEMA_OBJECT:
	case SCHEMA_STRINGS:
		return value->type == JSON_OBJECT;
	case SCHEMA_LIST:
		return value->type == JSON_ARRAY;
	case SCHEMA_QUANTITY:
		return value->type == JSON_STRING || is_integer(value);
	}
	return false;
}

static const char *found_type(const struct json *value)
{
	switch (value->type) {
	case JSON_NULL:
		return "null";
	case JSON_BOOL:
		return "boolean";
	case JSON_NUMBER:
		return is_integer(value) ? "integer" : "number";
	case JSON_STRING:
		return "string";
	case JSON_ARRAY:
		return "array";
	case JSON_OBJECT:
		return "object";
	}
	return "";
}

static const char *check_type(struct arena *arena, enum schema_type type, const struct path *path,
                              const struct json *value)
{
	const char *found, *place;

	if (has_type(value, type))
		return NULL;
	found = found_type(value);
	place = path_text(arena, path);
	return arena_printf(arena,
	                    "%s: Invalid value: \"%s\": %s in body must be of type %s: \"%s\"",
	                    place, found, place, TYPE_NAMES[type], found);
}

static int64_t count_characters(const char *text)
{
	int64_t count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xC0) != 0x80;
	return count;
}

static const char *check_values(struct arena *arena, const char *const *values,
                                const struct path *path, const char *text)
{
	const char *list = "";

	for (const char *const *value = values; *value; value++) {
		if (strcmp(*value, text) == 0)
			return NULL;
		list = arena_printf(arena, "%s%s\"%s\"", list, *list ? ", " : "", *value);
	}
	return arena_printf(arena, "%s: Unsupported value: \"%s\": supported values: %s",
	                    path_text(arena, path), text, list);
}

static const char *check_string(struct arena *arena, const struct schema *rule,
                                const struct path *path, const char *text)
{
	int64_t length = count_characters(text);

	if (rule->max && length > rule->max)
		return arena_printf(arena, "%s: Too long: may not be more than %" PRId64 " bytes",
		                    path_text(arena, path), rule->max);
	if (length < rule->min)
		return arena_printf(
			arena,
			"%s: Invalid value: \"%s\": %s in body should be at least %" PRId64
			" chars long",
			path_text(arena, path), text, path_text(arena, path), rule->min);
	if (rule->values)
		return check_values(arena, rule->values, path, text);
	if (rule->matches && !rule->matches(text))
		return arena_printf(
			arena, "%s: Invalid value: \"%s\": %s in body should match '%s'",
			path_text(arena, path), text, path_text(arena, path), rule->pattern);
	return NULL;
}

static const char *check_integer(struct arena *arena, const struct schema *rule,
                                 const struct path *path, const struct json *value)
{
	bool negative = *value->text == '-';
	int64_t number = json_int_or(value, negative ? INT64_MIN : INT64_MAX);

	if (!rule->max || (number >= rule->min && number <= rule->max))
		return NULL;
	return arena_printf(
		arena, "%s: Invalid value: %s: %s in body should be %s than or equal to %" PRId64,
		path_text(arena, path), value->text, path_text(arena, path),
		number < rule->min ? "greater" : "less",
		number < rule->min ? rule->min : rule->max);
}

static const char *check_object(struct arena *arena, const struct schema *members,
                                const struct path *path, const struct json *value)
{
	for (const struct schema *rule = members; rule->key; rule++) {
		const struct path place = { .parent = path, .key = rule->key };
		const struct json *member = schema_member(value, rule->key);
		const char *problem;

		if (!member && !rule->required)
			continue;
		if (!member)
			return arena_printf(arena, "%s: Required value", path_text(arena, &place));
		problem = schema_check(arena, rule, &place, member);
		if (problem)
			return problem;
	}
	return NULL;
}

static bool is_twice(const struct schema *rule, const struct json *list, const struct json *element)
{
	const char *name = json_string_or(json_get(element, rule->list_key), "");

	for (const struct json *item = list->first; item != element; item = item->next) {
		if (strcmp(json_string_or(json_get(item, rule->list_key), ""), name) == 0)
			return true;
	}
	return false;
}

static const char *check_list(struct arena *arena, const struct schema *rule,
                              const struct path *path, const struct json *value)
{
	int64_t count = (int64_t)json_count(value);
	size_t index = 0;

	if (rule->max && count > rule->max)
		return arena_printf(
			arena, "%s: Too many: %" PRId64 ": must have at most %" PRId64 " items",
			path_text(arena, path), count, rule->max);
	if (count < rule->min)
		return arena_printf(arena,
		                    "%s: Invalid value: %" PRId64
		                    ": %s in body should have at least %" PRId64 " items",
		                    path_text(arena, path), count, path_text(arena, path),
		                    rule->min);
	json_for_each (item, value) {
		const struct path place = { .parent = path, .index = index++ };
		const char *problem =
			rule->element ? schema_check(arena, rule->element, &place, item) : NULL;

		if (problem)
			return problem;
		if (rule->list_key && is_twice(rule, value, item))
			return arena_printf(arena, "%s: Duplicate value: {\"%s\":\"%s\"}",
			                    path_text(arena, &place), rule->list_key,
			                    json_string_or(json_get(item, rule->list_key), ""));
	}
	return NULL;
}

static const char *check_strings(struct arena *arena, const struct schema *rule,
                                 const struct path *path, const struct json *value)
{
	if (rule->max && (int64_t)json_count(value) > rule->max)
		return arena_printf(arena, "%s: Too many: must have at most %" PRId64 " items",
		                    path_text(arena, path), rule->max);
	json_for_each (item, value) {
		const struct path place = { .parent = path, .key = item->key };
		const char *problem = check_type(arena, SCHEMA_STRING, &place, item);

		if (problem)
			return problem;
	}
	return NULL;
}

const char *schema_check(struct arena *arena, const struct schema *rule, const struct path *path,
                         const struct json *value)
{
	const char *problem;

	if (!value || value->type == JSON_NULL)
		return NULL;
	problem = check_type(arena, rule->type, path, value);
	if (problem)
		return problem;
	switch (rule->type) {
	case SCHEMA_STRING:
		return check_string(arena, rule, path, value->text);
	case SCHEMA_INTEGER:
		return check_integer(arena, rule, path, value);
	case SCHEMA_OBJECT:
		return check_object(arena, rule->members, path, value);
	case SCHEMA_LIST:
		return check_list(arena, rule, path, value);
	case SCHEMA_STRINGS:
		return check_strings(arena, rule, path, value);
	case SCHEMA_QUANTITY:
		return value->type == JSON_STRING ? check_string(arena, rule, path, value->text)
		                                  : NULL;
	case SCHEMA_BOOL:
		return NULL;
	}
	return NULL;
}
