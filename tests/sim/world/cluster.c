#include "cluster.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/resource.h"
#include "codec/timestamp.h"
#include "tree.h"

const char *const KIND_PLURALS[KINDS] = {
	"formations",  "dynosizes", "deployments", "services", "poddisruptionbudgets",
	"replicasets", "pods",      "events",      "leases",
};

const char *const KIND_NAMES[KINDS] = {
	"Formation",  "DynoSize", "Deployment", "Service", "PodDisruptionBudget",
	"ReplicaSet", "Pod",      "Event",      "Lease",
};

const char *const KIND_VERSIONS[KINDS] = {
	"dyno.dev/v1", "dyno.dev/v1", "apps/v1",          "v1", "policy/v1",
	"apps/v1",     "v1",          "events.k8s.io/v1", "coordination.k8s.io/v1",
};

void cluster_init(struct cluster *cluster, struct loop *loop)
{
	*cluster = (struct cluster){ .loop = loop, .version = 1000 };
	arena_init(&cluster->arena);
}

void cluster_release(struct cluster *cluster)
{
	arena_release(&cluster->arena);
	free(cluster->objects);
	free(cluster->history);
}

struct object *cluster_find(const struct cluster *cluster, enum kind kind, const char *ns,
                            const char *name)
{
	for (size_t i = 0; i < cluster->count; i++) {
		struct object *object = cluster->objects[i];

		if (object->kind == kind && strcmp(object->name, name) == 0 &&
		    strcmp(object->ns, ns) == 0)
			return object;
	}
	return NULL;
}

/* --- looking ---------------------------------------------------------- */

const char *object_meta(const struct object *object, const char *key)
{
	return json_string_or(json_path(object->value, "metadata", key, NULL), "");
}

bool object_is_deleting(const struct object *object)
{
	return *object_meta(object, "deletionTimestamp");
}

const char *object_label(const struct object *object, const char *key)
{
	return json_string_or(json_path(object->value, "metadata", "labels", key, NULL), "");
}

const char *object_owner(const struct object *object)
{
	json_for_each (owner, json_path(object->value, "metadata", "ownerReferences", NULL)) {
		if (json_bool_or(json_get(owner, "controller"), false))
			return json_string_or(json_get(owner, "uid"), "");
	}
	return "";
}

/* --- history ---------------------------------------------------------- */

static void record(struct cluster *cluster, struct object *object, enum change_type type)
{
	bool was = object->labelled;

	object->labelled = *object_label(object, LABEL_FORMATION) != '\0';
	if (cluster->history_count == cluster->history_capacity) {
		cluster->history_capacity =
			cluster->history_capacity ? 2 * cluster->history_capacity : 128;
		cluster->history = x_realloc(cluster->history, cluster->history_capacity *
		                                                       sizeof(*cluster->history));
	}
	cluster->history[cluster->history_count++] = (struct change){
		.kind = object->kind,
		.type = type,
		.name = object->name,
		.text = object->text,
		.version = object->version,
		.labelled = object->labelled,
		.was_labelled = was,
	};
	if (cluster->changed)
		cluster->changed(cluster->arg, cluster->history_count - 1);
}

/* Give `value` its version and make it the object's. */
static void put(struct cluster *cluster, struct object *object, struct json *value,
                enum change_type type)
{
	struct arena *arena = &cluster->arena;

	object->version = ++cluster->version;
	json_set(arena, tree_member(value, "metadata"), "resourceVersion",
	         json_new_printf(arena, "%" PRIu64, object->version));
	object->value = value;
	object->text = json_text(arena, value);
	object->changed_ms = loop_mono_ms(cluster->loop);
	record(cluster, object, type);
}

/* Which one of its name it is: the same in every run in which as many were made before. */
static int incarnation(const struct cluster *cluster, enum kind kind, const char *name)
{
	int count = 1;

	for (size_t i = 0; i < cluster->history_count; i++) {
		const struct change *change = &cluster->history[i];

		count += change->kind == kind && change->type == CHANGE_ADDED &&
		         strcmp(change->name, name) == 0;
	}
	return count;
}

