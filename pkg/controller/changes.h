/* Which changes of the cache matter: the rest wakes nobody. */
#ifndef CONTROLLER_CHANGES_H
#define CONTROLLER_CHANGES_H

#include "formation/observed.h"

/*
 * Compare two versions of one object, either of which may be NULL (it
 * appeared, it went). Pure. Return whether a reconcile could decide
 * anything else than before: a kubelet that renews a pod's status, or a
 * budget whose counters move, shouldn't cost one.
 */
bool change_matters_formation(const struct object *old, const struct object *now);
bool change_matters_size(const struct object *old, const struct object *now);
bool change_matters_child(const struct object *old, const struct object *now);
bool change_matters_deployment(const struct object *old, const struct object *now);
bool change_matters_pod(const struct object *old, const struct object *now);

/* Whether two texts are the same, NULL being one of its own. */
bool same_text(const char *a, const char *b);

#endif
