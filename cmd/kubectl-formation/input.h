/* Files that verbs read without a cluster: manifests, Procfiles. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include "codec/json.h"
#include "codec/marks.h"

/*
 * All of a regular file, or of standard input ("-"), of at most
 * LIMIT_CONFIG, NUL-terminated in the arena.
 * Errors: as yml_parse_file, with the file's name in front.
 */
char *input_read(struct arena *arena, const char *path, size_t *ret_len, struct err *err);

/* "stdin" for "-", else the path: what stands in messages. */
const char *input_name(const char *path);

/* An object of a file. */
struct manifest {
	const char *file; /* as in messages */
	const struct json *value;
	const struct json *root; /* the document that it stands in: itself, or a List */
	const char *prefix;      /* of paths from the root to it: "", or "items[2]." */
};

struct manifests {
	struct arena *arena;
	struct marks marks; /* of all of them */
	struct manifest *items;
	size_t count;
};

void manifests_init(struct manifests *manifests, struct arena *arena);

/*
 * Add the objects of a file: YAML documents or JSON, Lists taken apart.
 * Empty documents are passed over.
 * Errors: those of input_read; ERR_PARSE, which begins "FILE:LINE:COLUMN: ".
 */
int manifests_add(struct manifests *manifests, const char *path, struct err *err);

/* The same with a text that is there already; `name` stands in messages. */
int manifests_add_text(struct manifests *manifests, const char *name, const char *text, size_t len,
                       struct err *err);

/* Where the path of a message about the object leads to. */
struct place manifest_place(const struct manifests *manifests, const struct manifest *manifest,
                            const char *message);

#endif
