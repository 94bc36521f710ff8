#include "controller/gathering.h"

#include <string.h>

bool gathering_add(void *arg, const struct object *object)
{
	struct gathering *list = arg;

	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 8;
		const struct object **items =
			arena_array(list->arena, const struct object *, capacity);

		if (list->count)
			memcpy(items, list->items, list->count * sizeof(*items));
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = object;
	return true;
}
