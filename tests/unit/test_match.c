#include "unit.h"

#include "formation/desired.h"

static const char *difference(struct arena *arena, const char *desired, const char *observed)
{
	return desired_difference(arena, unit_json(arena, desired), unit_json(arena, observed));
}

#define assert_satisfied(desired, observed)                                     \
	do {                                                                    \
		struct arena arena_ = ARENA_INIT;                               \
		const char *path_ = difference(&arena_, (desired), (observed)); \
		if (path_)                                                      \
			fail_msg("differs at %s", path_);                       \
		arena_release(&arena_);                                         \
	} while (0)

#define assert_differs(path, desired, observed)                                 \
	do {                                                                    \
		struct arena arena_ = ARENA_INIT;                               \
		const char *path_ = difference(&arena_, (desired), (observed)); \
		assert_non_null(path_);                                         \
		assert_string_equal(path_, (path));                             \
		arena_release(&arena_);                                         \
	} while (0)

static void test_what_others_added_does_not_matter(void **state)
{
	(void)state;
	assert_satisfied("{\"spec\":{\"a\":1}}", "{\"spec\":{\"a\":1,\"b\":2},\"status\":{}}");
}

static void test_another_value_is_told_by_its_path(void **state)
{
	(void)state;
	assert_differs("spec.replicas", "{\"spec\":{\"replicas\":2}}",
	               "{\"spec\":{\"replicas\":3}}");
	assert_differs("spec.template.spec.containers[0].image",
	               "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"dyno\","
	               "\"image\":\"a\"}]}}}}",
	               "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"dyno\","
	               "\"image\":\"b\"}]}}}}");
}

static void test_a_missing_field_differs(void **state)
{
	(void)state;
	assert_differs("spec.a", "{\"spec\":{\"a\":false}}", "{\"spec\":{}}");
	assert_differs("spec.a", "{\"spec\":{\"a\":0}}", "{\"spec\":{}}");
	assert_differs("spec.a", "{\"spec\":{\"a\":{}}}", "{\"spec\":{}}");
	assert_differs("spec", "{\"spec\":{\"a\":1}}", "{}");
}

static void test_a_wrong_type_differs(void **state)
{
	(void)state;
	assert_differs("a", "{\"a\":1}", "{\"a\":\"1\"}");
	assert_differs("a", "{\"a\":{}}", "{\"a\":[]}");
	assert_differs("a", "{\"a\":[]}", "{\"a\":7}");
	assert_differs("a", "{\"a\":true}", "{\"a\":\"true\"}");
}

static void test_an_empty_text_or_list_may_be_left_out(void **state)
{
	(void)state;
	assert_satisfied("{\"a\":\"\",\"b\":[]}", "{}");
	assert_differs("a", "{\"a\":\"\"}", "{\"a\":\"x\"}");
}

static void test_elements_of_a_list_have_no_kind(void **state)
{
	(void)state;
	assert_satisfied("{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"spec\":{}}",
	                 "{\"spec\":{}}");
	assert_differs("owner.kind", "{\"owner\":{\"kind\":\"A\"}}", "{\"owner\":{}}");
}

static void test_containers_are_matched_by_name(void **state)
{
	(void)state;
	assert_satisfied(
		"{\"containers\":[{\"name\":\"dyno\",\"image\":\"a\"}]}",
		"{\"containers\":[{\"name\":\"proxy\"},{\"name\":\"dyno\",\"image\":\"a\"}]}");
	assert_differs("containers[0]", "{\"containers\":[{\"name\":\"dyno\"}]}",
	               "{\"containers\":[{\"name\":\"proxy\"}]}");
}

static void test_ports_are_matched_by_number(void **state)
{
	(void)state;
	assert_satisfied(
		"{\"ports\":[{\"containerPort\":80,\"name\":\"http\"}]}",
		"{\"ports\":[{\"containerPort\":9090},{\"containerPort\":80,\"name\":\"http\"}]}");
	assert_satisfied("{\"ports\":[{\"port\":80}]}",
	                 "{\"ports\":[{\"port\":443},{\"port\":80,\"nodePort\":30000}]}");
}

