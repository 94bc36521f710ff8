#include <stdio.h>

#include "base/limits.h"
#include "base/log.h"
#include "kube/informer.h"
#include "scripted_transport.h"
#include "unit.h"
#include "virtual_loop.h"

struct fixture {
	struct loop *loop;
	struct script script;
	struct store *store;
	struct informer *informer;
	char log[4096]; /* "+a/x@1 ~a/x@2 -a/x@2 synced ": what the handlers heard */
	int decoded;
	int gone; /* last words heard */
};

/* --- handlers --------------------------------------------------------- */

static struct object *decode(void *arg, struct arena *arena, const struct json *value,
			     struct err *err)
{
	struct fixture *f = arg;

	assert_non_null(arena);
	f->decoded++;
	if (json_path(value, "spec", "bad", NULL)) {
		err_set(err, ERR_PARSE, "spec.bad is there");
		return NULL;
	}
	return object_new(value, sizeof(struct object), 0, NULL, err);
}

static void note(struct fixture *f, char what, const struct object *object)
{
	size_t len = strlen(f->log);

	snprintf(f->log + len, sizeof(f->log) - len, "%c%s/%s@%llu ", what, object->ns,
		 object->name, (unsigned long long)object->version);
}

static void on_changed(void *arg, const struct object *old, const struct object *now)
{
	note(arg, old && now ? '~' : now ? '+' : '-', now ? now : old);
}

static void on_gone(void *arg, const struct json *value)
{
	struct fixture *f = arg;

	assert_non_null(json_path(value, "metadata", "uid", NULL));
	f->gone++;
}

static void on_synced(void *arg)
{
	strcat(((struct fixture *)arg)->log, "synced ");
}

static const struct json_keep KEEP[] = {
	{ "metadata", KEEP_METADATA }, { "spec", NULL }, { 0 },
};

static void make(struct fixture *f, const char *ns, const char *selector)
{
	const struct informer_config config = {
		.resource = &RESOURCE_POD,
		.ns = ns,
		.label_selector = selector,
		.keep = KEEP,
		.store = f->store,
		.handlers = { decode, on_changed, on_synced, f, on_gone },
	};

	f->informer = informer_new(f->loop, &f->script.transport, &config);
}

static int setup(void **state)
{
	struct fixture *f = x_calloc(1, sizeof(*f));
	struct err err;

	log_setup(LOG_ERROR, LOG_FORMAT_TEXT, 2);
	f->loop = loop_new(NULL, &err);
	f->store = store_new();
	script_init(&f->script);
	make(f, NULL, NULL);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	informer_free(f->informer);
	store_free(f->store);
	script_release(&f->script);
	loop_free(f->loop);
	free(f);
	return 0;
}

/* --- what the server says --------------------------------------------- */

#define META(name, uid, version)                                                                   \
	"\"metadata\":{\"namespace\":\"a\",\"name\":\"" name "\",\"uid\":\"" uid                   \
	"\",\"resourceVersion\":\"" #version "\"}"
#define ITEM(name, uid, version) "{" META(name, uid, version) "}"
#define POD(name, uid, version) "{\"apiVersion\":\"v1\",\"kind\":\"Pod\"," META(name, uid, version) "}"
#define LIST_OF(version, more, items)                                                              \
	"{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"" #version \
	"\"" more "},\"items\":[" items "]}"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"
