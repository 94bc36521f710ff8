/* The body of a refusal: any text makes an error with a code and a bounded message. */
#include "fuzz.h"
#include "kube/refusal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[] = { 400, 401, 403, 404, 409, 410, 422, 429, 500, 504 };
	struct http_result result = { .complete = true };
	struct buf body = BUF_INIT(1 << 20);
	struct err err = ERR_INIT;

	buf_append(&body, data, size);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		result.status = statuses[i];
		refusal_error(&result, &body, &err);
		holds(err.code != ERR_NONE && *err.msg && strlen(err.msg) < ERR_MSG_MAX);
		holds(err.retry_after_ms >= 0 && err.http_status == statuses[i]);
	}
	buf_release(&body);
	return 0;
}
