#include "formation/inspect.h"

#include <string.h>
#include <strings.h>

#include "api/resource.h"
#include "base/limits.h"
#include "formation/model.h"
#include "formation/rules.h"
#include "formation/schema.h"

#define GROUP "dyno.dev/"

struct inspector {
	struct arena *arena;
	inspect_fn *problem;
	void *arg;
	struct json *said; /* texts so far: what is wrong in one place is said once */
};

static void say(struct inspector *inspector, const char *problem)
{
	if (!problem)
		return;
	json_for_each (item, inspector->said) {
		if (strcmp(item->text, problem) == 0)
			return;
	}
	json_add(inspector->said, json_new_string(inspector->arena, problem));
	inspector->problem(inspector->arg, problem);
}

/* --- fields that no schema has ------------------------------------- */

static const struct schema *rule_of(const struct schema *members, const char *key)
{
	for (; members->key; members++) {
		if (strcmp(members->key, key) == 0)
			return members;
	}
	return NULL;
}

/* The member's name that `key` is most like: the same but for case, or for its end. */
static const char *meant(const struct schema *members, const char *key)
{
	const char *best = NULL;
	size_t longest = 3;

	for (; members->key; members++) {
		size_t same = 0;

		while (key[same] && key[same] == members->key[same])
			same++;
		if (strcasecmp(members->key, key) == 0)
			return members->key;
		if (same >= longest) {
			longest = same;
			best = members->key;
		}
	}
	return best;
}

static const struct schema PROCESSES = { .type = SCHEMA_LIST, .element = &RULE_PROCESS };

static void find_unknown(struct inspector *inspector, const struct schema *rule,
                         const struct path *path, const struct json *value)
{
	size_t index = 0;

	if (rule->type == SCHEMA_LIST && rule->element && value->type == JSON_ARRAY) {
		json_for_each (item, value) {
			const struct path place = { .parent = path, .index = index++ };

			find_unknown(inspector, rule->element, &place, item);
		}
	}
	if (rule->type != SCHEMA_OBJECT || value->type != JSON_OBJECT)
		return;
	json_for_each (item, value) {
		const struct path place = { .parent = path, .key = item->key };
		const struct schema *member = rule_of(rule->members, item->key);
		const char *instead = member ? NULL : meant(rule->members, item->key);

		if (!member)
			say(inspector, arena_printf(inspector->arena, "%s: unknown field%s%s%s",
			                            path_text(inspector->arena, &place),
			                            instead ? ": did you mean " : "",
			                            instead ? instead : "", instead ? "?" : ""));
		else if (rule == &RULE_SPEC && strcmp(item->key, "processes") == 0)
			find_unknown(inspector, &PROCESSES, &place, item);
		else
			find_unknown(inspector, member, &place, item);
	}
}

/* --- what every object has ----------------------------------------- */

static const struct schema TEXT_ELEMENT = { .type = SCHEMA_STRING };
static const struct schema METADATA[] = {
	{ .key = "name", .type = SCHEMA_STRING },
	{ .key = "generateName", .type = SCHEMA_STRING },
	{ .key = "namespace", .type = SCHEMA_STRING },
	{ .key = "labels", .type = SCHEMA_STRINGS },
	{ .key = "annotations", .type = SCHEMA_STRINGS },
	{ .key = "finalizers", .type = SCHEMA_LIST, .element = &TEXT_ELEMENT },
	{ .key = "ownerReferences", .type = SCHEMA_LIST },
	{ .key = "managedFields", .type = SCHEMA_LIST },
	{ .key = "uid", .type = SCHEMA_STRING },
	{ .key = "resourceVersion", .type = SCHEMA_STRING },
	{ .key = "selfLink", .type = SCHEMA_STRING },
	{ .key = "creationTimestamp", .type = SCHEMA_STRING },
	{ .key = "deletionTimestamp", .type = SCHEMA_STRING },
	{ .key = "generation", .type = SCHEMA_INTEGER },
	{ .key = "deletionGracePeriodSeconds", .type = SCHEMA_INTEGER },
	{ 0 },
};
static const struct schema RULE_METADATA = { .type = SCHEMA_OBJECT, .members = METADATA };

/* Spec has tables of its own; of status only that it may be there. */
static const struct schema TOP[] = {
	{ .key = "apiVersion", .type = SCHEMA_STRING },
	{ .key = "kind", .type = SCHEMA_STRING },
	{ .key = "metadata", .type = SCHEMA_OBJECT, .members = METADATA },
	{ .key = "spec", .type = SCHEMA_STRINGS },
	{ .key = "status", .type = SCHEMA_STRINGS },
	{ 0 },
};
static const struct schema RULE_TOP = { .type = SCHEMA_OBJECT, .members = TOP };

static void inspect_top(struct inspector *inspector, const struct json *value)
{
	const struct path root = { .key = "" }, metadata = { .key = "metadata" };

	find_unknown(inspector, &RULE_TOP, &root, value);
	say(inspector, schema_check(inspector->arena, &RULE_METADATA, &metadata,
	                            schema_member(value, "metadata")));
}

