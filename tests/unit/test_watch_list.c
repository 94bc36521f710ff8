/* Lists that are streams: the reflector's state STREAMING, and what it falls back to. */
#include <stdio.h>

#include "base/log.h"
#include "kube/reflector.h"
#include "scripted_transport.h"
#include "unit.h"
#include "virtual_loop.h"

struct fixture {
	struct loop *loop;
	struct script script;
	struct reflector *reflector;
	char log[1024]; /* "begin x@3 end@7 ~x@9 -x@9 ": what the handlers heard */
};

static void note(struct fixture *f, const char *format, ...)
{
	size_t len = strlen(f->log);
	va_list args;

	va_start(args, format);
	vsnprintf(f->log + len, sizeof(f->log) - len, format, args);
	va_end(args);
}

static const char *text_of(const struct json *object, const char *key)
{
	return json_string_or(json_path(object, "metadata", key, NULL), "?");
}

static void on_begin(void *arg)
{
	note(arg, "begin ");
}

static void on_item(void *arg, struct arena *arena, const struct json *object)
{
	(void)arena;
	note(arg, "%s@%s ", text_of(object, "name"), text_of(object, "resourceVersion"));
}

static void on_end(void *arg, uint64_t version)
{
	note(arg, "end@%llu ", (unsigned long long)version);
}

static void on_event(void *arg, struct arena *arena, const struct json *object, uint64_t version,
		     bool gone)
{
	(void)arena;
	note(arg, "%c%s@%llu ", gone ? '-' : '~', text_of(object, "name"),
	     (unsigned long long)version);
}

/* Tables that keep no annotation: the mark has to be read all the same. */
static const struct json_keep KEEP_NAME[] = { { "name", NULL }, { 0 } };
static const struct json_keep KEEP[] = { { "metadata", KEEP_NAME }, { 0 } };

static int setup(void **state)
{
	struct fixture *f = x_calloc(1, sizeof(*f));
	struct err err;

	log_setup(LOG_ERROR, LOG_FORMAT_TEXT, 2);
	f->loop = loop_new(NULL, &err);
	script_init(&f->script);
	f->reflector = reflector_new(f->loop, &f->script.transport,
				     &(struct reflector_config){
					     .resource = &RESOURCE_POD,
					     .label_selector = "a",
					     .keep = KEEP,
					     .stream_lists = true,
					     .handlers = { on_begin, on_item, on_end, on_event, f },
				     });
	reflector_start(f->reflector);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	reflector_free(f->reflector);
	script_release(&f->script);
	loop_free(f->loop);
	free(f);
	return 0;
}

#define EVENT(type, name, version, more)                                                           \
	"{\"type\":\"" type "\",\"object\":{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{" \
	"\"name\":\"" name "\",\"resourceVersion\":\"" #version "\"" more "}}}\n"
#define MARK(version)                                                                              \
	EVENT("BOOKMARK", "", version, ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}")
#define STATUS(code, reason)                                                                       \
	"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"" reason  \
	"\",\"reason\":\"" reason "\",\"code\":" #code "}"
#define STREAM "/api/v1/pods?labelSelector=a&watch=1&allowWatchBookmarks=true&sendInitialEvents=true&" \
	       "resourceVersionMatch=NotOlderThan&timeoutSeconds=2"
#define PAGES "/api/v1/pods?labelSelector=a&limit=500"
#define LIST "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[]}"

/* The request under way. */
static struct http_call *now(struct fixture *f)
{
	loop_settle(f->loop);
	return script_last(&f->script);
}

/* Let the wait for the next request pass. */
static void wait(struct fixture *f)
{
	size_t count = f->script.count;

	loop_settle(f->loop);
	assert_int_equal(f->script.count, count);
	loop_pass(f->loop, loop_next_ms(f->loop));
	assert_int_equal(f->script.count, count + 1);
}

static void assert_log(struct fixture *f, const char *log)
{
	assert_string_equal(f->log, log);
	f->log[0] = '\0';
}

static struct reflector_status status_of(const struct fixture *f)
{
	struct reflector_status status;

