#include "formation/usage.h"
#include "formation/usage_ledger.h"
#include "formation/usage_total.h"
#include "unit.h"

/* A Formation, and pods that are put before it version by version. */
enum { PODS_MAX = 8, T0 = 1764000000 };

static struct arena arena;

static struct world {
	struct formation formation;
	struct observed_pod pods[PODS_MAX];
	const struct observed_pod *list[PODS_MAX];
	size_t count;
	struct gone_pod gone[PODS_MAX];
	size_t gone_count;
	uint64_t version;
	int64_t now_s;
	int writes;
	int64_t again_ms;
} world;

/* Seconds after T0, as Unix time. */
static uint32_t t(int s)
{
	return (uint32_t)(T0 + s);
}

static int reset(void **state)
{
	(void)state;
	arena_release(&arena);
	world = (struct world){ .now_s = T0, .version = 100 };
	world.formation = (struct formation){ .ns = "default",
		                              .name = "shop",
		                              .uid = "f",
		                              .version = 1 << 20,
		                              .created_ms = (T0 - 1000) * 1000LL };
	return 0;
}

static struct observed_pod *pod(const char *uid)
{
	struct observed_pod *pod = NULL;

	for (size_t i = 0; i < world.count; i++) {
		if (strcmp(world.pods[i].object.uid, uid) == 0)
			pod = &world.pods[i];
	}
	if (!pod) {
		pod = &world.pods[world.count];
		world.list[world.count++] = pod;
		*pod = (struct observed_pod){ .type = "web", .size = "1X" };
		strcpy(pod->object.uid, uid);
		pod->object.created_ms = (T0 - 5) * 1000LL;
	}
	pod->object.version = ++world.version;
	return pod;
}

/* Its container runs for the how-manieth time since T0 + from. */
static void runs(const char *uid, int index, int from)
{
	pod(uid)->runs = (struct pod_runs){ .items = { { index, t(from), 0, false } }, .count = 1 };
}

static void ran(const char *uid, int index, int from, int to)
{
	pod(uid)->runs =
		(struct pod_runs){ .items = { { index, t(from), t(to), true } }, .count = 1 };
}

/* As lastState and state tell it. */
static void ran_and_runs(const char *uid, int index, int from, int to, int next)
{
	pod(uid)->runs = (struct pod_runs){ .items = { { index, t(from), t(to), true },
		                                       { index + 1, t(next), 0, false } },
		                            .count = 2 };
}

/* The pod is out of the store; `said`: by its last event, as it is now. */
static struct gone_pod *leave(const char *uid, bool said)
{
	struct gone_pod *gone = &world.gone[world.gone_count++];
	size_t at = 0;

	pod(uid);
	while (strcmp(world.list[at]->object.uid, uid) != 0)
		at++;
	*gone = (struct gone_pod){ .life = dyno_life_of(world.list[at]),
		                   .gone_ms = world.now_s * 1000,
		                   .final = said };
	gone->life.uid = arena_strdup(&arena, uid);
	for (; at + 1 < world.count; at++) {
		world.pods[at] = world.pods[at + 1];
	}
	world.count--;
	return gone;
}

static void vanish(const char *uid)
{
	leave(uid, true);
	world.gone_count--;
}

/* Decide at T0 + at, as the reconcile does, and store the answer. Returns whether it wrote. */
static bool look(int at)
{
	struct reconcile_input input = { .formation = &world.formation,
		                         .pods = world.list,
		                         .pod_count = world.count,
		                         .gone = world.gone,
		                         .gone_count = world.gone_count,
		                         .pods_version = world.version };
	const struct json *before = json_get(world.formation.status, "usage"), *usage;
	struct json *status;

	world.now_s = T0 + at;
	input.now_ms = world.now_s * 1000;
	usage = usage_follow(&arena, &input, &world.again_ms);
	if (usage == before)
		return false;
	status = json_new_object(&arena);
	json_set(&arena, status, "usage", json_clone(&arena, usage));
	world.formation.status = unit_json(&arena, json_text(&arena, status));
	return true;
}

