/* What is made anew is made only while the Formation is there for certain. */
#ifndef CONTROLLER_CONFIRM_H
#define CONTROLLER_CONFIRM_H

#include "controller/cache.h"
#include "kube/client.h"

/*
 * When a Formation is deleted, the garbage collector takes its children,
 * and the watches of those may tell of it before the Formation's own does:
 * then a child that only its going took away would be made again, and taken
 * away again. So a write that makes what this generation was reported to have
 * first asks the API server itself for the Formation.
 */
bool confirm_is_needed(const struct formation *formation, const struct step *step);

/* Ask for it: a request to be started. */
struct client_request confirm_request(const struct formation *formation);

/*
 * Take the answer, as client_done_fn gets it, into the cache. Returns
 * whether the Formation is there, the same and to stay.
 * Errors, in `ret_err` when it is unknown: those of the request. A Formation
 * that is gone is none.
 */
bool confirm_holds(struct cache *cache, const struct formation *formation, struct arena *arena,
		   const struct json *object, const struct err *err, struct err *ret_err);

#endif
