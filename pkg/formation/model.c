#include "formation/model.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "api/object.h"
#include "base/limits.h"
#include "codec/quantity.h"
#include "codec/timestamp.h"
#include "formation/hash.h"
#include "formation/managers.h"
#include "formation/restart.h"
#include "formation/schema.h"
#include "formation/validate.h"

static const struct json_keep KEEP_OWN_ANNOTATIONS[] = { { "dyno.dev/*", NULL }, { 0 } };

static const struct json_keep KEEP_FORMATION_METADATA[] = {
	{ "name", NULL },
	{ "namespace", NULL },
	{ "uid", NULL },
	{ "resourceVersion", NULL },
	{ "generation", NULL },
	{ "creationTimestamp", NULL },
	{ "deletionTimestamp", NULL },
	{ "annotations", KEEP_OWN_ANNOTATIONS },
	{ "managedFields", KEEP_MANAGERS_OF_SPEC },
	{ 0 },
};

static const struct json_keep KEEP_OWN_METADATA[] = {
	{ "name", NULL },
	{ "namespace", NULL },
	{ "uid", NULL },
	{ "resourceVersion", NULL },
	{ "generation", NULL },
	{ "creationTimestamp", NULL },
	{ "deletionTimestamp", NULL },
	{ 0 },
};

const struct json_keep KEEP_FORMATION[] = {
	{ "metadata", KEEP_FORMATION_METADATA },
	{ "spec", NULL },
	{ "status", NULL },
	{ 0 },
};

static const struct json_keep KEEP_SIZE_STATUS[] = { { "dynos", NULL }, { 0 } };

const struct json_keep KEEP_DYNO_SIZE[] = {
	{ "metadata", KEEP_OWN_METADATA },
	{ "spec", NULL },
	{ "status", KEEP_SIZE_STATUS },
	{ 0 },
};

