/* What every stored object has, whatever its kind. */
#ifndef API_OBJECT_H
#define API_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "codec/json.h"

enum { UID_MAX = 40 }; /* bytes of a uid with its NUL; they are UUIDs of 36 */

/*
 * The head of a stored projection; each kind's struct begins with it and
 * is one allocation with its strings behind it, given back by free().
 * Stored objects never change: a newer version is a new object.
 */
struct object {
	const char *ns;        /* namespace, "" when cluster-scoped */
	const char *name;
	const char *formation; /* the Formation it belongs to by label (its own name for a Formation), or NULL */
	const char *owner_uid; /* uid of the ownerReference with controller=true, or NULL */
	char uid[UID_MAX];
	uint64_t version;      /* resourceVersion; comparable within a resource */
	int64_t generation;
	int64_t created_ms;    /* creationTimestamp, Unix ms */
	bool deleting;         /* has a deletionTimestamp */
	struct list by_formation; /* the store's index; not for others */
	bool marked;              /* the store's mark and sweep; not for others */
};

/*
 * For a json_keep table: what object_new reads of metadata, all labels and
 * owners, and the annotations of dyno.dev/, controller.kubernetes.io/ and
 * deployment.kubernetes.io/.
 */
extern const struct json_keep KEEP_METADATA[];

/*
 * Allocate a projection of `size` bytes (its struct, which begins with a
 * struct object) plus `extra` bytes for the caller's strings, and fill the
 * head from `value`'s metadata. *ret_extra points to the extra bytes, zeroed
 * and aligned for any type; it may be NULL. A missing namespace is "", a
 * missing generation or creationTimestamp 0.
 * Returns the object, to be freed by free(), or NULL.
 * Errors: ERR_PARSE (no name, no uid, a resourceVersion that is no decimal
 * number: it names the object as far as it can).
 */
struct object *object_new(const struct json *value, size_t size, size_t extra, char **ret_extra,
			  struct err *err);

/* "namespace/name", or "name" when cluster-scoped; in the arena. */
const char *object_key(struct arena *arena, const struct object *object);

/* Read a resourceVersion. Returns 0, or -1 when it is no decimal number. */
int version_parse(const char *text, uint64_t *ret_version);

#endif
