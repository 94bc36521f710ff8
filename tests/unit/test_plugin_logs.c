#include "unit.h"

#include "../../cmd/kubectl-formation/logs_merge.c"

static void add(struct log_lines *lines, const char *source, const char *line)
{
	log_lines_add(lines, source, 0, line, strlen(line), "2026-11-24T03:00:09Z");
}

/* "web.1:a web.2:b" after sorting. */
static const char *sorted(struct arena *arena, struct log_lines *lines)
{
	const char *text = "";

	log_lines_sort(lines);
	for (size_t i = 0; i < lines->count; i++)
		text = arena_printf(arena, "%s%s%s:%s", text, i ? " " : "", lines->items[i].source,
				    lines->items[i].text);
	return text;
}

static void test_lines_stand_in_the_order_of_time_whatever_digits_they_have(void **state)
{
	struct log_lines lines = {0};
	struct arena arena = ARENA_INIT;

	(void)state;
	add(&lines, "web.1", "2026-11-24T03:00:01.5Z c");
	add(&lines, "web.2", "2026-11-24T03:00:01Z a");
	add(&lines, "web.1", "2026-11-24T03:00:02.000000001Z e");
	add(&lines, "web.2", "2026-11-24T03:00:01.499999999Z b");
	add(&lines, "web.2", "2026-11-24T03:00:01.51Z d");
	assert_string_equal(sorted(&arena, &lines), "web.2:a web.2:b web.1:c web.2:d web.1:e");
	log_lines_release(&lines);
	arena_release(&arena);
}

static void test_lines_of_one_time_stay_as_they_came(void **state)
{
	struct log_lines lines = {0};
	struct arena arena = ARENA_INIT;

	(void)state;
	add(&lines, "web.2", "2026-11-24T03:00:01Z one");
	add(&lines, "web.1", "2026-11-24T03:00:01Z two");
	assert_string_equal(sorted(&arena, &lines), "web.2:one web.1:two");
	log_lines_release(&lines);
	arena_release(&arena);
}

static void test_a_line_without_a_time_has_the_last_one(void **state)
{
	struct log_lines lines = {0};
	struct arena arena = ARENA_INIT;

	(void)state;
	add(&lines, "web.1", "no time here");
	add(&lines, "web.1", "2026-11-24T03:00:10Z ");
	assert_string_equal(sorted(&arena, &lines), "web.1:no time here web.1:");
	assert_string_equal(lines.items[0].time, "2026-11-24T03:00:09Z");
	log_lines_release(&lines);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_stand_in_the_order_of_time_whatever_digits_they_have),
		cmocka_unit_test(test_lines_of_one_time_stay_as_they_came),
		cmocka_unit_test(test_a_line_without_a_time_has_the_last_one),
	};

	return cmocka_run_group_tests_name("plugin logs", tests, NULL, NULL);
}
