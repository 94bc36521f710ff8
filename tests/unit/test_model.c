#include "unit.h"

#include "formation/model.h"

/* A Formation "shop" with that spec, decoded in *arena. */
static struct formation decode(struct arena *arena, const char *spec)
{
	struct formation formation;
	struct err err = ERR_INIT;
	struct json *value = unit_json(
		arena, arena_printf(arena,
	                            "{\"metadata\":{\"name\":\"shop\",\"namespace\":\"default\","
	                            "\"uid\":\"u\",\"resourceVersion\":\"7\",\"generation\":3},"
	                            "\"spec\":%s}",
	                            spec));

	assert_ok(formation_decode(arena, value, &formation, &err), &err);
	return formation;
}

static struct formation decode_process(struct arena *arena, const char *process)
{
	return decode(arena, arena_printf(arena, "{\"image\":\"i\",\"processes\":[%s]}", process));
}

static void test_a_formation_without_processes_has_one_web_dyno(void **state)
{
	struct arena arena = ARENA_INIT;
	struct formation formation = decode(&arena, "{\"image\":\"i\"}");
	const struct process *web = formation.processes;

	(void)state;
	assert_null(formation.problem);
	assert_int_equal(formation.process_count, 1);
	assert_string_equal(web->type, "web");
	assert_int_equal(web->quantity, 1);
	assert_string_equal(web->size, "1X");
	assert_int_equal(web->port, PORT_DEFAULT);
	assert_int_equal(web->grace_s, GRACE_DEFAULT_S);
	assert_true(web->routed);
	assert_false(web->singleton);
	assert_null(web->problem);
	arena_release(&arena);
}

static void test_null_processes_are_as_if_left_out(void **state)
{
	struct arena arena = ARENA_INIT;
	struct formation formation = decode(&arena, "{\"image\":\"i\",\"processes\":null}");

	(void)state;
	assert_null(formation.problem);
	assert_int_equal(formation.process_count, 1);
	arena_release(&arena);
}

static void test_metadata_is_read(void **state)
{
	struct arena arena = ARENA_INIT;
	struct formation formation = decode(&arena, "{\"image\":\"i\"}");

	(void)state;
	assert_string_equal(formation.ns, "default");
	assert_string_equal(formation.uid, "u");
	assert_int_equal(formation.version, 7);
	assert_int_equal(formation.generation, 3);
	assert_false(formation.deleting);
	arena_release(&arena);
}

static void test_a_formation_without_uid_is_not_decoded(void **state)
{
	struct arena arena = ARENA_INIT;
	struct formation formation;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(formation_decode(&arena,
	                                  unit_json(&arena, "{\"metadata\":{\"name\":\"x\"}}"),
	                                  &formation, &err),
	                 -1);
	assert_int_equal(err.code, ERR_PARSE);
	arena_release(&arena);
}

static void test_a_quantity_left_out_is_unset(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_int_equal(decode_process(&arena, "{\"type\":\"web\"}").processes[0].quantity,
	                 QUANTITY_UNSET);
	arena_release(&arena);
}

static void test_a_singleton_without_a_quantity_has_one(void **state)
{
	struct arena arena = ARENA_INIT;
	const struct process *clock = decode_process(&arena, "{\"type\":\"clock\"}").processes;

	(void)state;
	assert_true(clock->singleton);
	assert_int_equal(clock->quantity, 1);
	assert_null(clock->problem);
	arena_release(&arena);
}

static void test_a_singleton_can_have_quantity_zero(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_int_equal(
		decode_process(&arena, "{\"type\":\"clock\",\"quantity\":0}").processes[0].quantity,
		0);
	arena_release(&arena);
}

static void test_a_singleton_never_has_more_than_one(void **state)
{
	struct arena arena = ARENA_INIT;
	const struct process *clock =
		decode_process(&arena, "{\"type\":\"clock\",\"quantity\":3}").processes;

	(void)state;
	assert_int_equal(clock->quantity, 1);
	assert_string_equal(clock->problem,
	                    "spec.processes[0].quantity: Forbidden: process type "
	                    "clock is a singleton and never runs more than one dyno");
	arena_release(&arena);
}

static void test_a_singleton_is_never_gone_before_it_has_ended(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_int_equal(
		decode_process(&arena, "{\"type\":\"clock\",\"terminationGracePeriodSeconds\":0}")
			.processes[0]
			.grace_s,
		1);
	assert_int_equal(
		decode_process(&arena, "{\"type\":\"web\",\"terminationGracePeriodSeconds\":0}")
			.processes[0]
			.grace_s,
		0);
	arena_release(&arena);
}

