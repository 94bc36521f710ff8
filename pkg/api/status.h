/* metav1.Status: how the API server says no. */
#ifndef API_STATUS_H
#define API_STATUS_H

#include "base/err.h"
#include "codec/json.h"

/*
 * Turn an answer's HTTP status and body into an error.
 * `body` is the parsed answer or NULL (HTML, nothing); what is no Status
 * counts as NULL. `http_status` below 400 takes the Status' own code: a
 * watch's ERROR event comes with 200. `retry_after_ms` is the header's, 0
 * when absent: then the Status' details.retryAfterSeconds. The text is the Status message, cut, or
 * "HTTP 502". Reason and causes decide where the HTTP status is ambiguous:
 * 409 AlreadyExists or Conflict, 410 Expired, 504 ResourceVersionTooLarge
 * (ERR_GONE), 403 NamespaceTerminating (ERR_NOT_FOUND).
 * Returns -1 always.
 * Source: k8s.io/apimachinery/pkg/api/errors.
 */
int status_error(struct err *err, int http_status, int retry_after_ms, const struct json *body);

#endif
