/* Who wrote a field last, by metadata.managedFields: a claim of the client's, not a proof. */
#ifndef FORMATION_MANAGERS_H
#define FORMATION_MANAGERS_H

#include "codec/json.h"

/*
 * What to keep of managedFields while a Formation or a Deployment is read:
 * of each entry who and when, and of its fields only whether the spec, the
 * replicas or the annotation dyno.dev/restarted-at is among them.
 */
extern const struct json_keep KEEP_MANAGERS_OF_SPEC[];
extern const struct json_keep KEEP_MANAGERS_OF_REPLICAS[];

/*
 * The entry that wrote last, of those kept which have a field; entries of
 * the controller's own managers and of the status don't count. NULL: none.
 */
const struct json *managers_last(const struct json *managed_fields);

/* Its manager's name, which may be "", or NULL where `entry` is. */
const char *manager_name(const struct json *entry);

/* When it wrote, Unix ms, or 0. */
int64_t manager_time_ms(const struct json *entry);

/* "kubectl", "plugin", "gitops", "autoscaler" or "other", by the field manager's name. */
const char *manager_kind(const char *name);

/* Put the last entry alone in the place of metadata.managedFields, without its fields. */
void managers_shorten(struct arena *arena, struct json *metadata);

#endif
