#include "formation/validate.h"

#include <string.h>

#include "base/limits.h"
#include "codec/quantity.h"
#include "formation/rules.h"
#include "formation/schema.h"

bool type_is_singleton(const char *type)
{
	return strcmp(type, "clock") == 0 || strcmp(type, "scheduler") == 0;
}

/* --- environment --------------------------------------------------- */

static bool is_reserved(const char *name)
{
	static const char *const NAMES[] = { "PORT",      "DYNO",      "DYNO_POD",
		                             "DYNO_TYPE", "FORMATION", "DYNO_SIZE" };

	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		if (strcmp(NAMES[i], name) == 0)
			return true;
	}
	return false;
}

static const char *check_variable(struct arena *arena, const char *path, size_t index,
                                  const struct json *variable)
{
	const char *name = json_string_or(json_get(variable, "name"), "");
	const struct json *from = schema_member(variable, "valueFrom");
	const char *value = json_string_or(json_get(variable, "value"), "");

	if (is_reserved(name))
		return arena_printf(
			arena,
			"%s[%zu].name: Forbidden: %s is set by Formation in every dyno and "
			"cannot be set here%s",
			path, index, name,
			strcmp(name, "PORT") == 0 ? "; port of a process chooses its port" : "");
	if (from && *value)
		return arena_printf(
			arena,
			"%s[%zu].valueFrom: Forbidden: value and valueFrom exclude each other",
			path, index);
	if (from && !schema_member(from, "fieldRef") + !schema_member(from, "resourceFieldRef") +
	                            !schema_member(from, "configMapKeyRef") +
	                            !schema_member(from, "secretKeyRef") !=
	                    3)
		return arena_printf(
			arena,
			"%s[%zu].valueFrom: Invalid value: name exactly one of fieldRef, "
			"resourceFieldRef, configMapKeyRef and secretKeyRef",
			path, index);
	return NULL;
}

static const char *check_env(struct arena *arena, const char *path, const struct json *env)
{
	const char *problem = NULL;
	size_t index = 0;

	json_for_each (variable, env) {
		problem = problem ? problem : check_variable(arena, path, index++, variable);
	}
	return problem;
}

static const char *check_env_from(struct arena *arena, const struct json *env_from)
{
	size_t index = 0;

	json_for_each (source, env_from) {
		if (!schema_member(source, "configMapRef") == !schema_member(source, "secretRef"))
			return arena_printf(arena,
			                    "spec.envFrom[%zu]: Invalid value: name exactly "
			                    "one of configMapRef and secretRef",
			                    index);
		index++;
	}
	return NULL;
}

/* --- the Formation ------------------------------------------------- */

static const char *check_security(const struct json *security)
{
	if (json_bool_or(json_get(security, "runAsNonRoot"), false) &&
	    json_int_or(json_get(security, "runAsUser"), 1) == 0)
		return "spec.securityContext.runAsUser: Forbidden: user 0 is root, and "
		       "runAsNonRoot is true";
	return NULL;
}

static const char *check_name(const struct json *value)
{
	const char *name = json_string_or(json_path(value, "metadata", "name", NULL), "");

	if (strlen(name) <= TYPE_MAX && match_type(name))
		return NULL;
	return "metadata.name: Invalid value: the name of a Formation has at most 57 characters, "
	       "lower-case letters, digits and '-', begins with a letter and ends with a letter or "
	       "digit";
}

const char *validate_formation(struct arena *arena, const struct json *value)
{
	const struct path path = { .key = "spec" };
	const struct json *spec = json_get(value, "spec");
	const char *problem = check_name(value);

	if (!problem && !spec)
		problem = "spec: Required value";
	if (!problem)
		problem = schema_check(arena, &RULE_SPEC, &path, spec);
	if (!problem)
		problem = check_env(arena, "spec.env", schema_member(spec, "env"));
	if (!problem)
		problem = check_env_from(arena, schema_member(spec, "envFrom"));
	if (!problem)
		problem = check_security(schema_member(spec, "securityContext"));
	return problem;
}

/* --- a process ----------------------------------------------------- */

static const char *check_quantity(struct arena *arena, const char *path, const struct json *process)
{
	const char *type = json_string_or(json_get(process, "type"), "");
	bool singleton = json_bool_or(json_get(process, "singleton"), type_is_singleton(type));

	if (!singleton || json_int_or(json_get(process, "quantity"), 1) <= 1)
		return NULL;
	return arena_printf(arena,
	                    "%s.quantity: Forbidden: process type %s is a singleton and never runs "
	                    "more than one dyno",
	                    path, type);
}

static const char *check_together(struct arena *arena, const char *name, const char *type)
{
	if (strlen(name) + strlen(type) <= NAMES_MAX)
		return NULL;
	return arena_printf(arena,
	                    "spec.processes: Invalid value: process type %s and the name of the "
	                    "Formation have more than 62 characters together",
	                    type);
}

