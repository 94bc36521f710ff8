/* Whose an object is that has a process's name. */
#ifndef FORMATION_CLAIM_H
#define FORMATION_CLAIM_H

#include "formation/reconcile.h"

enum claim {
	CLAIM_ABSENT,  /* there is none that we know of */
	CLAIM_OURS,    /* to be written and deleted by us alone */
	CLAIM_LEAVING, /* ours and being deleted: nothing to do until it is gone */
	CLAIM_FORMER, /* not ours, but going: of an earlier Formation of that name, or being deleted
	               */
	CLAIM_FOREIGN, /* not ours, never touched */
};

/*
 * Ours is what has our uid as its owner. What lost its owner while we
 * watched (the same object satisfied us before) still is, so that a
 * stripped ownerReference comes back; after a restart it is foreign.
 */
enum claim claim_of(const struct formation *formation, const struct observed_child *child);

/* The object of that kind and name in the input, or NULL. */
const struct observed_child *input_child(const struct reconcile_input *input,
                                         const struct resource *resource, const char *name);

/* The failure of a write of that kind for a process (NULL resource: any but of pods), or NULL. */
const struct write_failure *input_failure(const struct reconcile_input *input, const char *type,
                                          const struct resource *resource);

/*
 * Whether a failed write says that an object we do not know of has the name.
 * A create by apply without force is refused so: 409 with another field
 * manager's fields or as there is a version, or 422 as a selector cannot be
 * changed.
 */
bool failure_is_conflict(const struct write_failure *failure);

#endif
