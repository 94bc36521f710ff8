/* Leader election: who holds a Lease, from when until when. */
#include <stdio.h>

#include "kube/lease.h"
#include "kube/lease_record.h"
#include "scripted_transport.h"
#include "unit.h"
#include "virtual_loop.h"

struct fixture {
	struct loop *loop;
	struct clock clock;
	int64_t slept_ms; /* of which timers know nothing */
	struct script script;
	struct lease *lease;
	struct arena arena;
	int leading, lost, released;
};

static int64_t mono_ms(void *arg)
{
	struct fixture *f = arg;

	return f->loop->mono_ms + f->slept_ms;
}

static void on_leading(void *arg)
{
	((struct fixture *)arg)->leading++;
}

static void on_lost(void *arg)
{
	((struct fixture *)arg)->lost++;
}

static void on_released(void *arg)
{
	((struct fixture *)arg)->released++;
}

static int setup(void **state)
{
	struct fixture *f = x_calloc(1, sizeof(*f));
	struct err err;

	f->loop = loop_new(NULL, &err);
	f->clock = (struct clock){ .mono_ms = mono_ms, .arg = f };
	script_init(&f->script);
	f->lease = lease_new(&(struct lease_config){
		.loop = f->loop,
		.clock = &f->clock,
		.transport = &f->script.transport,
		.ns = "home",
		.name = "it",
		.identity = "me",
		.duration_ms = 15000,
		.deadline_ms = 10000,
		.retry_ms = 2000,
		.leading = on_leading,
		.lost = on_lost,
		.released = on_released,
		.arg = f,
	});
	lease_start(f->lease);
	loop_settle(f->loop);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	lease_free(f->lease);
	script_release(&f->script);
	arena_release(&f->arena);
	loop_free(f->loop);
	free(f);
	return 0;
}

/* --- the server ------------------------------------------------------- */

static const char *lease_of(struct fixture *f, const char *holder, const char *renewed)
{
	return arena_printf(&f->arena,
			    "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":"
			    "{\"name\":\"it\",\"namespace\":\"home\",\"resourceVersion\":\"7\",\"labels\":"
			    "{\"a\":\"b\"}},\"spec\":{\"holderIdentity\":\"%s\",\"leaseDurationSeconds\":15,"
			    "\"leaseTransitions\":3,\"renewTime\":\"%s\",\"strategy\":\"x\"}}",
			    holder, renewed);
}

#define T1 "2026-11-23T22:00:00.000000Z"
#define T2 "2026-11-23T22:00:02.000000Z"
#define MISSING "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"NotFound\",\"code\":404}"
#define CONFLICT "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"Conflict\",\"code\":409}"
#define FAILURE "{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"no\",\"code\":500}"

static struct http_call *open_call(struct fixture *f, const char *method)
{
	struct http_call *call = script_last(&f->script);

	assert_string_equal(call->method, method);
	assert_int_equal(call->priority, HTTP_PRIORITY_HIGH);
	return call;
}

static void reply(struct fixture *f, const char *method, int status, const char *body)
{
	call_answer(open_call(f, method), status, body);
	loop_settle(f->loop);
}

/* A write that succeeds is answered with what was written. */
static void accept_write(struct fixture *f, const char *method)
{
	struct http_call *call = open_call(f, method);

	call_answer(call, 200, call->body);
	loop_settle(f->loop);
}

static void lead(struct fixture *f)
{
	reply(f, "GET", 404, MISSING);
	accept_write(f, "POST");
	assert_int_equal(f->leading, 1);
}

/* Nothing is under way: what was asked last has ended. */
static void assert_quiet(struct fixture *f)
{
	assert_false(f->script.calls[f->script.count - 1]->open);
}

static void assert_body(struct fixture *f, const char *key, const char *want)
{
	struct json *body = unit_json(&f->arena, script_last(&f->script)->body);

	assert_string_equal(json_scalar_or(json_path(body, "spec", key, NULL), "(none)"), want);
}

/* --- getting it ------------------------------------------------------- */