static const char *check_fields(struct arena *arena, const char *path, const struct json *spec,
                                const struct json *process)
{
	const char *type = json_string_or(json_get(process, "type"), "");

	if (schema_member(process, "command") && schema_member(process, "args"))
		return arena_printf(
			arena,
			"%s.args: Forbidden: command and args exclude each other; command is "
			"a line for the shell, args go to the image's entrypoint",
			path);
	if (schema_member(process, "health") && !schema_member(process, "port") &&
	    strcmp(type, "web") != 0)
		return arena_printf(
			arena,
			"%s.health: Forbidden: only web and a process with a port are routed; "
			"set port, or leave health out",
			path);
	if (!schema_member(spec, "image") && !schema_member(process, "image"))
		return "spec.image: Required value: an image is needed here, or in every process";
	return NULL;
}

const char *validate_process(struct arena *arena, const char *name, const struct json *spec,
                             const struct json *process, size_t index)
{
	const struct path parent = { .key = "spec.processes" };
	const struct path place = { .parent = &parent, .index = index };
	const char *problem = schema_check(arena, &RULE_PROCESS, &place, process);
	const char *path;

	if (problem)
		return problem;
	path = path_text(arena, &place);
	if (process->type == JSON_NULL)
		return arena_printf(arena, "%s: Required value", path);
	problem = check_together(arena, name, json_string_or(json_get(process, "type"), ""));
	if (!problem)
		problem = check_quantity(arena, path, process);
	if (!problem)
		problem = check_fields(arena, path, spec, process);
	if (!problem && schema_member(process, "env"))
		problem = check_env(arena, arena_printf(arena, "%s.env", path),
		                    schema_member(process, "env"));
	return problem;
}

/* --- a size -------------------------------------------------------- */

static const char *check_amount(struct arena *arena, const struct json *spec, const char *key,
                                int64_t least, const char *problem, int64_t *ret_amount)
{
	const struct json *member = schema_member(spec, key);
	bool memory = strcmp(key, "memory") == 0;
	const char *quote, *example = memory ? "512Mi or 1Gi" : "100m or 2";
	struct err err = ERR_INIT;
	int64_t amount = 0;
	int failed;

	if (!member)
		return NULL;
	quote = member->type == JSON_STRING ? "\"" : "";
	failed = memory ? quantity_parse_units(member->text, &amount, &err)
	                : quantity_parse_milli(member->text, &amount, &err);
	if (failed && *member->text != '-')
		return arena_printf(
			arena, "spec.%s: Invalid value: %s%s%s: must be a quantity, such as %s",
			key, quote, member->text, quote,
			strcmp(key, "cpuLimit") == 0 ? "500m or 2" : example);
	if (failed || amount < least)
		return arena_printf(arena, "spec.%s: Invalid value: %s%s%s: %s", key, quote,
		                    member->text, quote, problem);
	*ret_amount = amount;
	return NULL;
}

static const char *check_toleration(struct arena *arena, size_t index, const struct json *value)
{
	bool exists = strcmp(json_string_or(json_get(value, "operator"), ""), "Exists") == 0;
	const char *effect = json_string_or(json_get(value, "effect"), "");

	if (!*json_string_or(json_get(value, "key"), "") && !exists)
		return arena_printf(
			arena,
			"spec.tolerations[%zu].operator: Invalid value: must be Exists when "
			"there is no key",
			index);
	if (exists && *json_string_or(json_get(value, "value"), ""))
		return arena_printf(
			arena,
			"spec.tolerations[%zu].value: Forbidden: operator Exists takes no value",
			index);
	if (schema_member(value, "tolerationSeconds") && strcmp(effect, "NoExecute") != 0)
		return arena_printf(
			arena,
			"spec.tolerations[%zu].tolerationSeconds: Forbidden: only the effect "
			"NoExecute takes tolerationSeconds",
			index);
	return NULL;
}

static const char *check_amounts(struct arena *arena, const struct json *spec)
{
	int64_t memory = 0, cpu = 0, limit = 0;
	const char *problem;

	problem = check_amount(arena, spec, "memory", 16 * (int64_t)MIB, "must be at least 16Mi",
	                       &memory);
	if (!problem)
		problem = check_amount(arena, spec, "cpu", 1, "must be more than 0", &cpu);
	if (!problem)
		problem = check_amount(arena, spec, "cpuLimit", 1, "must be more than 0", &limit);
	if (problem || !schema_member(spec, "cpuLimit"))
		return problem;
	if (json_bool_or(json_get(spec, "dedicated"), false))
		return "spec.cpuLimit: Forbidden: a dedicated size has no cpuLimit; its limit is "
		       "cpu";
	return limit < cpu ? "spec.cpuLimit: Invalid value: must not be less than cpu" : NULL;
}

const char *validate_size(struct arena *arena, const struct json *value)
{
	const struct path path = { .key = "spec" };
	const struct json *spec = json_get(value, "spec");
	const char *name = json_string_or(json_path(value, "metadata", "name", NULL), "");
	const char *problem;
	size_t index = 0;

	if (strlen(name) > LABEL_VALUE_MAX)
		return "metadata.name: Invalid value: the name of a size has at most 63 "
		       "characters, since "
		       "every dyno carries it as a label";
	if (!spec)
		return "spec: Required value";
	problem = schema_check(arena, &RULE_SIZE, &path, spec);
	if (!problem)
		problem = check_amounts(arena, spec);
	json_for_each (toleration, problem ? NULL : schema_member(spec, "tolerations")) {
		problem = problem ? problem : check_toleration(arena, index++, toleration);
	}
	return problem;
}
