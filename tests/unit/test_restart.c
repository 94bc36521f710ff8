#include "formation/restart.h"
#include "unit.h"

static void is_of(const char *value, const char *type, const char *want)
{
	struct arena arena = ARENA_INIT;
	const char *is = restart_of(&arena, value, type);

	if (want)
		assert_string_equal(is ? is : "(none)", want);
	else
		assert_null(is);
	arena_release(&arena);
}

static void test_a_time_alone_restarts_every_type(void **state)
{
	(void)state;
	is_of("2026-11-24T03:00:00Z", "web", "2026-11-24T03:00:00Z");
	is_of(NULL, "web", NULL);
	is_of("", "web", NULL);
}

static void test_a_time_of_a_type_is_its_own(void **state)
{
	(void)state;
	is_of("web=2026-11-24T03:00:00Z", "web", "2026-11-24T03:00:00Z");
	is_of("web=2026-11-24T03:00:00Z", "we", NULL);
	is_of("web=2026-11-24T03:00:00Z", "worker", NULL);
	is_of("web=", "web", NULL);
}

static void test_the_later_time_counts(void **state)
{
	(void)state;
	is_of("2026-11-24T03:00:00Z web=2026-11-24T02:00:00Z", "web", "2026-11-24T03:00:00Z");
	is_of("2026-11-24T03:00:00Z web=2026-11-24T04:00:00Z", "web", "2026-11-24T04:00:00Z");
}

static void test_a_restart_of_a_type_keeps_what_others_have(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_string_equal(restart_add(&arena, NULL, "web", "T1"), "web=T1");
	assert_string_equal(restart_add(&arena, "T0 web=T1 worker=T1", "web", "T2"),
			    "T0 worker=T1 web=T2");
	assert_string_equal(restart_add(&arena, "T0 web=T1", NULL, "T2"), "T2");
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_time_alone_restarts_every_type),
		cmocka_unit_test(test_a_time_of_a_type_is_its_own),
		cmocka_unit_test(test_the_later_time_counts),
		cmocka_unit_test(test_a_restart_of_a_type_keeps_what_others_have),
	};

	return cmocka_run_group_tests_name("restart", tests, NULL, NULL);
}
