#include "kube/lease_record.h"

#include <string.h>

#include "codec/timestamp.h"

enum {
	LONGEST_S = 600,
	MOST_TRANSITIONS = 2147483647, /* of an int32 */
};

const char *lease_holder(const struct json *lease)
{
	return json_string_or(json_path(lease, "spec", "holderIdentity", NULL), "");
}

int64_t lease_duration_ms(const struct json *lease, int64_t fallback_ms)
{
	int64_t seconds =
		json_int_or(json_path(lease, "spec", "leaseDurationSeconds", NULL), 0);

	return seconds > 0 && seconds <= LONGEST_S ? seconds * 1000 : fallback_ms;
}

static struct json *new_lease(struct arena *arena, const struct lease_claim *claim)
{
	struct json *lease = json_new_object(arena), *metadata;

	json_set_string(arena, lease, "apiVersion", "coordination.k8s.io/v1");
	json_set_string(arena, lease, "kind", "Lease");
	metadata = json_set_object(arena, lease, "metadata");
	json_set_string(arena, metadata, "name", claim->name);
	json_set_string(arena, metadata, "namespace", claim->ns);
	json_set_object(arena, lease, "spec");
	return lease;
}

/* The member as an object, made when it is none. */
static struct json *object_of(struct arena *arena, struct json *value, const char *key)
{
	for (struct json *member = value->first; member; member = member->next) {
		if (strcmp(member->key, key) == 0 && member->type == JSON_OBJECT)
			return member;
	}
	return json_set_object(arena, value, key);
}

static void set_time(struct arena *arena, struct json *spec, const char *key, int64_t unix_ms)
{
	char text[TIMESTAMP_MAX];

	timestamp_format_micro(unix_ms, text);
	json_set_string(arena, spec, key, text);
}

static void set_holder(struct arena *arena, struct json *spec, const struct lease_claim *claim)
{
	int64_t transitions = json_int_or(json_get(spec, "leaseTransitions"), -1);

	set_time(arena, spec, "acquireTime", claim->now_ms);
	json_set_string(arena, spec, "holderIdentity", claim->identity);
	if (*claim->identity)
		json_set_int(arena, spec, "leaseTransitions",
			     transitions < 0 || transitions >= MOST_TRANSITIONS ? 0
										: transitions + 1);
}

struct json *lease_claimed(struct arena *arena, const struct json *seen,
			   const struct lease_claim *claim)
{
	struct json *lease = seen ? json_clone(arena, seen) : new_lease(arena, claim);
	struct json *spec = object_of(arena, lease, "spec");
	int64_t seconds = *claim->identity ? claim->duration_ms / 1000 : 1;

	if (strcmp(lease_holder(lease), claim->identity) != 0)
		set_holder(arena, spec, claim);
	json_set_int(arena, spec, "leaseDurationSeconds", seconds);
	set_time(arena, spec, "renewTime", claim->now_ms);
	return lease;
}
