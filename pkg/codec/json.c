#include "codec/json.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/map.h"

/* --- looking ------------------------------------------------------- */

const struct json *json_get(const struct json *value, const char *key)
{
	if (!value || value->type != JSON_OBJECT)
		return NULL;
	for (const struct json *item = value->first; item; item = item->next) {
		if (item->key[0] == key[0] && strcmp(item->key, key) == 0)
			return item;
	}
	return NULL;
}

const struct json *json_path(const struct json *value, ...)
{
	const char *key;
	va_list ap;

	va_start(ap, value);
	while (value && (key = va_arg(ap, const char *)))
		value = json_get(value, key);
	va_end(ap);
	return value;
}

const char *json_string_or(const struct json *value, const char *fallback)
{
	return value && value->type == JSON_STRING ? value->text : fallback;
}

const char *json_scalar_or(const struct json *value, const char *fallback)
{
	if (!value)
		return fallback;
	if (value->type == JSON_BOOL)
		return value->boolean ? "true" : "false";
	if (value->type == JSON_STRING || value->type == JSON_NUMBER)
		return value->text;
	return fallback;
}

bool json_bool_or(const struct json *value, bool fallback)
{
	return value && value->type == JSON_BOOL ? value->boolean : fallback;
}

int64_t json_int_or(const struct json *value, int64_t fallback)
{
	int64_t number = 0;
	const char *p;
	bool negative;

	if (!value || value->type != JSON_NUMBER)
		return fallback;
	p = value->text;
	negative = *p == '-';
	if (negative)
		p++;
	for (; *p; p++) {
		int digit = *p - '0';

		if (digit < 0 || digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, negative ? -digit : digit, &number))
			return fallback;
	}
	return number;
}

size_t json_count(const struct json *value)
{
	size_t count = 0;

	json_for_each (item, value)
		count++;
	return count;
}

static bool elements_equal(const struct json *a, const struct json *b)
{
	const struct json *x = a->first, *y = b->first;

	while (x && y && json_equal(x, y)) {
		x = x->next;
		y = y->next;
	}
	return !x && !y;
}

static bool members_equal_by_map(const struct json *x, const struct json *y)
{
	bool equal = true;
	struct map members;

	map_init_borrow(&members);
	for (; y; y = y->next)
		map_put(&members, y->key, (void *)y);
	for (; x && equal; x = x->next) {
		const struct json *other = map_get(&members, x->key);

		equal = other && json_equal(x, other);
	}
	map_release(&members);
	return equal;
}

/* Mostly both have the same order; where they part, the rest is looked up. */
static bool members_equal(const struct json *a, const struct json *b)
{
	const struct json *x = a->first, *y = b->first;

	if (json_count(a) != json_count(b))
		return false;
	while (x && strcmp(x->key, y->key) == 0) {
		if (!json_equal(x, y))
			return false;
		x = x->next;
		y = y->next;
	}
	return !x || members_equal_by_map(x, y);
}

bool json_equal(const struct json *a, const struct json *b)
{
	if (!a || !b)
		return a == b;
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return a->boolean == b->boolean;
	case JSON_NUMBER:
	case JSON_STRING:
		return strcmp(a->text, b->text) == 0;
	case JSON_ARRAY:
		return elements_equal(a, b);
	case JSON_OBJECT:
		return members_equal(a, b);
	}
	return false;
}

/* --- building ------------------------------------------------------ */

static struct json *new_value(struct arena *arena, enum json_type type)
{
	struct json *value = arena_new(arena, struct json);

	value->type = type;
	return value;
}

struct json *json_new_object(struct arena *arena)
{
	return new_value(arena, JSON_OBJECT);
}

struct json *json_new_array(struct arena *arena)
{
	return new_value(arena, JSON_ARRAY);
}

struct json *json_new_string(struct arena *arena, const char *text)
{
	struct json *value = new_value(arena, text ? JSON_STRING : JSON_NULL);

	value->text = arena_strdup(arena, text);
	return value;
}

struct json *json_new_printf(struct arena *arena, const char *fmt, ...)
{
	struct json *value = new_value(arena, JSON_STRING);
	va_list ap;

	va_start(ap, fmt);
	value->text = arena_vprintf(arena, fmt, ap);
	va_end(ap);
	return value;
}

struct json *json_new_int(struct arena *arena, int64_t number)
{
	struct json *value = new_value(arena, JSON_NUMBER);

	value->text = arena_printf(arena, "%" PRId64, number);
	return value;
}

struct json *json_new_bool(struct arena *arena, bool boolean)
{
	struct json *value = new_value(arena, JSON_BOOL);

	value->boolean = boolean;
	return value;
}

static void append(struct json *container, struct json *value)
{
	value->next = NULL;
	if (container->last)
		container->last->next = value;
	else
		container->first = value;
	container->last = value;
}

struct json *json_clone(struct arena *arena, const struct json *value)
{
	struct json *copy = new_value(arena, value->type);

	copy->boolean = value->boolean;
	copy->text = arena_strdup(arena, value->text);
	json_for_each (item, value) {
		struct json *child = json_clone(arena, item);

		child->key = arena_strdup(arena, item->key);
		append(copy, child);
	}
	return copy;
}

static void replace(struct json *object, struct json *prev, struct json *old, struct json *value)
{
	value->key = old->key;
	value->next = old->next;
	if (prev)
		prev->next = value;
	else
		object->first = value;
	if (object->last == old)
		object->last = value;
	old->next = NULL;
}

struct json *json_set(struct arena *arena, struct json *object, const char *key, struct json *value)
{
	struct json *prev = NULL;

	assert(object->type == JSON_OBJECT);
	for (struct json *old = object->first; old; prev = old, old = old->next) {
		if (strcmp(old->key, key) == 0) {
			if (old != value)
				replace(object, prev, old, value);
			return value;
		}
	}
	value->key = arena_strdup(arena, key);
	append(object, value);
	return value;
}

void json_set_string(struct arena *arena, struct json *object, const char *key, const char *text)
{
	json_set(arena, object, key, json_new_string(arena, text));
}

void json_set_int(struct arena *arena, struct json *object, const char *key, int64_t number)
{
	json_set(arena, object, key, json_new_int(arena, number));
}

void json_set_bool(struct arena *arena, struct json *object, const char *key, bool boolean)
{
	json_set(arena, object, key, json_new_bool(arena, boolean));
}

struct json *json_set_object(struct arena *arena, struct json *object, const char *key)
{
	return json_set(arena, object, key, json_new_object(arena));
}

struct json *json_set_array(struct arena *arena, struct json *object, const char *key)
{
	return json_set(arena, object, key, json_new_array(arena));
}

struct json *json_add(struct json *array, struct json *value)
{
	assert(array->type == JSON_ARRAY);
	value->key = NULL;
	append(array, value);
	return value;
}