static struct usage_total total(const char *size, int at)
{
	size_t count;
	const struct usage_total *totals = usage_totals(
		&arena, json_get(world.formation.status, "usage"), T0 + at, &count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(totals[i].size, size) == 0)
			return totals[i];
	}
	return (struct usage_total){ .seconds = -1 };
}

#define assert_used(size, at, wanted)                                 \
	do {                                                          \
		assert_int_equal(total(size, at).seconds, wanted);    \
		assert_int_equal(total(size, at).uncertain_s, 0);     \
	} while (0)

/* --- one dyno ------------------------------------------------------ */

static void test_nothing_is_told_before_a_dyno_ran(void **state)
{
	(void)state;
	pod("a");
	assert_false(look(1));
	assert_null(world.formation.status);
}

static void test_a_dyno_counts_while_it_runs_without_being_written(void **state)
{
	(void)state;
	runs("a", 0, 2);
	assert_true(look(3));
	assert_false(look(100));
	assert_used("1X", 102, 100);
	assert_int_equal(total("1X", 102).running, 1);
}

static void test_a_dyno_that_ends_is_counted_once(void **state)
{
	(void)state;
	runs("a", 0, 2);
	look(3);
	ran("a", 0, 2, 62);
	assert_true(look(63));
	assert_false(look(64));
	assert_used("1X", 1000, 60);
	leave("a", true);
	assert_true(look(65)); /* forgets it */
	assert_false(look(66));
	assert_used("1X", 1000, 60);
}

static void test_a_dyno_that_stops_within_a_second_counts_as_one(void **state)
{
	(void)state;
	ran("a", 0, 2, 2);
	look(3);
	assert_used("1X", 1000, 1);
	ran("b", 0, 5, 3); /* a clock that went back */
	look(6);
	assert_used("1X", 1000, 2);
}

static void test_a_container_that_never_ran_counts_nothing(void **state)
{
	(void)state;
	pod("a")->runs = (struct pod_runs){ .items = { { 0, 0, T0 + 5, true } }, .count = 1 };
	look(6);
	assert_used("1X", 1000, 0);
}

static void test_a_pod_that_came_and_went_between_two_looks_is_counted(void **state)
{
	(void)state;
	runs("b", 0, 0);
	look(1);
	ran("a", 0, 2, 9);
	leave("a", true);
	assert_true(look(10));
	assert_false(look(11)); /* its last word is still kept */
	assert_used("1X", 10, 7 + 10);
}

static void test_its_last_word_is_kept_until_the_ledger_has_it(void **state)
{
	(void)state;
	runs("a", 0, 2);
	look(3);
	ran("a", 0, 2, 9);
	leave("a", true);
	assert_false(usage_has(json_get(world.formation.status, "usage"), &world.gone[0]));
	look(10);
	assert_true(usage_has(json_get(world.formation.status, "usage"), &world.gone[0]));
	assert_false(usage_has(NULL, &world.gone[0]));
}

/* --- restarts ------------------------------------------------------ */

static void test_a_crash_counts_both_runs(void **state)
{
	(void)state;
	runs("a", 0, 0);
	look(1);
	ran_and_runs("a", 0, 0, 30, 40);
	assert_true(look(41));
	assert_used("1X", 50, 30 + 10);
	ran("a", 1, 40, 60);
	look(61);
	assert_used("1X", 100, 30 + 20);
}

static void test_crashes_within_one_second_are_told_apart(void **state)
{
	(void)state;
	ran("a", 0, 5, 5);
	look(6);
	ran_and_runs("a", 0, 5, 5, 5);
	look(6);
	ran("a", 1, 5, 5);
	look(6);
	assert_used("1X", 100, 2);
}

static void test_an_earlier_view_of_a_pod_changes_nothing(void **state)
{
	(void)state;
	ran_and_runs("a", 0, 0, 30, 40);
	look(41);
	runs("a", 0, 0);
	assert_false(look(42));
	assert_used("1X", 50, 30 + 10);
}

