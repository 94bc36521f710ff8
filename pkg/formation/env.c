#include "formation/env.h"

#include <string.h>

#include "api/resource.h"
#include "formation/schema.h"

static void add_value(struct arena *arena, struct json *env, const char *name, const char *value)
{
	struct json *variable = json_add(env, json_new_object(arena));

	json_set_string(arena, variable, "name", name);
	json_set_string(arena, variable, "value", value);
}

static void add_field(struct arena *arena, struct json *env, const char *name, const char *field)
{
	struct json *variable = json_add(env, json_new_object(arena));
	struct json *from;

	json_set_string(arena, variable, "name", name);
	from = json_set_object(arena, variable, "valueFrom");
	json_set_string(arena, json_set_object(arena, from, "fieldRef"), "fieldPath", field);
}

static const struct json *find_variable(const struct json *env, const char *name)
{
	json_for_each (variable, env) {
		if (strcmp(json_string_or(json_get(variable, "name"), ""), name) == 0)
			return variable;
	}
	return NULL;
}

static const char *name_of(const struct json *variable)
{
	return json_string_or(json_get(variable, "name"), "");
}

struct json *env_render(struct arena *arena, const struct formation *formation,
                        const struct process *process)
{
	struct json *env = json_new_array(arena);

	add_field(arena, env, "DYNO_POD", "metadata.name");
	add_value(arena, env, "DYNO", arena_printf(arena, "%s.$(DYNO_POD)", process->type));
	add_value(arena, env, "DYNO_TYPE", process->type);
	add_value(arena, env, "FORMATION", formation->name);
	add_field(arena, env, "DYNO_SIZE", "metadata.labels['" LABEL_SIZE "']");
	if (process->routed)
		add_value(arena, env, "PORT", arena_printf(arena, "%d", process->port));
	json_for_each (variable, formation->env) {
		const struct json *own = find_variable(process->env, name_of(variable));

		json_add(env, schema_clone(arena, own ? own : variable));
	}
	json_for_each (variable, process->env) {
		if (!find_variable(formation->env, name_of(variable)))
			json_add(env, schema_clone(arena, variable));
	}
	return env;
}

const char *env_escape(struct arena *arena, const char *line)
{
	char *copy = arena_alloc(arena, 2 * strlen(line) + 1);
	char *at = copy;

	while (*line) {
		size_t run = strspn(line, "$");

		memset(at, '$', run);
		at += run;
		line += run;
		if (run > 1 || (run == 1 && *line == '(')) {
			memset(at, '$', run);
			at += run;
		}
		if (*line)
			*at++ = *line++;
	}
	*at = '\0';
	return copy;
}
