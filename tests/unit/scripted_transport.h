/* A transport whose answers a test gives, call by call. */
#ifndef SCRIPTED_TRANSPORT_H
#define SCRIPTED_TRANSPORT_H

#include <stdlib.h>

#include "base/mem.h"
#include "net/transport.h"
#include "unit.h"

enum { SCRIPT_MAX = 4096 };

/* A request as it was made; kept until script_release. */
struct http_call {
	char *method;
	char *path;
	char *content_type;
	char *body;
	enum http_priority priority;
	int64_t timeout_ms;
	const struct http_handlers *handlers;
	void *arg;
	bool open; /* neither ended nor cancelled */
	bool cancelled;
	int status;
};

struct script {
	struct transport transport; /* first: the transport is the script */
	struct http_call *calls[SCRIPT_MAX];
	size_t count; /* calls ever started */
};

static inline char *script_copy(const char *text)
{
	return text ? x_strdup(text) : NULL;
}

static inline struct http_call *script_start(struct transport *transport,
					     const struct http_request *request,
					     const struct http_handlers *handlers, void *arg)
{
	struct script *script = (struct script *)transport;
	struct http_call *call = x_calloc(1, sizeof(*call));

	assert_true(script->count < SCRIPT_MAX);
	call->method = script_copy(request->method);
	call->path = script_copy(request->path);
	call->content_type = script_copy(request->content_type);
	call->body = request->body ? x_strndup(request->body, request->body_len) : NULL;
	call->priority = request->priority;
	call->timeout_ms = request->timeout_ms;
	call->handlers = handlers;
	call->arg = arg;
	call->open = true;
	script->calls[script->count++] = call;
	return call;
}

static inline void script_cancel(struct transport *transport, struct http_call *call)
{
	(void)transport;
	assert_true(call->open);
	call->open = false;
	call->cancelled = true;
}

static inline void script_init(struct script *script)
{
	*script = (struct script){ .transport = { script_start, script_cancel } };
}

static inline void script_release(struct script *script)
{
	for (size_t i = 0; i < script->count; i++) {
		struct http_call *call = script->calls[i];

		free(call->method);
		free(call->path);
		free(call->content_type);
		free(call->body);
		free(call);
	}
}

/* The call that was started last; it has to be open. */
static inline struct http_call *script_last(struct script *script)
{
	assert_true(script->count > 0);
	assert_true(script->calls[script->count - 1]->open);
	return script->calls[script->count - 1];
}

/* --- answers, whole or in pieces -------------------------------------- */

static inline void call_head(struct http_call *call, int status)
{
	assert_true(call->open);
	call->status = status;
	if (call->handlers->on_head)
		call->handlers->on_head(call->arg, status);
}

static inline void call_finish(struct http_call *call, const struct http_result *result,
			       const struct err *err)
{
	assert_true(call->open);
	call->open = false;
	call->handlers->on_done(call->arg, result, err);
}

/* Bytes of the body; false when they were not wanted, which ends the call. */
static inline bool call_bytes(struct http_call *call, const char *data, size_t len)
{
	struct http_result result = { .status = call->status };
	struct err err = ERR_INIT;

	assert_true(call->open);
	if (call->handlers->on_data(call->arg, data, len, &err) == 0)
		return true;
	assert_int_not_equal(err.code, ERR_NONE);
	call_finish(call, &result, &err);
	return false;
}

static inline bool call_data(struct http_call *call, const char *text)
{
	return call_bytes(call, text, strlen(text));
}

/* The body is over; `complete`: as the server meant it. */
static inline void call_end(struct http_call *call, bool complete)
{
	struct http_result result = { .status = call->status, .complete = complete };
	struct err none = ERR_INIT;

	call_finish(call, &result, &none);
}

/* One whole answer. */
static inline void call_answer(struct http_call *call, int status, const char *body)
{
	call_head(call, status);
	if (!*body || call_data(call, body))
		call_end(call, true);
}

static inline void call_answer_later(struct http_call *call, int status, int retry_after_ms,
				     const char *body)
{
	struct http_result result = {
		.status = status, .retry_after_ms = retry_after_ms, .complete = true
	};
	struct err none = ERR_INIT;

	call_head(call, status);
	if (*body)
		assert_true(call_data(call, body));
	call_finish(call, &result, &none);
}

/* No answer, or no more of it. */
static inline void call_fail(struct http_call *call, enum err_code code, const char *text)
{
	struct http_result result = { .status = call->status };
	struct err err;

	err_set(&err, code, "%s", text);
	err.http_status = call->status; /* as the HTTP client has it */
	call_finish(call, &result, &err);
}

static inline void assert_path(const struct http_call *call, const char *path)
{
	assert_string_equal(call->path, path);
}

static inline void assert_path_has(const struct http_call *call, const char *part)
{
	if (!strstr(call->path, part))
		fail_msg("\"%s\" is not in %s", part, call->path);
}

static inline void assert_path_lacks(const struct http_call *call, const char *part)
{
	if (strstr(call->path, part))
		fail_msg("\"%s\" is in %s", part, call->path);
}

#endif