static struct object *insert(struct cluster *cluster, enum kind kind, const char *ns,
                             const char *name, struct json *value)
{
	struct arena *arena = &cluster->arena;
	struct object *object = arena_new(arena, struct object);
	struct json *metadata = tree_member(value, "metadata");
	char now[TIMESTAMP_MAX];

	if (cluster->count == cluster->capacity) {
		cluster->capacity = cluster->capacity ? 2 * cluster->capacity : 32;
		cluster->objects = x_realloc(cluster->objects,
		                             cluster->capacity * sizeof(*cluster->objects));
	}
	cluster->objects[cluster->count++] = object;
	object->kind = kind;
	object->ns = arena_strdup(arena, ns);
	object->name = arena_strdup(arena, name);
	object->uid = arena_printf(arena, "uid-%s-%s-%d", KIND_PLURALS[kind], name,
	                           incarnation(cluster, kind, name));
	object->made_ms = loop_mono_ms(cluster->loop);
	timestamp_format(loop_wall_ms(cluster->loop), now);
	if (!json_get(value, "kind"))
		json_set_string(arena, value, "kind", KIND_NAMES[kind]);
	if (!json_get(value, "apiVersion"))
		json_set_string(arena, value, "apiVersion", KIND_VERSIONS[kind]);
	json_set_string(arena, metadata, "name", object->name);
	if (*ns)
		json_set_string(arena, metadata, "namespace", object->ns);
	json_set_string(arena, metadata, "uid", object->uid);
	json_set_int(arena, metadata, "generation", 1);
	json_set_string(arena, metadata, "creationTimestamp", now);
	if (kind == KIND_DEPLOYMENT && !json_path(value, "spec", "replicas", NULL))
		json_set_int(arena, tree_member(value, "spec"), "replicas", 1);
	put(cluster, object, value, CHANGE_ADDED);
	return object;
}

void cluster_remove(struct cluster *cluster, struct object *object)
{
	for (size_t i = 0; i < cluster->count; i++) {
		if (cluster->objects[i] == object)
			cluster->objects[i] = cluster->objects[--cluster->count];
	}
	put(cluster, object, json_clone(&cluster->arena, object->value), CHANGE_DELETED);
}

/* --- who owns what ---------------------------------------------------- */

static struct managed *managed_of(struct cluster *cluster, struct object *object,
                                  const char *manager, const char *sub)
{
	const char *key = sub && strcmp(sub, "status") == 0
	                          ? arena_printf(&cluster->arena, "%s/%s", manager, sub)
	                          : manager;

	for (size_t i = 0; i < MANAGERS_MAX; i++) {
		struct managed *managed = &object->managed[i];

		if (managed->manager && strcmp(managed->manager, key) == 0)
			return managed;
		if (managed->manager)
			continue;
		managed->manager = arena_strdup(&cluster->arena, key);
		managed->fields = json_new_object(&cluster->arena);
		return managed;
	}
	abort();
}

/* Fields of the other managers; `ret_others` has room for all. */
static size_t others_of(const struct object *object, const struct managed *own,
                        const struct json **ret_others)
{
	size_t count = 0;

	for (size_t i = 0; i < MANAGERS_MAX && object->managed[i].manager; i++) {
		if (&object->managed[i] != own)
			ret_others[count++] = object->managed[i].fields;
	}
	return count;
}

/* An update makes its writer the owner of what it changed, alone. */
static void own_change(struct cluster *cluster, struct object *object, const char *manager,
                       const struct json *after)
{
	struct arena *arena = &cluster->arena;
	struct json *difference = tree_difference(arena, object->value, after);
	struct managed *own = managed_of(cluster, object, manager, NULL);

	if (!difference)
		return;
	for (size_t i = 0; i < MANAGERS_MAX && object->managed[i].manager; i++) {
		if (&object->managed[i] != own)
			tree_subtract(object->managed[i].fields, difference);
	}
	tree_merge(arena, own->fields, difference, false);
}

struct json *cluster_edit(struct cluster *cluster, const struct object *object)
{
	return json_clone(&cluster->arena, object->value);
}

/* What asked for another spec has another generation. */
static void follow_spec(struct cluster *cluster, const struct object *object, struct json *value)
{
	struct json *metadata = tree_member(value, "metadata");

	if (object->kind == KIND_POD || object->kind == KIND_EVENT ||
	    json_equal(json_get(object->value, "spec"), json_get(value, "spec")))
		return;
	json_set_int(&cluster->arena, metadata, "generation",
	             json_int_or(json_get(metadata, "generation"), 0) + 1);
}

