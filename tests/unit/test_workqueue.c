#include <stdio.h>

#include "kube/workqueue.h"
#include "unit.h"
#include "virtual_loop.h"

enum { MAX_BACKOFF_MS = 1000 };

struct fixture {
	struct loop *loop;
	struct workqueue *queue;
	int ready; /* times `ready` was called */
};

static void on_ready(void *arg)
{
	((struct fixture *)arg)->ready++;
}

static int setup(void **state)
{
	struct fixture *f = x_calloc(1, sizeof(*f));
	struct err err;

	f->loop = loop_new(NULL, &err);
	f->queue = workqueue_new(f->loop, MAX_BACKOFF_MS, on_ready, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	workqueue_free(f->queue);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void assert_got(struct fixture *f, const char *key)
{
	const char *got = workqueue_get(f->queue);

	assert_non_null(got);
	assert_string_equal(got, key);
}

static void test_keys_come_in_the_order_they_were_added(void **state)
{
	struct fixture *f = *state;

	workqueue_add(f->queue, "a/1");
	workqueue_add(f->queue, "a/2");
	assert_int_equal(workqueue_depth(f->queue), 2);
	assert_got(f, "a/1");
	assert_got(f, "a/2");
	assert_null(workqueue_get(f->queue));
	assert_int_equal(workqueue_depth(f->queue), 0);
	assert_int_equal(workqueue_active(f->queue), 2);
}

static void test_ready_is_told_from_the_loop_and_not_by_add(void **state)
{
	struct fixture *f = *state;

	workqueue_add(f->queue, "a/1");
	workqueue_add(f->queue, "a/2");
	assert_int_equal(f->ready, 0);
	loop_settle(f->loop);
	assert_int_equal(f->ready, 1);
}

static void test_ready_is_not_told_when_all_keys_were_got_meanwhile(void **state)
{
	struct fixture *f = *state;

	workqueue_add(f->queue, "a/1");
	assert_got(f, "a/1");
	loop_settle(f->loop);
	assert_int_equal(f->ready, 0);
}

static void test_a_key_that_waits_is_added_once(void **state)
{
	struct fixture *f = *state;

	workqueue_add(f->queue, "a/1");
	workqueue_add(f->queue, "a/1");
	assert_got(f, "a/1");
	assert_null(workqueue_get(f->queue));
}

static void test_a_key_added_during_its_work_comes_again_after_it(void **state)
{
	struct fixture *f = *state;
	const char *key;

	workqueue_add(f->queue, "a/1");
	key = workqueue_get(f->queue);
	workqueue_add(f->queue, "a/1");
	workqueue_add(f->queue, "a/1");
	assert_null(workqueue_get(f->queue));
	workqueue_done(f->queue, key);
	assert_got(f, "a/1");
	workqueue_done(f->queue, "a/1");
	assert_null(workqueue_get(f->queue));
	assert_int_equal(workqueue_active(f->queue), 0);
}

static void test_a_delayed_key_comes_when_its_time_is_over(void **state)
{
	struct fixture *f = *state;

	workqueue_add_after(f->queue, "a/1", 50);
	loop_pass(f->loop, 49);
	assert_null(workqueue_get(f->queue));
	assert_int_equal(workqueue_delayed(f->queue), 1);
	loop_pass(f->loop, 1);
	assert_int_equal(f->ready, 1);
	assert_got(f, "a/1");
}

static void test_no_delay_is_now(void **state)
{
	struct fixture *f = *state;

	workqueue_add_after(f->queue, "a/1", 0);
	workqueue_add_after(f->queue, "a/2", -5);
	assert_int_equal(workqueue_depth(f->queue), 2);
}

static void test_of_two_delays_the_one_that_ends_first_counts(void **state)
{
	struct fixture *f = *state;

	workqueue_add_after(f->queue, "a/1", 100);
	workqueue_add_after(f->queue, "a/1", 20);
	workqueue_add_after(f->queue, "a/1", 60);
	loop_pass(f->loop, 20);
	assert_got(f, "a/1");
	workqueue_done(f->queue, "a/1");
	loop_pass(f->loop, 1000);
	assert_null(workqueue_get(f->queue));
}

static void test_a_delay_that_ends_during_the_work_brings_the_key_again(void **state)
{
	struct fixture *f = *state;

	workqueue_add(f->queue, "a/1");
	assert_got(f, "a/1");
	workqueue_add_after(f->queue, "a/1", 10);
	loop_pass(f->loop, 10);
	assert_null(workqueue_get(f->queue));
	workqueue_done(f->queue, "a/1");
	assert_got(f, "a/1");
}

static void test_a_thousand_delays_end_in_order(void **state)
{
	struct fixture *f = *state;
	char key[16];
	int got = 0;

	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "a/%03d", i);
		workqueue_add_after(f->queue, key, 1 + i * 7919 % 1000);
	}
	for (int ms = 1; ms <= 1000; ms++) {
		loop_pass(f->loop, 1);
		for (const char *k; (k = workqueue_get(f->queue)); got++) {
			assert_int_equal(1 + atoi(k + 2) * 7919 % 1000, ms);
			workqueue_done(f->queue, k);
		}
	}
	assert_int_equal(got, 1000);
}

