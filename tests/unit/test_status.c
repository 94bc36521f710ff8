#include "api/status.h"
#include "unit.h"

static struct arena arena;

static int reset(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static struct err error_of(int http_status, int retry_after_ms, const char *body)
{
	struct err err = ERR_INIT;

	assert_int_equal(status_error(&err, http_status, retry_after_ms,
	                              body ? unit_json(&arena, body) : NULL),
	                 -1);
	return err;
}

static void test_http_status_alone_decides(void **state)
{
	static const struct {
		int http_status;
		enum err_code code;
	} cases[] = {
		{ 400, ERR_INVALID },      { 401, ERR_UNAUTHORIZED }, { 403, ERR_FORBIDDEN },
		{ 404, ERR_NOT_FOUND },    { 405, ERR_INVALID },      { 406, ERR_INVALID },
		{ 408, ERR_TIMEOUT },      { 409, ERR_CONFLICT },     { 410, ERR_GONE },
		{ 413, ERR_LIMIT },        { 415, ERR_INVALID },      { 422, ERR_INVALID },
		{ 429, ERR_RATE_LIMITED }, { 500, ERR_UNAVAILABLE },  { 502, ERR_UNAVAILABLE },
		{ 503, ERR_UNAVAILABLE },  { 504, ERR_TIMEOUT },      { 302, ERR_UNAVAILABLE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = error_of(cases[i].http_status, 0, NULL);

		assert_int_equal(err.code, cases[i].code);
		assert_int_equal(err.http_status, cases[i].http_status);
		assert_int_equal(err.retry_after_ms, 0);
	}
	assert_string_equal(error_of(502, 0, NULL).msg, "HTTP 502");
}

static void test_reason_decides_where_http_is_ambiguous(void **state)
{
	(void)state;
	assert_int_equal(
		error_of(409, 0, "{\"kind\":\"Status\",\"reason\":\"AlreadyExists\"}").code,
		ERR_ALREADY_EXISTS);
	assert_int_equal(error_of(409, 0, "{\"kind\":\"Status\",\"reason\":\"Conflict\"}").code,
	                 ERR_CONFLICT);
	assert_int_equal(error_of(410, 0, "{\"kind\":\"Status\",\"reason\":\"Expired\"}").code,
	                 ERR_GONE);
	assert_int_equal(error_of(410, 0, "{\"kind\":\"Status\",\"reason\":\"Gone\"}").code,
	                 ERR_GONE);
}

static void test_version_from_the_future_is_gone(void **state)
{
	(void)state;
	assert_int_equal(
		error_of(504, 0,
	                 "{\"kind\":\"Status\",\"reason\":\"Timeout\",\"details\":{\"causes\":["
	                 "{\"reason\":\"ResourceVersionTooLarge\"}],\"retryAfterSeconds\":1}}")
			.code,
		ERR_GONE);
	assert_int_equal(error_of(504, 0,
	                          "{\"kind\":\"Status\",\"reason\":\"Timeout\","
	                          "\"message\":\"Too large resource version: 9, current: 3\"}")
	                         .code,
	                 ERR_GONE);
	assert_int_equal(error_of(504, 0, "{\"kind\":\"Status\",\"reason\":\"Timeout\"}").code,
	                 ERR_TIMEOUT);
}

static void test_terminating_namespace_is_not_found(void **state)
{
	(void)state;
	assert_int_equal(
		error_of(403, 0,
	                 "{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"details\":{\"causes\":["
	                 "{\"reason\":\"x\"},{\"reason\":\"NamespaceTerminating\"}]}}")
			.code,
		ERR_NOT_FOUND);
	assert_int_equal(error_of(403, 0, "{\"kind\":\"Status\",\"reason\":\"Forbidden\"}").code,
	                 ERR_FORBIDDEN);
}

static void test_message_is_the_text(void **state)
{
	struct err err = error_of(
		403, 0,
		"{\"kind\":\"Status\",\"message\":\"pods \\\"x\\\" is forbidden: 100%s %n\"}");

	(void)state;
	assert_string_equal(err.msg, "pods \"x\" is forbidden: 100%s %n");
}

static void test_watch_error_takes_the_code_of_the_status(void **state)
{
	struct err err = error_of(200, 0,
	                          "{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\","
	                          "\"message\":\"too old\"}");

	(void)state;
	assert_int_equal(err.code, ERR_GONE);
	assert_int_equal(err.http_status, 410);
	assert_int_equal(error_of(0, 0, "{\"kind\":\"Status\",\"code\":429}").code,
	                 ERR_RATE_LIMITED);
	assert_int_equal(error_of(200, 0, "{\"kind\":\"Status\",\"code\":99999999999}").code,
	                 ERR_UNAVAILABLE);
}

static void test_retry_after_is_the_headers_else_the_details(void **state)
{
	const char *body = "{\"kind\":\"Status\",\"details\":{\"retryAfterSeconds\":7}}";

	(void)state;
	assert_int_equal(error_of(429, 3000, body).retry_after_ms, 3000);
	assert_int_equal(error_of(429, 0, body).retry_after_ms, 7000);
	assert_int_equal(
		error_of(429, 0, "{\"kind\":\"Status\",\"details\":{\"retryAfterSeconds\":-7}}")
			.retry_after_ms,
		0);
	assert_int_equal(error_of(429, 0,
	                          "{\"kind\":\"Status\",\"details\":{\"retryAfterSeconds\":"
	                          "9223372036854775807}}")
	                         .retry_after_ms,
	                 86400000);
}

static void test_answer_that_is_no_status_does_not_count(void **state)
{
	(void)state;
	assert_string_equal(error_of(503, 0, "{\"kind\":\"Pod\",\"message\":\"x\"}").msg,
	                    "HTTP 503");
	assert_string_equal(error_of(503, 0, "[\"message\"]").msg, "HTTP 503");
	assert_string_equal(
		error_of(503, 0, "{\"kind\":\"Status\",\"message\":7,\"details\":[],\"reason\":{}}")
			.msg,
		"HTTP 503");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_http_status_alone_decides, reset),
		cmocka_unit_test_teardown(test_reason_decides_where_http_is_ambiguous, reset),
		cmocka_unit_test_teardown(test_version_from_the_future_is_gone, reset),
		cmocka_unit_test_teardown(test_terminating_namespace_is_not_found, reset),
		cmocka_unit_test_teardown(test_message_is_the_text, reset),
		cmocka_unit_test_teardown(test_watch_error_takes_the_code_of_the_status, reset),
		cmocka_unit_test_teardown(test_retry_after_is_the_headers_else_the_details, reset),
		cmocka_unit_test_teardown(test_answer_that_is_no_status_does_not_count, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
