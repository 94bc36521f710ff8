/* Which changes of the cache matter, and how soon: the rest wakes nobody. */
#ifndef CONTROLLER_CHANGES_H
#define CONTROLLER_CHANGES_H

#include "formation/observed.h"

enum change {
	CHANGE_NONE,   /* a reconcile could not decide anything else than before */
	CHANGE_STATUS, /* only what is reported may differ: that can wait for more of the kind */
	CHANGE_NOW,    /* something may have to be done */
};

/*
 * Compare two versions of one object, either of which may be NULL (it
 * appeared, it went). Pure. A kubelet that renews a pod's status, or a
 * budget whose counters move, shouldn't cost a reconcile; fifty dynos that
 * get ready shouldn't cost fifty.
 */
enum change change_of_formation(const struct object *old, const struct object *now);
enum change change_of_size(const struct object *old, const struct object *now);
enum change change_of_child(const struct object *old, const struct object *now);
enum change change_of_deployment(const struct object *old, const struct object *now);
enum change change_of_pod(const struct object *old, const struct object *now);

/* Whether two texts are the same, NULL being one of its own. */
bool same_text(const char *a, const char *b);

#endif