static void a_missing_lease_is_created_and_held(void **state)
{
	struct fixture *f = *state;

	assert_path(open_call(f, "GET"), "/apis/coordination.k8s.io/v1/namespaces/home/leases/it");
	assert_false(lease_may_write(f->lease));
	reply(f, "GET", 404, MISSING);
	assert_path_has(open_call(f, "POST"), "/namespaces/home/leases?");
	assert_body(f, "holderIdentity", "me");
	assert_body(f, "leaseDurationSeconds", "15");
	assert_body(f, "leaseTransitions", "0");
	assert_body(f, "acquireTime", "2026-11-23T22:00:00.000000Z");
	assert_int_equal(f->leading, 0);
	accept_write(f, "POST");
	assert_int_equal(f->leading, 1);
	assert_true(lease_may_write(f->lease));
}

static void a_lease_without_a_holder_is_taken_at_once(void **state)
{
	struct fixture *f = *state;

	reply(f, "GET", 200, lease_of(f, "", T1));
	assert_body(f, "holderIdentity", "me");
	assert_body(f, "leaseTransitions", "4");
	accept_write(f, "PUT");
	assert_int_equal(f->leading, 1);
}

static void what_else_stands_in_it_is_kept(void **state)
{
	struct fixture *f = *state;

	reply(f, "GET", 200, lease_of(f, "", T1));
	assert_body(f, "strategy", "x");
	assert_non_null(strstr(script_last(&f->script)->body, "\"resourceVersion\":\"7\""));
	assert_non_null(strstr(script_last(&f->script)->body, "\"labels\":{\"a\":\"b\"}"));
}

static void a_held_lease_is_respected_for_as_long_as_it_changes(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 40; i++) {
		reply(f, "GET", 200, lease_of(f, "other", i % 2 ? T1 : T2));
		assert_quiet(f);
		loop_pass(f->loop, 2400);
	}
	assert_int_equal(f->leading, 0);
}

static void a_lease_not_renewed_for_its_duration_is_taken(void **state)
{
	struct fixture *f = *state;
	int64_t began_ms = f->loop->mono_ms;

	reply(f, "GET", 200, lease_of(f, "other", T1));
	while (strcmp(f->script.calls[f->script.count - 1]->method, "GET") == 0) {
		assert_quiet(f);
		loop_pass(f->loop, loop_next_ms(f->loop));
		reply(f, "GET", 200, lease_of(f, "other", T1));
		assert_true(f->loop->mono_ms - began_ms < 20000);
	}
	assert_true(f->loop->mono_ms - began_ms >= 15000);
	assert_true(f->loop->mono_ms - began_ms <= 15500);
	accept_write(f, "PUT");
	assert_int_equal(f->leading, 1);
}

static void its_times_are_never_compared_with_our_clock(void **state)
{
	struct fixture *f = *state;

	reply(f, "GET", 200, lease_of(f, "other", "1970-01-01T00:00:00.000000Z"));
	assert_quiet(f);
	loop_pass(f->loop, 2400);
	reply(f, "GET", 200, lease_of(f, "other", "2100-01-01T00:00:00.000000Z"));
	assert_quiet(f);
}

static void a_label_that_changes_is_no_renewal(void **state)
{
	struct fixture *f = *state;
	const char *other = "{\"kind\":\"Lease\",\"apiVersion\":\"coordination.k8s.io/v1\",\"metadata\":{"
			    "\"name\":\"it\",\"resourceVersion\":\"8\"},\"spec\":{\"holderIdentity\":\"other\","
			    "\"leaseDurationSeconds\":15,\"leaseTransitions\":3,\"renewTime\":\"" T1
			    "\",\"strategy\":\"x\"}}";

	reply(f, "GET", 200, lease_of(f, "other", T1));
	loop_pass(f->loop, loop_next_ms(f->loop));
	f->slept_ms += 15000;
	reply(f, "GET", 200, other);
	accept_write(f, "PUT");
	assert_int_equal(f->leading, 1);
}

static void a_longer_duration_that_its_holder_promised_is_kept_to(void **state)
{
	struct fixture *f = *state;
	const char *sixty = "{\"spec\":{\"holderIdentity\":\"other\",\"leaseDurationSeconds\":60}}";

	reply(f, "GET", 200, sixty);
	f->slept_ms += 30000;
	loop_pass(f->loop, 2400);
	reply(f, "GET", 200, sixty);
	assert_quiet(f);
	f->slept_ms += 30000;
	loop_pass(f->loop, 2400);
	reply(f, "GET", 200, sixty);
	open_call(f, "PUT");
}

