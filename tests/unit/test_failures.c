#include "controller/failures.h"
#include "controller/step.h"
#include "unit.h"

static struct arena arena;

static int setup(void **state)
{
	*state = failures_new();
	return 0;
}

static int teardown(void **state)
{
	failures_free(*state);
	arena_reset(&arena);
	return 0;
}

static struct step apply_of(const char *name, const char *body)
{
	return (struct step){
		.kind = STEP_APPLY,
		.resource = &RESOURCE_DEPLOYMENT,
		.ns = "default",
		.name = name,
		.type = "web",
		.body = unit_json(&arena, body),
	};
}

static struct digest digest(void *arg, const struct step *step)
{
	(void)arg;
	return step_digest(step);
}

static bool held(const struct failures *failures, const struct step *step, int64_t now_ms)
{
	return failures_hold(failures, step, digest, NULL, now_ms);
}

static bool failed(struct failures *failures, const struct step *step, enum err_code code,
		 const char *text, int64_t now_ms)
{
	struct err err = ERR_INIT;

	err_set(&err, code, "%s", text);
	return failures_note(failures, step, step_digest(step), &err, now_ms, 0);
}

static void test_a_failed_write_waits_and_comes_again(void **state)
{
	struct step step = apply_of("shop-web", "{\"a\":1}");

	assert_false(held(*state, &step, 0));
	failed(*state, &step, ERR_FORBIDDEN, "no", 1000);
	assert_true(held(*state, &step, 1999));
	assert_false(held(*state, &step, 2000));
	assert_int_equal(failures_wait_ms(*state, 1500), 500);
	assert_int_equal(failures_wait_ms(*state, 2500), 0);
}

static void test_another_body_need_not_wait(void **state)
{
	struct step step = apply_of("shop-web", "{\"a\":1}");
	struct step mended = apply_of("shop-web", "{\"a\":2}");
	struct step other = apply_of("shop-worker", "{\"a\":1}");

	failed(*state, &step, ERR_INVALID, "no", 0);
	assert_true(held(*state, &step, 500));
	assert_false(held(*state, &mended, 500));
	assert_false(held(*state, &other, 500));
}

static void test_waits_double_up_to_a_ceiling(void **state)
{
	const struct {
		enum err_code code;
		int64_t first_ms, most_ms;
	} rows[] = {
		{ ERR_CONFLICT, 10, 30 * 1000 },
		{ ERR_UNAVAILABLE, 100, 30 * 1000 },
		{ ERR_TIMEOUT, 100, 30 * 1000 },
		{ ERR_RATE_LIMITED, 100, 30 * 1000 },
		{ ERR_ALREADY_EXISTS, 1000, 30 * 1000 },
		{ ERR_FORBIDDEN, 1000, 300 * 1000 },
		{ ERR_INVALID, 1000, 300 * 1000 },
		{ ERR_NOT_FOUND, 1000, 300 * 1000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct failures *failures = failures_new();
		struct step step = apply_of("shop-web", "{}");
		int64_t wait_ms = rows[i].first_ms;

		(void)state;
		for (int n = 0; n < 40; n++) {
			failed(failures, &step, rows[i].code, "no", 0);
			assert_int_equal(failures_wait_ms(failures, 0), wait_ms);
			wait_ms = 2 * wait_ms < rows[i].most_ms ? 2 * wait_ms : rows[i].most_ms;
		}
		failures_free(failures);
	}
}

static void test_the_servers_wish_is_the_least(void **state)
{
	struct step step = apply_of("shop-web", "{}");
	struct err err = ERR_INIT;

	err_set(&err, ERR_RATE_LIMITED, "slow down");
	err.retry_after_ms = 7000;
	failures_note(*state, &step, step_digest(&step), &err, 0, 0);
	assert_int_equal(failures_wait_ms(*state, 0), 7000);
}

static void test_jitter_adds_at_most_a_quarter(void **state)
{
	struct step step = apply_of("shop-web", "{}");
	struct err err = ERR_INIT;

	err_set(&err, ERR_FORBIDDEN, "no");
	failures_note(*state, &step, step_digest(&step), &err, 0, UINT64_MAX);
	assert_in_range(failures_wait_ms(*state, 0), 1000, 1250);
}

static void test_only_news_are_told(void **state)
{
	struct step step = apply_of("shop-web", "{}");

	assert_true(failed(*state, &step, ERR_FORBIDDEN, "no", 0));
	assert_false(failed(*state, &step, ERR_FORBIDDEN, "no", 0));
	assert_true(failed(*state, &step, ERR_FORBIDDEN, "not at all", 0));
}

static void test_success_forgets(void **state)
{
	struct step step = apply_of("shop-web", "{}");

	failed(*state, &step, ERR_FORBIDDEN, "no", 0);
	assert_false(failures_empty(*state));
	failures_clear(*state, &step);
	assert_true(failures_empty(*state));
	assert_true(failed(*state, &step, ERR_FORBIDDEN, "no", 0));
}

static void test_what_is_not_wanted_any_more_is_forgotten(void **state)
{
	struct step wanted = apply_of("shop-web", "{}");
	struct step dropped = apply_of("shop-worker", "{}");
	struct step event = { .kind = STEP_EVENT, .resource = &RESOURCE_DEPLOYMENT,
			      .name = "shop-worker" };
	const struct step steps[] = { wanted, event };
	const struct plan plan = { .steps = steps, .step_count = 2 };
	size_t count;

	failed(*state, &wanted, ERR_FORBIDDEN, "no", 0);
	failed(*state, &dropped, ERR_FORBIDDEN, "no", 0);
	failures_list(*state, &arena, &count);
	assert_int_equal(count, 2);
	failures_sweep(*state, &plan, 0);
	failures_list(*state, &arena, &count);
	assert_int_equal(count, 1);
}

static void test_the_list_tells_what_a_person_may_want_to_read(void **state)
{
	struct step step = apply_of("shop-web", "{}");
	struct step status = { .kind = STEP_STATUS, .resource = &RESOURCE_FORMATION,
			       .name = "shop" };
	const struct write_failure *list;
	size_t count;

	failed(*state, &step, ERR_FORBIDDEN, "exceeded quota", 0);
	failed(*state, &status, ERR_FORBIDDEN, "no", 0);
	list = failures_list(*state, &arena, &count);
	assert_int_equal(count, 1);
	assert_string_equal(list[0].type, "web");
	assert_string_equal(list[0].message, "exceeded quota");
	assert_int_equal(list[0].code, ERR_FORBIDDEN);
	assert_true(list[0].create);
	assert_ptr_equal(list[0].resource, &RESOURCE_DEPLOYMENT);
}

static void test_a_conflict_is_only_told_when_it_does_not_end(void **state)
{
	struct step step = apply_of("shop-web", "{}");
	size_t count;

	for (int i = 0; i < 3; i++) {
		failed(*state, &step, ERR_CONFLICT, "changed", 0);
		failures_list(*state, &arena, &count);
		assert_int_equal(count, 0);
	}
	failed(*state, &step, ERR_CONFLICT, "changed", 0);
	failures_list(*state, &arena, &count);
	assert_int_equal(count, 1);
}

static void test_three_repairs_are_free_and_then_they_wait(void **state)
{
	struct step step = apply_of("shop-web", "{}");
	const int64_t waits[] = { 0, 0, 0, 1000, 2000, 4000 };
	size_t count;

	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		failures_clear(*state, &step);
		assert_int_equal(failures_note_undone(*state, &step, step_digest(&step), 0, 0),
				 (int)i + 1);
		assert_int_equal(failures_wait_ms(*state, 0), waits[i]);
	}
	assert_true(held(*state, &step, 3999));
	assert_false(held(*state, &step, 4000));
	failures_list(*state, &arena, &count);
	assert_int_equal(count, 0);
}

