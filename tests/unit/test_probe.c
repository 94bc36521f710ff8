/* The request that finds out whether a silent connection lives. */
#include "kube/probe.h"
#include "scripted_transport.h"
#include "unit.h"
#include "virtual_loop.h"

static void a_silent_connection_is_probed_within_45_seconds(void **state)
{
	struct err err;
	struct loop *loop = loop_new(NULL, &err);
	struct script script;
	struct probe *probe;
	struct http_call *call;

	(void)state;
	script_init(&script);
	probe = probe_new(loop, &script.transport);
	loop_pass(loop, 29999);
	assert_int_equal(script.count, 0);
	loop_pass(loop, 1);
	call = script_last(&script);
	assert_string_equal(call->method, "GET");
	assert_string_equal(call->path, "/livez");
	assert_int_equal(call->priority, HTTP_PRIORITY_HIGH);
	assert_int_equal(call->timeout_ms, 15000);
	loop_pass(loop, 15000);
	assert_int_equal(script.count, 1); /* one at a time */
	call_fail(call, ERR_TIMEOUT, "silence");
	loop_pass(loop, 30000);
	call_answer(script_last(&script), 403, "whatever it is");
	assert_int_equal(script.count, 2);
	loop_pass(loop, 30000);
	assert_int_equal(script.count, 3);
	probe_free(probe);
	assert_true(script.calls[2]->cancelled);
	script_release(&script);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_silent_connection_is_probed_within_45_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
