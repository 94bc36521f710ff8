/* What the API server says when it refuses. */
#ifndef KUBE_REFUSAL_H
#define KUBE_REFUSAL_H

#include "base/buf.h"
#include "net/transport.h"

/*
 * The error that an answer with no success is: its body read as a Status,
 * as far as it is one, by api/status.h. `body` may have been cut.
 */
void refusal_error(const struct http_result *result, const struct buf *body, struct err *err);

#endif
