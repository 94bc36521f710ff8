#include <string.h>

#include "api/object.h"
#include "api/resource.h"
#include "formation/desired.h"
#include "formation/resize.h"
#include "formation/sized.h"

static const struct json_keep KEEP_CONTAINER[] = { { "name", NULL }, { "resources", NULL }, { 0 } };
static const struct json_keep KEEP_POD_SPEC[] = {
	{ "nodeName", NULL }, { "schedulingGates", NULL }, { "containers", KEEP_CONTAINER }, { 0 },
};
static const struct json_keep KEEP_SET_SPEC[] = { { "replicas", NULL }, { "template", NULL }, { 0 } };
static const struct json_keep KEEP_REPLICAS[] = { { "replicas", NULL }, { 0 } };

const struct json_keep KEEP_RESIZE_SET[] = {
	{ "metadata", KEEP_METADATA },
	{ "spec", KEEP_SET_SPEC },
	{ "status", KEEP_REPLICAS },
	{ 0 },
};

const struct json_keep KEEP_RESIZE_POD[] = {
	{ "metadata", KEEP_METADATA },
	{ "spec", KEEP_POD_SPEC },
	{ "status", NULL },
	{ 0 },
};

static const struct json *template_of(const struct json *object)
{
	return json_path(object, "spec", "template", NULL);
}

static struct json *member(struct json *object, const char *key)
{
	return (struct json *)(uintptr_t)json_get(object, key);
}

/* --- JSON patches --------------------------------------------------- */

static void operate(struct arena *arena, struct json *patch, const char *verb, const char *path,
                    struct json *value)
{
	struct json *operation = json_add(patch, json_new_object(arena));

	json_set_string(arena, operation, "op", verb);
	json_set_string(arena, operation, "path", path);
	if (value)
		json_set(arena, operation, "value", value);
}

/* A patch of that very object, whose dyno's container stands where it stood. */
static struct json *patch_new(struct arena *arena, const struct json *object, const char *containers,
                              size_t index)
{
	struct json *patch = json_new_array(arena);
	const char *uid =
		json_string_or(json_path(object, "metadata", "uid", NULL), "");

	operate(arena, patch, "test", "/metadata/uid", json_new_string(arena, uid));
	operate(arena, patch, "test", arena_printf(arena, "%s/%zu/name", containers, index),
	        json_new_string(arena, CONTAINER_NAME));
	return patch;
}

static void patch_amount(struct arena *arena, struct json *patch, const char *path,
                         const struct json *has, const struct json *wanted)
{
	if (wanted)
		operate(arena, patch, "add", path, json_clone(arena, wanted));
	else if (has)
		operate(arena, patch, "remove", path, NULL);
}

static struct json *pod_body(struct arena *arena, const struct json *pod, const struct json *wanted)
{
	static const char *const PARTS[][2] = { { "requests", "cpu" },
		                                { "requests", "memory" },
		                                { "limits", "cpu" },
		                                { "limits", "memory" } };
	size_t index = 0;
	const struct json *has = json_get(sized_container(pod, &index), "resources");
	struct json *patch = patch_new(arena, pod, "/spec/containers", index);

	for (size_t i = 0; i < sizeof(PARTS) / sizeof(PARTS[0]); i++)
		patch_amount(arena, patch,
		             arena_printf(arena, "/spec/containers/%zu/resources/%s/%s", index,
		                          PARTS[i][0], PARTS[i][1]),
		             json_path(has, PARTS[i][0], PARTS[i][1], NULL),
		             json_path(wanted, PARTS[i][0], PARTS[i][1], NULL));
	return patch;
}

