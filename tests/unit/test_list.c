#include <time.h>

#include "base/clock.h"
#include "base/list.h"
#include "unit.h"

struct item {
	int number;
	struct list node;
};

static int sum(const struct list *head)
{
	int digits = 0;

	list_for_each (node, head)
		digits = digits * 10 + list_entry(node, struct item, node)->number;
	return digits;
}

static void test_nodes_keep_their_order(void **state)
{
	struct item items[] = { { .number = 1 }, { .number = 2 }, { .number = 3 } };
	struct list head;

	(void)state;
	list_init(&head);
	assert_true(list_empty(&head));
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		list_add_tail(&head, &items[i].node);
	assert_false(list_empty(&head));
	assert_int_equal(sum(&head), 123);
	list_remove(&items[1].node);
	assert_int_equal(sum(&head), 13);
	list_remove(&items[1].node);
	assert_true(list_empty(&items[1].node));
	list_add_tail(&head, &items[1].node);
	assert_int_equal(sum(&head), 132);
}

static void test_nodes_may_be_removed_during_a_safe_walk(void **state)
{
	struct item items[] = { { .number = 1 }, { .number = 2 }, { .number = 3 } };
	struct list head;

	(void)state;
	list_init(&head);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		list_add_tail(&head, &items[i].node);
	list_for_each_safe (node, tmp, &head)
		list_remove(node);
	assert_true(list_empty(&head));
}

static void test_system_clock_reads_both_times(void **state)
{
	const struct clock *system_clock = clock_system();
	int64_t wall = (int64_t)time(NULL) * 1000, before = clock_mono_ms(system_clock);

	(void)state;
	assert_true(clock_wall_ms(system_clock) >= wall);
	assert_true(clock_wall_ms(system_clock) < wall + 60000);
	assert_true(before > 0);
	assert_true(clock_mono_ms(system_clock) >= before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nodes_keep_their_order),
		cmocka_unit_test(test_nodes_may_be_removed_during_a_safe_walk),
		cmocka_unit_test(test_system_clock_reads_both_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
