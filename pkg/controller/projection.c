#include "controller/projection.h"

#include <string.h>

#include "controller/changes.h"
#include "formation/desired.h"

int projection_formation(struct arena *arena, const struct stored_formation *stored,
			 struct formation *ret_formation, struct err *err)
{
	struct json *value;

	if (json_parse(arena, stored->json, stored->json_len, NULL, &value, err) != 0)
		return -1;
	return formation_decode(arena, value, ret_formation, err);
}

void projector_init(struct projector *projector, const struct store *formations,
		    struct sizes *sizes)
{
	*projector = (struct projector){.formations = formations, .sizes = sizes};
	arena_init(&projector->arena);
}

void projector_release(struct projector *projector)
{
	arena_release(&projector->arena);
}

/* The decoded Formation, until the next call, or NULL. */
static const struct formation *decoded(struct projector *projector, const struct object *object)
{
	struct err err = ERR_INIT;

	if (projector->last_version == object->version &&
	    strcmp(projector->last_uid, object->uid) == 0)
		return &projector->formation;
	projector->last_version = 0;
	arena_reset(&projector->arena);
	if (projection_formation(&projector->arena, (const struct stored_formation *)object,
				 &projector->formation, &err) != 0)
		return NULL;
	projector->last_version = object->version;
	memcpy(projector->last_uid, object->uid, sizeof(projector->last_uid));
	return &projector->formation;
}

/* Render and compare with the Formation that its label names, if that owns it. */
static void compare(struct projector *projector, struct arena *arena,
		    const struct resource *resource, const struct json *value,
		    struct observed_child *child)
{
	const struct object *owner = NULL;
	const struct formation *formation;

	if (child->object.formation)
		owner = store_get(projector->formations, child->object.ns,
				  child->object.formation);
	if (!owner || !same_text(child->object.owner_uid, owner->uid))
		return;
	formation = decoded(projector, owner);
	if (formation)
		desired_compare(arena, formation, sizes_table(projector->sizes), resource, value,
				child);
}

/* Objects without a generation (Services) may have changed at any version. */
static bool only_status_changed(const struct observed_child *old,
				const struct observed_child *child)
{
	return !digest_is_none(old->satisfied) && child->object.generation != 0 &&
	       old->object.generation == child->object.generation &&
	       old->meta_hash == child->meta_hash;
}

static const struct observed_child *predecessor(const struct store *store,
						const struct observed_child *child)
{
	const struct object *old = store_get(store, child->object.ns, child->object.name);

	if (!old || strcmp(old->uid, child->object.uid) != 0)
		return NULL;
	return (const struct observed_child *)old;
}

/* What was found out about `old` holds for `child`, too. */
static void carry_over(const struct resource *resource, const struct observed_child *old,
		       struct observed_child *child)
{
	child->satisfied = old->satisfied;
	child->satisfied_key = old->satisfied_key;
	if (resource == &RESOURCE_DEPLOYMENT)
		((struct observed_deployment *)child)->template_satisfied =
			((const struct observed_deployment *)old)->template_satisfied;
}

void projection_compare(struct projector *projector, struct arena *arena,
			const struct store *store, const struct resource *resource,
			const struct json *value, struct observed_child *child)
{
	const struct observed_child *old = predecessor(store, child);

	if (old)
		observed_child_follow(child, old);
	if (old && only_status_changed(old, child))
		carry_over(resource, old, child);
	else
		compare(projector, arena, resource, value, child);
}
