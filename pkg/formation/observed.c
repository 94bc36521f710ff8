#include "formation/observed.h"

#include <stdlib.h>
#include <string.h>

#include "api/resource.h"
#include "base/limits.h"
#include "formation/desired.h"
#include "formation/hash.h"
#include "formation/managers.h"
#include "formation/schema.h"
#include "formation/sized.h"
#include "formation/text.h"

static const struct json_keep KEEP_STATUS_CONDITION[] = {
	{ "type", NULL }, { "status", NULL }, { "reason", NULL }, { "message", NULL }, { 0 },
};

static const struct json_keep KEEP_DEPLOYMENT_STATUS[] = {
	{ "observedGeneration", NULL },
	{ "replicas", NULL },
	{ "updatedReplicas", NULL },
	{ "readyReplicas", NULL },
	{ "availableReplicas", NULL },
	{ "conditions", KEEP_STATUS_CONDITION },
	{ 0 },
};

static const struct json_keep KEEP_OWN_ANNOTATIONS[] = { { "dyno.dev/*", NULL }, { 0 } };

/* As KEEP_METADATA, but owners whole, since they are compared. */
static const struct json_keep KEEP_CHILD_METADATA[] = {
	{ "name", NULL },
	{ "namespace", NULL },
	{ "uid", NULL },
	{ "resourceVersion", NULL },
	{ "generation", NULL },
	{ "creationTimestamp", NULL },
	{ "deletionTimestamp", NULL },
	{ "labels", NULL },
	{ "annotations", KEEP_OWN_ANNOTATIONS },
	{ "ownerReferences", NULL },
	{ 0 },
};

const struct json_keep KEEP_CHILD[] = {
	{ "metadata", KEEP_CHILD_METADATA },
	{ "spec", NULL },
	{ 0 },
};

/* Likewise, and who wrote the replicas. */
static const struct json_keep KEEP_DEPLOYMENT_METADATA[] = {
	{ "name", NULL },
	{ "namespace", NULL },
	{ "uid", NULL },
	{ "resourceVersion", NULL },
	{ "generation", NULL },
	{ "creationTimestamp", NULL },
	{ "deletionTimestamp", NULL },
	{ "labels", NULL },
	{ "annotations", KEEP_OWN_ANNOTATIONS },
	{ "ownerReferences", NULL },
	{ "managedFields", KEEP_MANAGERS_OF_REPLICAS },
	{ 0 },
};

const struct json_keep KEEP_DEPLOYMENT[] = {
	{ "metadata", KEEP_DEPLOYMENT_METADATA },
	{ "spec", NULL },
	{ "status", KEEP_DEPLOYMENT_STATUS },
	{ 0 },
};

static int int_of(const struct json *value, const char *key, int fallback)
{
	int64_t number = json_int_or(json_get(value, key), fallback);

	return number < 0 || number > INT32_MAX ? fallback : (int)number;
}

/* --- kept as text -------------------------------------------------- */

/* Members whose names begin as `key` does before its `*`. */
static void keep_alike(struct arena *arena, struct json *kept, const struct json *value,
                       const char *key)
{
	json_for_each (member, value) {
		if (member->type != JSON_NULL && strncmp(member->key, key, strlen(key) - 1) == 0)
			json_set(arena, kept, member->key, json_clone(arena, member));
	}
}

static struct json *keep_members(struct arena *arena, const struct json *value,
                                 const struct json_keep *keep)
{
	struct json *kept = json_new_object(arena);

	for (; keep->key; keep++) {
		const struct json *member = schema_member(value, keep->key);

		if (keep->key[strlen(keep->key) - 1] == '*')
			keep_alike(arena, kept, value, keep->key);
		if (!member)
			continue;
		json_set(arena, kept, keep->key,
		         keep->children && member->type == JSON_OBJECT
		                 ? keep_members(arena, member, keep->children)
		                 : json_clone(arena, member));
	}
	return kept;
}

/* A projection of `size` bytes with the compact text of what `keep` names behind it. */
static struct object *text_new(const struct json *value, const struct json_keep *keep, size_t size,
                               const char **ret_text, size_t *ret_len, struct err *err)
{
	struct arena arena = ARENA_INIT;
	struct json *kept = keep_members(&arena, value, keep);
	struct buf text = BUF_INIT(LIMIT_DOCUMENT);
	struct object *object = NULL;
	char *extra = NULL;

	managers_shorten(&arena, (struct json *)json_get(kept, "metadata"));
	json_write(&text, kept);
	if (text.overflow)
		err_set(err, ERR_LIMIT, "an object has more than %lu bytes", LIMIT_DOCUMENT);
	else
		object = object_new(value, size, text.len + 1, &extra, err);
	if (object) {
		memcpy(extra, buf_cstr(&text), text.len + 1);
		*ret_text = extra;
		*ret_len = text.len;
	}
	buf_release(&text);
	arena_release(&arena);
	return object;
}

struct stored_formation *stored_formation_new(const struct json *value, struct err *err)
{
	struct stored_formation *stored;
	const char *text = NULL;
	size_t len = 0;

	stored = (struct stored_formation *)text_new(value, KEEP_FORMATION, sizeof(*stored), &text,
	                                             &len, err);
	if (!stored)
		return NULL;
	stored->object.formation = stored->object.name;
	stored->json = text;
	stored->json_len = len;
	return stored;
}

