/* A singleton's gate: which requests are made, in which order, under which conditions, and what becomes of each answer. */
#include <stdio.h>

#include "api/resource.h"
#include "controller/gate.h"
#include "scripted_transport.h"
#include "unit.h"
#include "virtual_loop.h"

#define FORMATION_PATH "/apis/dyno.dev/v1/namespaces/home/formations/shop"
#define PODS_PATH      "/api/v1/namespaces/home/pods"

struct fixture {
	struct loop *loop;
	struct script script;
	struct client *client;
	struct cache *cache;
	struct metrics *metrics;
	struct arena arena, answers;
	struct formation formation;
	struct gate *gate;
	int dones;
	struct err err;
};

/* --- what the API server has ------------------------------------------ */

/* A Formation whose clock has this permit ("" for none), at a version. */
static const char *formation_text(struct fixture *f, const char *uid, const char *permit)
{
	return arena_printf(
		&f->answers,
		"{\"apiVersion\":\"dyno.dev/v1\",\"kind\":\"Formation\",\"metadata\":{\"name\":\"shop\","
		"\"namespace\":\"home\",\"uid\":\"%s\",\"resourceVersion\":\"70\",\"generation\":1},"
		"\"spec\":{\"image\":\"i\",\"processes\":[{\"type\":\"clock\"}]},\"status\":{\"processes\":"
		"[{\"type\":\"clock\",\"singleton\":true%s%s}],\"conditions\":[{\"type\":\"Theirs\","
		"\"status\":\"True\"}]}}",
		uid, *permit ? ",\"permit\":" : "", permit);
}

#define FIRST_ON_RECORD "{\"pod\":\"shop-clock-a\",\"uid\":\"uid-a\"}"

enum how { GATED, OPEN, GOING, ENDED, ANOTHER };

/* The pod shop-clock-LETTER with the uid uid-LETTER. */
static const char *pod_text(struct fixture *f, const char *letter, enum how how)
{
	static const char *const DELETION = ",\"deletionTimestamp\":\"2026-11-23T21:30:00Z\","
					    "\"deletionGracePeriodSeconds\":30";
	static const char *const GATES = "\"schedulingGates\":[{\"name\":\"other\"},"
					 "{\"name\":\"dyno.dev/singleton\"}]";

	return arena_printf(
		&f->answers,
		"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"shop-clock-%s\","
		"\"namespace\":\"home\",\"uid\":\"%s-%s\",\"resourceVersion\":\"60\","
		"\"creationTimestamp\":\"2026-11-23T21:59:%s0Z\",\"labels\":{\"dyno.dev/formation\":"
		"\"shop\",\"dyno.dev/type\":\"clock\"},\"ownerReferences\":[{\"apiVersion\":\"apps/v1\","
		"\"kind\":\"ReplicaSet\",\"name\":\"r\",\"uid\":\"r\",\"controller\":true}]%s},"
		"\"spec\":{%s},\"status\":{\"phase\":\"%s\"}}",
		letter, how == ANOTHER ? "other" : "uid", letter, *letter == 'a' ? "0" : "1",
		how == GOING ? DELETION : "", how == GATED ? GATES : "\"nodeName\":\"n7\"",
		how == GATED   ? "Pending"
		: how == ENDED ? "Failed"
			       : "Running");
}

static const char *list_text(struct fixture *f, const char *one, const char *other)
{
	return arena_printf(&f->answers,
			    "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":"
			    "{\"resourceVersion\":\"71\"},\"items\":[%s%s%s]}",
			    one, *other ? "," : "", other);
}

static const char *refusal(struct fixture *f, int code, const char *reason)
{
	return arena_printf(&f->answers,
			    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\","
			    "\"message\":\"no\",\"reason\":\"%s\",\"code\":%d}",
			    reason, code);
}

/* --- the fixture ------------------------------------------------------ */

static void on_done(void *arg, const struct err *err)
{
	struct fixture *f = arg;

	f->dones++;
	f->err = *err;
	f->gate = NULL;
}

static void ignore_wake(void *arg, const char *ns, const char *name, enum change change)
{
	(void)arg, (void)ns, (void)name, (void)change;
}

static void ignore_gone(void *arg, const char *ns, const char *name)
{
	(void)arg, (void)ns, (void)name;
}

static void ignore(void *arg)
{
	(void)arg;
}

