#include <stdlib.h>

#include "controller/turns.h"
#include "unit.h"

struct fixture {
	struct turns *turns;
	char granted[64]; /* the keys that were told, in order */
};

static void on_granted(void *arg, const char *key)
{
	struct fixture *f = arg;

	strncat(f->granted, key, sizeof(f->granted) - strlen(f->granted) - 1);
}

static int setup_two(void **state)
{
	struct fixture *f = x_calloc(1, sizeof(*f));

	f->turns = turns_new(2, on_granted, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	turns_free(f->turns);
	free(f);
	return 0;
}

static void test_no_more_than_the_limit_hold_a_turn(void **state)
{
	struct fixture *f = *state;

	assert_true(turns_take(f->turns, "a", 0));
	assert_true(turns_take(f->turns, "b", 0));
	assert_false(turns_take(f->turns, "c", 0));
	assert_false(turns_take(f->turns, "c", 0));
	assert_int_equal(turns_waiting(f->turns), 1);
	assert_true(turns_held(f->turns, "a"));
	assert_false(turns_held(f->turns, "c"));
}

static void test_a_holder_keeps_its_turn_however_often_it_asks(void **state)
{
	struct fixture *f = *state;

	assert_true(turns_take(f->turns, "a", 0));
	assert_true(turns_take(f->turns, "a", 1));
	assert_true(turns_take(f->turns, "b", 2));
	assert_int_equal(turns_waiting(f->turns), 0);
}

static void test_turns_go_to_who_asked_first(void **state)
{
	struct fixture *f = *state;

	turns_take(f->turns, "a", 0);
	turns_take(f->turns, "b", 0);
	turns_take(f->turns, "c", 0);
	turns_take(f->turns, "d", 0);
	turns_release(f->turns, "b", 1);
	assert_string_equal(f->granted, "c");
	turns_release(f->turns, "a", 2);
	assert_string_equal(f->granted, "cd");
	assert_true(turns_held(f->turns, "c"));
	assert_true(turns_held(f->turns, "d"));
	assert_int_equal(turns_waiting(f->turns), 0);
}

static void test_who_gives_up_waiting_is_passed_over(void **state)
{
	struct fixture *f = *state;

	turns_take(f->turns, "a", 0);
	turns_take(f->turns, "b", 0);
	turns_take(f->turns, "c", 0);
	turns_take(f->turns, "d", 0);
	turns_release(f->turns, "c", 1);
	assert_string_equal(f->granted, "");
	turns_release(f->turns, "a", 1);
	assert_string_equal(f->granted, "d");
}

static void test_a_turn_that_is_held_too_long_is_taken_back(void **state)
{
	struct fixture *f = *state;

	turns_take(f->turns, "a", 0);
	turns_take(f->turns, "b", 5000);
	turns_take(f->turns, "c", 5000);
	assert_false(turns_take(f->turns, "c", TURN_MS - 1));
	assert_true(turns_take(f->turns, "c", TURN_MS));
	assert_false(turns_held(f->turns, "a"));
	assert_true(turns_held(f->turns, "b"));
	assert_string_equal(f->granted, "c");
}

static void test_releasing_what_is_not_held_does_nothing(void **state)
{
	struct fixture *f = *state;

	turns_release(f->turns, "nobody", 0);
	turns_take(f->turns, "a", 0);
	turns_release(f->turns, "a", 0);
	turns_release(f->turns, "a", 0);
	assert_string_equal(f->granted, "");
	assert_int_equal(turns_waiting(f->turns), 0);
}

#define turns_test(name) cmocka_unit_test_setup_teardown(name, setup_two, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		turns_test(test_no_more_than_the_limit_hold_a_turn),
		turns_test(test_a_holder_keeps_its_turn_however_often_it_asks),
		turns_test(test_turns_go_to_who_asked_first),
		turns_test(test_who_gives_up_waiting_is_passed_over),
		turns_test(test_a_turn_that_is_held_too_long_is_taken_back),
		turns_test(test_releasing_what_is_not_held_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
