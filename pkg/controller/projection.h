/* From what the API server sends to what a store keeps. */
#ifndef CONTROLLER_PROJECTION_H
#define CONTROLLER_PROJECTION_H

#include "api/resource.h"
#include "controller/sizes.h"
#include "formation/observed.h"
#include "kube/store.h"

/*
 * What children are compared with when they arrive. The Formation decoded
 * last is kept: a list brings the children of one after the other.
 */
struct projector {
	const struct store *formations; /* borrowed, as are the sizes */
	struct sizes *sizes;
	struct arena arena;             /* of the Formation decoded last */
	struct formation formation;     /* valid when last_version isn't 0 */
	uint64_t last_version;          /* of that Formation, with last_uid */
	char last_uid[UID_MAX];
};

void projector_init(struct projector *projector, const struct store *formations,
		    struct sizes *sizes);
void projector_release(struct projector *projector);

/*
 * Decode the text that is stored of a Formation. Everything is in the arena.
 * Errors: ERR_PARSE, ERR_LIMIT.
 */
int projection_formation(struct arena *arena, const struct stored_formation *stored,
			 struct formation *ret_formation, struct err *err);

/*
 * Say which desired state `child`, just projected from `value`, satisfies.
 * `store` holds its predecessor. Nothing is rendered where the predecessor
 * satisfied something and neither its generation nor its metadata changed:
 * most events are about status.
 */
void projection_compare(struct projector *projector, struct arena *arena,
			const struct store *store, const struct resource *resource,
			const struct json *value, struct observed_child *child);

#endif