/* The ReplicaSet's template becomes the Deployment's, in what a resize changes. */
static struct json *set_body(struct arena *arena, const struct json *set,
                             const struct json *deployment)
{
	const struct json *from = template_of(deployment);
	const struct json *label = json_path(from, "metadata", "labels", LABEL_SIZE, NULL);
	const char *text = sized_of(from);
	size_t index = 0;
	const struct json *container = sized_container(from, &index);
	const struct json *resources = json_get(container, "resources");
	struct json *patch;

	sized_container(template_of(set), &index);
	patch = patch_new(arena, set, "/spec/template/spec/containers", index);
	operate(arena, patch, "add", "/spec/template/metadata/labels/dyno.dev~1size",
	        json_clone(arena, label));
	operate(arena, patch, "add", "/spec/template/metadata/annotations/dyno.dev~1resources",
	        json_new_string(arena, text));
	operate(arena, patch, "replace",
	        arena_printf(arena, "/spec/template/spec/containers/%zu/resources", index),
	        json_clone(arena, resources));
	return patch;
}

static struct json *supersede_body(struct arena *arena, const struct json *set, const char *why)
{
	struct json *patch;
	size_t index = 0;

	sized_container(template_of(set), &index);
	patch = patch_new(arena, set, "/spec/template/spec/containers", index);
	operate(arena, patch, "add", "/spec/template/metadata/annotations/dyno.dev~1superseded",
	        json_new_string(arena, why ? why : "a newer ReplicaSet has this template"));
	return patch;
}

/* --- other bodies --------------------------------------------------- */

/* `label` may be NULL: as it is. */
static struct json *mark_body(struct arena *arena, const struct json *pod, const struct json *label,
                              const char *text)
{
	struct json *body = json_new_object(arena), *metadata;

	metadata = json_set_object(arena, body, "metadata");
	json_set_string(arena, metadata, "uid",
	                json_string_or(json_path(pod, "metadata", "uid", NULL), ""));
	if (label)
		json_set(arena, json_set_object(arena, metadata, "labels"), LABEL_SIZE,
		         json_clone(arena, label));
	json_set_string(arena, json_set_object(arena, metadata, "annotations"), ANNOTATION_RESOURCES,
	                text);
	return body;
}

/* Signed anew: only the Deployment as it is wanted is known as satisfied. */
static struct json *paused_body(struct arena *arena, const struct json *wanted)
{
	struct json *body = json_clone(arena, wanted);

	json_set_bool(arena, member(body, "spec"), "paused", true);
	json_set_string(arena, member(member(body, "metadata"), "annotations"), ANNOTATION_RESIZING,
	                sized_of(template_of(wanted)));
	return desired_sign(arena, body);
}

/* All that is wanted, at the size that the Deployment has. */
static struct json *scaled_body(struct arena *arena, const struct resize_view *view)
{
	struct json *body = json_clone(arena, view->body);

	sized_copy(arena, member(member(body, "spec"), "template"), template_of(view->deployment));
	return desired_sign(arena, body);
}

struct json *resize_body(struct arena *arena, const struct resize_view *view,
                         const struct resize_decision *decision)
{
	const struct json *wanted = template_of(view->body);
	size_t index = 0;

	switch (decision->action) {
	case RESIZE_SCALE:
		return scaled_body(arena, view);
	case RESIZE_POD:
		return pod_body(arena, view->pods[decision->index],
		                json_get(sized_container(wanted, &index), "resources"));
	case RESIZE_BEGIN:
		return mark_body(arena, view->pods[decision->index], NULL, RESOURCES_CHANGING);
	case RESIZE_MARK:
		return mark_body(arena, view->pods[decision->index],
		                 json_path(wanted, "metadata", "labels", LABEL_SIZE, NULL),
		                 sized_of(wanted));
	case RESIZE_PAUSE:
		return paused_body(arena, view->body);
	case RESIZE_SET:
		return set_body(arena, view->sets[decision->index], view->deployment);
	case RESIZE_APPLY:
		return json_clone(arena, view->body);
	case RESIZE_SUPERSEDE:
		return supersede_body(arena, view->sets[decision->index], decision->why);
	case RESIZE_END:
	case RESIZE_WAIT:
		break;
	}
	return NULL;
}
