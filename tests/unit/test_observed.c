#include "unit.h"

#include <stdlib.h>

#include "formation/observed.h"
#include "formation/text.h"

#define META(more)                                                                     \
	"\"metadata\":{\"name\":\"shop-web\",\"namespace\":\"default\",\"uid\":\"u\"," \
	"\"resourceVersion\":\"9\"" more "}"

/* Parse what `keep` leaves of a text. */
static struct json *kept(struct arena *arena, const char *text, const struct json_keep *keep)
{
	struct json *value = NULL;
	struct err err = ERR_INIT;

	assert_ok(json_parse(arena, text, strlen(text), keep, &value, &err), &err);
	return value;
}

static struct observed_deployment *deployment_of(const char *text)
{
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	struct observed_deployment *deployment =
		observed_deployment_new(kept(&arena, text, KEEP_DEPLOYMENT), &err);

	assert_non_null(deployment);
	arena_release(&arena);
	return deployment;
}

static struct observed_pod *pod_of(const char *text)
{
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	struct observed_pod *pod = observed_pod_new(kept(&arena, text, KEEP_POD), &err);

	assert_non_null(pod);
	arena_release(&arena);
	return pod;
}

/* --- Deployments --------------------------------------------------- */

static void test_a_bare_deployment_has_the_apis_defaults(void **state)
{
	struct observed_deployment *deployment = deployment_of("{" META("") "}");

	(void)state;
	assert_int_equal(deployment->replicas, 1);
	assert_int_equal(deployment->quantity_annotation, QUANTITY_UNSET);
	assert_int_equal(deployment->template_version, 0);
	assert_int_equal(deployment->ready, 0);
	assert_null(deployment->failure);
	assert_false(deployment->singleton);
	assert_true(digest_is_none(deployment->child.satisfied));
	assert_string_equal(deployment->child.type, "");
	free(deployment);
}

static void test_a_deployment_is_read(void **state)
{
	struct observed_deployment *deployment =
		deployment_of("{" META(",\"labels\":{\"dyno.dev/type\":\"web\"},\"annotations\":{"
	                               "\"dyno.dev/quantity\":\"3\",\"dyno.dev/"
	                               "template-version\":\"1\"}") ",\"spec\":{\"replicas\":3,"
	                                                            "\"paused\":true,\"selector\":{"
	                                                            "\"matchLabels\":{"
	                                                            "\"dyno.dev/"
	                                                            "singleton\":\"true\"}},"
	                                                            "\"strategy\":{"
	                                                            "\"rollingUpdate\":{}}},"
	                                                            "\"status\":{"
	                                                            "\"observedGeneration\":4,"
	                                                            "\"replicas\":5,"
	                                                            "\"updatedReplicas\":3,"
	                                                            "\"readyReplicas\":2,"
	                                                            "\"availableReplicas\":1,"
	                                                            "\"conditions\":["
	                                                            "{\"type\":\"Progressing\","
	                                                            "\"status\":\"False\","
	                                                            "\"reason\":"
	                                                            "\"ProgressDeadlineExceeded\"},"
	                                                            "{\"type\":\"ReplicaFailure\","
	                                                            "\"status\":\"True\","
	                                                            "\"message\":\"quota\"}]}}");

	(void)state;
	assert_string_equal(deployment->child.type, "web");
	assert_int_equal(deployment->replicas, 3);
	assert_int_equal(deployment->quantity_annotation, 3);
	assert_int_equal(deployment->template_version, 1);
	assert_true(deployment->paused && deployment->singleton && deployment->rolling);
	assert_int_equal(deployment->observed_generation, 4);
	assert_int_equal(deployment->status_replicas, 5);
	assert_int_equal(deployment->updated, 3);
	assert_int_equal(deployment->ready, 2);
	assert_int_equal(deployment->available, 1);
	assert_true(deployment->deadline_exceeded);
	assert_string_equal(deployment->failure, "quota");
	free(deployment);
}

static void test_a_failure_that_is_over_is_none(void **state)
{
	struct observed_deployment *deployment =
		deployment_of("{" META("") ",\"status\":{\"conditions\":[{\"type\":"
	                                   "\"ReplicaFailure\",\"status\":\"False\","
	                                   "\"message\":\"quota\"}]}}");

	(void)state;
	assert_null(deployment->failure);
	free(deployment);
}

static void test_an_annotation_that_is_no_number_is_none(void **state)
{
	struct observed_deployment *deployment =
		deployment_of("{" META(",\"annotations\":{\"dyno.dev/quantity\":\"3x\","
	                               "\"dyno.dev/template-version\":\"-1\"}") "}");

	(void)state;
	assert_int_equal(deployment->quantity_annotation, QUANTITY_UNSET);
	assert_int_equal(deployment->template_version, 0);
	free(deployment);
}

