#include "api/status.h"

#include <string.h>

/* What an HTTP status means by itself. */
static enum err_code code_of_http(int http_status)
{
	switch (http_status) {
	case 401:
		return ERR_UNAUTHORIZED;
	case 403:
		return ERR_FORBIDDEN;
	case 404:
		return ERR_NOT_FOUND;
	case 408:
	case 504:
		return ERR_TIMEOUT;
	case 409:
		return ERR_CONFLICT;
	case 410:
		return ERR_GONE;
	case 413:
		return ERR_LIMIT;
	case 429:
		return ERR_RATE_LIMITED;
	default:
		return http_status >= 400 && http_status < 500 ? ERR_INVALID : ERR_UNAVAILABLE;
	}
}

static bool has_cause(const struct json *body, const char *reason)
{
	json_for_each (cause, json_path(body, "details", "causes", NULL)) {
		if (strcmp(json_string_or(json_get(cause, "reason"), ""), reason) == 0)
			return true;
	}
	return false;
}

/* The version asked for is newer than the server's, or it never will have it. */
static bool is_version_too_large(const struct json *body, const char *message)
{
	return has_cause(body, "ResourceVersionTooLarge") ||
	       strstr(message, "Too large resource version") != NULL;
}

static enum err_code code_of(int http_status, const struct json *body, const char *message)
{
	const char *reason = json_string_or(json_get(body, "reason"), "");

	if (http_status == 409 && strcmp(reason, "AlreadyExists") == 0)
		return ERR_ALREADY_EXISTS;
	if (http_status == 403 && has_cause(body, "NamespaceTerminating"))
		return ERR_NOT_FOUND;
	if (http_status == 504 && is_version_too_large(body, message))
		return ERR_GONE;
	if (strcmp(reason, "Expired") == 0)
		return ERR_GONE;
	return code_of_http(http_status);
}

/* The server's wish: the header's, else the Status' own, at most a day. */
static int retry_after(int header_ms, const struct json *body)
{
	const int64_t most_s = 24 * 3600;
	int64_t seconds = json_int_or(json_path(body, "details", "retryAfterSeconds", NULL), 0);

	if (header_ms > 0)
		return header_ms;
	if (seconds <= 0)
		return 0;
	return (int)(seconds < most_s ? seconds : most_s) * 1000;
}

int status_error(struct err *err, int http_status, int retry_after_ms, const struct json *body)
{
	const char *message;

	if (strcmp(json_string_or(json_get(body, "kind"), ""), "Status") != 0)
		body = NULL;
	if (http_status < 400) {
		int64_t code = json_int_or(json_get(body, "code"), http_status);

		http_status = code >= 400 && code < 600 ? (int)code : http_status;
	}
	message = json_string_or(json_get(body, "message"), "");
	if (*message)
		err_set(err, code_of(http_status, body, message), "%s", message);
	else
		err_set(err, code_of(http_status, body, message), "HTTP %d", http_status);
	err->http_status = http_status;
	err->retry_after_ms = retry_after(retry_after_ms, body);
	return -1;
}