/* Whether it has a name or gets one. */
static bool has_name(const struct json *value)
{
	const struct json *metadata = json_get(value, "metadata");

	return *json_string_or(json_get(metadata, "name"), "") ||
	       *json_string_or(json_get(metadata, "generateName"), "");
}

struct json *inspect_complete(struct arena *arena, const struct json *value, const char *ns)
{
	struct json *copy = schema_clone(arena, value);
	struct json *metadata = (struct json *)json_get(copy, "metadata");

	if (!metadata || metadata->type != JSON_OBJECT)
		metadata = json_set_object(arena, copy, "metadata");
	if (!*json_string_or(json_get(metadata, "name"), ""))
		json_set_string(arena, metadata, "name", "x");
	if (!*json_string_or(json_get(metadata, "namespace"), ""))
		json_set_string(arena, metadata, "namespace", ns);
	if (!json_string_or(json_get(metadata, "uid"), NULL))
		json_set_string(arena, metadata, "uid", "");
	return copy;
}

/* --- kinds --------------------------------------------------------- */

static void inspect_formation(struct inspector *inspector, const struct json *value)
{
	const struct path path = { .key = "spec" };
	const struct json *spec = schema_member(value, "spec");
	struct json *copy = inspect_complete(inspector->arena, value, "default");
	struct formation formation;
	struct err err = ERR_INIT;

	if (spec)
		find_unknown(inspector, &RULE_SPEC, &path, spec);
	if (formation_decode(inspector->arena, copy, &formation, &err) != 0) {
		say(inspector, arena_strdup(inspector->arena, err.msg));
		return;
	}
	say(inspector, formation.problem);
	for (size_t i = 0; spec && i < formation.process_count; i++)
		say(inspector, formation.processes[i].problem);
}

static void inspect_size(struct inspector *inspector, const struct json *value)
{
	const struct path path = { .key = "spec" };
	const struct json *spec = schema_member(value, "spec");
	struct json *copy = inspect_complete(inspector->arena, value, "default");
	const char *name = json_string_or(json_path(copy, "metadata", "name", NULL), "");
	struct dyno_size size;
	struct err err = ERR_INIT;

	if (spec)
		find_unknown(inspector, &RULE_SIZE, &path, spec);
	if (!match_subdomain(name))
		say(inspector, arena_printf(inspector->arena,
		                            "metadata.name: Invalid value: \"%s\": a lowercase "
		                            "RFC 1123 subdomain must consist of lower case "
		                            "alphanumeric characters, '-' or '.', and must start "
		                            "and end with an alphanumeric character",
		                            name));
	if (dyno_size_decode(inspector->arena, copy, &size, &err) == 0)
		say(inspector, size.problem);
}

/* Formation or DynoSize of the version there is, else what is wrong with it is said. */
static enum inspected kind_of(struct inspector *inspector, const struct json *value)
{
	const char *version = json_string_or(json_get(value, "apiVersion"), NULL);
	const char *kind = json_string_or(json_get(value, "kind"), NULL);

	if (value->type != JSON_OBJECT)
		say(inspector, "expected an object with apiVersion, kind, metadata and spec");
	else if (!version)
		say(inspector, "apiVersion: Required value: a Formation's is dyno.dev/v1");
	else if (!kind)
		say(inspector, "kind: Required value");
	else if (strncmp(version, GROUP, strlen(GROUP)) != 0)
		return INSPECTED_OTHER;
	else if (strcmp(version, RESOURCE_FORMATION.api_version) != 0)
		say(inspector, arena_printf(inspector->arena,
		                            "apiVersion: Invalid value: \"%s\": there is only %s",
		                            version, RESOURCE_FORMATION.api_version));
	else if (strcmp(kind, RESOURCE_FORMATION.kind) == 0)
		return INSPECTED_FORMATION;
	else if (strcmp(kind, RESOURCE_DYNO_SIZE.kind) == 0)
		return INSPECTED_SIZE;
	else
		say(inspector, arena_printf(inspector->arena,
		                            "kind: Invalid value: \"%s\": %s has the kinds "
		                            "Formation and DynoSize",
		                            kind, version));
	return INSPECTED_UNKNOWN;
}

enum inspected inspect(struct arena *arena, const struct json *value, inspect_fn *problem,
                       void *arg)
{
	struct inspector inspector = {
		.arena = arena, .problem = problem, .arg = arg, .said = json_new_array(arena)
	};
	enum inspected kind = kind_of(&inspector, value);

	if (kind != INSPECTED_FORMATION && kind != INSPECTED_SIZE)
		return kind;
	inspect_top(&inspector, value);
	if (!has_name(value))
		say(&inspector, "metadata.name: Required value: name or generateName is required");
	if (kind == INSPECTED_FORMATION)
		inspect_formation(&inspector, value);
	else
		inspect_size(&inspector, value);
	return kind;
}
