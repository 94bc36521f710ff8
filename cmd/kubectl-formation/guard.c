#include "guard.h"

#include <string.h>

/* --- autoscalers --------------------------------------------------- */

/* The name of the one that targets the Deployment of that name, or NULL. */
static const char *find_targeting(const struct json *list, const char *deployment)
{
	json_for_each (item, json_get(list, "items")) {
		const struct json *target = json_path(item, "spec", "scaleTargetRef", NULL);

		if (strcmp(json_string_or(json_get(target, "kind"), "Deployment"), "Deployment") ==
			    0 &&
		    strcmp(json_string_or(json_get(target, "name"), ""), deployment) == 0)
			return json_string_or(json_path(item, "metadata", "name", NULL), "");
	}
	return NULL;
}

int guard_autoscalers(struct arena *arena, const struct formation *formation,
		      const struct changes *changes, const struct json *autoscalers,
		      const struct json *scaled_objects, struct err *err)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];
		const char *deployment =
			process_object_name(arena, formation, change->process->type);
		const char *kind = "ScaledObject";
		const char *name = find_targeting(scaled_objects, deployment);

		if (!change->quantity_named)
			continue;
		if (!name) {
			kind = "HorizontalPodAutoscaler";
			name = find_targeting(autoscalers, deployment);
		}
		if (name)
			return err_set(err, ERR_INVALID,
				       "%s: the %s %s decides how many dynos %s has: change its limits, "
				       "or delete it first",
				       change->word->text, kind, name, change->process->type);
	}
	return 0;
}

/* --- GitOps -------------------------------------------------------- */

static const struct {
	const char *prefix; /* of the field manager's name */
	const char *tool;
} TOOLS[] = {
	{"argocd", "Argo CD"},         {"kustomize-controller", "Flux"},
	{"helm-controller", "Flux"},   {"flux", "Flux"},
	{"fleet", "Fleet"},            {"kluctl", "Kluctl"},
	{"config-sync", "Config Sync"}, {"configsync", "Config Sync"},
};

static const char *tool_of(const char *manager)
{
	for (size_t i = 0; i < sizeof(TOOLS) / sizeof(*TOOLS); i++) {
		if (strncmp(manager, TOOLS[i].prefix, strlen(TOOLS[i].prefix)) == 0)
			return TOOLS[i].tool;
	}
	return NULL;
}

/* Whether an entry of managedFields has a field that the change writes. */
static bool owns(struct arena *arena, const struct json *entry, const struct change *change)
{
	const char *key = arena_printf(arena, "k:{\"type\":\"%s\"}", change->process->type);
	const struct json *fields = json_path(entry, "fieldsV1", "f:spec", "f:processes", key, NULL);

	return (change->writes_quantity && json_get(fields, "f:quantity")) ||
	       (change->writes_size && json_get(fields, "f:size"));
}

const char *guard_gitops(struct arena *arena, const struct json *value,
			 const struct changes *changes, const struct change **ret_change)
{
	json_for_each (entry, json_path(value, "metadata", "managedFields", NULL)) {
		const char *manager = json_string_or(json_get(entry, "manager"), "");
		const char *tool = tool_of(manager);

		for (size_t i = 0; tool && i < changes->count; i++) {
			if (!owns(arena, entry, &changes->items[i]))
				continue;
			*ret_change = &changes->items[i];
			return arena_printf(arena, "%s (%s)", tool, manager);
		}
	}
	return NULL;
}
