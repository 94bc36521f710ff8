#include "formation/sized.h"

#include <string.h>

#include "api/resource.h"
#include "codec/quantity.h"
#include "formation/desired.h"

#define LABEL_HASH "pod-template-hash"

static const char *const AMOUNTS[] = { "cpu", "memory" };
static const char *const SIDES[] = { "requests", "limits" };

enum { AMOUNT_COUNT = sizeof(AMOUNTS) / sizeof(AMOUNTS[0]), SIDE_COUNT = 2 };

const char *sized_text(struct arena *arena, const struct process *process,
                       const struct dyno_size *size)
{
	int64_t limit_milli = size->dedicated ? size->cpu_milli : size->cpu_limit_milli;
	char cpu[QUANTITY_TEXT_MAX], limit[QUANTITY_TEXT_MAX] = "", memory[QUANTITY_TEXT_MAX];

	quantity_format_cpu(size->cpu_milli, cpu);
	quantity_format_bytes(size->memory_bytes, memory);
	if (limit_milli > 0)
		quantity_format_cpu(limit_milli, limit);
	return arena_printf(arena, "%s cpu=%s memory=%s%s%s", process->size, cpu, memory,
	                    *limit ? " cpuLimit=" : "", limit);
}

/* The word behind `key` in a text of sized_text, and its length. */
static const char *word_of(const char *text, const char *key, size_t *ret_len)
{
	const char *found = strstr(text, key);

	if (!found)
		return NULL;
	found += strlen(key);
	*ret_len = strcspn(found, " ");
	return found;
}

bool sized_is_guaranteed(const char *text)
{
	size_t cpu_len = 0, limit_len = 0;
	const char *cpu = text ? word_of(text, " cpu=", &cpu_len) : NULL;
	const char *limit = text ? word_of(text, " cpuLimit=", &limit_len) : NULL;

	return cpu && limit && cpu_len == limit_len && strncmp(cpu, limit, cpu_len) == 0;
}

const char *sized_of(const struct json *object)
{
	return json_string_or(
		json_path(object, "metadata", "annotations", ANNOTATION_RESOURCES, NULL), NULL);
}

const struct json *sized_container(const struct json *object, size_t *ret_index)
{
	size_t index = 0;

	json_for_each (container, json_path(object, "spec", "containers", NULL)) {
		if (strcmp(json_string_or(json_get(container, "name"), ""), CONTAINER_NAME) == 0) {
			*ret_index = index;
			return container;
		}
		index++;
	}
	return NULL;
}

/* --- taking the size out ------------------------------------------- */

/* A member of a tree that is ours to change. */
static struct json *member(struct json *object, const char *key)
{
	return (struct json *)(uintptr_t)json_get(object, key);
}

static void drop(struct json *object, const char *key)
{
	struct json *before = NULL;

	for (struct json *item = object ? object->first : NULL; item; item = item->next) {
		if (strcmp(item->key, key) != 0) {
			before = item;
			continue;
		}
		if (before)
			before->next = item->next;
		else
			object->first = item->next;
		if (object->last == item)
			object->last = before;
		return;
	}
}

/* Empty and absent are the same in what the API server stores. */
static void drop_in(struct json *object, const char *key, const char *inner)
{
	struct json *value = member(object, key);

	drop(value, inner);
	if (value && !value->first)
		drop(object, key);
}

struct json *sized_strip(struct arena *arena, const struct json *template)
{
	struct json *copy = json_clone(arena, template);
	struct json *metadata = member(copy, "metadata");
	size_t index = 0;
	struct json *container = (struct json *)(uintptr_t)sized_container(copy, &index);
	struct json *resources = container ? member(container, "resources") : NULL;

	drop_in(metadata, "labels", LABEL_SIZE);
	drop_in(metadata, "labels", LABEL_HASH);
	drop_in(metadata, "annotations", ANNOTATION_RESOURCES);
	for (size_t i = 0; i < SIDE_COUNT; i++) {
		for (size_t j = 0; j < AMOUNT_COUNT; j++)
			drop_in(resources, SIDES[i], AMOUNTS[j]);
	}
	if (resources && !resources->first)
		drop(container, "resources");
	return copy;
}

struct digest sized_digest(struct arena *arena, const struct json *template)
{
	return digest_of_json(sized_strip(arena, template));
}

/* --- comparing ----------------------------------------------------- */

static bool same_amount(const struct json *a, const struct json *b)
{
	if (!a || !b)
		return a == b;
	return quantity_equal(json_scalar_or(a, ""), json_scalar_or(b, ""));
}

bool sized_same_resources(const struct json *a, const struct json *b)
{
	for (size_t i = 0; i < SIDE_COUNT; i++) {
		for (size_t j = 0; j < AMOUNT_COUNT; j++) {
			if (!same_amount(json_path(a, SIDES[i], AMOUNTS[j], NULL),
			                 json_path(b, SIDES[i], AMOUNTS[j], NULL)))
				return false;
		}
	}
	return true;
}

static const char *size_label(const struct json *template)
{
	return json_string_or(json_path(template, "metadata", "labels", LABEL_SIZE, NULL), "");
}

static const char *resources_text(const struct json *template)
{
	const char *text = sized_of(template);

	return text ? text : "";
}

bool sized_same_template(struct arena *arena, const struct json *a, const struct json *b)
{
	size_t index = 0;

	return strcmp(size_label(a), size_label(b)) == 0 &&
	       strcmp(resources_text(a), resources_text(b)) == 0 &&
	       sized_same_resources(json_get(sized_container(a, &index), "resources"),
	                            json_get(sized_container(b, &index), "resources")) &&
	       json_equal(sized_strip(arena, a), sized_strip(arena, b));
}

/* --- putting a size in --------------------------------------------- */

void sized_copy(struct arena *arena, struct json *template, const struct json *from)
{
	struct json *metadata = member(template, "metadata");
	size_t index = 0;
	struct json *container = (struct json *)(uintptr_t)sized_container(template, &index);
	const struct json *resources = json_get(sized_container(from, &index), "resources");

	if (!metadata || !container || !resources)
		return;
	if (member(metadata, "labels"))
		json_set_string(arena, member(metadata, "labels"), LABEL_SIZE, size_label(from));
	if (member(metadata, "annotations"))
		json_set_string(arena, member(metadata, "annotations"), ANNOTATION_RESOURCES,
		                resources_text(from));
	json_set(arena, container, "resources", json_clone(arena, resources));
}
