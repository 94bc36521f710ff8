/* Changing JSON trees as the API server does: merge patches, owned fields, JSON patches. */
#ifndef SIM_TREE_H
#define SIM_TREE_H

#include "codec/json.h"

/* A member that may be changed, or NULL. */
struct json *tree_member(const struct json *value, const char *key);

/* Take a member out, if it is there. */
void tree_remove(struct json *object, const char *key);

/*
 * Lay `patch` over `target`: objects member by member, everything else
 * whole. `nulls_remove`: as RFC 7396 has it.
 */
void tree_merge(struct arena *arena, struct json *target, const struct json *patch,
                bool nulls_remove);

/* Whether `patch` sets something to another value than `live` has where `owned` has a value. */
bool tree_conflicts(const struct json *patch, const struct json *live, const struct json *owned);

/* Take out of `target` what `owned` has and neither of `keep` and `others` does. */
void tree_prune(struct json *target, const struct json *owned, const struct json *keep,
                const struct json *const *others, size_t other_count);

/* What `after` has otherwise than `before`, as a tree; NULL for nothing. */
struct json *tree_difference(struct arena *arena, const struct json *before,
                             const struct json *after);

/* Take the leaves of `what` out of `target`. */
void tree_subtract(struct json *target, const struct json *what);

/* Put the members of all objects in the order of their names. */
void tree_sort(struct arena *arena, struct json *value);

/* RFC 6902's test, add, replace and remove. False: a test failed or a path isn't there. */
bool tree_json_patch(struct arena *arena, struct json *target, const struct json *patch);

#endif
