#include "formation/desired.h"

#include <string.h>

#include "formation/hash.h"
#include "formation/restart.h"
#include "formation/sized.h"
#include "formation/template.h"

enum { DIGEST_HEX = 2 * sizeof(struct digest) + 1 };

static struct json *body_new(struct arena *arena, const struct formation *formation,
                             const struct process *process, const struct resource *resource)
{
	struct json *body = json_new_object(arena);
	struct json *metadata, *owner;

	json_set_string(arena, body, "apiVersion", resource->api_version);
	json_set_string(arena, body, "kind", resource->kind);
	metadata = json_set_object(arena, body, "metadata");
	json_set_string(arena, metadata, "name",
	                process_object_name(arena, formation, process->type));
	json_set_string(arena, metadata, "namespace", formation->ns);
	template_labels(arena, json_set_object(arena, metadata, "labels"), formation, process);
	json_set_object(arena, metadata, "annotations");
	owner = json_add(json_set_array(arena, metadata, "ownerReferences"),
	                 json_new_object(arena));
	json_set_string(arena, owner, "apiVersion", RESOURCE_FORMATION.api_version);
	json_set_string(arena, owner, "kind", RESOURCE_FORMATION.kind);
	json_set_string(arena, owner, "name", formation->name);
	json_set_string(arena, owner, "uid", formation->uid);
	json_set_bool(arena, owner, "controller", true);
	json_set_bool(arena, owner, "blockOwnerDeletion", true);
	json_set_object(arena, body, "spec");
	return body;
}

/* The members are there since body_new. */
static struct json *member(struct json *object, const char *key)
{
	return (struct json *)json_get(object, key);
}

static struct json *annotations_of(struct json *body)
{
	return member(member(body, "metadata"), "annotations");
}

struct json *desired_sign(struct arena *arena, struct json *body)
{
	char hex[DIGEST_HEX];

	digest_hex(digest_of_json(body), sizeof(struct digest), hex);
	json_set_string(arena, annotations_of(body), ANNOTATION_APPLIED, hex);
	return body;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct digest desired_digest_of(const struct json *object, const char *annotation)
{
	const char *hex =
		json_string_or(json_path(object, "metadata", "annotations", annotation, NULL), "");
	struct digest digest = { { 0 } };

	if (strlen(hex) != DIGEST_HEX - 1)
		return digest;
	for (size_t i = 0; i < sizeof(digest.bytes); i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return (struct digest){ { 0 } };
		digest.bytes[i] = (unsigned char)(high << 4 | low);
	}
	return digest;
}

struct digest desired_digest(const struct json *body)
{
	return desired_digest_of(body, ANNOTATION_APPLIED);
}

/* --- Deployment ---------------------------------------------------- */

static void set_strategy(struct arena *arena, struct json *spec, const struct process *process,
                         const struct dyno_size *size)
{
	struct json *strategy = json_set_object(arena, spec, "strategy");
	struct json *rolling;

	if (process->singleton) {
		json_set_string(arena, strategy, "type", "Recreate");
		return;
	}
	json_set_string(arena, strategy, "type", "RollingUpdate");
	rolling = json_set_object(arena, strategy, "rollingUpdate");
	if (size->dedicated) {
		json_set_int(arena, rolling, "maxSurge", 0);
		json_set_int(arena, rolling, "maxUnavailable", 1);
	} else {
		json_set_string(arena, rolling, "maxSurge", "25%");
		json_set_int(arena, rolling, "maxUnavailable", 0);
	}
}

struct json *desired_deployment(struct arena *arena, const struct formation *formation,
                                const struct process *process, const struct dyno_size *size,
                                int template_version)
{
	struct json *body = body_new(arena, formation, process, &RESOURCE_DEPLOYMENT);
	struct json *spec = member(body, "spec");
	struct json *annotations = annotations_of(body), *template;
	char hex[DIGEST_HEX];

	json_set(arena, annotations, ANNOTATION_TEMPLATE,
	         json_new_printf(arena, "%d", template_version));
	if (process->quantity != QUANTITY_UNSET) {
		json_set(arena, annotations, ANNOTATION_QUANTITY,
		         json_new_printf(arena, "%d", process->quantity));
		json_set_int(arena, spec, "replicas", process->quantity);
	}
	json_set_int(arena, spec, "revisionHistoryLimit", REVISION_HISTORY_LIMIT);
	template_selector(
		arena,
		json_set_object(arena, json_set_object(arena, spec, "selector"), "matchLabels"),
		formation, process);
	set_strategy(arena, spec, process, size);
	template = json_set(arena, spec, "template",
	                    template_render(arena, formation, process, size, template_version));
	digest_hex(sized_digest(arena, template), sizeof(struct digest), hex);
	json_set_string(arena, annotations, ANNOTATION_UNSIZED, hex);
	return desired_sign(arena, body);
}

struct json *desired_handover(struct arena *arena, const struct formation *formation,
                              const struct observed_deployment *deployment)
{
	struct json *body = json_new_object(arena);
	struct json *metadata;

	json_set_string(arena, body, "apiVersion", RESOURCE_DEPLOYMENT.api_version);
	json_set_string(arena, body, "kind", RESOURCE_DEPLOYMENT.kind);
	metadata = json_set_object(arena, body, "metadata");
	json_set_string(arena, metadata, "name", deployment->child.object.name);
	json_set_string(arena, metadata, "namespace", formation->ns);
	json_set_string(arena, metadata, "uid", deployment->child.object.uid);
	json_set_int(arena, json_set_object(arena, body, "spec"), "replicas", deployment->replicas);
	return body;
}

struct json *desired_recreate(struct arena *arena, const struct observed_deployment *deployment)
{
	struct json *body = json_new_object(arena);
	struct json *strategy;