#define BOOKMARK(version)                                                                          \
	EVENT("BOOKMARK", "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{"                 \
			  "\"resourceVersion\":\"" #version "\"}}")
#define STATUS(code, reason)                                                                       \
	"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"" reason  \
	"\",\"reason\":\"" reason "\",\"code\":" #code "}"

static void assert_log(struct fixture *f, const char *log)
{
	assert_string_equal(f->log, log);
	f->log[0] = '\0';
}

static struct informer_state state_of(const struct fixture *f)
{
	struct informer_state state;

	informer_state(f->informer, &state);
	return state;
}

static void assert_phase(const struct fixture *f, const char *phase)
{
	assert_string_equal(state_of(f).phase, phase);
}

/* The request under way. */
static struct http_call *now(struct fixture *f)
{
	loop_settle(f->loop);
	return script_last(&f->script);
}

/* Start, and answer the first list; returns the watch. */
static struct http_call *start_watch(struct fixture *f, const char *list)
{
	informer_start(f->informer);
	call_answer(now(f), 200, list);
	call_head(now(f), 200);
	return now(f);
}

/* How long until the next request; the informer has to be waiting. */
static int64_t wait_of(struct fixture *f)
{
	size_t count = f->script.count;
	int64_t ms;

	loop_settle(f->loop);
	assert_int_equal(f->script.count, count);
	ms = loop_next_ms(f->loop);
	assert_true(ms > 0);
	loop_pass(f->loop, ms);
	assert_int_equal(f->script.count, count + 1);
	return ms;
}

/* --- listing ---------------------------------------------------------- */

static void test_the_first_list_is_consistent_and_paged(void **state)
{
	struct fixture *f = *state;

	informer_start(f->informer);
	assert_int_equal(f->script.count, 0); /* start only posts */
	assert_path(now(f), "/api/v1/pods?limit=500");
	assert_int_equal(now(f)->priority, HTTP_PRIORITY_NORMAL);
	assert_phase(f, "listing");
	assert_false(state_of(f).synced);
}

static void test_namespace_and_selector_are_in_every_request(void **state)
{
	struct fixture *f = *state;

	informer_free(f->informer);
	make(f, "shop", "dyno.dev/formation,x!=y");
	informer_start(f->informer);
	assert_path(now(f), "/api/v1/namespaces/shop/pods?labelSelector=dyno.dev%2Fformation%2Cx%21"
			    "%3Dy&limit=500");
	call_answer(now(f), 200, LIST_OF(5, , ));
	assert_path_has(now(f), "/api/v1/namespaces/shop/pods?labelSelector=dyno.dev%2Fformation"
				"%2Cx%21%3Dy&watch=1&");
}

static void test_a_list_fills_the_store_and_a_watch_follows_it(void **state)
{
	struct fixture *f = *state;

	informer_start(f->informer);
	call_answer(now(f), 200, LIST_OF(7, , ITEM("x", "u1", 3) "," ITEM("y", "u2", 5)));
	assert_log(f, "+a/x@3 +a/y@5 synced ");
	assert_path_has(now(f), "watch=1&allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds=2");
	assert_int_equal(now(f)->priority, HTTP_PRIORITY_STREAM);
	assert_phase(f, "watching");
	assert_true(state_of(f).synced);
	assert_int_equal(state_of(f).version, 7);
}

static void test_items_are_stored_while_the_list_still_arrives(void **state)
{
	struct fixture *f = *state;

	informer_start(f->informer);
	call_head(now(f), 200);
	call_data(now(f), "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{"
			  "\"resourceVersion\":\"7\"},\"items\":[" ITEM("x", "u1", 3) ",");
	assert_log(f, "+a/x@3 ");
	call_data(now(f), ITEM("y", "u2", 5) "]}");
	assert_log(f, "+a/y@5 ");
	call_end(now(f), true);
	assert_log(f, "synced ");
}

static void test_pages_follow_by_their_token_alone(void **state)
{
	struct fixture *f = *state;

	informer_start(f->informer);
	call_answer(now(f), 200, LIST_OF(7, ",\"continue\":\"a=/b\"", ITEM("x", "u1", 3)));
	assert_path(now(f), "/api/v1/pods?limit=500&continue=a%3D%2Fb");
	assert_log(f, "+a/x@3 ");
	call_answer(now(f), 200, LIST_OF(7, ",\"continue\":\"c\"", ITEM("y", "u2", 5)));
	assert_path(now(f), "/api/v1/pods?limit=500&continue=c");
	call_answer(now(f), 200, LIST_OF(7, ",\"continue\":\"\"", ));
	assert_log(f, "+a/y@5 synced ");
	assert_int_equal(state_of(f).lists, 1);
	assert_phase(f, "watching");
}

static void test_a_page_that_has_expired_lists_anew_in_one_piece(void **state)
{
	struct fixture *f = *state;

	informer_start(f->informer);
	call_answer(now(f), 200, LIST_OF(7, ",\"continue\":\"c\"", ITEM("x", "u1", 3)));
	call_answer(now(f), 410, STATUS(410, "Expired"));
	assert_path(now(f), "/api/v1/pods");
	call_answer(now(f), 200, LIST_OF(9, , ITEM("y", "u2", 5)));
	assert_log(f, "+a/x@3 +a/y@5 -a/x@3 synced ");
	assert_int_equal(state_of(f).lists, 2);
}

static void test_a_list_that_is_cut_off_sweeps_nothing(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ITEM("x", "u1", 3)));

	call_data(watch, EVENT("ERROR", STATUS(410, "Expired")));
	call_head(now(f), 200);
	call_data(now(f), "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"items\":[");
	call_end(now(f), true);
	assert_int_equal(store_count(f->store), 1);
	assert_phase(f, "waiting to list");
	assert_int_equal(state_of(f).error->code, ERR_PARSE);
}