	reflector_status(f->reflector, &status);
	return status;
}

static void assert_state(const struct fixture *f, enum reflector_state state)
{
	assert_string_equal(reflector_state_name(status_of(f).state), reflector_state_name(state));
}

static struct http_call *stream(struct fixture *f)
{
	struct http_call *call = now(f);

	assert_true(strncmp(call->path, STREAM, strlen(STREAM)) == 0);
	return call;
}

/* --- a list that is a stream -------------------------------------------- */

static void a_list_is_asked_for_as_a_stream_without_a_version(void **state)
{
	struct fixture *f = *state;

	assert_path_lacks(stream(f), "resourceVersion=");
	assert_int_equal(now(f)->priority, HTTP_PRIORITY_STREAM);
	assert_state(f, REFLECTOR_STREAMING);
	assert_log(f, "begin ");
}

static void the_mark_ends_the_list_and_the_stream_goes_on_as_the_watch(void **state)
{
	struct fixture *f = *state;
	struct http_call *call = stream(f);

	call_head(call, 200);
	call_data(call, EVENT("ADDED", "y", 5, "") EVENT("ADDED", "x", 3, ""));
	assert_log(f, "begin y@5 x@3 ");
	assert_int_equal(status_of(f).version, 0); /* they come in no order */
	call_data(call, MARK(7) EVENT("MODIFIED", "x", 9, ""));
	assert_log(f, "end@7 ~x@9 ");
	assert_state(f, REFLECTOR_WATCHING);
	assert_int_equal(status_of(f).version, 9);
	assert_int_equal(status_of(f).lists, 1);
	assert_int_equal(status_of(f).watches, 1);
	assert_ptr_equal(now(f), call);
	assert_int_equal(f->script.count, 1);
}

static void its_end_leads_to_a_watch_from_where_it_was(void **state)
{
	struct fixture *f = *state;
	struct http_call *call = stream(f);

	call_answer(call, 200, EVENT("ADDED", "x", 3, "") MARK(7));
	assert_path_has(now(f), "?labelSelector=a&watch=1&allowWatchBookmarks=true&resourceVersion=7&timeout");
	assert_path_lacks(now(f), "sendInitialEvents");
}

static void no_other_bookmark_is_the_mark(void **state)
{
	struct fixture *f = *state;
	struct http_call *call = stream(f);

	call_head(call, 200);
	call_data(call, EVENT("BOOKMARK", "", 6, ""));
	call_data(call, EVENT("BOOKMARK", "", 6, ",\"annotations\":{\"k8s.io/initial-events-end\":\"false\"}"));
	call_data(call, EVENT("ADDED", "x", 3, ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}"));
	assert_log(f, "begin x@3 ");
	assert_state(f, REFLECTOR_STREAMING);
}

static void what_changes_or_goes_before_the_mark(void **state)
{
	struct fixture *f = *state;
	struct http_call *call = stream(f);

	call_head(call, 200);
	call_data(call, EVENT("ADDED", "x", 3, "") EVENT("ADDED", "y", 4, "") EVENT("MODIFIED", "x", 8, "")
				EVENT("DELETED", "y", 9, "") MARK(9));
	assert_log(f, "begin x@3 y@4 x@8 -y@9 end@9 ");
}

static void a_watch_too_old_leads_to_another_stream(void **state)
{
	struct fixture *f = *state;
	struct http_call *call = stream(f);

	call_answer(call, 200, MARK(7));
	call_answer(now(f), 410, STATUS(410, "Expired"));
	stream(f);
	assert_state(f, REFLECTOR_STREAMING);
	assert_log(f, "begin end@7 begin ");
}

/* --- where that can't be done ------------------------------------------- */

static void a_server_that_does_not_know_streams_is_asked_for_pages_at_once_and_for_ever(void **state)
{
	static const int codes[] = { 400, 422 };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		call_answer(stream(f), codes[i], STATUS(422, "Invalid"));
		assert_path(now(f), PAGES);
		call_answer(now(f), 200, LIST);
		call_answer(now(f), 410, STATUS(410, "Expired"));
		assert_path(now(f), PAGES);
		assert_log(f, "begin begin end@7 begin ");
		teardown(state);
		setup(state);
		f = *state;
	}
}

