#include "api/object.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "api/resource.h"
#include "codec/timestamp.h"

static const struct json_keep KEEP_OWNER[] = {
	{ "kind", NULL }, { "name", NULL }, { "uid", NULL }, { "controller", NULL }, { 0 },
};

/* Not `kubectl apply`'s copy of the whole object, nor what others note down at length. */
static const struct json_keep KEEP_ANNOTATIONS[] = {
	{ "dyno.dev/*", NULL },
	{ "controller.kubernetes.io/*", NULL },
	{ "deployment.kubernetes.io/*", NULL },
	{ 0 },
};

const struct json_keep KEEP_METADATA[] = {
	{ "name", NULL },
	{ "namespace", NULL },
	{ "uid", NULL },
	{ "resourceVersion", NULL },
	{ "generation", NULL },
	{ "creationTimestamp", NULL },
	{ "deletionTimestamp", NULL },
	{ "deletionGracePeriodSeconds", NULL },
	{ "labels", NULL },
	{ "annotations", KEEP_ANNOTATIONS },
	{ "ownerReferences", KEEP_OWNER },
	{ 0 },
};

/* What is read before memory is asked for; all borrowed. */
struct head {
	const char *ns;
	const char *name;
	const char *formation;
	const char *owner_uid;
	const char *uid;
	uint64_t version;
};

/* The uid of the ownerReference with controller=true, or NULL. */
static const char *controller_uid(const struct json *metadata)
{
	json_for_each (owner, json_get(metadata, "ownerReferences")) {
		if (json_bool_or(json_get(owner, "controller"), false))
			return json_string_or(json_get(owner, "uid"), NULL);
	}
	return NULL;
}

static int bad_object(struct err *err, const struct head *head, const char *member)
{
	return err_set(err, ERR_PARSE, "%s%s%s: metadata.%s is not as it should be", head->ns,
	               *head->ns ? "/" : "", head->name, member);
}

static int head_read(struct head *head, const struct json *metadata, struct err *err)
{
	const char *version = json_string_or(json_get(metadata, "resourceVersion"), "");

	head->ns = json_string_or(json_get(metadata, "namespace"), "");
	head->name = json_string_or(json_get(metadata, "name"), "");
	head->uid = json_string_or(json_get(metadata, "uid"), "");
	head->formation =
		json_string_or(json_path(metadata, "labels", LABEL_FORMATION, NULL), NULL);
	head->owner_uid = controller_uid(metadata);
	if (!*head->name)
		return err_set(err, ERR_PARSE, "an object in namespace \"%s\" has no name",
		               head->ns);
	if (!*head->uid || strlen(head->uid) >= UID_MAX)
		return bad_object(err, head, "uid");
	if (version_parse(version, &head->version) < 0)
		return bad_object(err, head, "resourceVersion");
	return 0;
}

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* Copy to *at and move it behind the copy; NULL stays NULL. */
static const char *pack(char **at, const char *text)
{
	char *copy = *at;

	if (!text)
		return NULL;
	*at = stpcpy(copy, text) + 1;
	return copy;
}

static size_t align_up(size_t size)
{
	const size_t align = alignof(max_align_t);

	return (size + align - 1) / align * align;
}

struct object *object_new(const struct json *value, size_t size, size_t extra, char **ret_extra,
                          struct err *err)
{
	const struct json *metadata = json_get(value, "metadata");
	struct object *object;
	struct head head = { 0 };
	char *at;

	assert(size >= sizeof(*object));
	if (head_read(&head, metadata, err) < 0)
		return NULL;
	size = align_up(size);
	object = x_calloc(1, size + extra + text_size(head.ns) + text_size(head.name) +
	                             text_size(head.formation) + text_size(head.owner_uid));
	at = (char *)object + size;
	if (ret_extra)
		*ret_extra = at;
	at += extra;
	object->ns = pack(&at, head.ns);
	object->name = pack(&at, head.name);
	object->formation = pack(&at, head.formation);
	object->owner_uid = pack(&at, head.owner_uid);
	strcpy(object->uid, head.uid);
	object->version = head.version;
	object->generation = json_int_or(json_get(metadata, "generation"), 0);
	object->created_ms =
		timestamp_parse(json_string_or(json_get(metadata, "creationTimestamp"), ""));
	if (object->created_ms < 0)
		object->created_ms = 0;
	object->deleting = json_string_or(json_get(metadata, "deletionTimestamp"), NULL) != NULL;
	list_init(&object->by_formation);
	return object;
}

const char *object_key(struct arena *arena, const struct object *object)
{
	if (!*object->ns)
		return arena_strdup(arena, object->name);
	return arena_printf(arena, "%s/%s", object->ns, object->name);
}

int version_parse(const char *text, uint64_t *ret_version)
{
	uint64_t version = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || __builtin_mul_overflow(version, 10, &version) ||
		    __builtin_add_overflow(version, (uint64_t)(*text - '0'), &version))
			return -1;
	}
	*ret_version = version;
	return 0;
}
