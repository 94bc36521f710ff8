/* The listing of ps: Heroku's, from what is observed. Pure. */
#ifndef CLI_LISTING_H
#define CLI_LISTING_H

#include "codec/json.h"
#include "formation/model.h"
#include "formation/observed.h"

struct listing_input {
	const struct formation *formation;
	const struct dyno_sizes *sizes; /* for the memory limit; or NULL */
	const struct observed_pod *const *pods;
	size_t pod_count;
	const char *type; /* only this one, or NULL */
	int64_t now_ms;
	bool wide;
};

/* "up", "starting", "crashed", "stopping", "pending", "held". */
const char *dyno_state(const struct observed_pod *pod);

/*
 * The pods of a process that are dynos (not ended by themselves), by
 * number; those without a number last, by name. In the arena.
 */
const struct observed_pod **listing_dynos(struct arena *arena, const struct listing_input *input,
					  const char *type, size_t *ret_count);

/* "up for 8h", "crashed 12s ago (exit 1, 3 restarts)", … */
const char *dyno_text(struct arena *arena, const struct observed_pod *pod, int64_t now_ms);

/*
 * Lines of the whole listing, without newlines; text of others in them may
 * have control characters.
 */
const char **listing_lines(struct arena *arena, const struct listing_input *input,
			   size_t *ret_count);

/* The same as data: {formation, namespace, processes: [{type, size, …, dynos: [{…}]}]}. */
struct json *listing_json(struct arena *arena, const struct listing_input *input);

#endif