static void test_owners_are_matched_by_uid(void **state)
{
	(void)state;
	assert_satisfied(
		"{\"ownerReferences\":[{\"uid\":\"b\",\"controller\":true}]}",
		"{\"ownerReferences\":[{\"uid\":\"a\"},{\"uid\":\"b\",\"controller\":true}]}");
}

static void test_variables_have_to_stand_in_order(void **state)
{
	(void)state;
	assert_satisfied(
		"{\"env\":[{\"name\":\"A\"},{\"name\":\"B\"}]}",
		"{\"env\":[{\"name\":\"X\"},{\"name\":\"A\"},{\"name\":\"Y\"},{\"name\":\"B\"}]}");
	assert_differs("env[1]", "{\"env\":[{\"name\":\"A\"},{\"name\":\"B\"}]}",
	               "{\"env\":[{\"name\":\"B\"},{\"name\":\"A\"}]}");
}

static void test_other_lists_match_element_by_element(void **state)
{
	(void)state;
	assert_satisfied("{\"command\":[\"a\",\"b\"]}", "{\"command\":[\"a\",\"b\"]}");
	assert_differs("command", "{\"command\":[\"a\"]}", "{\"command\":[\"a\",\"b\"]}");
	assert_differs("command[1]", "{\"command\":[\"a\",\"b\"]}", "{\"command\":[\"a\",\"c\"]}");
	assert_differs("tolerations", "{\"tolerations\":[{\"key\":\"a\"}]}",
	               "{\"tolerations\":[]}");
}

static void test_selectors_are_compared_whole(void **state)
{
	(void)state;
	assert_differs("spec.selector", "{\"spec\":{\"selector\":{\"a\":\"1\"}}}",
	               "{\"spec\":{\"selector\":{\"a\":\"1\",\"b\":\"2\"}}}");
	assert_differs("selector.matchLabels", "{\"selector\":{\"matchLabels\":{\"a\":\"1\"}}}",
	               "{\"selector\":{\"matchLabels\":{\"a\":\"1\",\"b\":\"2\"}}}");
	assert_differs("nodeSelector", "{\"nodeSelector\":{\"a\":\"1\"}}",
	               "{\"nodeSelector\":{\"a\":\"1\",\"b\":\"2\"}}");
}

static void test_quantities_are_compared_by_amount(void **state)
{
	(void)state;
	assert_satisfied("{\"limits\":{\"cpu\":\"1000m\",\"memory\":\"1024Mi\"}}",
	                 "{\"limits\":{\"cpu\":\"1\",\"memory\":\"1Gi\"}}");
	assert_satisfied("{\"divisor\":1}", "{\"divisor\":\"1\"}");
	assert_differs("limits.cpu", "{\"limits\":{\"cpu\":\"1\"}}",
	               "{\"limits\":{\"cpu\":\"2\"}}");
	assert_differs("value", "{\"value\":\"1000m\"}", "{\"value\":\"1\"}");
}

static void test_a_resize_policy_may_be_dropped_but_not_changed(void **state)
{
	(void)state;
	assert_satisfied("{\"resizePolicy\":[{\"resourceName\":\"cpu\"}]}", "{}");
	assert_differs("resizePolicy[0].restartPolicy",
	               "{\"resizePolicy\":[{\"restartPolicy\":\"NotRequired\"}]}",
	               "{\"resizePolicy\":[{\"restartPolicy\":\"RestartContainer\"}]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_others_added_does_not_matter),
		cmocka_unit_test(test_another_value_is_told_by_its_path),
		cmocka_unit_test(test_a_missing_field_differs),
		cmocka_unit_test(test_a_wrong_type_differs),
		cmocka_unit_test(test_an_empty_text_or_list_may_be_left_out),
		cmocka_unit_test(test_elements_of_a_list_have_no_kind),
		cmocka_unit_test(test_containers_are_matched_by_name),
		cmocka_unit_test(test_ports_are_matched_by_number),
		cmocka_unit_test(test_owners_are_matched_by_uid),
		cmocka_unit_test(test_variables_have_to_stand_in_order),
		cmocka_unit_test(test_other_lists_match_element_by_element),
		cmocka_unit_test(test_selectors_are_compared_whole),
		cmocka_unit_test(test_quantities_are_compared_by_amount),
		cmocka_unit_test(test_a_resize_policy_may_be_dropped_but_not_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