static void test_what_is_missing_a_name_is_not_projected(void **state)
{
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_null(observed_deployment_new(unit_json(&arena, "{}"), &err));
	assert_int_equal(err.code, ERR_PARSE);
	assert_null(observed_pod_new(unit_json(&arena, "[]"), &err));
	assert_null(observed_child_new(unit_json(&arena, "7"), &err));
	assert_null(stored_formation_new(unit_json(&arena, "{}"), &err));
	arena_release(&arena);
}

static struct observed_child *child_of(const char *text)
{
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	struct observed_child *child = observed_child_new(kept(&arena, text, KEEP_CHILD), &err);

	assert_non_null(child);
	arena_release(&arena);
	return child;
}

static void test_the_hash_follows_labels_annotations_and_owners(void **state)
{
	static const char *const META_DATA[] = {
		"{" META("") "}",
		"{" META(",\"labels\":{\"a\":\"b\"}") "}",
		"{" META(",\"labels\":{\"ab\":\"\"}") "}",
		"{" META(",\"annotations\":{\"dyno.dev/a\":\"b\"}") "}",
		"{" META(",\"ownerReferences\":[{\"uid\":\"x\"}]") "}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(META_DATA); i++) {
		struct observed_child *a = child_of(META_DATA[i]);

		for (size_t j = 0; j < ARRAY_SIZE(META_DATA); j++) {
			struct observed_child *b = child_of(META_DATA[j]);

			assert_int_equal(a->meta_hash == b->meta_hash, i == j);
			free(b);
		}
		free(a);
	}
}

static void test_what_was_satisfied_is_carried_over(void **state)
{
	struct observed_child *before = child_of("{" META("") "}"),
			      *now = child_of("{" META("") "}");
	struct digest digest = digest_of("x", 1);

	(void)state;
	before->satisfied = digest;
	observed_child_follow(now, before);
	assert_true(digest_equal(now->satisfied_before, digest));
	before->satisfied = (struct digest){ { 0 } };
	before->satisfied_before = digest;
	now->satisfied_before = (struct digest){ { 0 } };
	observed_child_follow(now, before);
	assert_true(digest_equal(now->satisfied_before, digest));
	free(before);
	free(now);
}

static void test_another_uid_carries_nothing_over(void **state)
{
	struct observed_child *before = child_of("{" META("") "}"),
			      *now = child_of("{" META("") "}");

	(void)state;
	before->satisfied = digest_of("x", 1);
	now->object.uid[0] = 'v';
	observed_child_follow(now, before);
	assert_true(digest_is_none(now->satisfied_before));
	free(before);
	free(now);
}

/* --- pods ---------------------------------------------------------- */

#define POD_META(dyno, cost)                                                                      \
	META(",\"labels\":{\"dyno.dev/type\":\"web\",\"dyno.dev/size\":\"2X\",\"dyno.dev/dyno\":" \
	     "\"" dyno "\"},\"annotations\":{\"controller.kubernetes.io/pod-deletion-cost\":"     \
	     "\"" cost "\"},\"creationTimestamp\":\"2026-11-23T12:00:00Z\"")

static void test_a_running_pod_is_read(void **state)
{
	struct observed_pod *pod = pod_of("{" POD_META(
		"web.3",
		"-3") ",\"spec\":{\"nodeName\":\"n1\"},\"status\":{"
	              "\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":"
	              "\"True\"}],"
	              "\"containerStatuses\":[{\"name\":\"proxy\",\"restartCount\":9},{\"name\":"
	              "\"dyno\","
	              "\"restartCount\":2,\"state\":{\"running\":{\"startedAt\":\"2026-11-23T12:00:"
	              "05Z\"}},"
	              "\"lastState\":{\"terminated\":{\"exitCode\":137,\"reason\":\"OOMKilled\","
	              "\"finishedAt\":\"2026-11-23T12:00:04Z\"}}}]}}");

	(void)state;
	assert_string_equal(pod->type, "web");
	assert_string_equal(pod->size, "2X");
	assert_string_equal(pod->node, "n1");
	assert_int_equal(pod->dyno, 3);
	assert_true(pod->has_deletion_cost && pod->ready && pod->running && pod->oom_killed);
	assert_int_equal(pod->phase, POD_RUNNING);
	assert_int_equal(pod->restarts, 2);
	assert_int_equal(pod->last_exit_code, 137);
	assert_int_equal(pod->last_exit_ms, 1795435204000);
	assert_int_equal(pod->since_ms, 1795435205000);
	assert_int_equal(pod->unready_ms, 0);
	assert_null(pod->waiting);
	assert_false(pod->gated);
	free(pod);
}

static void test_a_new_pod_is_pending_since_it_was_made(void **state)
{
	struct observed_pod *pod =
		pod_of("{" POD_META("", "") ",\"status\":{\"phase\":\"Pending\"}}");

	(void)state;
	assert_int_equal(pod->dyno, 0);
	assert_int_equal(pod->phase, POD_PENDING);
	assert_int_equal(pod->last_exit_code, -1);
	assert_int_equal(pod->unready_ms, 1795435200000);
	assert_int_equal(pod->since_ms, 1795435200000);
	free(pod);
}