static int setup(void **state)
{
	struct fixture *f = x_calloc(1, sizeof(*f));
	struct err err = ERR_INIT;

	f->loop = loop_new(NULL, &err);
	script_init(&f->script);
	f->client = client_new(f->loop, &f->script.transport, NULL);
	f->cache = cache_new(&(struct cache_config){
		.loop = f->loop,
		.transport = &f->script.transport,
		.events = {
			.wake = ignore_wake,
			.gone = ignore_gone,
			.counted = ignore,
			.synced = ignore,
		},
	});
	f->metrics = metrics_new("test", 0);
	assert_ok(formation_decode(&f->arena, unit_json(&f->arena, formation_text(f, "u1", "")),
				   &f->formation, &err),
		  &err);
	f->gate = gate_start(
		&(struct gate_config){
			.loop = f->loop,
			.client = f->client,
			.cache = f->cache,
			.metrics = f->metrics,
			.arena = &f->arena,
			.formation = &f->formation,
			.type = "clock",
		},
		on_done, f);
	assert_int_equal(f->dones, 0);
	loop_settle(f->loop);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	gate_cancel(f->gate);
	loop_settle(f->loop);
	cache_free(f->cache);
	client_free(f->client);
	metrics_free(f->metrics);
	script_release(&f->script);
	arena_release(&f->arena);
	arena_release(&f->answers);
	loop_free(f->loop);
	free(f);
	return 0;
}

/* The request under way, which is the nth of this method and path. */
static struct http_call *asked(struct fixture *f, size_t nth, const char *method, const char *path)
{
	struct http_call *call = script_last(&f->script);

	assert_int_equal(f->script.count, nth);
	assert_string_equal(call->method, method);
	assert_path_has(call, path);
	return call;
}

static void answered(struct fixture *f, int status, const char *body)
{
	call_answer(script_last(&f->script), status, body);
	loop_settle(f->loop);
}

/* It has ended, with this code, and asked for nothing more. */
static void ended(struct fixture *f, size_t requests, enum err_code code)
{
	if (f->dones != 1 || f->err.code != code)
		fail_msg("%d ends, code %d: %s", f->dones, (int)f->err.code, f->err.msg);
	assert_int_equal(f->script.count, requests);
}

/* What /metrics has. */
static void counted(struct fixture *f, const char *line, bool there)
{
	struct buf page = BUF_INIT(1 << 20);

	metrics_write(f->metrics, &(struct metrics_gauges){ 0 }, &page);
	assert_int_equal(strstr(buf_cstr(&page), line) != NULL, there);
	buf_release(&page);
}

static const char *opened_text(struct fixture *f, const char *letter)
{
	return pod_text(f, letter, OPEN);
}

/* Up to the write of the record: no record, one pod that waits. */
static void to_write(struct fixture *f)
{
	answered(f, 200, formation_text(f, "u1", ""));
	answered(f, 200, list_text(f, pod_text(f, "a", GATED), ""));
	asked(f, 3, "PATCH", FORMATION_PATH "/status?");
}

/* Up to the patch of the gate. */
static void to_open(struct fixture *f)
{
	to_write(f);
	answered(f, 200, formation_text(f, "u1", FIRST_ON_RECORD));
	asked(f, 4, "PATCH", PODS_PATH "/shop-clock-a?");
}

/* Up to the look at the recorded pod, while shop-clock-b waits. */
static void to_recorded(struct fixture *f)
{
	answered(f, 200, formation_text(f, "u1", FIRST_ON_RECORD));
	answered(f, 200, list_text(f, pod_text(f, "b", GATED), ""));
	asked(f, 3, "GET", PODS_PATH "/shop-clock-a");
}

/* --- in order --------------------------------------------------------- */

static void test_the_record_is_read_before_the_pods_and_neither_from_a_cache(void **state)
{
	struct fixture *f = *state;

	assert_path_lacks(asked(f, 1, "GET", FORMATION_PATH), "resourceVersion");
	answered(f, 200, formation_text(f, "u1", ""));
	assert_path_lacks(asked(f, 2, "GET", PODS_PATH "?"), "resourceVersion");
	assert_path_has(script_last(&f->script),
			"labelSelector=dyno.dev%2Fformation%3Dshop%2Cdyno.dev%2Ftype%3Dclock");
}

static void test_the_record_is_written_before_the_gate_is_opened(void **state)
{
	struct fixture *f = *state;

	to_open(f);
	assert_int_equal(f->dones, 0);
	answered(f, 200, opened_text(f, "a"));
	ended(f, 4, ERR_NONE);
	counted(f, "formation_singleton_gates_opened_total 1\n", true);
}

