/* A plan's steps, as requests to the API server. */
#ifndef CONTROLLER_STEP_H
#define CONTROLLER_STEP_H

#include "formation/reconcile.h"
#include "kube/client.h"

/*
 * Copy the strings of `step` into the arena: a plan may point into the
 * cache, which changes while its steps are carried out. The body is taken
 * as it is, plans build it in their arena.
 */
void step_own(struct arena *arena, struct step *step);

/* Whether carrying it out is a request; else it is an event. */
bool step_is_request(const struct step *step);

/*
 * The request of a step; everything is borrowed from it. `keep` is what to
 * keep of the answer; everything is kept of a delete's, which may be a
 * Status.
 */
struct client_request step_request(const struct step *step, const struct json_keep *keep);

/* A read of the object that the step writes, after a conflict. */
struct client_request step_reread(const struct step *step, const struct json_keep *keep);

/*
 * The digest of what would be sent, preconditions included. A delete and a
 * status have none: one has no body, the other differs by its timestamps
 * though nothing has changed.
 */
struct digest step_digest(const struct step *step);

/* Whether both would send the same about the same object. */
bool step_same_write(const struct step *a, const struct step *b);

/* "applied Deployment shop-web", for the log; in the arena. */
const char *step_text(struct arena *arena, const struct step *step);

/* Whether it sets right an object that was as wanted before somebody changed it. */
bool step_is_repair(const struct reconcile_input *input, const struct step *step);

/*
 * Whether it gives a Deployment, or its dynos, another size though the user
 * asked for nothing new, because a DynoSize changed: at most some Formations do
 * that at a time. What somebody changed by hand is put right at once, and what
 * the user changed, or asked for by an annotation as a restart is, is done at
 * once.
 */
bool step_follows_size(const struct reconcile_input *input, const struct step *step);

/* An event about a process goes with its writes, any other with the status. */
bool step_goes_with_status(const struct step *step);

/* Whether `err` says that there is nothing left to do, because the object is not there. */
bool step_is_moot(const struct step *step, const struct err *err);

/* Whether a Formation's status says that work on it is under way. */
bool status_is_reconciling(const struct json *status);

/* Whether the controller among the owners of `object`, as read, is `uid`. */
bool object_is_owned(const struct json *object, const char *uid);

#endif