	json_set_string(arena, json_set_object(arena, body, "metadata"), "uid",
	                deployment->child.object.uid);
	strategy = json_set_object(arena, json_set_object(arena, body, "spec"), "strategy");
	json_set_string(arena, strategy, "type", "Recreate");
	json_set(arena, strategy, "rollingUpdate", json_new_string(arena, NULL));
	return body;
}

/* --- Service and budget -------------------------------------------- */

struct json *desired_service(struct arena *arena, const struct formation *formation,
                             const struct process *process)
{
	struct json *body = body_new(arena, formation, process, &RESOURCE_SERVICE);
	struct json *spec = member(body, "spec");
	struct json *port;

	port = json_add(json_set_array(arena, spec, "ports"), json_new_object(arena));
	json_set_string(arena, port, "name", PORT_NAME);
	json_set_int(arena, port, "port", 80);
	json_set_string(arena, port, "protocol", "TCP");
	json_set_string(arena, port, "targetPort", PORT_NAME);
	template_selector(arena, json_set_object(arena, spec, "selector"), formation, process);
	return desired_sign(arena, body);
}

struct json *desired_budget(struct arena *arena, const struct formation *formation,
                            const struct process *process)
{
	struct json *body = body_new(arena, formation, process, &RESOURCE_BUDGET);
	struct json *spec = member(body, "spec");

	json_set_int(arena, spec, "maxUnavailable", 1);
	template_selector(
		arena,
		json_set_object(arena, json_set_object(arena, spec, "selector"), "matchLabels"),
		formation, process);
	return desired_sign(arena, body);
}

bool budget_wanted(const struct process *process, int replicas)
{
	return process->routed &&
	       (process->quantity == QUANTITY_UNSET ? replicas : process->quantity) >= 2;
}

/* --- comparing ----------------------------------------------------- */

uint64_t desired_key(const struct formation *formation, const struct dyno_size *size)
{
	uint64_t hash = hash_text(HASH_INIT, formation->uid);

	hash = hash_number(hash, (uint64_t)formation->generation);
	hash = hash_text(hash, json_string_or(json_get(formation->annotations,
	                                               ANNOTATION_RESTARTED), "")); /* no generation */
	hash = hash_number(hash, size ? size->hash : 0);
	return hash_number(hash, TEMPLATE_VERSION);
}

bool desired_is_known(const struct formation *formation, const struct dyno_size *size,
                      const struct observed_child *child)
{
	return !digest_is_none(child->satisfied) &&
	       child->satisfied_key == desired_key(formation, size);
}

static struct digest template_digest(const struct json *body)
{
	return digest_of_json(json_path(body, "spec", "template", NULL));
}

static void compare_deployment(struct arena *arena, const struct formation *formation,
                               const struct process *process, const struct dyno_size *size,
                               const struct json *value, struct observed_deployment *deployment)
{
	int version = template_known(deployment->template_version) ? deployment->template_version
	                                                           : TEMPLATE_VERSION;
	struct json *body = desired_deployment(arena, formation, process, size, version);

	if (desired_is_satisfied(body, value)) {
		deployment->child.satisfied = desired_digest(body);
		deployment->child.satisfied_key = desired_key(formation, size);
	}
	if (version != TEMPLATE_VERSION &&
	    desired_is_satisfied(json_path(body, "spec", "template", NULL),
	                         json_path(value, "spec", "template", NULL)))
		deployment->template_satisfied = template_digest(body);
}

void desired_compare(struct arena *arena, const struct formation *formation,
                     const struct dyno_sizes *sizes, const struct resource *resource,
                     const struct json *value, struct observed_child *child)
{
	const struct process *process;
	const struct dyno_size *size;
	struct json *body;

	child->satisfied = (struct digest){ { 0 } };
	if (!formation || formation->problem || !child->object.owner_uid ||
	    strcmp(child->object.owner_uid, formation->uid) != 0)
		return;
	process = formation_process_of(formation, child->object.name);
	if (!process || process->problem)
		return;
	if (resource == &RESOURCE_DEPLOYMENT) {
		size = dyno_sizes_find(sizes, process->size);
		if (size && !size->problem)
			compare_deployment(arena, formation, process, size, value,
			                   (struct observed_deployment *)child);
		return;
	}
	if (!process->routed)
		return;
	body = resource == &RESOURCE_SERVICE ? desired_service(arena, formation, process)
	                                     : desired_budget(arena, formation, process);
	if (desired_is_satisfied(body, value)) {
		child->satisfied = desired_digest(body);
		child->satisfied_key = desired_key(formation, NULL);
	}
}

int desired_template_version(struct arena *arena, const struct formation *formation,
                             const struct process *process, const struct dyno_size *size,
                             const struct observed_deployment *deployment)
{
	int version = deployment ? deployment->template_version : 0;
	struct json *body;

	if (!template_known(version) || version == TEMPLATE_VERSION)
		return TEMPLATE_VERSION;
	body = desired_deployment(arena, formation, process, size, version);
	return template_version_next(
		version, TEMPLATE_VERSION,
		digest_equal(template_digest(body), deployment->template_satisfied));
}
