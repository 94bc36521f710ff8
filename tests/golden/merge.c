#include "world.h"

static struct json *merge_member(struct arena *arena, const struct json *before,
                                 const struct json *patch)
{
	if (patch->type == JSON_OBJECT)
		return merge_patch(arena, before, patch);
	return json_clone(arena, patch);
}

struct json *merge_patch(struct arena *arena, const struct json *target, const struct json *patch)
{
	struct json *merged = json_new_object(arena);

	json_for_each (member, target && target->type == JSON_OBJECT ? target : NULL) {
		const struct json *change = json_get(patch, member->key);

		if (!change)
			json_set(arena, merged, member->key, json_clone(arena, member));
		else if (change->type != JSON_NULL)
			json_set(arena, merged, member->key, merge_member(arena, member, change));
	}
	json_for_each (change, patch) {
		if (change->type != JSON_NULL && change->key[0] != '$' &&
		    !json_get(target, change->key))
			json_set(arena, merged, change->key, merge_member(arena, NULL, change));
	}
	return merged;
}