struct stored_size *stored_size_new(const struct json *value, struct err *err)
{
	struct stored_size *stored;
	const char *text = NULL;
	size_t len = 0;

	stored = (struct stored_size *)text_new(value, KEEP_DYNO_SIZE, sizeof(*stored), &text, &len,
	                                        err);
	if (!stored)
		return NULL;
	stored->dynos = int_of(json_get(value, "status"), "dynos", -1);
	stored->json = text;
	stored->json_len = len;
	return stored;
}

/* --- children ------------------------------------------------------ */

static uint64_t hash_meta(const struct json *metadata)
{
	uint64_t hash = HASH_INIT;

	hash = hash_value(hash, json_get(metadata, "labels"));
	hash = hash_value(hash, json_get(metadata, "annotations"));
	return hash_value(hash, json_get(metadata, "ownerReferences"));
}

/* Each of `more` is packed behind the struct, and then points there. */
static struct observed_child *child_new(const struct json *value, size_t size, const char **more,
                                        size_t more_count, struct err *err)
{
	const struct json *metadata = json_get(value, "metadata");
	const char *type = json_string_or(json_path(metadata, "labels", LABEL_TYPE, NULL), "");
	size_t extra = text_packed(type);
	struct observed_child *child;
	char *at = NULL;

	for (size_t i = 0; i < more_count; i++)
		extra += text_packed(more[i]);
	child = (struct observed_child *)object_new(value, size, extra, &at, err);
	if (!child)
		return NULL;
	child->type = text_pack(&at, type);
	for (size_t i = 0; i < more_count; i++)
		more[i] = text_pack(&at, more[i]);
	child->meta_hash = hash_meta(metadata);
	return child;
}

struct observed_child *observed_child_new(const struct json *value, struct err *err)
{
	return child_new(value, sizeof(struct observed_child), NULL, 0, err);
}

static int annotation_int(const struct json *value, const char *key, int fallback)
{
	const char *text =
		json_string_or(json_path(value, "metadata", "annotations", key, NULL), "");
	char *end = NULL;
	long number = strtol(text, &end, 10);

	return *text && !*end && number >= 0 && number <= INT32_MAX ? (int)number : fallback;
}

static const struct json *find_condition(const struct json *status, const char *type)
{
	json_for_each (condition, json_get(status, "conditions")) {
		if (strcmp(json_string_or(json_get(condition, "type"), ""), type) == 0)
			return condition;
	}
	return NULL;
}

static bool text_is(const struct json *value, const char *key, const char *text)
{
	return strcmp(json_string_or(json_get(value, key), ""), text) == 0;
}

struct observed_deployment *observed_deployment_new(const struct json *value, struct err *err)
{
	const struct json *spec = json_get(value, "spec");
	const struct json *status = json_get(value, "status");
	const struct json *failure = find_condition(status, "ReplicaFailure");
	const struct json *progress = find_condition(status, "Progressing");
	struct observed_deployment *deployment;
	const char *texts[] = {
		NULL,
		sized_of(json_get(spec, "template")),
		manager_name(managers_last(json_path(value, "metadata", "managedFields", NULL))),
	};

	if (text_is(failure, "status", "True"))
		texts[0] = json_string_or(json_get(failure, "message"), "");
	deployment = (struct observed_deployment *)child_new(value, sizeof(*deployment), texts, 3,
	                                                     err);
	if (!deployment)
		return NULL;
	deployment->failure = texts[0];
	deployment->resources = texts[1];
	deployment->scaler = texts[2];
	deployment->unsized = desired_digest_of(value, ANNOTATION_UNSIZED);
	deployment->resizing =
		json_path(value, "metadata", "annotations", ANNOTATION_RESIZING, NULL) != NULL;
	deployment->replicas = int_of(spec, "replicas", 1);
	deployment->quantity_annotation =
		annotation_int(value, ANNOTATION_QUANTITY, QUANTITY_UNSET);
	deployment->template_version = annotation_int(value, ANNOTATION_TEMPLATE, 0);
	deployment->singleton =
		text_is(json_path(spec, "selector", "matchLabels", NULL), LABEL_SINGLETON, "true");
	deployment->rolling = schema_member(json_get(spec, "strategy"), "rollingUpdate") != NULL;
	deployment->paused = json_bool_or(json_get(spec, "paused"), false);
	deployment->observed_generation = json_int_or(json_get(status, "observedGeneration"), 0);
	deployment->status_replicas = int_of(status, "replicas", 0);
	deployment->updated = int_of(status, "updatedReplicas", 0);
	deployment->ready = int_of(status, "readyReplicas", 0);
	deployment->available = int_of(status, "availableReplicas", 0);
	deployment->deadline_exceeded = text_is(progress, "status", "False") &&
	                                text_is(progress, "reason", "ProgressDeadlineExceeded");
	return deployment;
}

void observed_child_follow(struct observed_child *child, const struct observed_child *before)
{
	if (strcmp(child->object.uid, before->object.uid) != 0)
		return;
	child->satisfied_before =
		digest_is_none(before->satisfied) ? before->satisfied_before : before->satisfied;
}
