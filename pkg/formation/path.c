#include "formation/path.h"

const char *path_text(struct arena *arena, const struct path *path)
{
	const char *before;

	if (!path->parent)
		return path->key;
	before = path_text(arena, path->parent);
	if (!path->key)
		return arena_printf(arena, "%s[%zu]", before, path->index);
	return *before ? arena_printf(arena, "%s.%s", before, path->key) : path->key;
}
