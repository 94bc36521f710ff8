/* Who else decides about a quantity: autoscalers and GitOps tools. Pure. */
#ifndef CLI_GUARD_H
#define CLI_GUARD_H

#include "change.h"

/*
 * Refuse a change of a quantity that an autoscaler owns. `autoscalers` and
 * `scaled_objects` are lists as read, or NULL where there are none (KEDA
 * isn't installed) or they may not be read.
 * Errors: ERR_INVALID, which names the word and the autoscaler.
 */
int guard_autoscalers(struct arena *arena, const struct formation *formation,
		      const struct changes *changes, const struct json *autoscalers,
		      const struct json *scaled_objects, struct err *err);

/*
 * The GitOps tool that owns a field which the changes write, by the
 * Formation's managedFields: "Argo CD (argocd-controller)", in the arena, with the
 * change in *ret_change. NULL: none.
 */
const char *guard_gitops(struct arena *arena, const struct json *value,
			 const struct changes *changes, const struct change **ret_change);

#endif