static void test_repairs_are_forgotten_after_five_minutes_of_peace(void **state)
{
	struct step step = apply_of("shop-web", "{}");
	const struct plan nothing = { 0 };

	for (int i = 0; i < 5; i++)
		failures_note_undone(*state, &step, step_digest(&step), 0, 0);
	failures_sweep(*state, &nothing, 300 * 1000);
	assert_false(failures_empty(*state));
	assert_int_equal(
		failures_note_undone(*state, &step, step_digest(&step), 300 * 1000 + 1, 0), 1);
	failures_sweep(*state, &nothing, 600 * 1000 + 2);
	assert_true(failures_empty(*state));
}

static void test_status_waits_whatever_its_timestamps_say(void **state)
{
	struct step now = { .kind = STEP_STATUS, .resource = &RESOURCE_FORMATION, .name = "shop",
			    .body = unit_json(&arena, "{\"t\":1}") };
	struct step later = now;

	later.body = unit_json(&arena, "{\"t\":2}");
	failed(*state, &now, ERR_FORBIDDEN, "no", 0);
	assert_true(held(*state, &later, 500));
}

static void assert_rivals(struct failures *failures, int64_t now_ms, const char *text, int64_t left_ms)
{
	size_t count = 0;
	const struct rival_note *notes = failures_rivals(failures, &arena, now_ms, &count);

	assert_int_equal(count, text ? 1 : 0);
	if (!text)
		return;
	assert_string_equal(notes[0].text, text);
	assert_string_equal(notes[0].type, "web");
	assert_int_equal(notes[0].left_ms, left_ms);
}

static void test_a_rival_is_told_for_five_minutes_though_the_write_succeeds(void **state)
{
	struct step step = apply_of("shop-web", "{}");
	const struct plan nothing = { 0 };

	assert_rivals(*state, 0, NULL, 0);
	failures_note_rival(*state, &step, "by a", 1000);
	failures_clear(*state, &step);
	failures_sweep(*state, &nothing, 2000);
	assert_rivals(*state, 2000, "by a", 299 * 1000);
	failures_note_rival(*state, &step, "by b", 3000);
	assert_rivals(*state, 302 * 1000, "by b", 1000);
	assert_rivals(*state, 303 * 1000, NULL, 0);
	failures_sweep(*state, &nothing, 303 * 1000);
	assert_true(failures_empty(*state));
}

#define failures_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static int release(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		failures_test(test_a_failed_write_waits_and_comes_again),
		failures_test(test_another_body_need_not_wait),
		failures_test(test_waits_double_up_to_a_ceiling),
		failures_test(test_the_servers_wish_is_the_least),
		failures_test(test_jitter_adds_at_most_a_quarter),
		failures_test(test_only_news_are_told),
		failures_test(test_success_forgets),
		failures_test(test_what_is_not_wanted_any_more_is_forgotten),
		failures_test(test_the_list_tells_what_a_person_may_want_to_read),
		failures_test(test_a_conflict_is_only_told_when_it_does_not_end),
		failures_test(test_three_repairs_are_free_and_then_they_wait),
		failures_test(test_repairs_are_forgotten_after_five_minutes_of_peace),
		failures_test(test_status_waits_whatever_its_timestamps_say),
		failures_test(test_a_rival_is_told_for_five_minutes_though_the_write_succeeds),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
