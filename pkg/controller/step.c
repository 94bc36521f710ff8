#include "controller/step.h"

#include <string.h>

#include "base/limits.h"
#include "codec/digest.h"
#include "controller/changes.h"

void step_own(struct arena *arena, struct step *step)
{
	step->ns = arena_strdup(arena, step->ns);
	step->name = arena_strdup(arena, step->name);
	step->uid = arena_strdup(arena, step->uid);
	step->type = arena_strdup(arena, step->type);
	step->manager = arena_strdup(arena, step->manager);
	step->reason = arena_strdup(arena, step->reason);
	step->note = arena_strdup(arena, step->note);
}

bool step_is_request(const struct step *step)
{
	return step->kind != STEP_EVENT;
}

struct client_request step_request(const struct step *step, const struct json_keep *keep)
{
	struct client_request request = {
		.resource = step->resource,
		.ns = step->ns,
		.name = step->name,
		.manager = step->manager ? step->manager : FIELD_MANAGER,
		.force = step->force,
		.body = step->body,
		.keep = keep,
		.priority = HTTP_PRIORITY_NORMAL,
	};

	switch (step->kind) {
	case STEP_STATUS:
		request.subresource = "status";
		request.verb = "apply";
		break;
	case STEP_APPLY:
		request.verb = "apply";
		break;
	case STEP_PATCH:
		request.verb = "patch";
		break;
	case STEP_DELETE:
		request.verb = "delete";
		request.manager = NULL;
		request.body = NULL;
		request.delete_uid = step->uid;
		request.delete_version = step->version;
		request.delete_foreground = step->foreground;
		request.keep = NULL;
		break;
	case STEP_EVENT:
		break;
	}
	return request;
}

struct client_request step_reread(const struct step *step, const struct json_keep *keep)
{
	return (struct client_request){
		.verb = "get",
		.resource = step->resource,
		.ns = step->ns,
		.name = step->name,
		.keep = keep,
		.priority = HTTP_PRIORITY_NORMAL,
	};
}

struct digest step_digest(const struct step *step)
{
	struct buf text = BUF_INIT(LIMIT_REQUEST);
	struct digest digest = {0};

	if (step->body && step->kind != STEP_STATUS) {
		json_write(&text, step->body);
		digest = digest_of(buf_cstr(&text), text.len);
	}
	buf_release(&text);
	return digest;
}

bool step_same_write(const struct step *a, const struct step *b)
{
	if (a->kind != b->kind || a->resource != b->resource || !same_text(a->name, b->name))
		return false;
	if (!a->body || !b->body)
		return a->body == b->body;
	return json_equal(a->body, b->body);
}

const char *step_text(struct arena *arena, const struct step *step)
{
	static const char *const verbs[] = {
		[STEP_APPLY] = "applied",           [STEP_DELETE] = "deleted",
		[STEP_PATCH] = "patched",           [STEP_STATUS] = "wrote the status of",
		[STEP_EVENT] = "recorded an event of",
	};

	return arena_printf(arena, "%s %s %s", verbs[step->kind], step->resource->kind, step->name);
}

bool object_is_owned(const struct json *object, const char *uid)
{
	json_for_each(owner, json_path(object, "metadata", "ownerReferences", NULL)) {
		if (json_bool_or(json_get(owner, "controller"), false))
			return same_text(json_string_or(json_get(owner, "uid"), NULL), uid);
	}
	return false;
}