static void test_a_restart_whose_run_nobody_saw_is_uncertain(void **state)
{
	(void)state;
	runs("a", 0, 0);
	look(1);
	ran_and_runs("a", 2, 50, 60, 70);
	look(71);
	/* The first is sure until observedAt, which is T0; between T0 and 50 nobody knows. */
	assert_int_equal(total("1X", 80).seconds, 1 + 10 + 10);
	assert_int_equal(total("1X", 80).uncertain_s, 49 + 1);
}

static void test_what_a_pod_no_longer_tells_is_carried_over(void **state)
{
	struct pod_runs before = { .items = { { 0, 10, 20, true }, { 1, 21, 0, false } },
		                   .count = 2 };
	struct pod_runs now = { .items = { { 1, 21, 30, true }, { 2, 31, 0, false } }, .count = 2 };

	(void)state;
	pod_runs_follow(&now, &before);
	assert_int_equal(now.count, 3);
	assert_int_equal(now.items[0].end_s, 20);
	assert_int_equal(now.items[1].end_s, 30);
	pod_runs_follow(&now, &before);
	assert_int_equal(now.count, 3);
}

static void test_how_a_kubelet_tells_runs(void **state)
{
	static const struct {
		const char *status;
		int count, index, last_index;
		bool open;
	} cases[] = {
		{ "{\"restartCount\":0,\"state\":{\"waiting\":{}}}", 0, 0, 0, false },
		{ "{\"restartCount\":2,\"state\":{\"running\":{\"startedAt\":\"2026-11-24T00:00:09Z\"}},"
		  "\"lastState\":{\"terminated\":{\"startedAt\":\"2026-11-24T00:00:01Z\"}}}",
		  2, 1, 2, true },
		{ "{\"restartCount\":2,\"state\":{\"waiting\":{}},"
		  "\"lastState\":{\"terminated\":{\"startedAt\":\"2026-11-24T00:00:01Z\"}}}",
		  1, 2, 2, false },
		{ "{\"restartCount\":0,\"state\":{\"terminated\":{\"startedAt\":"
		  "\"1970-01-01T00:00:00Z\"}},\"lastState\":{}}",
		  1, 0, 0, false },
		{ "{\"restartCount\":-7,\"state\":{\"running\":{}}}", 0, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pod_runs runs = pod_runs_of(unit_json(&arena, cases[i].status));

		assert_int_equal(runs.count, cases[i].count);
		assert_int_equal(pod_runs_open(&runs), cases[i].open);
		if (!runs.count)
			continue;
		assert_int_equal(runs.items[0].index, cases[i].index);
		assert_int_equal(runs.items[runs.count - 1].index, cases[i].last_index);
	}
	assert_int_equal(pod_runs_of(NULL).count, 0);
}

/* --- who was not there --------------------------------------------- */

static void test_a_dyno_that_went_unseen_is_sure_until_it_was_seen_last(void **state)
{
	(void)state;
	runs("a", 0, 0);
	look(1);
	runs("b", 0, 100);
	look(101);
	vanish("a");
	look(500);
	assert_int_equal(total("1X", 500).seconds, 100 + 400);
	assert_int_equal(total("1X", 500).uncertain_s, 400);
	assert_false(look(501));
}

static void test_a_last_word_that_is_late_is_waited_for(void **state)
{
	struct gone_pod *gone;

	(void)state;
	runs("a", 0, 0);
	look(1);
	world.now_s = T0 + 20;
	gone = leave("a", false);
	assert_false(look(21));
	assert_true(world.again_ms > 0);
	gone->final = true;
	gone->life.runs.items[0] = (struct pod_run){ 0, T0, T0 + 19, true };
	assert_true(look(22));
	assert_used("1X", 100, 19);
}

static void test_a_last_word_that_never_comes_leaves_seconds_uncertain(void **state)
{
	(void)state;
	runs("a", 0, 0);
	look(1);
	world.now_s = T0 + 20;
	leave("a", false);
	look(40);
	assert_int_equal(total("1X", 100).seconds, 1);
	assert_int_equal(total("1X", 100).uncertain_s, 19);
}

static void test_while_a_last_word_is_due_nothing_newer_passes_for_seen(void **state)
{
	(void)state;
	runs("a", 0, 0);
	look(1);
	world.now_s = T0 + 20;
	leave("a", false);
	runs("b", 0, 15);
	assert_true(look(21));
	look(40);
	assert_int_equal(total("1X", 15).seconds, 1 + 1);
	assert_int_equal(total("1X", 15).uncertain_s, 19);
}

static void test_a_pod_deleted_by_force_counts_until_it_was_asked_for(void **state)
{
	struct gone_pod *gone;

	(void)state;
	runs("a", 0, 0);
	look(1);
	world.now_s = T0 + 60;
	gone = leave("a", true);
	gone->life.deleting_s = T0 + 50;
	look(61);
	assert_int_equal(total("1X", 100).seconds, 50);
	assert_int_equal(total("1X", 100).uncertain_s, 10);
}

static void test_a_dyno_whose_labels_were_taken_and_put_back_is_counted_once(void **state)
{
	(void)state;
	runs("a", 0, 0);
	look(1);
	world.now_s = T0 + 30;
	leave("a", true);
	look(31);
	assert_used("1X", 1000, 30);
	assert_false(look(40));
	runs("a", 0, 0);
	look(50);
	assert_used("1X", 60, 60);
}

/* --- others before us ---------------------------------------------- */

static void test_pods_that_lag_behind_the_ledger_change_nothing(void **state)
{
	uint64_t now;

	(void)state;
	runs("a", 0, 0);
	look(1);
	now = world.version;
	world.version = now - 1; /* another controller, whose watch is behind */
	world.count = 0;
	assert_false(look(2));
	assert_true(world.again_ms > 0);
	world.version = now;
	assert_true(look(3)); /* it really is gone */
}

static void test_a_pod_ahead_of_the_watch_is_left_for_later(void **state)
{
	(void)state;
	runs("a", 0, 0);
	world.version--;
	assert_false(look(1));
	assert_true(world.again_ms > 0);
	world.version++;
	assert_true(look(2));
}

static void test_what_another_controller_counted_is_not_counted_again(void **state)
{
	(void)state;
	runs("b", 0, 0);
	ran("a", 0, 2, 9);
	leave("a", true);
	look(10);
	/* One that heard the same, and has not counted it. */
	assert_false(look(11));
	world.gone[0].life.version = world.version + 1;
	world.version++;
	assert_true(look(12)); /* the same word with another version is another pod */
}

static void test_pods_of_an_earlier_formation_are_not_counted(void **state)
{
	(void)state;
	runs("a", 0, 0);
	world.formation.created_ms = T0 * 1000LL;
	assert_false(look(1));
}

/* --- sizes --------------------------------------------------------- */

static void test_another_size_splits_the_run(void **state)
{
	(void)state;
	runs("a", 0, 0);
	look(1);
	runs("a", 0, 0);
	world.pods[0].size = "2X";
	look(100);
	assert_used("1X", 150, 100);
	assert_used("2X", 150, 50);
	ran("a", 0, 0, 160);
	look(161);
	assert_used("1X", 1000, 100);
	assert_used("2X", 1000, 60);
}

/* --- clocks -------------------------------------------------------- */

static void test_a_clock_that_jumps_never_takes_seconds_away(void **state)
{
	(void)state;
	runs("a", 0, 0);
	look(1);
	assert_used("1X", -5000, 1);
	runs("a", 0, 0);
	world.pods[0].size = "2X";
	look(-5000);
	ran("a", 0, 0, -100);
	look(-4000);
	assert_true(total("1X", 0).seconds >= 0);
	assert_true(total("2X", 0).seconds >= 0);
	assert_int_equal(total("1X", 0).seconds + total("2X", 0).seconds, 1);
	runs("b", 0, 50);
	look(9000);
	vanish("b");
	look(-9000);
	assert_true(total("1X", 0).uncertain_s >= 0);
	assert_true(total("1X", 0).seconds >= 0);
}

/* --- bounds -------------------------------------------------------- */

static void test_more_types_than_are_kept_are_one(void **state)
{
	(void)state;
	for (int i = 0; i < USAGE_PROCESSES_MAX + 10; i++) {
		world.count = 0;
		ran(arena_printf(&arena, "a%d", i), 0, 0, 2);
		world.pods[0].type = arena_printf(&arena, "t%d", i);
		look(3);
	}
	assert_int_equal(json_count(json_path(world.formation.status, "usage", "processes", NULL)),
	                 USAGE_PROCESSES_MAX + 1);
	assert_int_equal(total("*", 100).seconds, 20);
}

static void test_what_is_no_ledger_is_left_out(void **state)
{
	static const char *const wrong[] = {
		"{\"usage\":7}",
		"{\"usage\":{\"version\":-1,\"observedAt\":\"soon\",\"processes\":{}}}",
		"{\"usage\":{\"processes\":[{\"type\":\"web\",\"size\":\"1X\",\"seconds\":-5,"
		"\"dynos\":[7,\"\",\"x\",\"4e72054443941af7\",\"4e72054443941af7@\","
		"\"4e72054443941af7@99999999999999999999\",\"4e72054443941af7#-1\"]}]}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		world.formation.status = unit_json(&arena, wrong[i]);
		look(10);
		assert_true(total("1X", 100).seconds <= 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing_is_told_before_a_dyno_ran, reset),
		cmocka_unit_test_setup(test_a_dyno_counts_while_it_runs_without_being_written, reset),
		cmocka_unit_test_setup(test_a_dyno_that_ends_is_counted_once, reset),
		cmocka_unit_test_setup(test_a_dyno_that_stops_within_a_second_counts_as_one, reset),
		cmocka_unit_test_setup(test_a_container_that_never_ran_counts_nothing, reset),
		cmocka_unit_test_setup(test_a_pod_that_came_and_went_between_two_looks_is_counted, reset),
		cmocka_unit_test_setup(test_its_last_word_is_kept_until_the_ledger_has_it, reset),
		cmocka_unit_test_setup(test_a_crash_counts_both_runs, reset),
		cmocka_unit_test_setup(test_crashes_within_one_second_are_told_apart, reset),
		cmocka_unit_test_setup(test_an_earlier_view_of_a_pod_changes_nothing, reset),
		cmocka_unit_test_setup(test_a_restart_whose_run_nobody_saw_is_uncertain, reset),
		cmocka_unit_test_setup(test_what_a_pod_no_longer_tells_is_carried_over, reset),
		cmocka_unit_test_setup(test_how_a_kubelet_tells_runs, reset),
		cmocka_unit_test_setup(test_a_dyno_that_went_unseen_is_sure_until_it_was_seen_last, reset),
		cmocka_unit_test_setup(test_a_last_word_that_is_late_is_waited_for, reset),
		cmocka_unit_test_setup(test_a_last_word_that_never_comes_leaves_seconds_uncertain, reset),
		cmocka_unit_test_setup(test_while_a_last_word_is_due_nothing_newer_passes_for_seen,
		                       reset),
		cmocka_unit_test_setup(test_a_pod_deleted_by_force_counts_until_it_was_asked_for, reset),
		cmocka_unit_test_setup(test_a_dyno_whose_labels_were_taken_and_put_back_is_counted_once, reset),
		cmocka_unit_test_setup(test_pods_that_lag_behind_the_ledger_change_nothing, reset),
		cmocka_unit_test_setup(test_a_pod_ahead_of_the_watch_is_left_for_later, reset),
		cmocka_unit_test_setup(test_what_another_controller_counted_is_not_counted_again, reset),
		cmocka_unit_test_setup(test_pods_of_an_earlier_formation_are_not_counted, reset),
		cmocka_unit_test_setup(test_another_size_splits_the_run, reset),
		cmocka_unit_test_setup(test_a_clock_that_jumps_never_takes_seconds_away, reset),
		cmocka_unit_test_setup(test_more_types_than_are_kept_are_one, reset),
		cmocka_unit_test_setup(test_what_is_no_ledger_is_left_out, reset),
	};

	return cmocka_run_group_tests(tests, NULL, reset);
}