static void test_a_list_of_another_kind_is_refused(void **state)
{
	static const char *const bodies[] = {
		"{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{"
		"\"resourceVersion\":\"7\"},\"rows\":[]}",
		"{\"kind\":\"PodList\",\"apiVersion\":\"v2\",\"metadata\":{\"resourceVersion\":"
		"\"7\"},\"items\":[]}",
		"{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"7\"}}",
		"{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{},\"items\":[]}",
		"{}",
		"[]",
		"<html></html>",
		"",
	};
	struct fixture *f = *state;

	informer_start(f->informer);
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		call_answer(now(f), 200, bodies[i]);
		assert_phase(f, "waiting to list");
		assert_int_equal(state_of(f).error->code, ERR_PARSE);
		wait_of(f);
	}
	assert_log(f, "");
}

static void test_a_missing_resource_is_asked_for_again_within_ten_seconds(void **state)
{
	struct fixture *f = *state;

	informer_start(f->informer);
	for (int i = 0; i < 10; i++) {
		call_answer(now(f), 404, "404 page not found");
		assert_int_equal(state_of(f).error->code, ERR_NOT_FOUND);
		assert_string_equal(state_of(f).error->msg, "list: HTTP 404");
		assert_in_range(wait_of(f), 800, 10000);
	}
	call_answer(now(f), 200, LIST_OF(7, , ));
	call_head(now(f), 200);
	assert_null(state_of(f).error);
}

static void test_a_forbidden_list_goes_on_asking_and_says_so(void **state)
{
	struct fixture *f = *state;

	informer_start(f->informer);
	call_answer(now(f), 403, STATUS(403, "Forbidden"));
	assert_int_equal(state_of(f).error->code, ERR_FORBIDDEN);
	assert_phase(f, "waiting to list");
	wait_of(f);
	assert_phase(f, "listing");
}

static void test_failures_wait_twice_as_long_up_to_a_minute(void **state)
{
	struct fixture *f = *state;
	int64_t least = 800;

	informer_start(f->informer);
	for (int i = 0; i < 10; i++) {
		call_fail(now(f), ERR_UNAVAILABLE, "connection refused");
		assert_in_range(wait_of(f), least, 2 * least);
		least = least * 2 < 30000 ? least * 2 : 30000;
	}
}

static void test_two_minutes_without_failure_make_the_next_wait_short(void **state)
{
	struct fixture *f = *state;

	informer_start(f->informer);
	for (int i = 0; i < 8; i++) {
		call_fail(now(f), ERR_UNAVAILABLE, "connection refused");
		wait_of(f);
	}
	loop_pass(f->loop, 121000);
	call_fail(now(f), ERR_UNAVAILABLE, "connection refused");
	assert_in_range(wait_of(f), 800, 1600);
}

static void test_retry_after_is_waited_for(void **state)
{
	struct fixture *f = *state;

	informer_start(f->informer);
	call_answer_later(now(f), 429, 17000, STATUS(429, "TooManyRequests"));
	assert_in_range(wait_of(f), 17000, 17000);
}

/* --- events ----------------------------------------------------------- */

