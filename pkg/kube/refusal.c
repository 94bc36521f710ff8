#include "kube/refusal.h"

#include "api/status.h"
#include "base/mem.h"

bool is_refusal(const struct http_result *result)
{
	return result->status && (result->status < 200 || result->status > 299);
}

void refusal_error(const struct http_result *result, const struct buf *body, struct err *err)
{
	struct arena arena = ARENA_INIT;
	struct err ignored = ERR_INIT;
	struct json *status = NULL;

	if (json_parse(&arena, buf_cstr(body), body->len, NULL, &status, &ignored) < 0)
		status = NULL;
	status_error(err, result->status, result->retry_after_ms, status);
	arena_release(&arena);
}
