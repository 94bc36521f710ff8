/* All that is wrong with a manifest, as the API server would say it, without one. */
#ifndef FORMATION_INSPECT_H
#define FORMATION_INSPECT_H

#include "base/mem.h"
#include "codec/json.h"

/* Called with each problem: "spec.processes[1].quantity: …". The text is in the arena. */
typedef void inspect_fn(void *arg, const char *problem);

enum inspected {
	INSPECTED_OTHER,     /* not of the API group dyno.dev: not looked at */
	INSPECTED_FORMATION, /* looked at, as the next two */
	INSPECTED_SIZE,
	INSPECTED_UNKNOWN, /* of that group, but no kind or version of it; or no object */
};

/*
 * Look at an object as a person wrote it. Fields that no schema has are
 * problems, as the API server's strict decoding has it; of the
 * controller's own checks (formation_decode, dyno_size_decode) each
 * process gives at most its first.
 * Callbacks: calls `problem` before it returns.
 */
enum inspected inspect(struct arena *arena, const struct json *value, inspect_fn *problem,
                       void *arg);

/*
 * A copy of a Formation that has what formation_decode needs and only the
 * API server gives: namespace `ns` where none is said, and uid "" .
 */
struct json *inspect_complete(struct arena *arena, const struct json *value, const char *ns);

#endif
