/* A Formation and its pods as they change: lists, then watches. */
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include "formation/observed.h"
#include "session.h"

struct live;

/*
 * Begin; `changed` is called from the loop, at most each 100 ms, once both
 * are known and after each change. Everything is borrowed.
 */
struct live *live_new(struct session *session, const char *ns, const char *formation,
		      loop_fn *changed, void *arg);
void live_free(struct live *live); /* NULL is taken */

/* The Formation as known now, or NULL when it is gone. Borrowed until the loop runs again. */
const struct stored_formation *live_formation(const struct live *live);

/* Its pods, in no order, in `arena`; as borrowed. */
const struct observed_pod **live_pods(const struct live *live, struct arena *arena,
				      size_t *ret_count);

/* Why it isn't up to date, or NULL. */
const struct err *live_error(const struct live *live);

#endif