static const char *upper_case(struct arena *arena, const char *text)
{
	char *copy = arena_strdup(arena, text);

	for (char *p = copy; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return copy;
}

/* --- Formation ----------------------------------------------------- */

/* A list or object, or NULL when it is absent, empty or something else. */
static const struct json *filled(const struct json *value, const char *key, enum json_type type)
{
	const struct json *member = json_get(value, key);

	return member && member->type == type && member->first ? member : NULL;
}

static int decode_quantity(const struct json *value, bool singleton)
{
	int64_t quantity = json_int_or(json_get(value, "quantity"), QUANTITY_UNSET);

	if (quantity < 0 || quantity > LIMIT_QUANTITY)
		quantity = QUANTITY_UNSET;
	if (singleton && (quantity > 1 || quantity == QUANTITY_UNSET))
		quantity = 1;
	return (int)quantity;
}

/*
 * The object of a pod with no grace period is gone as soon as it is deleted,
 * before its containers have ended: a singleton's next dyno would run beside them.
 */
static int decode_grace(const struct json *value, bool singleton)
{
	int64_t grace_s =
		json_int_or(json_get(value, "terminationGracePeriodSeconds"), GRACE_DEFAULT_S);

	if (grace_s == 0 && singleton)
		return 1;
	return grace_s < 0 || grace_s > INT32_MAX ? GRACE_DEFAULT_S : (int)grace_s;
}

static void decode_process(struct arena *arena, const struct formation *formation,
                           const struct json *spec, const struct json *value,
                           struct process *process)
{
	const char *type = json_string_or(json_get(value, "type"), "");
	const struct json *port = schema_member(value, "port");
	bool web = strcmp(type, "web") == 0;

	process->type = type;
	process->command = json_string_or(json_get(value, "command"), NULL);
	process->args = filled(value, "args", JSON_ARRAY);
	process->image = json_string_or(json_get(value, "image"), formation->image);
	process->singleton = json_bool_or(json_get(value, "singleton"), type_is_singleton(type));
	process->quantity = decode_quantity(value, process->singleton);
	process->size = upper_case(arena, json_string_or(json_get(value, "size"), SIZE_DEFAULT));
	process->env = filled(value, "env", JSON_ARRAY);
	process->grace_s = decode_grace(value, process->singleton);
	process->routed = web || port;
	process->port = process->routed ? (int)json_int_or(port, PORT_DEFAULT) : 0;
	process->health_path = json_string_or(json_path(value, "health", "path", NULL), NULL);
	process->problem = validate_process(arena, formation->name, spec, value, process->index);
	process->restarted_at = restart_of(
		arena, json_string_or(json_get(formation->annotations, ANNOTATION_RESTARTED), NULL),
		type);
}

/* A type that stood before is a problem: of two entries the first counts. */
static void check_twice(struct arena *arena, const struct formation *formation,
                        struct process *process)
{
	for (size_t i = 0; i < process->index; i++) {
		if (strcmp(formation->processes[i].type, process->type) != 0)
			continue;
		process->repeated = true;
		if (!process->problem)
			process->problem = arena_printf(
				arena, "spec.processes[%zu]: Duplicate value: {\"type\":\"%s\"}",
				process->index, process->type);
	}
}

static void decode_processes(struct arena *arena, const struct json *spec,
                             struct formation *formation)
{
	const struct json *list = schema_member(spec, "processes");
	size_t count = list && list->type == JSON_ARRAY ? json_count(list) : 0;
	struct json *web;
	size_t index = 0;

	if (!list) {
		web = json_new_object(arena);
		json_set_string(arena, web, "type", "web");
		json_set_int(arena, web, "quantity", 1);
		formation->processes = arena_new(arena, struct process);
		formation->process_count = 1;
		decode_process(arena, formation, spec, web, formation->processes);
		return;
	}
	if (count > LIMIT_PROCESSES)
		count = LIMIT_PROCESSES;
	formation->processes = arena_array(arena, struct process, count);
	formation->process_count = count;
	for (const struct json *item = list->first; index < count; item = item->next, index++) {
		formation->processes[index].index = index;
		decode_process(arena, formation, spec, item, &formation->processes[index]);
		check_twice(arena, formation, &formation->processes[index]);
	}
}

int formation_decode(struct arena *arena, const struct json *value, struct formation *ret_formation,
                     struct err *err)
{
	const struct json *metadata = json_get(value, "metadata");
	const struct json *spec = json_get(value, "spec");
	int64_t created_ms =
		timestamp_parse(json_string_or(json_get(metadata, "creationTimestamp"), ""));
	struct formation formation = {
		.ns = json_string_or(json_get(metadata, "namespace"), NULL),
		.name = json_string_or(json_get(metadata, "name"), NULL),
		.uid = json_string_or(json_get(metadata, "uid"), NULL),
		.generation = json_int_or(json_get(metadata, "generation"), 0),
		.created_ms = created_ms > 0 ? created_ms : 0,
		.deleting = schema_member(metadata, "deletionTimestamp") != NULL,
		.paused = json_bool_or(json_get(spec, "paused"), false),
		.image = json_string_or(json_get(spec, "image"), NULL),
		.image_pull_policy = json_string_or(json_get(spec, "imagePullPolicy"), NULL),
		.service_account = json_string_or(json_get(spec, "serviceAccountName"), NULL),
		.pull_secrets = filled(spec, "imagePullSecrets", JSON_ARRAY),
		.env = filled(spec, "env", JSON_ARRAY),
		.env_from = filled(spec, "envFrom", JSON_ARRAY),
		.security = filled(spec, "securityContext", JSON_OBJECT),
		.status = schema_member(value, "status"),
		.annotations = json_get(metadata, "annotations"),
		.managers = json_get(metadata, "managedFields"),
	};

	if (!formation.name || !formation.ns || !formation.uid)
		return err_set(err, ERR_PARSE, "Formation %s has no name, namespace or uid",
		               formation.name ? formation.name : "");
	if (version_parse(json_string_or(json_get(metadata, "resourceVersion"), ""),
	                  &formation.version) < 0)
		formation.version = 0;
	formation.problem = validate_formation(arena, value);
	decode_processes(arena, spec, &formation);
	*ret_formation = formation;
	return 0;
}

/* --- DynoSize ------------------------------------------------------ */

static int64_t amount(const struct json *spec, const char *key, bool milli)
{
	const char *text = json_scalar_or(schema_member(spec, key), "");
	struct err err = ERR_INIT;
	int64_t amount = 0;

	if (milli ? quantity_parse_milli(text, &amount, &err)
	          : quantity_parse_units(text, &amount, &err))
		return 0;
	return amount;
}

int dyno_size_decode(struct arena *arena, const struct json *value, struct dyno_size *ret_size,
                     struct err *err)
{
	const char *name = json_string_or(json_path(value, "metadata", "name", NULL), NULL);
	const struct json *spec = json_get(value, "spec");

	if (!name)
		return err_set(err, ERR_PARSE, "a DynoSize has no name");
	*ret_size = (struct dyno_size){
		.name = upper_case(arena, name),
		.memory_bytes = amount(spec, "memory", false),
		.cpu_milli = amount(spec, "cpu", true),
		.cpu_limit_milli = amount(spec, "cpuLimit", true),
		.dedicated = json_bool_or(json_get(spec, "dedicated"), false),
		.node_selector = filled(spec, "nodeSelector", JSON_OBJECT),
		.tolerations = filled(spec, "tolerations", JSON_ARRAY),
		.priority_class = json_string_or(json_get(spec, "priorityClassName"), NULL),
		.runtime_class = json_string_or(json_get(spec, "runtimeClassName"), NULL),
		.resize_deadline_s = (int)json_int_or(json_get(spec, "resizeDeadlineSeconds"),
		                                      RESIZE_DEADLINE_DEFAULT_S),
		.problem = validate_size(arena, value),
		.hash = hash_value(HASH_INIT, spec),
	};
	return 0;
}

const struct dyno_size *dyno_sizes_find(const struct dyno_sizes *sizes, const char *name)
{
	for (size_t i = 0; i < sizes->count; i++) {
		if (strcasecmp(sizes->items[i].name, name) == 0)
			return &sizes->items[i];
	}
	return NULL;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *dyno_sizes_names(struct arena *arena, const struct dyno_sizes *sizes)
{
	const char **names = arena_array(arena, const char *, sizes->count);
	const char *list = "";

	if (sizes->count == 0)
		return "none";
	for (size_t i = 0; i < sizes->count; i++)
		names[i] = sizes->items[i].name;
	qsort(names, sizes->count, sizeof(*names), compare_names);
	for (size_t i = 0; i < sizes->count; i++)
		list = arena_printf(arena, "%s%s%s", list, i ? ", " : "", names[i]);
	return list;
}

const struct dyno_size *dyno_sizes_next(const struct dyno_sizes *sizes,
                                        const struct dyno_size *size)
{
	const struct dyno_size *next = NULL;

	for (size_t i = 0; i < sizes->count; i++) {
		const struct dyno_size *other = &sizes->items[i];

		if (other->problem || other->memory_bytes <= size->memory_bytes)
			continue;
		if (!next || other->memory_bytes < next->memory_bytes)
			next = other;
	}
	return next;
}

const char *process_object_name(struct arena *arena, const struct formation *formation,
                                const char *type)
{
	return arena_printf(arena, "%s-%s", formation->name, type);
}

const struct process *formation_process_of(const struct formation *formation, const char *name)
{
	size_t len = strlen(formation->name);

	if (strncmp(name, formation->name, len) != 0 || name[len] != '-')
		return NULL;
	for (size_t i = 0; i < formation->process_count; i++) {
		if (strcmp(formation->processes[i].type, name + len + 1) == 0)
			return &formation->processes[i];
	}
	return NULL;
}