/* Fail once, and say after how many ms the key comes back. */
static int64_t backoff_of(struct fixture *f, const char *key)
{
	int64_t ms = 0;

	workqueue_add_backoff(f->queue, key);
	while (!workqueue_depth(f->queue)) {
		loop_pass(f->loop, 1);
		ms++;
	}
	assert_got(f, key);
	workqueue_done(f->queue, key);
	return ms;
}

static void test_backoff_doubles_up_to_its_ceiling_with_jitter(void **state)
{
	struct fixture *f = *state;
	int64_t expected = 5;

	for (int i = 0; i < 12; i++) {
		int64_t ms = backoff_of(f, "a/1");

		assert_in_range(ms, expected, expected + expected / 4);
		expected = expected * 2 < MAX_BACKOFF_MS ? expected * 2 : MAX_BACKOFF_MS;
	}
}

static void test_forget_makes_the_next_backoff_the_first(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 5; i++)
		backoff_of(f, "a/1");
	workqueue_forget(f->queue, "a/1");
	assert_in_range(backoff_of(f, "a/1"), 5, 6);
}

static void test_backoff_of_one_key_is_not_that_of_another(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 5; i++)
		backoff_of(f, "a/1");
	assert_in_range(backoff_of(f, "a/2"), 5, 6);
}

static void test_a_failing_key_does_not_hold_up_an_added_one(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 10; i++)
		backoff_of(f, "a/1");
	workqueue_add_backoff(f->queue, "a/1");
	workqueue_add(f->queue, "a/1");
	assert_got(f, "a/1");
}

static void test_free_forgets_keys_in_every_state(void **state)
{
	struct fixture *f = *state;

	workqueue_add(f->queue, "active");
	assert_got(f, "active");
	workqueue_add(f->queue, "active");
	workqueue_add(f->queue, "waiting");
	workqueue_add_after(f->queue, "delayed", 100);
	workqueue_add_backoff(f->queue, "failed");
	workqueue_forget(f->queue, "unknown");
}

#define queue_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		queue_test(test_keys_come_in_the_order_they_were_added),
		queue_test(test_ready_is_told_from_the_loop_and_not_by_add),
		queue_test(test_ready_is_not_told_when_all_keys_were_got_meanwhile),
		queue_test(test_a_key_that_waits_is_added_once),
		queue_test(test_a_key_added_during_its_work_comes_again_after_it),
		queue_test(test_a_delayed_key_comes_when_its_time_is_over),
		queue_test(test_no_delay_is_now),
		queue_test(test_of_two_delays_the_one_that_ends_first_counts),
		queue_test(test_a_delay_that_ends_during_the_work_brings_the_key_again),
		queue_test(test_a_thousand_delays_end_in_order),
		queue_test(test_backoff_doubles_up_to_its_ceiling_with_jitter),
		queue_test(test_forget_makes_the_next_backoff_the_first),
		queue_test(test_backoff_of_one_key_is_not_that_of_another),
		queue_test(test_a_failing_key_does_not_hold_up_an_added_one),
		queue_test(test_free_forgets_keys_in_every_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
