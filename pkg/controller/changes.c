#include "controller/changes.h"

#include <string.h>

bool same_text(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}

/* What every kind has: who it is, whose it is, what was asked of it. */
static bool same_head(const struct object *old, const struct object *now)
{
	return strcmp(old->uid, now->uid) == 0 && old->generation == now->generation &&
	       old->deleting == now->deleting && same_text(old->formation, now->formation) &&
	       same_text(old->owner_uid, now->owner_uid);
}

static bool same_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && memcmp(a, b, a_len) == 0;
}

enum change change_of_formation(const struct object *old, const struct object *now)
{
	const struct stored_formation *a = (const struct stored_formation *)old;
	const struct stored_formation *b = (const struct stored_formation *)now;

	if (old && now && same_head(old, now) &&
	    same_bytes(a->json, a->json_len, b->json, b->json_len))
		return CHANGE_NONE;
	return CHANGE_NOW;
}

enum change change_of_size(const struct object *old, const struct object *now)
{
	const struct stored_size *a = (const struct stored_size *)old;
	const struct stored_size *b = (const struct stored_size *)now;

	if (!old || !now || strcmp(old->uid, now->uid) != 0 || old->generation != now->generation)
		return CHANGE_NOW;
	return a->dynos == b->dynos ? CHANGE_NONE : CHANGE_STATUS;
}

enum change change_of_child(const struct object *old, const struct object *now)
{
	const struct observed_child *a = (const struct observed_child *)old;
	const struct observed_child *b = (const struct observed_child *)now;

	if (old && now && same_head(old, now) && a->meta_hash == b->meta_hash &&
	    digest_equal(a->satisfied, b->satisfied) && same_text(a->type, b->type))
		return CHANGE_NONE;
	return CHANGE_NOW;
}

static bool same_deployment_spec(const struct observed_deployment *a,
				 const struct observed_deployment *b)
{
	return a->replicas == b->replicas && a->quantity_annotation == b->quantity_annotation &&
	       a->template_version == b->template_version && a->singleton == b->singleton &&
	       a->paused == b->paused && a->resizing == b->resizing;
}

static bool same_deployment_status(const struct observed_deployment *a,
				   const struct observed_deployment *b)
{
	return a->observed_generation == b->observed_generation &&
	       a->status_replicas == b->status_replicas && a->updated == b->updated &&
	       a->ready == b->ready && a->available == b->available &&
	       a->deadline_exceeded == b->deadline_exceeded && same_text(a->failure, b->failure);
}

enum change change_of_deployment(const struct object *old, const struct object *now)
{
	const struct observed_deployment *a = (const struct observed_deployment *)old;
	const struct observed_deployment *b = (const struct observed_deployment *)now;

	if (change_of_child(old, now) != CHANGE_NONE || !same_deployment_spec(a, b))
		return CHANGE_NOW;
	return same_deployment_status(a, b) ? CHANGE_NONE : CHANGE_STATUS;
}

static bool same_size(const struct observed_pod *a, const struct observed_pod *b)
{
	return same_text(a->size, b->size) && same_text(a->resources, b->resources) &&
	       same_text(a->resize, b->resize) &&
	       same_text(a->resize_message, b->resize_message) &&
	       a->resources_hash == b->resources_hash;
}

/* Times are left out: they only matter with one of the others. */
static bool same_container_state(const struct observed_pod *a, const struct observed_pod *b)
{
	return a->phase == b->phase && a->ready == b->ready && a->running == b->running &&
	       a->restarts == b->restarts && a->last_exit_code == b->last_exit_code &&
	       a->oom_killed == b->oom_killed && same_text(a->waiting, b->waiting) &&
	       same_text(a->waiting_message, b->waiting_message);
}

static bool same_pod(const struct observed_pod *a, const struct observed_pod *b)
{
	return same_text(a->type, b->type) && same_size(a, b) && a->dyno == b->dyno &&
	       a->has_deletion_cost == b->has_deletion_cost &&
	       same_text(a->unschedulable, b->unschedulable) && same_text(a->node, b->node) &&
	       same_container_state(a, b);
}

/* A gated pod may be opened, and room for another be made by one that ends. */
enum change change_of_pod(const struct object *old, const struct object *now)
{
	const struct observed_pod *a = (const struct observed_pod *)old;
	const struct observed_pod *b = (const struct observed_pod *)now;

	if (!now || (!old && b->gated) || (old && !same_head(old, now)))
		return CHANGE_NOW;
	if (!old)
		return CHANGE_STATUS;
	if (a->gated != b->gated || a->singleton_gate != b->singleton_gate)
		return CHANGE_NOW;
	return same_pod(a, b) ? CHANGE_NONE : CHANGE_STATUS;
}