static void test_events_add_change_and_remove(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ));

	f->log[0] = '\0';
	call_data(watch, EVENT("ADDED", POD("x", "u1", 8)));
	call_data(watch, EVENT("MODIFIED", POD("x", "u1", 9)));
	call_data(watch, EVENT("DELETED", POD("x", "u1", 10)));
	assert_log(f, "+a/x@8 ~a/x@9 -a/x@9 ");
	assert_int_equal(state_of(f).version, 10);
	assert_int_equal(state_of(f).events, 3);
}

static void test_an_event_may_arrive_byte_by_byte(void **state)
{
	static const char events[] = EVENT("ADDED", POD("x", "u1", 8))
		EVENT("MODIFIED", POD("x", "u1", 9));
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ));

	f->log[0] = '\0';
	for (size_t i = 0; i + 1 < sizeof(events); i++)
		assert_true(call_bytes(watch, events + i, 1));
	assert_log(f, "+a/x@8 ~a/x@9 ");
}

static void test_a_bookmark_moves_the_version_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ITEM("x", "u1", 3)));

	f->log[0] = '\0';
	call_data(watch, BOOKMARK(50));
	assert_log(f, "");
	assert_int_equal(state_of(f).version, 50);
	assert_int_equal(state_of(f).events, 1);
	loop_pass(f->loop, 2000);
	call_end(watch, true);
	assert_path_has(now(f), "resourceVersion=50&");
}

static void test_events_of_other_kinds_and_types_change_nothing(void **state)
{
	static const char *const events[] = {
		EVENT("ADDED", "{\"apiVersion\":\"v1\",\"kind\":\"Secret\"," META("x", "u1", 8) "}"),
		EVENT("ADDED", "{\"apiVersion\":\"v2\",\"kind\":\"Pod\"," META("x", "u1", 8) "}"),
		EVENT("ADDED", "{" META("x", "u1", 8) "}"),
		EVENT("ADDED", "{\"apiVersion\":\"meta.k8s.io/v1\",\"kind\":\"Table\"}"),
		EVENT("RENAMED", POD("x", "u1", 8)),
		EVENT("ADDED", "{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}"),
		EVENT("ADDED", POD("x", "u1", eight)),
		EVENT("ADDED", "null"),
		"{}\n",
	};
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ));

	f->log[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		assert_true(call_data(watch, events[i]));
	assert_log(f, "");
	assert_int_equal(state_of(f).version, 7);
	call_data(watch, EVENT("ADDED", POD("x", "u1", 8)));
	assert_log(f, "+a/x@8 ");
}

static void test_an_object_that_cannot_be_decoded_is_counted_and_left_out(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(
		f, LIST_OF(7, , "{" META("x", "u1", 3) ",\"spec\":{\"bad\":1}}," ITEM("y", "u2", 4)));

	assert_log(f, "+a/y@4 synced ");
	assert_int_equal(state_of(f).decode_errors, 1);
	call_data(watch, EVENT("MODIFIED", POD("x", "u1", 8)));
	assert_log(f, "+a/x@8 ");
}

static void test_an_older_version_is_not_even_decoded(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ITEM("x", "u1", 5)));

	f->log[0] = '\0';
	f->decoded = 0;
	call_data(watch, EVENT("MODIFIED", POD("x", "u1", 5)));
	call_data(watch, EVENT("MODIFIED", POD("x", "u1", 4)));
	assert_int_equal(f->decoded, 0);
	assert_log(f, "");
}

static void test_a_deletion_of_an_older_uid_spares_the_new_one(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ITEM("x", "u2", 6)));

	f->log[0] = '\0';
	call_data(watch, EVENT("DELETED", POD("x", "u1", 9)));
	assert_log(f, "");
	assert_int_equal(store_count(f->store), 1);
}

/* --- the end of a watch ------------------------------------------------ */

static void test_a_watch_that_ends_is_opened_again_from_the_last_version(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ));

	call_data(watch, EVENT("ADDED", POD("x", "u1", 8)));
	call_end(watch, true);
	assert_path_has(now(f), "resourceVersion=8&");
	assert_int_equal(state_of(f).lists, 1);
	assert_int_equal(state_of(f).watches, 2);
}