static void who_comes_second_stays_on_standby(void **state)
{
	struct fixture *f = *state;

	reply(f, "GET", 200, lease_of(f, "", T1));
	reply(f, "PUT", 409, CONFLICT);
	assert_int_equal(f->leading, 0);
	assert_quiet(f);
	loop_pass(f->loop, 2400);
	reply(f, "GET", 200, lease_of(f, "other", T2));
	assert_quiet(f);
}

static void a_create_whose_answer_was_lost_still_counts(void **state)
{
	struct fixture *f = *state;

	reply(f, "GET", 404, MISSING);
	call_fail(open_call(f, "POST"), ERR_TIMEOUT, "lost");
	loop_pass(f->loop, 2400);
	reply(f, "GET", 200, lease_of(f, "me", T1));
	assert_body(f, "leaseTransitions", "3");
	accept_write(f, "PUT");
	assert_int_equal(f->leading, 1);
}

static void a_standby_tries_on_whatever_is_answered(void **state)
{
	struct fixture *f = *state;
	static const int statuses[] = { 401, 403, 429, 500, 503 };

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		reply(f, "GET", statuses[i], FAILURE);
		assert_quiet(f);
		loop_pass(f->loop, 2400);
	}
	lead(f);
}

static void transitions_begin_again_after_the_largest(void **state)
{
	struct fixture *f = *state;

	reply(f, "GET", 200, "{\"spec\":{\"holderIdentity\":\"\",\"leaseTransitions\":2147483647}}");
	assert_body(f, "leaseTransitions", "0");
}

/* --- keeping it ------------------------------------------------------- */

static void a_held_lease_is_renewed_every_two_seconds(void **state)
{
	struct fixture *f = *state;

	lead(f);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(loop_next_ms(f->loop), 2000);
		loop_pass(f->loop, 2000);
		assert_body(f, "leaseTransitions", "0");
		accept_write(f, "PUT");
		assert_true(lease_may_write(f->lease));
	}
	assert_int_equal(f->lost, 0);
}

static void without_renewal_it_is_lost_at_the_deadline(void **state)
{
	struct fixture *f = *state;

	lead(f);
	loop_pass(f->loop, 9999);
	assert_true(lease_may_write(f->lease));
	assert_int_equal(f->lost, 0);
	loop_pass(f->loop, 1);
	assert_false(lease_may_write(f->lease));
	assert_int_equal(f->lost, 1);
	assert_quiet(f);
}

static void the_deadline_counts_from_when_the_renewal_was_sent(void **state)
{
	struct fixture *f = *state;

	lead(f);
	loop_pass(f->loop, 2000);
	loop_pass(f->loop, 4000); /* the answer takes so long */
	accept_write(f, "PUT");
	loop_pass(f->loop, 5999);
	assert_int_equal(f->lost, 0);
	loop_pass(f->loop, 1);
	assert_int_equal(f->lost, 1);
}

static void a_renewal_that_hangs_leaves_time_for_another(void **state)
{
	struct fixture *f = *state;

	lead(f);
	loop_pass(f->loop, 2000);
	assert_int_equal(open_call(f, "PUT")->timeout_ms, 5000);
	loop_pass(f->loop, 5000);
	call_fail(open_call(f, "PUT"), ERR_TIMEOUT, "silence");
	loop_settle(f->loop);
	assert_int_equal(open_call(f, "PUT")->timeout_ms, 3000);
	accept_write(f, "PUT");
	loop_pass(f->loop, 9000);
	assert_int_equal(f->lost, 0);
}

static void a_renewal_that_fails_is_tried_again_within_a_second(void **state)
{
	struct fixture *f = *state;

	lead(f);
	loop_pass(f->loop, 2000);
	for (int i = 0; i < 7; i++) {
		reply(f, "PUT", 500, FAILURE);
		loop_pass(f->loop, 1000);
	}
	accept_write(f, "PUT");
	loop_pass(f->loop, 2000);
	accept_write(f, "PUT");
	assert_int_equal(f->lost, 0);
}

