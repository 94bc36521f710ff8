/* What the API server says when it refuses. */
#ifndef KUBE_REFUSAL_H
#define KUBE_REFUSAL_H

#include "base/buf.h"
#include "net/transport.h"

/*
 * Whether a request was refused. The head says so: a server that refuses
 * without reading the whole request may break off before its text is sent.
 */
bool is_refusal(const struct http_result *result);

/*
 * The error that an answer with no success is: its body read as a Status,
 * as far as it is one, by api/status.h. `body` may have been cut, or empty.
 */
void refusal_error(const struct http_result *result, const struct buf *body, struct err *err);

#endif