/* Store what a request made of an object, if that is anything new. */
static void store(struct cluster *cluster, struct object *object, struct json *value)
{
	const struct json *finalizers;

	if (object->kind == KIND_DEPLOYMENT && !json_path(value, "spec", "replicas", NULL))
		json_set_int(&cluster->arena, tree_member(value, "spec"), "replicas", 1);
	if (json_equal(object->value, value))
		return;
	follow_spec(cluster, object, value);
	put(cluster, object, value, CHANGE_MODIFIED);
	finalizers = json_path(value, "metadata", "finalizers", NULL);
	if (object_is_deleting(object) && json_count(finalizers) == 0 && object->kind != KIND_POD)
		cluster_remove(cluster, object);
}

void cluster_store(struct cluster *cluster, struct object *object, struct json *value,
                   const char *manager)
{
	own_change(cluster, object, manager, value);
	store(cluster, object, value);
}

/* --- requests --------------------------------------------------------- */

static struct outcome refuse(int status, const char *reason, const char *message)
{
	return (struct outcome){ .status = status, .reason = reason, .message = message };
}

static struct outcome done(const struct object *object, int status)
{
	return (struct outcome){ .status = status, .object = object };
}

/* What may be set of an object: without who it is, and the part that the subresource stands for. */
static struct json *settable(struct arena *arena, const struct json *body, bool status)
{
	static const char *const identity[] = { "uid", "resourceVersion", "name", "namespace",
		                                "creationTimestamp", "generation" };
	struct json *fields = json_clone(arena, body), *metadata = tree_member(fields, "metadata");

	for (size_t i = 0; metadata && i < sizeof(identity) / sizeof(identity[0]); i++)
		tree_remove(metadata, identity[i]);
	tree_remove(fields, "kind");
	tree_remove(fields, "apiVersion");
	if (status) {
		tree_remove(fields, "metadata");
		tree_remove(fields, "spec");
	} else {
		tree_remove(fields, "status");
	}
	return fields;
}

static const char *text_in(const struct json *body, const char *key)
{
	return json_string_or(json_path(body, "metadata", key, NULL), "");
}

/* A version is no precondition where there is no object: an apply creates it all the same. */
static bool is_other(const struct object *object, const char *uid, const char *version)
{
	return (*uid && (!object || strcmp(uid, object->uid) != 0)) ||
	       (*version && object && strtoull(version, NULL, 10) != object->version);
}

struct outcome cluster_create(struct cluster *cluster, enum kind kind, const char *ns,
                              const struct json *body)
{
	const char *name = text_in(body, "name");

	if (cluster_find(cluster, kind, ns, name))
		return refuse(409, "AlreadyExists", "already exists");
	return done(insert(cluster, kind, ns, name, json_clone(&cluster->arena, body)), 201);
}

/* uid of the controlling owner that a body names, or "". */
static const char *owner_in(const struct json *fields)
{
	json_for_each (owner, json_path(fields, "metadata", "ownerReferences", NULL)) {
		if (json_bool_or(json_get(owner, "controller"), false))
			return json_string_or(json_get(owner, "uid"), "");
	}
	return "";
}

static struct outcome apply_to(struct cluster *cluster, struct object *object, const char *sub,
                               const char *manager, bool force, struct json *fields)
{
	struct managed *own = managed_of(cluster, object, manager, sub);
	const struct json *others[MANAGERS_MAX];
	size_t other_count = others_of(object, own, others);
	struct json *value = cluster_edit(cluster, object);

	for (size_t i = 0; i < other_count; i++) {
		if (!tree_conflicts(fields, object->value, others[i]))
			continue;
		if (!force)
			return refuse(409, "Conflict", "Apply failed with 1 conflict");
		tree_subtract((struct json *)(uintptr_t)others[i],
		              tree_difference(&cluster->arena, object->value, fields));
	}
	if (object->kind == KIND_DEPLOYMENT && !sub &&
	    json_path(fields, "spec", "selector", NULL) &&
	    !json_equal(json_path(fields, "spec", "selector", NULL),
	                json_path(object->value, "spec", "selector", NULL)))
		return refuse(422, "Invalid", "spec.selector: field is immutable");
	if (*owner_in(fields) && *object_owner(object) &&
	    strcmp(owner_in(fields), object_owner(object)) != 0)
		cluster->broken = "an object was taken from its owner";
	tree_prune(value, own->fields, fields, others, other_count);
	tree_merge(&cluster->arena, value, fields, false);
	own->fields = fields;
	store(cluster, object, value);
	return done(object, 200);
}