static void after_a_sleep_nothing_may_be_written(void **state)
{
	struct fixture *f = *state;

	lead(f);
	f->slept_ms += 10000; /* no timer has fired */
	assert_false(lease_may_write(f->lease));
	loop_settle(f->loop);
	assert_int_equal(f->lost, 1);
}

static void an_answer_from_before_the_sleep_does_not_count(void **state)
{
	struct fixture *f = *state;

	lead(f);
	loop_pass(f->loop, 2000);
	f->slept_ms += 20000;
	accept_write(f, "PUT");
	assert_false(lease_may_write(f->lease));
	assert_int_equal(f->lost, 1);
}

static void a_jump_of_the_wall_clock_changes_nothing(void **state)
{
	struct fixture *f = *state;

	lead(f);
	f->loop->wall_ms += 86400000;
	loop_pass(f->loop, 2000);
	accept_write(f, "PUT");
	f->loop->wall_ms -= 2 * 86400000;
	loop_pass(f->loop, 2000);
	accept_write(f, "PUT");
	assert_true(lease_may_write(f->lease));
}

static void an_edit_by_hand_is_overwritten(void **state)
{
	struct fixture *f = *state;

	lead(f);
	loop_pass(f->loop, 2000);
	reply(f, "PUT", 409, CONFLICT);
	reply(f, "GET", 200, lease_of(f, "me", T2));
	accept_write(f, "PUT");
	assert_int_equal(f->lost, 0);
	assert_true(lease_may_write(f->lease));
}

static void a_holder_that_was_emptied_by_hand_is_filled_in_again(void **state)
{
	struct fixture *f = *state;

	lead(f);
	loop_pass(f->loop, 2000);
	reply(f, "PUT", 409, CONFLICT);
	reply(f, "GET", 200, lease_of(f, "", T2));
	assert_body(f, "holderIdentity", "me");
	assert_body(f, "leaseTransitions", "4");
	accept_write(f, "PUT");
	assert_int_equal(f->lost, 0);
}

static void a_deleted_lease_is_made_again(void **state)
{
	struct fixture *f = *state;

	lead(f);
	loop_pass(f->loop, 2000);
	reply(f, "PUT", 404, MISSING);
	reply(f, "GET", 404, MISSING);
	accept_write(f, "POST");
	assert_true(lease_may_write(f->lease));
	assert_int_equal(f->leading, 1);
}

static void another_holder_ends_it_at_once(void **state)
{
	struct fixture *f = *state;

	lead(f);
	loop_pass(f->loop, 2000);
	reply(f, "PUT", 409, CONFLICT);
	reply(f, "GET", 200, lease_of(f, "other", T2));
	assert_int_equal(f->lost, 1);
	assert_false(lease_may_write(f->lease));
	loop_pass(f->loop, 60000);
	assert_quiet(f);
	assert_int_equal(f->lost, 1);
}

/* --- giving it up ----------------------------------------------------- */

static void a_release_empties_the_holder(void **state)
{
	struct fixture *f = *state;

	lead(f);
	lease_release(f->lease);
	assert_int_equal(f->released, 0);
	assert_false(lease_may_write(f->lease));
	assert_body(f, "holderIdentity", "");
	assert_body(f, "leaseDurationSeconds", "1");
	assert_body(f, "leaseTransitions", "0");
	accept_write(f, "PUT");
	assert_int_equal(f->released, 1);
	assert_int_equal(f->lost, 0);
}

static void a_release_waits_for_the_renewal_under_way(void **state)
{
	struct fixture *f = *state;

	lead(f);
	loop_pass(f->loop, 2000);
	lease_release(f->lease);
	assert_body(f, "holderIdentity", "me");
	accept_write(f, "PUT");
	assert_body(f, "holderIdentity", "");
	accept_write(f, "PUT");
	assert_int_equal(f->released, 1);
}

static void a_release_never_takes_it_from_another(void **state)
{
	struct fixture *f = *state;

	lead(f);
	lease_release(f->lease);
	reply(f, "PUT", 409, CONFLICT);
	reply(f, "GET", 200, lease_of(f, "other", T2));
	assert_quiet(f);
	assert_int_equal(f->released, 1);
}

