/* Where in a text the values of its tree stand, for messages to people. */
#ifndef CODEC_MARKS_H
#define CODEC_MARKS_H

#include <stddef.h>

#include "base/mem.h"
#include "codec/json.h"

/* A place in a text: lines and columns (in characters) from 1. */
struct place {
	size_t line;
	size_t column;
};

/*
 * The places of all values of one or more trees. Beside the trees, which
 * are many and seldom shown to anybody. In the arena of the trees.
 */
struct marks {
	struct arena *arena;
	struct mark *items; /* in the order of the text */
	size_t count;
	size_t cap;
};

void marks_init(struct marks *marks, struct arena *arena);

/* `node` stands at `value`; its name, when it is a member, at `key` (else the same). */
void marks_add(struct marks *marks, const struct json *node, struct place key, struct place value);

/*
 * Add all of a tree that json_parse made of the text, and kept whole:
 * `text` is known to be JSON.
 */
void marks_json(struct marks *marks, const char *text, const struct json *value);

/* Where a value begins, and where its name does; {0, 0} when it has no mark. */
struct place marks_value(const struct marks *marks, const struct json *node);
struct place marks_key(const struct marks *marks, const struct json *node);

/*
 * The value that a path such as "spec.processes[1].quantity" leads to,
 * or the last one on the way that exists: what a message that begins with
 * the path is about. The path ends where no member or element fits.
 */
const struct json *json_at(const struct json *root, const char *path);

/*
 * Where to point for a message that begins with a path into `root`: at a
 * scalar itself, at the name of anything larger.
 */
struct place marks_of_path(const struct marks *marks, const struct json *root, const char *path);

#endif
