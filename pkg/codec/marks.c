#include "codec/marks.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct mark {
	const struct json *node;
	struct place key, value;
};

void marks_init(struct marks *marks, struct arena *arena)
{
	*marks = (struct marks){ .arena = arena };
}

void marks_add(struct marks *marks, const struct json *node, struct place key, struct place value)
{
	struct mark *grown;

	if (marks->count == marks->cap) {
		marks->cap = marks->cap ? 2 * marks->cap : 64;
		grown = arena_array(marks->arena, struct mark, marks->cap);
		if (marks->count)
			memcpy(grown, marks->items, marks->count * sizeof(*grown));
		marks->items = grown;
	}
	marks->items[marks->count++] = (struct mark){ .node = node, .key = key, .value = value };
}

static const struct mark *find(const struct marks *marks, const struct json *node)
{
	static const struct mark NONE;

	for (size_t i = 0; i < marks->count; i++) {
		if (marks->items[i].node == node)
			return &marks->items[i];
	}
	return &NONE;
}

struct place marks_value(const struct marks *marks, const struct json *node)
{
	return find(marks, node)->value;
}

struct place marks_key(const struct marks *marks, const struct json *node)
{
	return find(marks, node)->key;
}

/* --- a JSON text --------------------------------------------------- */

struct scan {
	struct marks *marks;
	const char *at;
	struct place place; /* of `at` */
};

static void step(struct scan *scan)
{
	if (*scan->at == '\n')
		scan->place = (struct place){ scan->place.line + 1, 1 };
	else if (((unsigned char)scan->at[1] & 0xC0) != 0x80)
		scan->place.column++;
	scan->at++;
}

/* To the next character that is one of `set`'s. */
static void skip_to(struct scan *scan, const char *set)
{
	while (*scan->at && !strchr(set, *scan->at))
		step(scan);
}

/* White space, and the commas and colons between values. */
static void skip_between(struct scan *scan)
{
	while (*scan->at && strchr(" \t\r\n,:", *scan->at))
		step(scan);
}

static void skip_string(struct scan *scan)
{
	step(scan);
	while (*scan->at && *scan->at != '"') {
		if (*scan->at == '\\')
			step(scan);
		step(scan);
	}
	step(scan);
}

static void scan_value(struct scan *scan, const struct json *value, const struct place *key)
{
	struct place at;

	skip_between(scan);
	at = scan->place;
	marks_add(scan->marks, value, key ? *key : at, at);
	if (value->type == JSON_STRING) {
		skip_string(scan);
		return;
	}
	if (value->type != JSON_ARRAY && value->type != JSON_OBJECT) {
		skip_to(scan, ",]} \t\r\n");
		return;
	}
	step(scan);
	json_for_each (item, value) {
		struct place name;

		skip_between(scan);
		name = scan->place;
		if (value->type == JSON_OBJECT)
			skip_string(scan);
		scan_value(scan, item, value->type == JSON_OBJECT ? &name : NULL);
	}
	skip_to(scan, "]}");
	step(scan);
}

void marks_json(struct marks *marks, const char *text, const struct json *value)
{
	struct scan scan = { .marks = marks, .at = text, .place = { 1, 1 } };

	scan_value(&scan, value, NULL);
}

/* --- paths --------------------------------------------------------- */

/* The member with the longest name that the path goes on with. */
static const struct json *next_member(const struct json *value, const char **path)
{
	const struct json *found = NULL;
	const char *text = *path + (**path == '.');
	size_t longest = 0;

	json_for_each (item, value) {
		size_t len = strlen(item->key);

		if (len > longest && strncmp(text, item->key, len) == 0 &&
		    (!text[len] || strchr(".[:", text[len]))) {
			found = item;
			longest = len;
		}
	}
	*path = text + longest;
	return found;
}

static const struct json *next_element(const struct json *value, const char **path)
{
	char *end;
	unsigned long index;
	const struct json *item = value->first;

	if (**path != '[')
		return NULL;
	index = strtoul(*path + 1, &end, 10);
	if (end == *path + 1 || *end != ']')
		return NULL;
	while (item && index--)
		item = item->next;
	*path = end + 1;
	return item;
}

const struct json *json_at(const struct json *root, const char *path)
{
	const struct json *at = root, *next = root;

	while (next) {
		at = next;
		next = at->type == JSON_OBJECT  ? next_member(at, &path)
		       : at->type == JSON_ARRAY ? next_element(at, &path)
		                                : NULL;
	}
	return at;
}

struct place marks_of_path(const struct marks *marks, const struct json *root, const char *path)
{
	const struct json *node = json_at(root, path);

	return node->type == JSON_OBJECT || node->type == JSON_ARRAY ? marks_key(marks, node)
	                                                             : marks_value(marks, node);
}
