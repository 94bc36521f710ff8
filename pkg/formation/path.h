/* A field's path, written out only when a message needs it. */
#ifndef FORMATION_PATH_H
#define FORMATION_PATH_H

#include <stddef.h>

#include "base/mem.h"

/*
 * One link of a path, on the stack of whoever walks down a tree: its
 * parent outlives it. The root's key may be a path already ("spec.env").
 */
struct path {
	const struct path *parent; /* NULL: this is the root */
	const char *key;           /* name of a member, or NULL: an element */
	size_t index;              /* of an element */
};

/* "spec.processes[1].quantity", in the arena. */
const char *path_text(struct arena *arena, const struct path *path);

#endif