static void test_half_an_event_at_the_end_is_dropped(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ));

	f->log[0] = '\0';
	call_data(watch, EVENT("ADDED", POD("x", "u1", 8)));
	call_data(watch, "{\"type\":\"ADDED\",\"object\":{\"kind\":\"Po");
	call_end(watch, false);
	assert_log(f, "+a/x@8 ");
	assert_path_has(now(f), "resourceVersion=8&");
}

static void test_a_lost_connection_resumes_at_once_after_a_healthy_watch(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ));

	loop_pass(f->loop, 5000);
	call_fail(watch, ERR_UNAVAILABLE, "connection reset");
	assert_path_has(now(f), "resourceVersion=7&");
	call_fail(now(f), ERR_UNAVAILABLE, "connection refused");
	assert_phase(f, "waiting to watch");
	assert_string_equal(state_of(f).error->msg, "watch: connection refused");
	assert_in_range(wait_of(f), 800, 1600);
	assert_path_has(now(f), "resourceVersion=7&");
}

static void test_very_short_watches_wait(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ));

	call_end(watch, true);
	assert_phase(f, "waiting to watch");
	assert_in_range(wait_of(f), 800, 1600);
	call_answer(now(f), 200, "");
	assert_in_range(wait_of(f), 1600, 3200);
}

static void test_a_watch_is_given_up_by_ourselves_after_its_time(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ));
	const char *seconds = strstr(watch->path, "timeoutSeconds=") + 15;

	assert_in_range(atoi(seconds), 270, 295);
	assert_int_equal(watch->timeout_ms, (atoi(seconds) + 15) * 1000);
	loop_pass(f->loop, watch->timeout_ms);
	call_fail(watch, ERR_TIMEOUT, "no end within 300 s");
	assert_path_has(now(f), "resourceVersion=7&");
}

static void test_410_relists_once(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ITEM("x", "u1", 3)));

	f->log[0] = '\0';
	call_data(watch, EVENT("ERROR", STATUS(410, "Expired")));
	assert_path(now(f), "/api/v1/pods?limit=500");
	call_answer(now(f), 200, LIST_OF(20, , ITEM("y", "u2", 15)));
	assert_log(f, "+a/y@15 -a/x@3 ");
	assert_path_has(now(f), "resourceVersion=20&");
	assert_int_equal(state_of(f).lists, 2);
}

static void test_410_as_the_answer_to_a_watch_relists_too(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ));

	call_end(watch, true);
	wait_of(f);
	call_answer(now(f), 410, STATUS(410, "Gone"));
	assert_path(now(f), "/api/v1/pods?limit=500");
}

static void test_a_second_410_in_a_row_waits(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ));

	call_data(watch, EVENT("ERROR", STATUS(410, "Expired")));
	call_answer(now(f), 200, LIST_OF(20, , ));
	call_answer(now(f), 410, STATUS(410, "Expired"));
	assert_phase(f, "waiting to list");
	assert_in_range(wait_of(f), 800, 1600);
}

static void test_a_version_from_the_future_relists(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ));

	call_end(watch, true);
	wait_of(f);
	call_answer(now(f), 504,
		    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"message\":\"Too large resource "
		    "version\",\"reason\":\"Timeout\",\"code\":504,\"details\":{\"causes\":[{"
		    "\"reason\":\"ResourceVersionTooLarge\"}]}}");
	assert_path(now(f), "/api/v1/pods?limit=500");
}

static void test_a_busy_server_is_watched_again_from_the_same_version(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ));

	call_data(watch, EVENT("ADDED", POD("x", "u1", 8)));
	call_data(watch, EVENT("ERROR", STATUS(429, "TooManyRequests")));
	assert_phase(f, "waiting to watch");
	wait_of(f);
	assert_path_has(now(f), "resourceVersion=8&");
}

static void test_errors_after_events_wait_and_do_not_spin(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ));

	call_data(watch, EVENT("ADDED", POD("x", "u1", 8)));
	call_data(watch, EVENT("ERROR", STATUS(500, "InternalError")));
	assert_phase(f, "waiting to watch");
}

