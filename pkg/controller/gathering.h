/* Pointers to objects, growing in an arena. */
#ifndef CONTROLLER_GATHERING_H
#define CONTROLLER_GATHERING_H

#include "api/object.h"
#include "base/mem.h"

struct gathering {
	struct arena *arena;
	const struct object **items; /* borrowed objects */
	size_t count;
	size_t capacity;
};

/* A store_visit_fn whose argument is the gathering: takes every object. */
bool gathering_add(void *arg, const struct object *object);

#endif
