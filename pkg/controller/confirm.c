#include "controller/confirm.h"

#include <string.h>

bool confirm_is_needed(const struct formation *formation, const struct step *step)
{
	int64_t seen = json_int_or(json_get(formation->status, "observedGeneration"), 0);

	return step->kind == STEP_APPLY && !step->uid && seen == formation->generation;
}

struct client_request confirm_request(const struct formation *formation)
{
	return (struct client_request){
		.verb = "get",
		.resource = &RESOURCE_FORMATION,
		.ns = formation->ns,
		.name = formation->name,
		.keep = cache_keep(&RESOURCE_FORMATION),
		.priority = HTTP_PRIORITY_NORMAL,
	};
}

bool confirm_holds(struct cache *cache, const struct formation *formation, struct arena *arena,
		   const struct json *object, const struct err *err, struct err *ret_err)
{
	const struct json *metadata = json_get(object, "metadata");
	const struct cache_answer answer = {
		.resource = &RESOURCE_FORMATION,
		.ns = formation->ns,
		.name = formation->name,
		.uid = formation->uid,
		.formation = formation->name,
	};

	if (err->code != ERR_NONE && err->code != ERR_NOT_FOUND) {
		*ret_err = *err;
		return false;
	}
	if (err->code == ERR_NOT_FOUND)
		object = NULL;
	cache_observe(cache, &answer, arena, object);
	return object && !json_get(metadata, "deletionTimestamp") &&
	       strcmp(json_string_or(json_get(metadata, "uid"), ""), formation->uid) == 0;
}