static void test_the_record_is_written_under_the_version_and_uid_it_was_read_at(void **state)
{
	struct fixture *f = *state;
	const struct json *body, *metadata, *permit;

	to_write(f);
	body = unit_json(&f->answers, script_last(&f->script)->body);
	metadata = json_get(body, "metadata");
	assert_string_equal(json_string_or(json_get(metadata, "resourceVersion"), ""), "70");
	assert_string_equal(json_string_or(json_get(metadata, "uid"), ""), "u1");
	permit = json_get(json_path(body, "status", "processes", NULL)->first, "permit");
	assert_string_equal(json_string_or(json_get(permit, "pod"), ""), "shop-clock-a");
	assert_string_equal(json_string_or(json_get(permit, "uid"), ""), "uid-a");
}

static void test_conditions_of_others_are_not_taken_over(void **state)
{
	struct fixture *f = *state;

	to_write(f);
	assert_null(strstr(script_last(&f->script)->body, "Theirs"));
}

static void test_the_gate_is_taken_from_the_pod_with_that_uid_and_no_other_gate(void **state)
{
	struct fixture *f = *state;

	to_open(f);
	assert_string_equal(script_last(&f->script)->content_type, "application/json-patch+json");
	assert_string_equal(
		script_last(&f->script)->body,
		"[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"uid-a\"},"
		"{\"op\":\"test\",\"path\":\"/spec/schedulingGates/1/name\",\"value\":\"dyno.dev/singleton\"},"
		"{\"op\":\"remove\",\"path\":\"/spec/schedulingGates/1\"}]");
}

static void test_the_recorded_pod_is_looked_at_after_the_list(void **state)
{
	struct fixture *f = *state;

	to_recorded(f);
	assert_path_lacks(script_last(&f->script), "resourceVersion");
}

/* --- who has to be gone first ------------------------------------------ */

static void test_a_recorded_pod_that_is_gone_makes_way(void **state)
{
	struct fixture *f = *state;

	to_recorded(f);
	answered(f, 404, refusal(f, 404, "NotFound"));
	assert_non_null(strstr(asked(f, 4, "PATCH", FORMATION_PATH "/status?")->body, "uid-b"));
	answered(f, 200, formation_text(f, "u1", ""));
	asked(f, 5, "PATCH", PODS_PATH "/shop-clock-b?");
	answered(f, 200, opened_text(f, "b"));
	ended(f, 5, ERR_NONE);
}

static void test_a_terminal_one_makes_way(void **state)
{
	struct fixture *f = *state;

	to_recorded(f);
	answered(f, 200, pod_text(f, "a", ENDED));
	asked(f, 4, "PATCH", FORMATION_PATH "/status?");
}

static void test_another_pod_with_its_name_makes_way_for_the_next_too(void **state)
{
	struct fixture *f = *state;

	to_recorded(f);
	answered(f, 200, pod_text(f, "a", ANOTHER));
	asked(f, 4, "PATCH", FORMATION_PATH "/status?");
}

static void test_one_that_runs_without_its_labels_is_waited_for(void **state)
{
	struct fixture *f = *state;

	to_recorded(f);
	answered(f, 200, pod_text(f, "a", OPEN));
	ended(f, 3, ERR_ALREADY_EXISTS);
	assert_non_null(strstr(f->err.msg, "pod shop-clock-a on node n7 may run"));
}

static void test_one_that_terminates_is_waited_for_and_since_when_is_said(void **state)
{
	struct fixture *f = *state;

	to_recorded(f);
	answered(f, 200, pod_text(f, "a", GOING));
	ended(f, 3, ERR_ALREADY_EXISTS);
	assert_non_null(strstr(f->err.msg, "being deleted since 2026-11-23T21:29:30Z"));
}

static void test_a_recorded_pod_that_is_still_gated_is_opened_without_a_write(void **state)
{
	struct fixture *f = *state;

	to_recorded(f);
	answered(f, 200, pod_text(f, "a", GATED));
	asked(f, 4, "PATCH", PODS_PATH "/shop-clock-a?");
}

static void test_without_a_record_of_two_that_wait_none_is_opened(void **state)
{
	struct fixture *f = *state;

	answered(f, 200, formation_text(f, "u1", ""));
	answered(f, 200, list_text(f, pod_text(f, "a", GATED), pod_text(f, "b", GATED)));
	ended(f, 2, ERR_ALREADY_EXISTS);
}

static void test_when_nobody_waits_any_more_it_is_a_conflict(void **state)
{
	struct fixture *f = *state;

	answered(f, 200, formation_text(f, "u1", ""));
	answered(f, 200, list_text(f, "", ""));
	ended(f, 2, ERR_CONFLICT);
}