static void a_release_that_gets_no_answer_ends_after_two_seconds(void **state)
{
	struct fixture *f = *state;

	lead(f);
	lease_release(f->lease);
	loop_pass(f->loop, 1999);
	assert_int_equal(f->released, 0);
	loop_pass(f->loop, 1);
	assert_int_equal(f->released, 1);
	assert_quiet(f);
}

static void a_standby_leaves_the_lease_alone(void **state)
{
	struct fixture *f = *state;

	reply(f, "GET", 200, lease_of(f, "other", T1));
	lease_release(f->lease);
	loop_settle(f->loop);
	assert_quiet(f);
	assert_int_equal(f->released, 1);
}

static void a_take_over_that_crosses_the_end_is_given_back(void **state)
{
	struct fixture *f = *state;

	reply(f, "GET", 200, lease_of(f, "", T1));
	lease_release(f->lease);
	accept_write(f, "PUT");
	assert_body(f, "holderIdentity", "");
	accept_write(f, "PUT");
	assert_int_equal(f->leading, 0);
	assert_int_equal(f->released, 1);
}

/* --- settings --------------------------------------------------------- */

static void times_have_to_fit_each_other(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(lease_check_times(15, 10, 2, &err), 0);
	assert_int_equal(lease_check_times(10, 10, 2, &err), -1);
	assert_int_equal(lease_check_times(15, 12, 10, &err), -1);
	assert_int_equal(lease_check_times(15, 13, 10, &err), 0);
	assert_int_equal(lease_check_times(15, 10, 0, &err), -1);
}

static void an_absurd_duration_by_hand_locks_nobody_out(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(lease_duration_ms(unit_json(&f->arena, "{\"spec\":{\"leaseDurationSeconds\":"
							       "2147483647}}"),
					   15000),
			 15000);
	assert_int_equal(lease_duration_ms(unit_json(&f->arena, "{\"spec\":{\"leaseDurationSeconds\":-1}}"),
					   15000),
			 15000);
	assert_int_equal(lease_duration_ms(unit_json(&f->arena, "{\"spec\":{\"leaseDurationSeconds\":600}}"),
					   15000),
			 600000);
	assert_int_equal(lease_duration_ms(unit_json(&f->arena, "{}"), 15000), 15000);
}

#define lease_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		lease_test(a_missing_lease_is_created_and_held),
		lease_test(a_lease_without_a_holder_is_taken_at_once),
		lease_test(what_else_stands_in_it_is_kept),
		lease_test(a_held_lease_is_respected_for_as_long_as_it_changes),
		lease_test(a_lease_not_renewed_for_its_duration_is_taken),
		lease_test(its_times_are_never_compared_with_our_clock),
		lease_test(a_label_that_changes_is_no_renewal),
		lease_test(a_longer_duration_that_its_holder_promised_is_kept_to),
		lease_test(who_comes_second_stays_on_standby),
		lease_test(a_create_whose_answer_was_lost_still_counts),
		lease_test(a_standby_tries_on_whatever_is_answered),
		lease_test(transitions_begin_again_after_the_largest),
		lease_test(a_held_lease_is_renewed_every_two_seconds),
		lease_test(without_renewal_it_is_lost_at_the_deadline),
		lease_test(the_deadline_counts_from_when_the_renewal_was_sent),
		lease_test(a_renewal_that_hangs_leaves_time_for_another),
		lease_test(a_renewal_that_fails_is_tried_again_within_a_second),
		lease_test(after_a_sleep_nothing_may_be_written),
		lease_test(an_answer_from_before_the_sleep_does_not_count),
		lease_test(a_jump_of_the_wall_clock_changes_nothing),
		lease_test(an_edit_by_hand_is_overwritten),
		lease_test(a_holder_that_was_emptied_by_hand_is_filled_in_again),
		lease_test(a_deleted_lease_is_made_again),
		lease_test(another_holder_ends_it_at_once),
		lease_test(a_release_empties_the_holder),
		lease_test(a_release_waits_for_the_renewal_under_way),
		lease_test(a_release_never_takes_it_from_another),
		lease_test(a_release_that_gets_no_answer_ends_after_two_seconds),
		lease_test(a_standby_leaves_the_lease_alone),
		lease_test(a_take_over_that_crosses_the_end_is_given_back),
		lease_test(times_have_to_fit_each_other),
		lease_test(an_absurd_duration_by_hand_locks_nobody_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