static void test_a_watch_that_keeps_failing_ends_in_a_list(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ));

	call_data(watch, EVENT("ERROR", STATUS(500, "InternalError")));
	for (int i = 0; i < 4; i++) {
		wait_of(f);
		assert_path_has(now(f), "resourceVersion=7&");
		call_answer(now(f), 500, STATUS(500, "InternalError"));
	}
	assert_phase(f, "waiting to list");
	wait_of(f);
	assert_path(now(f), "/api/v1/pods?limit=500");
}

static void test_a_resource_that_is_removed_is_listed_again(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ));

	loop_pass(f->loop, 5000);
	call_end(watch, true);
	call_answer(now(f), 404, "404 page not found");
	assert_phase(f, "waiting to list");
	assert_string_equal(state_of(f).error->msg, "watch: HTTP 404");
}

static void test_garbage_in_a_watch_costs_a_list(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ));

	assert_false(call_data(watch, "{\"type\":\"ADDED\",}\n"));
	assert_phase(f, "waiting to list");
	assert_int_equal(state_of(f).error->code, ERR_PARSE);
}

static void test_an_event_over_the_limit_costs_a_list(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ));
	char *block = x_malloc(MIB);
	size_t blocks = 0;

	memset(block, 'x', MIB);
	assert_true(call_data(watch, "{\"type\":\"ADDED\",\"object\":{\"note\":\""));
	while (call_bytes(watch, block, MIB))
		blocks++;
	free(block);
	assert_int_equal(blocks, LIMIT_DOCUMENT / MIB - 1);
	assert_phase(f, "waiting to list");
	assert_int_equal(state_of(f).error->code, ERR_LIMIT);
}

/* --- own writes ------------------------------------------------------- */

static void observe(struct fixture *f, const char *object)
{
	struct arena arena = ARENA_INIT;

	informer_observe(f->informer, &arena, unit_json(&arena, object));
	arena_release(&arena);
}

static void test_an_own_write_is_seen_at_once_and_its_echo_is_silent(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ITEM("x", "u1", 3)));

	f->log[0] = '\0';
	observe(f, POD("x", "u1", 8));
	observe(f, "{\"kind\":\"Status\",\"metadata\":{}}");
	assert_log(f, "~a/x@8 ");
	call_data(watch, EVENT("MODIFIED", POD("x", "u1", 8)));
	assert_log(f, "");
	call_data(watch, EVENT("MODIFIED", POD("x", "u1", 9)));
	assert_log(f, "~a/x@9 ");
}

static void test_a_late_answer_does_not_bring_a_deleted_object_back(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ITEM("x", "u1", 3)));

	call_data(watch, EVENT("DELETED", POD("x", "u1", 9)));
	f->log[0] = '\0';
	observe(f, POD("x", "u1", 8));
	assert_log(f, "");
	assert_int_equal(store_count(f->store), 0);
}

static void test_a_late_event_does_not_bring_back_what_we_deleted(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ITEM("x", "u1", 3)));

	f->log[0] = '\0';
	informer_observe_gone(f->informer, "a", "x", "u1");
	assert_log(f, "-a/x@3 ");
	call_data(watch, EVENT("MODIFIED", POD("x", "u1", 8)));
	call_data(watch, EVENT("DELETED", POD("x", "u1", 9)));
	assert_int_equal(f->gone, 1); /* but its last word is heard */
	assert_log(f, "");
	call_data(watch, EVENT("ADDED", POD("x", "u2", 10)));
	assert_log(f, "+a/x@10 ");
}

static void test_a_list_from_the_past_does_not_undo_an_own_write(void **state)
{
	struct fixture *f = *state;
	struct http_call *watch = start_watch(f, LIST_OF(7, , ITEM("x", "u1", 3)));

	observe(f, POD("x", "u1", 8));
	observe(f, POD("new", "u2", 9));
	f->log[0] = '\0';
	call_data(watch, EVENT("ERROR", STATUS(410, "Expired")));
	call_answer(now(f), 200, LIST_OF(7, , ITEM("x", "u1", 3)));
	assert_log(f, "");
	assert_int_equal(store_get(f->store, "a", "x")->version, 8);
	assert_non_null(store_get(f->store, "a", "new"));
}

/* --- starting and stopping -------------------------------------------- */

