#include "formation/managers.h"

#include <string.h>

#include "codec/timestamp.h"

static const struct json_keep KEEP_NOTHING[] = { { 0 } };

static const struct json_keep KEEP_RESTARTED[] = { { "f:dyno.dev/restarted-at", KEEP_NOTHING },
	                                           { 0 } };

static const struct json_keep KEEP_ANNOTATIONS_SET[] = { { "f:annotations", KEEP_RESTARTED },
	                                                 { 0 } };

static const struct json_keep KEEP_SPEC_SET[] = {
	{ "f:spec", KEEP_NOTHING },
	{ "f:metadata", KEEP_ANNOTATIONS_SET },
	{ 0 },
};

static const struct json_keep KEEP_REPLICAS[] = { { "f:replicas", KEEP_NOTHING }, { 0 } };

static const struct json_keep KEEP_REPLICAS_SET[] = { { "f:spec", KEEP_REPLICAS }, { 0 } };

const struct json_keep KEEP_MANAGERS_OF_SPEC[] = {
	{ "manager", NULL },
	{ "time", NULL },
	{ "subresource", NULL },
	{ "fieldsV1", KEEP_SPEC_SET },
	{ 0 },
};

const struct json_keep KEEP_MANAGERS_OF_REPLICAS[] = {
	{ "manager", NULL },
	{ "time", NULL },
	{ "subresource", NULL },
	{ "fieldsV1", KEEP_REPLICAS_SET },
	{ 0 },
};

static const char *text_of(const struct json *value, const char *key)
{
	return json_string_or(json_get(value, key), "");
}

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* What was kept of a Deployment's f:spec has a member; a Formation's has not, and is enough. */
static bool has_field(const struct json *entry)
{
	const struct json *fields = json_get(entry, "fieldsV1");
	const struct json *spec = json_get(fields, "f:spec");
	const struct json *restarted =
		json_path(fields, "f:metadata", "f:annotations", "f:dyno.dev/restarted-at", NULL);

	return json_get(spec, "f:replicas") || restarted ||
	       (spec && !*text_of(entry, "subresource"));
}

static bool counts(const struct json *entry)
{
	return !begins(text_of(entry, "manager"), "formation-controller") &&
	       strcmp(text_of(entry, "subresource"), "status") != 0 &&
	       (!json_get(entry, "fieldsV1") || has_field(entry));
}

const struct json *managers_last(const struct json *managed_fields)
{
	const struct json *last = NULL;

	json_for_each (entry, managed_fields) {
		if (counts(entry) &&
		    (!last || strcmp(text_of(entry, "time"), text_of(last, "time")) >= 0))
			last = entry;
	}
	return last;
}

const char *manager_name(const struct json *entry)
{
	return entry ? text_of(entry, "manager") : NULL;
}

int64_t manager_time_ms(const struct json *entry)
{
	int64_t ms = timestamp_parse(text_of(entry, "time"));

	return ms < 0 ? 0 : ms;
}

const char *manager_kind(const char *name)
{
	static const struct {
		const char *prefix;
		const char *kind;
	} KINDS[] = {
		{ "kubectl-formation", "plugin" },
		{ "kubectl", "kubectl" },
		{ "kustomize-controller", "gitops" },
		{ "helm", "gitops" },
		{ "argocd", "gitops" },
		{ "flux", "gitops" },
		{ "kube-controller-manager", "autoscaler" },
		{ "keda", "autoscaler" },
	};

	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		if (begins(name, KINDS[i].prefix))
			return KINDS[i].kind;
	}
	return "other";
}

/* Take out a member. */
static void drop(struct json *object, const struct json *member)
{
	struct json *before = NULL;

	for (struct json *item = object->first; item != member; item = item->next)
		before = item;
	if (before)
		before->next = member->next;
	else
		object->first = member->next;
	if (object->last == member)
		object->last = before;
}

void managers_shorten(struct arena *arena, struct json *metadata)
{
	const struct json *list = json_get(metadata, "managedFields");
	const struct json *last = managers_last(list);
	struct json *entry;

	if (!list)
		return;
	drop(metadata, list);
	if (!last || !*text_of(last, "manager"))
		return;
	entry = json_add(json_set_array(arena, metadata, "managedFields"), json_new_object(arena));
	json_set_string(arena, entry, "manager", text_of(last, "manager"));
	json_set_string(arena, entry, "time", text_of(last, "time"));
}