static void test_a_waiting_dyno_says_why(void **state)
{
	struct observed_pod *pod = pod_of(
		"{" POD_META("web.1", "-1") ",\"spec\":{\"schedulingGates\":[{\"name\":\"g\"}]},"
					    "\"status\":{\"phase\":\"Pending\",\"conditions\":[{"
	                                    "\"type\":\"PodScheduled\","
					    "\"status\":\"False\",\"reason\":\"Unschedulable\","
	                                    "\"message\":\"no nodes\"}],"
					    "\"containerStatuses\":[{\"name\":\"dyno\",\"state\":{"
	                                    "\"waiting\":{\"reason\":"
					    "\"ImagePullBackOff\",\"message\":\"not found\"}}}]}}");

	(void)state;
	assert_string_equal(pod->waiting, "ImagePullBackOff");
	assert_string_equal(pod->waiting_message, "not found");
	assert_string_equal(pod->unschedulable, "no nodes");
	assert_true(pod->gated);
	free(pod);
}

static void test_only_a_dyno_of_its_type_has_a_number(void **state)
{
	static const struct {
		const char *text;
		int dyno;
	} CASES[] = {
		{ "{" POD_META("web.12", "-12") "}", 12 },
		{ "{" POD_META("worker.1", "-1") "}", 0 },
		{ "{" POD_META("web.0", "-0") "}", 0 },
		{ "{" POD_META("web.-1", "1") "}", 0 },
		{ "{" POD_META("web.1x", "-1") "}", 0 },
		{ "{" POD_META("web", "-1") "}", 0 },
		{ "{" POD_META("web.99999999999", "-1") "}", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		struct observed_pod *pod = pod_of(CASES[i].text);

		assert_int_equal(pod->dyno, CASES[i].dyno);
		free(pod);
	}
}

static void test_a_deletion_cost_has_to_be_minus_the_number(void **state)
{
	struct observed_pod *pod = pod_of("{" POD_META("web.2", "-3") "}");

	(void)state;
	assert_false(pod->has_deletion_cost);
	free(pod);
}

/* --- kept as text -------------------------------------------------- */

static void test_a_formation_is_kept_as_compact_text(void **state)
{
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	struct stored_formation *stored =
		stored_formation_new(
			unit_json(&arena, "{\"apiVersion\":\"dyno.dev/v1\"," META(
						  ",\"managedFields\":[{}],\"labels\":{\"a\":"
	                                          "\"b\"}") ",\"spec\":{\"image\":\"i\"},"
	                                                    "\"status\":{\"ready\":\"1/1\"}}"),
			&err);

	(void)state;
	assert_non_null(stored);
	assert_string_equal(
		stored->json,
		"{\"metadata\":{\"name\":\"shop-web\",\"namespace\":\"default\",\"uid\":"
		"\"u\",\"resourceVersion\":\"9\"},\"spec\":{\"image\":\"i\"},\"status\":"
		"{\"ready\":\"1/1\"}}");
	assert_int_equal(stored->json_len, strlen(stored->json));
	assert_string_equal(stored->object.formation, "shop-web");
	free(stored);
	arena_release(&arena);
}

static void test_long_texts_are_cut_between_characters(void **state)
{
	char text[TEXT_KEPT_MAX * 2], space[TEXT_KEPT_MAX], *at = space;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	memcpy(text + TEXT_KEPT_MAX - 2, "\xC3\xA9", 2);
	assert_int_equal(text_packed(text), TEXT_KEPT_MAX);
	assert_int_equal(strlen(text_pack(&at, text)), TEXT_KEPT_MAX - 2);
	assert_ptr_equal(at, space + TEXT_KEPT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_bare_deployment_has_the_apis_defaults),
		cmocka_unit_test(test_a_deployment_is_read),
		cmocka_unit_test(test_a_failure_that_is_over_is_none),
		cmocka_unit_test(test_an_annotation_that_is_no_number_is_none),
		cmocka_unit_test(test_what_is_missing_a_name_is_not_projected),
		cmocka_unit_test(test_the_hash_follows_labels_annotations_and_owners),
		cmocka_unit_test(test_what_was_satisfied_is_carried_over),
		cmocka_unit_test(test_another_uid_carries_nothing_over),
		cmocka_unit_test(test_a_running_pod_is_read),
		cmocka_unit_test(test_a_new_pod_is_pending_since_it_was_made),
		cmocka_unit_test(test_a_waiting_dyno_says_why),
		cmocka_unit_test(test_only_a_dyno_of_its_type_has_a_number),
		cmocka_unit_test(test_a_deletion_cost_has_to_be_minus_the_number),
		cmocka_unit_test(test_a_formation_is_kept_as_compact_text),
		cmocka_unit_test(test_long_texts_are_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