static void test_after_stop_no_callback_runs(void **state)
{
	struct fixture *f = *state;

	informer_start(f->informer);
	call_head(now(f), 200);
	informer_stop(f->informer);
	assert_true(f->script.calls[0]->cancelled);
	assert_phase(f, "stopped");
	loop_pass(f->loop, 600000);
	assert_int_equal(f->script.count, 1);
	informer_stop(f->informer);
}

static void test_stop_ends_a_wait(void **state)
{
	struct fixture *f = *state;

	informer_start(f->informer);
	call_fail(now(f), ERR_UNAVAILABLE, "connection refused");
	informer_stop(f->informer);
	loop_pass(f->loop, 600000);
	assert_int_equal(f->script.count, 1);
}

static void test_a_stopped_informer_can_start_again_with_a_list(void **state)
{
	struct fixture *f = *state;

	start_watch(f, LIST_OF(7, , ITEM("x", "u1", 3)));
	informer_stop(f->informer);
	f->log[0] = '\0';
	informer_start(f->informer);
	assert_path(now(f), "/api/v1/pods?limit=500");
	call_answer(now(f), 200, LIST_OF(9, , ITEM("x", "u1", 3)));
	assert_log(f, "");
	assert_phase(f, "watching");
}

#define informer_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		informer_test(test_the_first_list_is_consistent_and_paged),
		informer_test(test_namespace_and_selector_are_in_every_request),
		informer_test(test_a_list_fills_the_store_and_a_watch_follows_it),
		informer_test(test_items_are_stored_while_the_list_still_arrives),
		informer_test(test_pages_follow_by_their_token_alone),
		informer_test(test_a_page_that_has_expired_lists_anew_in_one_piece),
		informer_test(test_a_list_that_is_cut_off_sweeps_nothing),
		informer_test(test_a_list_of_another_kind_is_refused),
		informer_test(test_a_missing_resource_is_asked_for_again_within_ten_seconds),
		informer_test(test_a_forbidden_list_goes_on_asking_and_says_so),
		informer_test(test_failures_wait_twice_as_long_up_to_a_minute),
		informer_test(test_two_minutes_without_failure_make_the_next_wait_short),
		informer_test(test_retry_after_is_waited_for),
		informer_test(test_events_add_change_and_remove),
		informer_test(test_an_event_may_arrive_byte_by_byte),
		informer_test(test_a_bookmark_moves_the_version_and_nothing_else),
		informer_test(test_events_of_other_kinds_and_types_change_nothing),
		informer_test(test_an_object_that_cannot_be_decoded_is_counted_and_left_out),
		informer_test(test_an_older_version_is_not_even_decoded),
		informer_test(test_a_deletion_of_an_older_uid_spares_the_new_one),
		informer_test(test_a_watch_that_ends_is_opened_again_from_the_last_version),
		informer_test(test_half_an_event_at_the_end_is_dropped),
		informer_test(test_a_lost_connection_resumes_at_once_after_a_healthy_watch),
		informer_test(test_very_short_watches_wait),
		informer_test(test_a_watch_is_given_up_by_ourselves_after_its_time),
		informer_test(test_410_relists_once),
		informer_test(test_410_as_the_answer_to_a_watch_relists_too),
		informer_test(test_a_second_410_in_a_row_waits),
		informer_test(test_a_version_from_the_future_relists),
		informer_test(test_a_busy_server_is_watched_again_from_the_same_version),
		informer_test(test_errors_after_events_wait_and_do_not_spin),
		informer_test(test_a_watch_that_keeps_failing_ends_in_a_list),
		informer_test(test_a_resource_that_is_removed_is_listed_again),
		informer_test(test_garbage_in_a_watch_costs_a_list),
		informer_test(test_an_event_over_the_limit_costs_a_list),
		informer_test(test_an_own_write_is_seen_at_once_and_its_echo_is_silent),
		informer_test(test_a_late_answer_does_not_bring_a_deleted_object_back),
		informer_test(test_a_late_event_does_not_bring_back_what_we_deleted),
		informer_test(test_a_list_from_the_past_does_not_undo_an_own_write),
		informer_test(test_after_stop_no_callback_runs),
		informer_test(test_stop_ends_a_wait),
		informer_test(test_a_stopped_informer_can_start_again_with_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