static void test_clock_can_be_no_singleton(void **state)
{
	struct arena arena = ARENA_INIT;
	const struct process *clock =
		decode_process(&arena, "{\"type\":\"clock\",\"singleton\":false,\"quantity\":3}")
			.processes;

	(void)state;
	assert_false(clock->singleton);
	assert_int_equal(clock->quantity, 3);
	assert_null(clock->problem);
	arena_release(&arena);
}

static void test_quantities_out_of_range_are_problems(void **state)
{
	static const char *const QUANTITIES[] = { "-1",         "1001",
		                                  "2147483647", "2147483648",
		                                  "1.5",        "\"2\"",
		                                  "true",       "99999999999999999999" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(QUANTITIES); i++) {
		struct arena arena = ARENA_INIT;
		struct formation formation = decode_process(
			&arena,
			arena_printf(&arena, "{\"type\":\"web\",\"quantity\":%s}", QUANTITIES[i]));

		assert_non_null(formation.processes[0].problem);
		assert_int_equal(formation.processes[0].quantity, QUANTITY_UNSET);
		assert_null(formation.problem);
		arena_release(&arena);
	}
}

static void test_a_process_with_a_port_is_routed(void **state)
{
	struct arena arena = ARENA_INIT;
	const struct process *admin =
		decode_process(&arena, "{\"type\":\"admin\",\"port\":8081}").processes;

	(void)state;
	assert_true(admin->routed);
	assert_int_equal(admin->port, 8081);
	arena_release(&arena);
}

static void test_other_processes_are_not_routed(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_false(decode_process(&arena, "{\"type\":\"worker\"}").processes[0].routed);
	arena_release(&arena);
}

static void test_a_process_has_the_formations_image_unless_its_own(void **state)
{
	struct arena arena = ARENA_INIT;
	struct formation formation =
		decode_process(&arena, "{\"type\":\"web\"},{\"type\":\"worker\",\"image\":\"w\"}");

	(void)state;
	assert_string_equal(formation.processes[0].image, "i");
	assert_string_equal(formation.processes[1].image, "w");
	arena_release(&arena);
}

static void test_a_size_is_found_in_any_case(void **state)
{
	struct arena arena = ARENA_INIT;
	struct dyno_size items[] = { { .name = "1X" }, { .name = "BURST-M" } };
	struct dyno_sizes sizes = { items, 2 };

	(void)state;
	assert_string_equal(
		decode_process(&arena, "{\"type\":\"web\",\"size\":\"burst-m\"}").processes[0].size,
		"BURST-M");
	assert_ptr_equal(dyno_sizes_find(&sizes, "burst-M"), &items[1]);
	assert_null(dyno_sizes_find(&sizes, "2X"));
	arena_release(&arena);
}

static void test_sizes_are_listed_sorted(void **state)
{
	struct arena arena = ARENA_INIT;
	struct dyno_size items[] = { { .name = "PX" }, { .name = "1X" }, { .name = "2X" } };
	struct dyno_sizes sizes = { items, 3 }, none = { NULL, 0 };

	(void)state;
	assert_string_equal(dyno_sizes_names(&arena, &sizes), "1X, 2X, PX");
	assert_string_equal(dyno_sizes_names(&arena, &none), "none");
	arena_release(&arena);
}

static void test_the_next_size_has_the_least_more_memory(void **state)
{
	struct dyno_size items[] = {
		{ .name = "PX", .memory_bytes = 6000 },
		{ .name = "1X", .memory_bytes = 500 },
		{ .name = "BROKEN", .memory_bytes = 600, .problem = "x" },
		{ .name = "2X", .memory_bytes = 1000 },
	};
	struct dyno_sizes sizes = { items, 4 };

	(void)state;
	assert_ptr_equal(dyno_sizes_next(&sizes, &items[1]), &items[3]);
	assert_null(dyno_sizes_next(&sizes, &items[0]));
}

static void test_a_size_is_decoded(void **state)
{
	struct arena arena = ARENA_INIT;
	struct dyno_size size;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(
		dyno_size_decode(&arena,
	                         unit_json(&arena, "{\"metadata\":{\"name\":\"2x\"},\"spec\":{"
	                                           "\"memory\":\"1Gi\",\"cpu\":2,\"cpuLimit\":null,"
	                                           "\"tolerations\":[],\"nodeSelector\":{}}}"),
	                         &size, &err),
		&err);
	assert_string_equal(size.name, "2X");
	assert_int_equal(size.memory_bytes, 1024 * 1024 * 1024);
	assert_int_equal(size.cpu_milli, 2000);
	assert_int_equal(size.cpu_limit_milli, 0);
	assert_int_equal(size.resize_deadline_s, RESIZE_DEADLINE_DEFAULT_S);
	assert_null(size.tolerations);
	assert_null(size.node_selector);
	assert_null(size.problem);
	arena_release(&arena);
}

