#include "formation/history.h"

#include <stdio.h>

#include "formation/managers.h"
#include "formation/plain.h"
#include "formation/singleton.h"
#include "unit.h"

static struct arena arena;
static struct formation formation; /* the one told about last */
static struct plan plan;

static int reset(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

/* Reconcile a Formation of that spec, annotations and status (JSON texts, "" for none). */
static const struct json *reconcile(const char *spec, const char *annotations, const char *status,
                                    bool verified)
{
	const char *text = arena_printf(
		&arena,
		"{\"metadata\":{\"name\":\"shop\",\"namespace\":\"default\",\"uid\":\"u\","
	        "\"generation\":2,\"resourceVersion\":\"7\","
		"\"annotations\":{%s},\"managedFields\":[{\"manager\":\"kubectl-edit\",\"time\":"
		"\"2026-11-23T11:59:00Z\",\"fieldsV1\":{\"f:spec\":{}}}]},\"spec\":%s%s%s}",
		annotations, spec, *status ? ",\"status\":" : "", status);
	struct dyno_sizes sizes = { 0 };
	struct reconcile_input input = { .formation = &formation,
		                         .sizes = &sizes,
		                         .now_ms = 1795435200000,
		                         .actors_verified = verified };
	struct err err = ERR_INIT;

	assert_ok(formation_decode(&arena, unit_json(&arena, text), &formation, &err), &err);
	formation_reconcile(&arena, &input, &plan);
	for (size_t i = 0; i < plan.step_count; i++) {
		if (plan.steps[i].kind == STEP_STATUS)
			return json_get(plan.steps[i].body, "status");
	}
	return NULL;
}

/* The lines that would be logged, each with its reason, joined by newlines. */
static const char *told(void)
{
	const char *text = "";

	for (size_t i = 0; i < plan.step_count; i++) {
		const struct step *step = &plan.steps[i];

		if (step->logged)
			text = arena_printf(&arena, "%s%s%s: %s", text, *text ? "\n" : "",
			                    step->reason, step->note);
	}
	return text;
}

static const struct json *last_entry(const struct json *status)
{
	return json_get(status, "history")->last;
}

#define SPEC                                                                                      \
	"{\"image\":\"app:v2\",\"processes\":[{\"type\":\"web\",\"quantity\":2,\"size\":\"2X\"}," \
	"{\"type\":\"worker\",\"quantity\":1}]}"
#define RECORDED(generation, formation, image, more)                         \
	"{\"observedGeneration\":1,\"recorded\":{\"generation\":" generation \
	",\"formation\":\"" formation "\",\"image\":\"" image "\",\"changes\":6" more "}}"

static void test_every_kind_of_change_is_told(void **state)
{
	static const struct {
		const char *status, *annotations, *want;
	} cases[] = {
		{ "", "",
		  "Deployed: Deploy app:v2 by adam\nScaled: Scale to web=2:2X, worker=1 by adam" },
		{ RECORDED("1", "web=1:2X worker=1:1X", "app:v2", ""), "",
		  "Scaled: Scale to web=2:2X, worker=1 by adam" },
		{ RECORDED("1", "web=2:1X worker=1:1X", "app:v2", ""), "",
		  "Resized: Resize to web=2:2X, worker=1 by adam" },
		{ RECORDED("1", "web=2:2X", "app:v2", ""), "",
		  "Scaled: Scale to web=2:2X, worker=1 by adam" },
		{ RECORDED("1", "web=2:2X worker=1:1X clock=1:1X", "app:v2", ""), "",
		  "Scaled: Scale to web=2:2X, worker=1 by adam" },
		{ RECORDED("1", "web=22:2X worker=1:1X", "app:v2", ""), "",
		  "Scaled: Scale to web=2:2X, worker=1 by adam" },
		{ RECORDED("1", "web=2:2X worker=1:1X", "app:v1", ""), "",
		  "Deployed: Deploy app:v2 by adam" },
		{ RECORDED("1", "worker=1:1X web=2:2X", "app:v2", ""), "",
		  "Configured: Change settings by adam" },
		{ RECORDED("1", "web=2:2X worker=1:1X", "app:v2", ",\"paused\":true"), "",
		  "Resumed: Resume by adam" },
		{ RECORDED("2", "web=2:2X worker=1:1X", "app:v2", ""),
		  ",\"dyno.dev/restarted-at\":\"now\"", "Restarted: Restart by adam" },
		{ RECORDED("2", "web=2:2X worker=1:1X", "app:v2", ",\"restartedAt\":\"now\""),
		  ",\"dyno.dev/restarted-at\":\"now\"", "" },
		{ RECORDED("2", "web=2:2X worker=1:1X", "app:v2", ""), "", "" },
		{ "{\"observedGeneration\":1}", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		reconcile(SPEC,
		          arena_printf(&arena, "\"dyno.dev/changed-by\":\"adam\"%s",
		                       cases[i].annotations),
		          cases[i].status, true);
		assert_string_equal(told(), cases[i].want);
	}
}

static void test_without_the_policy_nobody_is_believed(void **state)
{
	const struct json *entry;

	(void)state;
	entry = last_entry(
		reconcile(SPEC, "\"dyno.dev/changed-by\":\"adam\",\"dyno.dev/message\":\"why\"",
	                  RECORDED("1", "web=1:2X worker=1:1X", "app:v2", ""), false));
	assert_string_equal(
		told(), "Scaled: Scale to web=2:2X, worker=1 (kubectl-edit, unverified): \"why\"");
	assert_string_equal(json_string_or(json_get(entry, "by"), ""), "kubectl-edit");
	assert_false(json_bool_or(json_get(entry, "verified"), true));
	assert_string_equal(json_string_or(json_get(entry, "from"), ""), "kubectl");
	assert_string_equal(json_string_or(json_get(entry, "time"), ""), "2026-11-23T11:59:00Z");
	assert_int_equal(json_int_or(json_get(entry, "id"), 0), 7);
	assert_string_equal(json_string_or(json_get(entry, "before"), ""), "web=1:2X worker=1:1X");
	assert_string_equal(json_string_or(json_get(entry, "formation"), ""),
	                    "web=2:2X worker=1:1X");
}

static void test_a_hostile_name_stays_one_word_of_one_line(void **state)
{
	(void)state;
	reconcile(SPEC,
	          "\"dyno.dev/changed-by\":\"eve by adam\\n2026 INFO default/shop: \\u202egone "
	          "\\\"x\\\"\"",
	          RECORDED("1", "web=1:2X worker=1:1X", "app:v2", ""), true);
	assert_string_equal(told(), "Scaled: Scale to web=2:2X, worker=1 by "
	                            "\"eve by adam\\n2026 INFO default/shop: \\u202egone 'x'\"");
}

static void test_a_long_name_and_message_are_cut(void **state)
{
	const struct json *entry;
	char name[1001], message[3001];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 0; i + 1 < sizeof(message); i += 2)
		memcpy(message + i, "\xc3\xbc", 2);
	message[sizeof(message) - 1] = '\0';
	entry = last_entry(reconcile(
		SPEC,
		arena_printf(&arena,
	                     "\"dyno.dev/changed-by\":\"%s\",\"dyno.dev/changed-for\":\"%s\"", name,
	                     message),
		"", true));
	assert_int_equal(strlen(json_string_or(json_get(entry, "by"), "")), HISTORY_BY_MAX);
	assert_in_range(strlen(json_string_or(json_get(entry, "message"), "")),
	                HISTORY_MESSAGE_MAX - 3, HISTORY_MESSAGE_MAX);
}

/* A status with `count` entries of about `bytes` each. */
static const char *status_of(int count, int bytes)
{
	const char *list = "";

	for (int i = 1; i <= count; i++)
		list = arena_printf(&arena, "%s%s{\"id\":%d,\"message\":\"%0*d\"}", list,
		                    *list ? "," : "", i, bytes, i);
	return arena_printf(
		&arena, "{\"observedGeneration\":1,\"recorded\":{\"changes\":%d},\"history\":[%s]}",
		count, list);
}

static void test_history_at_its_bound_drops_the_oldest(void **state)
{
	const struct json *history;

	(void)state;
	history = json_get(reconcile(SPEC, "", status_of(HISTORY_MAX, 1), true), "history");
	assert_int_equal(json_count(history), HISTORY_MAX);
	assert_int_equal(json_int_or(json_get(history->first, "id"), 0), 2);
	assert_int_equal(json_int_or(json_get(history->last, "id"), 0), HISTORY_MAX + 1);
	history = json_get(reconcile(SPEC, "", status_of(10, HISTORY_BYTES_MAX / 2), true),
	                   "history");
	assert_int_equal(json_count(history), 2);
	assert_int_equal(json_int_or(json_get(history->last, "id"), 0), 11);
}

static void test_a_formation_with_a_problem_changes_nothing(void **state)
{
	const struct json *status;

	(void)state;
	status = reconcile("{\"image\":\"app\",\"processes\":[]}", "",
	                   RECORDED("1", "web=1:2X", "app:v2", ""), true);
	assert_string_equal(told(), "");
	assert_string_equal(json_string_or(json_path(status, "recorded", "formation", NULL), ""),
	                    "web=1:2X");
}

#define CLOCK_SPEC "{\"image\":\"app:v2\",\"processes\":[{\"type\":\"clock\"}]}"
#define CLOCK_STATUS                                                                               \
	"{\"observedGeneration\":1,\"formation\":\"clock=1:1X\",\"ready\":\"0/1\",\"processes\":[{"       \
	"\"type\":\"clock\",\"singleton\":true,\"permit\":{\"pod\":\"old\",\"uid\":\"o\"}}],"            \
	"\"recorded\":{\"generation\":1,\"formation\":\"clock=1:1X\",\"image\":\"app:v1\",\"changes\":"  \
	"6},\"history\":[{\"id\":6,\"formation\":\"clock=1:1X\"}],\"conditions\":[]}"

/* An apply takes away what its manager leaves out, and both are written by the same one. */
static void test_an_entry_takes_no_permit_away(void **state)
{
	const struct json *status = reconcile(CLOCK_SPEC, "", CLOCK_STATUS, false);
	struct permit permit = permit_of(status, "clock");

	(void)state;
	assert_string_equal(permit.pod, "old");
	assert_string_equal(permit.uid, "o");
	assert_int_equal(json_count(json_get(status, "history")), 2);
}

static void test_a_permit_takes_nothing_else_away(void **state)
{
	const struct permit_pod pod = { .name = "new", .uid = "n" };
	const char *object = arena_printf(
		&arena,
		"{\"metadata\":{\"name\":\"shop\",\"namespace\":\"default\",\"uid\":\"u\","
		"\"resourceVersion\":\"7\"},\"status\":%s}",
		CLOCK_STATUS);
	const struct json *before = json_get(unit_json(&arena, object), "status");
	const struct json *after = json_get(
		permit_body(&arena, unit_json(&arena, object), "clock", &pod), "status");

	(void)state;
	assert_string_equal(permit_of(after, "clock").uid, "n");
	assert_int_equal(json_count(after), json_count(before));
	json_for_each (member, before) {
		if (strcmp(member->key, "processes") != 0)
			assert_true(json_equal(json_get(after, member->key), member));
	}
}

/* Of a controller that is stale, so that it puts back no history and no permit of before. */
static void test_a_status_is_written_under_the_version_it_was_derived_from(void **state)
{
	static const char *const STATUSES[] = {
		"", RECORDED("1", "web=1:2X worker=1:1X", "app:v2", ""),
		RECORDED("2", "web=2:2X worker=1:1X", "app:v2", "")
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(STATUSES); i++) {
		reconcile(SPEC, "", STATUSES[i], false);
		for (size_t j = 0; j < plan.step_count; j++) {
			const struct step *step = &plan.steps[j];

			if (step->kind == STEP_STATUS)
				assert_string_equal(
					json_string_or(json_path(step->body, "metadata",
			                                         "resourceVersion", NULL),
				                       ""),
					"7");
		}
	}
}

static void test_managers_are_of_a_kind(void **state)
{
	(void)state;
	assert_string_equal(manager_kind("kubectl-formation"), "plugin");
	assert_string_equal(manager_kind("kubectl-client-side-apply"), "kubectl");
	assert_string_equal(manager_kind("kustomize-controller"), "gitops");
	assert_string_equal(manager_kind("argocd-controller"), "gitops");
	assert_string_equal(manager_kind("kube-controller-manager"), "autoscaler");
	assert_string_equal(manager_kind("Mozilla"), "other");
}

static void test_the_last_manager_of_a_field_counts(void **state)
{
	const struct json *list =
		unit_json(&arena, "[{\"manager\":\"a\",\"time\":\"2026-01-02T00:00:00Z\","
	                          "\"fieldsV1\":{\"f:spec\":{}}},"
	                          "{\"manager\":\"b\",\"time\":\"2026-01-01T00:00:00Z\","
	                          "\"fieldsV1\":{\"f:spec\":{}}},"
	                          "{\"manager\":\"c\",\"time\":\"2026-01-03T00:00:00Z\","
	                          "\"fieldsV1\":{\"f:metadata\":{}}},"
	                          "{\"manager\":\"d\",\"time\":\"2026-01-03T00:00:00Z\","
	                          "\"subresource\":\"status\",\"fieldsV1\":{}},"
	                          "{\"manager\":\"formation-controller\",\"time\":\"2026-01-03T00:"
	                          "00:00Z\",\"fieldsV1\":{\"f:spec\":{}}}]");

	(void)state;
	assert_string_equal(manager_name(managers_last(list)), "a");
	assert_null(manager_name(managers_last(NULL)));
}

static void test_plain_text_is_cut_between_characters(void **state)
{
	(void)state;
	assert_string_equal(plain_text(&arena, "a\tb\x7f", 100), "a\\tb\\u007f");
	assert_string_equal(plain_text(&arena, "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", 7),
	                    "\xc3\xbc\xc3\xbc\xe2\x80\xa6");
	assert_string_equal(plain_text(&arena, "abc", 3), "abc");
	assert_string_equal(plain_word(&arena, "system:serviceaccount:a:b"),
	                    "system:serviceaccount:a:b");
	assert_string_equal(plain_word(&arena, "a, b"), "\"a, b\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_every_kind_of_change_is_told, reset),
		cmocka_unit_test_teardown(test_without_the_policy_nobody_is_believed, reset),
		cmocka_unit_test_teardown(test_a_hostile_name_stays_one_word_of_one_line, reset),
		cmocka_unit_test_teardown(test_a_long_name_and_message_are_cut, reset),
		cmocka_unit_test_teardown(test_history_at_its_bound_drops_the_oldest, reset),
		cmocka_unit_test_teardown(test_a_formation_with_a_problem_changes_nothing, reset),
		cmocka_unit_test_teardown(test_an_entry_takes_no_permit_away, reset),
		cmocka_unit_test_teardown(test_a_permit_takes_nothing_else_away, reset),
		cmocka_unit_test_teardown(
			test_a_status_is_written_under_the_version_it_was_derived_from, reset),
		cmocka_unit_test_teardown(test_managers_are_of_a_kind, reset),
		cmocka_unit_test_teardown(test_the_last_manager_of_a_field_counts, reset),
		cmocka_unit_test_teardown(test_plain_text_is_cut_between_characters, reset),
	};

	return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
