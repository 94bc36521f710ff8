#include <stdio.h>

#include "base/log.h"
#include "kube/recorder.h"
#include "scripted_transport.h"
#include "unit.h"
#include "virtual_loop.h"

enum { MINUTE_MS = 60 * 1000, WAITING_MAX = 1000 };

struct fixture {
	struct loop *loop;
	struct script script;
	struct client *client;
	struct recorder *recorder;
	struct arena arena;
};

static const struct event_subject SHOP = {
	.resource = &RESOURCE_DEPLOYMENT, .ns = "shop", .name = "web", .uid = "u1"
};

static int setup(void **state)
{
	struct fixture *f = x_calloc(1, sizeof(*f));
	struct err err;

	log_setup(LOG_ERROR, LOG_FORMAT_TEXT, 2);
	f->loop = loop_new(NULL, &err);
	script_init(&f->script);
	f->client = client_new(f->loop, &f->script.transport, NULL);
	f->recorder = recorder_new(f->loop, f->client, "dyno.dev/formation-controller", "pod-1");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	recorder_free(f->recorder);
	client_free(f->client);
	script_release(&f->script);
	arena_release(&f->arena);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void event(struct fixture *f, const char *note)
{
	recorder_event(f->recorder, &SHOP, false, "Scaled", "Scale", note);
}

/* The request under way. */
static struct http_call *now(struct fixture *f)
{
	loop_settle(f->loop);
	return script_last(&f->script);
}

static void take(struct fixture *f)
{
	call_answer(now(f), 201, "{}");
	loop_settle(f->loop);
}

static void assert_counts(const struct fixture *f, uint64_t sent, uint64_t dropped)
{
	uint64_t is_sent, is_dropped;

	recorder_counts(f->recorder, &is_sent, &is_dropped);
	assert_int_equal(is_sent, sent);
	assert_int_equal(is_dropped, dropped);
}

static const char *text_at(const struct json *value, const char *key)
{
	return json_string_or(json_get(value, key), "(absent)");
}

static const struct json *body_of(struct fixture *f, const struct http_call *call)
{
	return unit_json(&f->arena, call->body);
}

static void test_an_event_has_every_required_field(void **state)
{
	struct fixture *f = *state;
	const struct json *body;

	recorder_event(f->recorder, &SHOP, true, "SizeUnknown", "Reconcile", "there is no size 9X");
	assert_int_equal(f->script.count, 0); /* never at once */
	assert_int_equal(recorder_pending(f->recorder), 1);
	body = body_of(f, now(f));
	assert_string_equal(now(f)->method, "POST");
	assert_path(now(f), "/apis/events.k8s.io/v1/namespaces/shop/events");
	assert_int_equal(now(f)->priority, HTTP_PRIORITY_NORMAL);
	assert_string_equal(text_at(body, "apiVersion"), "events.k8s.io/v1");
	assert_string_equal(text_at(body, "kind"), "Event");
	assert_string_equal(text_at(body, "type"), "Warning");
	assert_string_equal(text_at(body, "reason"), "SizeUnknown");
	assert_string_equal(text_at(body, "action"), "Reconcile");
	assert_string_equal(text_at(body, "note"), "there is no size 9X");
	assert_string_equal(text_at(body, "reportingController"), "dyno.dev/formation-controller");
	assert_string_equal(text_at(body, "reportingInstance"), "pod-1");
	assert_int_equal(strlen(text_at(body, "eventTime")), strlen("2026-11-23T22:00:00.000000Z"));
	assert_string_equal(text_at(json_get(body, "metadata"), "namespace"), "shop");
	assert_string_equal(json_text(&f->arena, json_get(body, "regarding")),
			    "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"namespace\":\"shop\","
			    "\"name\":\"web\",\"uid\":\"u1\"}");
}

static void test_names_are_the_object_and_a_hex_time_of_their_own(void **state)
{
	struct fixture *f = *state;
	const char *first, *second;

	event(f, "one");
	event(f, "two");
	first = text_at(json_get(body_of(f, now(f)), "metadata"), "name");
	take(f);
	second = text_at(json_get(body_of(f, now(f)), "metadata"), "name");
	assert_memory_equal(first, "web.", 4);
	assert_int_equal(strspn(first + 4, "0123456789abcdef"), strlen(first + 4));
	assert_string_not_equal(first, second);
}

static void test_a_long_object_name_is_cut_to_a_valid_one(void **state)
{
	struct fixture *f = *state;
	struct event_subject subject = SHOP;
	char name[254];
	const char *is;

	memset(name, 'x', sizeof(name));
	memset(name + 200, '-', 45);
	name[253] = '\0';
	subject.name = name;
	recorder_event(f->recorder, &subject, false, "R", "A", "n");
	is = text_at(json_get(body_of(f, now(f)), "metadata"), "name");
	assert_true(strlen(is) <= 253);
	assert_memory_equal(is + 199, "x.", 2);
}

static void test_texts_are_cut_to_what_the_api_takes(void **state)
{
	struct fixture *f = *state;
	char note[2000], reason[300];
	const struct json *body;

	for (size_t i = 0; i + 2 < sizeof(note); i += 2)
		memcpy(note + i, "\xc3\xa9", 3);
	note[0] = 'x';
	memmove(note + 1, note + 2, sizeof(note) - 2);
	memset(reason, 'r', sizeof(reason));
	reason[sizeof(reason) - 1] = '\0';
	recorder_event(f->recorder, &SHOP, false, reason, reason, note);
	body = body_of(f, now(f)); /* which is checked for UTF-8 as it is read */
	assert_int_equal(strlen(text_at(body, "note")), 1023);
	assert_int_equal(strlen(text_at(body, "reason")), 128);
	assert_int_equal(strlen(text_at(body, "action")), 128);
}

static void test_missing_texts_become_what_the_api_takes(void **state)
{
	struct fixture *f = *state;
	const struct json *body;

	recorder_event(f->recorder, &SHOP, false, NULL, "", NULL);
	body = body_of(f, now(f));
	assert_string_equal(text_at(body, "reason"), "Unknown");
	assert_string_equal(text_at(body, "action"), "Unknown");
	assert_string_equal(text_at(body, "note"), "");
}

static void test_an_event_about_a_cluster_scoped_object_goes_to_default(void **state)
{
	struct fixture *f = *state;
	const struct event_subject size = { .resource = &RESOURCE_DYNO_SIZE, .name = "1x" };

	recorder_event(f->recorder, &size, false, "R", "A", "n");
	assert_path(now(f), "/apis/events.k8s.io/v1/namespaces/default/events");
	assert_null(json_path(body_of(f, now(f)), "regarding", "namespace", NULL));
}

static void test_events_are_sent_one_at_a_time_in_order(void **state)
{
	struct fixture *f = *state;

	event(f, "one");
	event(f, "two");
	loop_settle(f->loop);
	assert_int_equal(f->script.count, 1);
	take(f);
	assert_int_equal(f->script.count, 2);
	assert_string_equal(text_at(body_of(f, now(f)), "note"), "two");
	take(f);
	assert_int_equal(recorder_pending(f->recorder), 0);
	assert_counts(f, 2, 0);
}

static void test_the_second_equal_event_is_a_series_and_the_third_is_only_counted(void **state)
{
	struct fixture *f = *state;
	const struct json *series;

	event(f, "one");
	take(f);
	event(f, "one");
	assert_string_equal(now(f)->method, "PATCH");
	assert_string_equal(now(f)->content_type, "application/merge-patch+json");
	assert_path_has(now(f), "/namespaces/shop/events/web.");
	series = json_get(body_of(f, now(f)), "series");
	assert_int_equal(json_int_or(json_get(series, "count"), 0), 2);
	assert_int_equal(strlen(text_at(series, "lastObservedTime")),
			 strlen("2026-11-23T22:00:00.000000Z"));
	take(f);
	event(f, "one");
	event(f, "one");
	loop_pass(f->loop, MINUTE_MS);
	assert_int_equal(f->script.count, 2);
	assert_int_equal(recorder_pending(f->recorder), 0);
}

static void test_equal_events_before_the_first_is_taken_become_a_series_behind_it(void **state)
{
	struct fixture *f = *state;

	event(f, "one");
	loop_settle(f->loop);
	event(f, "one");
	event(f, "one");
	assert_string_equal(now(f)->method, "POST");
	take(f);
	assert_string_equal(now(f)->method, "PATCH");
	assert_int_equal(json_int_or(json_path(body_of(f, now(f)), "series", "count", NULL), 0), 3);
	take(f);
	assert_int_equal(f->script.count, 2);
}

static void test_a_growing_series_is_sent_every_half_hour(void **state)
{
	struct fixture *f = *state;

	event(f, "one");
	take(f);
	event(f, "one");
	take(f);
	for (int minute = 0; minute < 29; minute++) {
		loop_pass(f->loop, MINUTE_MS);
		event(f, "one");
	}
	assert_int_equal(f->script.count, 2);
	loop_pass(f->loop, 2 * MINUTE_MS);
	assert_int_equal(f->script.count, 3);
	assert_int_equal(json_int_or(json_path(body_of(f, now(f)), "series", "count", NULL), 0), 31);
	take(f);
}

static void test_a_series_at_rest_is_sent_once_more_and_forgotten(void **state)
{
	struct fixture *f = *state;

	event(f, "one");
	take(f);
	event(f, "one");
	take(f);
	event(f, "one");
	loop_pass(f->loop, 7 * MINUTE_MS);
	assert_int_equal(json_int_or(json_path(body_of(f, now(f)), "series", "count", NULL), 0), 3);
	take(f);
	loop_pass(f->loop, 2 * MINUTE_MS);
	assert_int_equal(f->script.count, 3);
	assert_int_equal(loop_next_ms(f->loop), -1); /* nothing left to look after */
	event(f, "one");
	assert_string_equal(now(f)->method, "POST");
}

static void test_an_event_whose_series_the_server_forgot_is_created_again(void **state)
{
	struct fixture *f = *state;

	event(f, "one");
	take(f);
	event(f, "one");
	call_answer(now(f), 404, "");
	assert_string_equal(now(f)->method, "POST");
	take(f);
	assert_string_equal(now(f)->method, "PATCH");
	take(f);
	assert_counts(f, 3, 0);
}

static void test_an_event_of_a_namespace_that_goes_away_is_dropped(void **state)
{
	static const char *const bodies[] = {
		"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"code\":403,\"reason\":\"Forbidden\","
		"\"message\":\"terminating\",\"details\":{\"causes\":[{\"reason\":"
		"\"NamespaceTerminating\"}]}}",
		"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"code\":404,\"reason\":\"NotFound\"}",
	};
	struct fixture *f = *state;

	event(f, "one");
	call_answer(now(f), 403, bodies[0]);
	event(f, "two");
	call_answer(now(f), 404, bodies[1]);
	loop_pass(f->loop, 10 * MINUTE_MS);
	assert_int_equal(f->script.count, 2);
	assert_counts(f, 0, 2);
	assert_int_equal(recorder_pending(f->recorder), 0);
}

static void test_an_event_that_is_already_there_counts_as_sent(void **state)
{
	struct fixture *f = *state;

	event(f, "one");
	call_answer(now(f), 409,
		    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"code\":409,\"reason\":\"AlreadyExists\"}");
	loop_settle(f->loop);
	assert_counts(f, 1, 0);
	event(f, "one");
	assert_string_equal(now(f)->method, "PATCH");
}

static void test_a_failing_server_is_tried_twelve_times(void **state)
{
	struct fixture *f = *state;

	event(f, "one");
	for (int i = 1; i <= 12; i++) {
		assert_int_equal(recorder_pending(f->recorder), 1);
		call_fail(now(f), ERR_UNAVAILABLE, "connection refused");
		loop_pass(f->loop, 9999);
		assert_int_equal(f->script.count, i);
		loop_pass(f->loop, 2501);
	}
	loop_pass(f->loop, MINUTE_MS);
	assert_int_equal(f->script.count, 12);
	assert_counts(f, 0, 1);
}

static void test_over_a_thousand_waiting_events_are_dropped(void **state)
{
	struct fixture *f = *state;
	char note[32];

	for (int i = 0; i < WAITING_MAX + 5; i++) {
		snprintf(note, sizeof(note), "note %d", i);
		event(f, note);
	}
	assert_int_equal(recorder_pending(f->recorder), WAITING_MAX);
	assert_counts(f, 0, 5);
	event(f, "note 3"); /* is counted into its series all the same */
	assert_counts(f, 0, 5);
}

static void test_what_is_remembered_has_a_limit(void **state)
{
	struct fixture *f = *state;
	char note[32];

	for (int i = 0; i < 3000; i++) {
		snprintf(note, sizeof(note), "note %d", i);
		event(f, note);
		take(f);
	}
	assert_counts(f, 3000, 0);
	event(f, "note 2999");
	assert_string_equal(now(f)->method, "PATCH");
	take(f);
	event(f, "note 0"); /* forgotten long ago */
	assert_string_equal(now(f)->method, "POST");
}

static void test_free_gives_up_what_is_under_way(void **state)
{
	struct fixture *f = *state;

	event(f, "one");
	event(f, "two");
	loop_settle(f->loop);
	recorder_free(f->recorder);
	f->recorder = NULL;
	assert_true(f->script.calls[0]->cancelled);
}

#define recorder_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		recorder_test(test_an_event_has_every_required_field),
		recorder_test(test_names_are_the_object_and_a_hex_time_of_their_own),
		recorder_test(test_a_long_object_name_is_cut_to_a_valid_one),
		recorder_test(test_texts_are_cut_to_what_the_api_takes),
		recorder_test(test_missing_texts_become_what_the_api_takes),
		recorder_test(test_an_event_about_a_cluster_scoped_object_goes_to_default),
		recorder_test(test_events_are_sent_one_at_a_time_in_order),
		recorder_test(test_the_second_equal_event_is_a_series_and_the_third_is_only_counted),
		recorder_test(test_equal_events_before_the_first_is_taken_become_a_series_behind_it),
		recorder_test(test_a_growing_series_is_sent_every_half_hour),
		recorder_test(test_a_series_at_rest_is_sent_once_more_and_forgotten),
		recorder_test(test_an_event_whose_series_the_server_forgot_is_created_again),
		recorder_test(test_an_event_of_a_namespace_that_goes_away_is_dropped),
		recorder_test(test_an_event_that_is_already_there_counts_as_sent),
		recorder_test(test_a_failing_server_is_tried_twelve_times),
		recorder_test(test_over_a_thousand_waiting_events_are_dropped),
		recorder_test(test_what_is_remembered_has_a_limit),
		recorder_test(test_free_gives_up_what_is_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