struct outcome cluster_apply(struct cluster *cluster, enum kind kind, const char *ns,
                             const char *name, const char *sub, const char *manager, bool force,
                             const struct json *body)
{
	struct object *object = cluster_find(cluster, kind, ns, name);
	bool status = sub && strcmp(sub, "status") == 0;
	struct json *fields = settable(&cluster->arena, body, status);

	if (!object && sub)
		return refuse(404, "NotFound", "not found");
	if (is_other(object, text_in(body, "uid"), text_in(body, "resourceVersion")))
		return refuse(409, "Conflict", "uid mismatch: no existing object was found");
	if (object)
		return apply_to(cluster, object, sub, manager, force, fields);
	object = insert(cluster, kind, ns, name, json_clone(&cluster->arena, fields));
	managed_of(cluster, object, manager, sub)->fields = fields;
	return done(object, 201);
}

struct outcome cluster_patch(struct cluster *cluster, enum kind kind, const char *ns,
                             const char *name, const char *sub, const char *manager,
                             enum patch_type type, const struct json *body)
{
	struct object *object = cluster_find(cluster, kind, ns, name);
	struct json *value;

	(void)sub;
	if (!object)
		return refuse(404, "NotFound", "not found");
	if (type == PATCH_MERGE &&
	    is_other(object, text_in(body, "uid"), text_in(body, "resourceVersion")))
		return refuse(409, "Conflict", "the object has been modified");
	value = cluster_edit(cluster, object);
	if (type == PATCH_MERGE)
		tree_merge(&cluster->arena, value, body, true);
	else if (!tree_json_patch(&cluster->arena, value, body))
		return refuse(422, "Invalid", "the server rejected our request due to an error "
		                              "in our request");
	json_set_string(&cluster->arena, tree_member(value, "metadata"), "resourceVersion",
	                object_meta(object, "resourceVersion"));
	cluster_store(cluster, object, value, manager);
	return done(object, 200);
}

struct outcome cluster_replace(struct cluster *cluster, enum kind kind, const char *ns,
                               const char *name, const char *manager, const struct json *body)
{
	struct object *object = cluster_find(cluster, kind, ns, name);

	if (!object)
		return refuse(404, "NotFound", "not found");
	if (is_other(object, text_in(body, "uid"), text_in(body, "resourceVersion")))
		return refuse(409, "Conflict", "the object has been modified");
	cluster_store(cluster, object, json_clone(&cluster->arena, body), manager);
	return done(object, 200);
}

/* Objects that stay until somebody has done something about their going. */
static void mark_deleted(struct cluster *cluster, struct object *object, const char *finalizer)
{
	struct arena *arena = &cluster->arena;
	struct json *value = cluster_edit(cluster, object);
	struct json *metadata = tree_member(value, "metadata");
	char now[TIMESTAMP_MAX];

	if (object_is_deleting(object))
		return;
	timestamp_format(loop_wall_ms(cluster->loop), now);
	json_set_string(arena, metadata, "deletionTimestamp", now);
	if (finalizer)
		json_add(json_set_array(arena, metadata, "finalizers"),
		         json_new_string(arena, finalizer));
	put(cluster, object, value, CHANGE_MODIFIED);
}

struct outcome cluster_delete(struct cluster *cluster, enum kind kind, const char *ns,
                              const char *name, const struct json *options)
{
	struct object *object = cluster_find(cluster, kind, ns, name);
	const struct json *conditions = json_get(options, "preconditions");
	const char *propagation = json_string_or(json_get(options, "propagationPolicy"), "");

	if (!object)
		return refuse(404, "NotFound", "not found");
	if (is_other(object, json_string_or(json_get(conditions, "uid"), ""),
	             json_string_or(json_get(conditions, "resourceVersion"), "")))
		return refuse(409, "Conflict", "Precondition failed");
	if (kind == KIND_POD || strcmp(propagation, "Foreground") == 0) {
		mark_deleted(cluster, object, kind == KIND_POD ? NULL : "foregroundDeletion");
		return done(object, 200);
	}
	cluster_remove(cluster, object);
	return (struct outcome){ .status = 200,
		                 .text = "{\"kind\":\"Status\",\"status\":\"Success\"}" };
}
