/* Putting tables of what to keep together. */
#ifndef KUBE_KEEP_H
#define KUBE_KEEP_H

#include "base/mem.h"
#include "codec/json.h"

/*
 * A table that keeps what either keeps. NULL, which keeps everything, wins.
 * The result lives in `arena` and borrows the keys.
 */
const struct json_keep *keep_merge(struct arena *arena, const struct json_keep *a,
				   const struct json_keep *b);

/*
 * What a reflector reads of a list and of a watch event: `object`, what to
 * keep of each object (NULL: everything), and beside it kind, version and
 * metadata, and of an ERROR event the Status. `object` and all below is
 * borrowed; the result lives in `arena`.
 */
const struct json_keep *keep_of_list(struct arena *arena, const struct json_keep *object);
const struct json_keep *keep_of_event(struct arena *arena, const struct json_keep *object);

#endif