/* --- what goes wrong ---------------------------------------------------- */

static void test_who_loses_the_write_opens_nothing(void **state)
{
	struct fixture *f = *state;

	to_write(f);
	answered(f, 409, refusal(f, 409, "Conflict"));
	ended(f, 3, ERR_CONFLICT);
	counted(f, "formation_singleton_gates_opened_total 0\n", true);
}

static void test_a_write_without_an_answer_opens_nothing(void **state)
{
	struct fixture *f = *state;

	to_write(f);
	call_fail(script_last(&f->script), ERR_TIMEOUT, "no answer");
	loop_settle(f->loop);
	ended(f, 3, ERR_TIMEOUT);
}

static void test_reads_that_fail_end_it(void **state)
{
	struct fixture *f = *state;

	to_recorded(f);
	answered(f, 403, refusal(f, 403, "Forbidden"));
	ended(f, 3, ERR_FORBIDDEN);
}

static void test_a_formation_with_another_uid_ends_it(void **state)
{
	struct fixture *f = *state;

	answered(f, 200, formation_text(f, "u2", ""));
	ended(f, 1, ERR_CONFLICT);
}

static void test_a_pod_that_is_gone_when_its_gate_is_opened_is_a_conflict(void **state)
{
	struct fixture *f = *state;

	to_open(f);
	answered(f, 404, refusal(f, 404, "NotFound"));
	ended(f, 4, ERR_CONFLICT);
	counted(f, "formation_singleton_gates_opened_total 0\n", true);
}

static void test_a_test_of_the_patch_that_fails_is_a_conflict(void **state)
{
	struct fixture *f = *state;

	to_open(f);
	answered(f, 422, refusal(f, 422, "Invalid"));
	ended(f, 4, ERR_CONFLICT);
}

static void test_a_status_without_an_entry_for_the_permit_is_waited_for(void **state)
{
	struct fixture *f = *state;

	answered(f, 200,
		 "{\"metadata\":{\"name\":\"shop\",\"namespace\":\"home\",\"uid\":\"u1\","
		 "\"resourceVersion\":\"70\"},\"spec\":{}}");
	answered(f, 200, list_text(f, pod_text(f, "a", GATED), ""));
	ended(f, 2, ERR_CONFLICT);
}

static void test_cancelled_it_ends_its_request_and_says_nothing(void **state)
{
	struct fixture *f = *state;
	struct http_call *call;

	to_open(f);
	call = script_last(&f->script);
	gate_cancel(f->gate);
	f->gate = NULL;
	loop_settle(f->loop);
	assert_true(call->cancelled);
	assert_int_equal(f->dones, 0);
	assert_int_equal(f->script.count, 4);
}

#define gate_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		gate_test(test_the_record_is_read_before_the_pods_and_neither_from_a_cache),
		gate_test(test_the_record_is_written_before_the_gate_is_opened),
		gate_test(test_the_record_is_written_under_the_version_and_uid_it_was_read_at),
		gate_test(test_conditions_of_others_are_not_taken_over),
		gate_test(test_the_gate_is_taken_from_the_pod_with_that_uid_and_no_other_gate),
		gate_test(test_the_recorded_pod_is_looked_at_after_the_list),
		gate_test(test_a_recorded_pod_that_is_gone_makes_way),
		gate_test(test_a_terminal_one_makes_way),
		gate_test(test_another_pod_with_its_name_makes_way_for_the_next_too),
		gate_test(test_one_that_runs_without_its_labels_is_waited_for),
		gate_test(test_one_that_terminates_is_waited_for_and_since_when_is_said),
		gate_test(test_a_recorded_pod_that_is_still_gated_is_opened_without_a_write),
		gate_test(test_without_a_record_of_two_that_wait_none_is_opened),
		gate_test(test_when_nobody_waits_any_more_it_is_a_conflict),
		gate_test(test_who_loses_the_write_opens_nothing),
		gate_test(test_a_write_without_an_answer_opens_nothing),
		gate_test(test_reads_that_fail_end_it),
		gate_test(test_a_formation_with_another_uid_ends_it),
		gate_test(test_a_pod_that_is_gone_when_its_gate_is_opened_is_a_conflict),
		gate_test(test_a_test_of_the_patch_that_fails_is_a_conflict),
		gate_test(test_a_status_without_an_entry_for_the_permit_is_waited_for),
		gate_test(test_cancelled_it_ends_its_request_and_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