static void a_stream_that_breaks_before_the_mark_leads_to_pages_once(void **state)
{
	struct fixture *f = *state;
	struct http_call *call = stream(f);

	call_answer(call, 200, EVENT("ADDED", "x", 3, ""));
	assert_state(f, REFLECTOR_WAITING_TO_LIST);
	assert_string_equal(status_of(f).error->msg, "list: ended before it was complete");
	wait(f);
	assert_path(now(f), PAGES);
	call_answer(now(f), 200, LIST);
	assert_log(f, "begin x@3 begin end@7 ");
	call_answer(now(f), 410, STATUS(410, "Expired"));
	stream(f);
}

static void a_stream_that_is_late_with_the_mark_leads_to_pages(void **state)
{
	struct fixture *f = *state;
	struct http_call *call = stream(f);

	call_head(call, 200);
	call_data(call, EVENT("ADDED", "x", 3, ""));
	reflector_hurry(f->reflector); /* it waits for nothing of ours */
	loop_pass(f->loop, 59999);
	assert_true(call->open);
	loop_pass(f->loop, 1);
	assert_true(call->cancelled);
	assert_int_equal(status_of(f).error->code, ERR_TIMEOUT);
	wait(f);
	assert_path(now(f), PAGES);
}

static void the_mark_in_time_ends_the_watch_for_lateness(void **state)
{
	struct fixture *f = *state;
	struct http_call *call = stream(f);

	call_head(call, 200);
	call_data(call, MARK(7));
	loop_pass(f->loop, 61000);
	assert_true(call->open);
	assert_state(f, REFLECTOR_WATCHING);
}

static void who_may_not_list_goes_on_asking_for_streams(void **state)
{
	static const int codes[] = { 401, 403, 404, 429, 503 };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		call_answer(stream(f), codes[i], "");
		assert_state(f, REFLECTOR_WAITING_TO_LIST);
		wait(f);
	}
	stream(f);
	call_answer(now(f), 200, MARK(7));
	assert_null(status_of(f).error);
}

static void an_error_in_the_stream_is_an_error_of_the_list(void **state)
{
	struct fixture *f = *state;
	struct http_call *call = stream(f);

	call_head(call, 200);
	assert_false(call_data(call, "{\"type\":\"ERROR\",\"object\":" STATUS(500, "InternalError") "}\n"));
	assert_state(f, REFLECTOR_WAITING_TO_LIST);
	assert_int_equal(status_of(f).error->code, ERR_UNAVAILABLE);
}

static void stopping_ends_the_stream(void **state)
{
	struct fixture *f = *state;
	struct http_call *call = stream(f);

	call_head(call, 200);
	reflector_stop(f->reflector);
	assert_true(call->cancelled);
	loop_pass(f->loop, 120000);
	assert_int_equal(f->script.count, 1);
}

#define stream_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		stream_test(a_list_is_asked_for_as_a_stream_without_a_version),
		stream_test(the_mark_ends_the_list_and_the_stream_goes_on_as_the_watch),
		stream_test(its_end_leads_to_a_watch_from_where_it_was),
		stream_test(no_other_bookmark_is_the_mark),
		stream_test(what_changes_or_goes_before_the_mark),
		stream_test(a_watch_too_old_leads_to_another_stream),
		stream_test(a_server_that_does_not_know_streams_is_asked_for_pages_at_once_and_for_ever),
		stream_test(a_stream_that_breaks_before_the_mark_leads_to_pages_once),
		stream_test(a_stream_that_is_late_with_the_mark_leads_to_pages),
		stream_test(the_mark_in_time_ends_the_watch_for_lateness),
		stream_test(who_may_not_list_goes_on_asking_for_streams),
		stream_test(an_error_in_the_stream_is_an_error_of_the_list),
		stream_test(stopping_ends_the_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