static void test_of_two_entries_of_a_type_the_first_counts(void **state)
{
	struct arena arena = ARENA_INIT;
	struct formation formation = decode_process(
		&arena, "{\"type\":\"web\",\"quantity\":1},{\"type\":\"web\",\"quantity\":2}");

	(void)state;
	assert_null(formation.processes[0].problem);
	assert_true(formation.processes[1].repeated);
	assert_string_equal(formation.processes[1].problem,
	                    "spec.processes[1]: Duplicate value: {\"type\":\"web\"}");
	assert_ptr_equal(formation_process_of(&formation, "shop-web"), &formation.processes[0]);
	arena_release(&arena);
}

static void test_objects_are_found_by_the_whole_name(void **state)
{
	struct arena arena = ARENA_INIT;
	struct formation formation = decode_process(&arena, "{\"type\":\"web\"}");

	(void)state;
	assert_non_null(formation_process_of(&formation, "shop-web"));
	assert_null(formation_process_of(&formation, "shop-web-2"));
	assert_null(formation_process_of(&formation, "shopweb"));
	assert_null(formation_process_of(&formation, "web"));
	arena_release(&arena);
}

static void test_what_is_no_object_leaves_a_problem(void **state)
{
	static const char *const SPECS[] = { "7",
		                             "[]",
		                             "\"x\"",
		                             "null",
		                             "{\"processes\":7}",
		                             "{\"image\":7}",
		                             "{\"image\":\"i\",\"env\":{}}" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(SPECS); i++) {
		struct arena arena = ARENA_INIT;

		if (!decode(&arena, SPECS[i]).problem &&
		    !decode(&arena, SPECS[i]).processes[0].problem)
			fail_msg("%s is no problem", SPECS[i]);
		arena_release(&arena);
	}
}

static void test_processes_that_are_no_objects_are_problems(void **state)
{
	struct arena arena = ARENA_INIT;
	struct formation formation = decode_process(&arena, "7,null,{\"type\":\"web\"}");

	(void)state;
	assert_non_null(formation.processes[0].problem);
	assert_non_null(formation.processes[1].problem);
	assert_null(formation.processes[2].problem);
	arena_release(&arena);
}

static void test_more_than_64_processes_are_refused_together(void **state)
{
	struct arena arena = ARENA_INIT;
	const char *list = "{\"type\":\"web\"}";

	(void)state;
	for (int i = 0; i < 64; i++)
		list = arena_printf(&arena, "%s,{\"type\":\"t%d\"}", list, i);
	assert_string_equal(decode_process(&arena, list).problem,
	                    "spec.processes: Too many: 65: must have at most 64 items");
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_formation_without_processes_has_one_web_dyno),
		cmocka_unit_test(test_null_processes_are_as_if_left_out),
		cmocka_unit_test(test_metadata_is_read),
		cmocka_unit_test(test_a_formation_without_uid_is_not_decoded),
		cmocka_unit_test(test_a_quantity_left_out_is_unset),
		cmocka_unit_test(test_a_singleton_without_a_quantity_has_one),
		cmocka_unit_test(test_a_singleton_can_have_quantity_zero),
		cmocka_unit_test(test_a_singleton_never_has_more_than_one),
		cmocka_unit_test(test_a_singleton_is_never_gone_before_it_has_ended),
		cmocka_unit_test(test_clock_can_be_no_singleton),
		cmocka_unit_test(test_quantities_out_of_range_are_problems),
		cmocka_unit_test(test_a_process_with_a_port_is_routed),
		cmocka_unit_test(test_other_processes_are_not_routed),
		cmocka_unit_test(test_a_process_has_the_formations_image_unless_its_own),
		cmocka_unit_test(test_a_size_is_found_in_any_case),
		cmocka_unit_test(test_sizes_are_listed_sorted),
		cmocka_unit_test(test_the_next_size_has_the_least_more_memory),
		cmocka_unit_test(test_a_size_is_decoded),
		cmocka_unit_test(test_of_two_entries_of_a_type_the_first_counts),
		cmocka_unit_test(test_objects_are_found_by_the_whole_name),
		cmocka_unit_test(test_what_is_no_object_leaves_a_problem),
		cmocka_unit_test(test_processes_that_are_no_objects_are_problems),
		cmocka_unit_test(test_more_than_64_processes_are_refused_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
