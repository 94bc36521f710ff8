#include "formation/permit.h"
#include "unit.h"

static const struct permit NONE = {0};

static struct permit_pod gated(const char *name, int64_t created_ms)
{
	return (struct permit_pod){
		.name = name, .uid = name, .gated = true, .created_ms = created_ms};
}

static struct permit_pod running(const char *name)
{
	return (struct permit_pod){.name = name, .uid = name, .node = "node-1", .created_ms = 1};
}

static struct permit_pod deleting(struct permit_pod pod)
{
	pod.deleting = true;
	return pod;
}

static struct permit_pod terminal(struct permit_pod pod)
{
	pod.terminal = true;
	return pod;
}

static struct permit_pod orphan(struct permit_pod pod)
{
	pod.orphan = true;
	return pod;
}

static struct permit on(const char *name)
{
	return (struct permit){.pod = name, .uid = name};
}

/* Decide, and compare with what is expected; `name` and `overlap` are pods or NULL. */
static void expect(const struct permit_view *view, enum permit_verdict verdict, const char *name,
		   const char *overlap)
{
	struct permit_decision decision;

	permit_decide(view, &decision);
	assert_int_equal(decision.verdict, verdict);
	if (name)
		assert_string_equal(decision.pod->name, name);
	else
		assert_null(decision.pod);
	if (overlap)
		assert_string_equal(decision.overlap->name, overlap);
	else
		assert_null(decision.overlap);
}

#define VIEW(record_, recorded_, ...)                                                              \
	(&(struct permit_view){                                                                    \
		.record = record_,                                                                 \
		.pods = (const struct permit_pod[]){__VA_ARGS__},                                  \
		.pod_count = sizeof((const struct permit_pod[]){__VA_ARGS__}) /                    \
			     sizeof(struct permit_pod),                                            \
		.recorded = recorded_,                                                             \
	})

static void test_without_pods_there_is_nothing_to_do(void **state)
{
	(void)state;
	expect(&(struct permit_view){.record = NONE}, PERMIT_NOTHING, NULL, NULL);
	expect(&(struct permit_view){.record = on("a")}, PERMIT_NOTHING, NULL, NULL);
}

static void test_the_oldest_gated_pod_is_put_on_record(void **state)
{
	(void)state;
	expect(VIEW(NONE, NULL, gated("a", 5)), PERMIT_RECORD, "a", NULL);
	expect(VIEW(on("gone"), NULL, gated("c", 7), gated("b", 5), gated("a", 5)), PERMIT_RECORD,
	       "a", NULL);
}

static void test_without_a_record_only_a_pod_that_waits_alone_is_given_the_permit(void **state)
{
	(void)state;
	expect(VIEW(NONE, NULL, gated("a", 5), gated("b", 6)), PERMIT_WAIT, "b", NULL);
	expect(VIEW(NONE, NULL, gated("b", 6), gated("a", 5)), PERMIT_WAIT, "b", NULL);
	expect(VIEW(NONE, NULL, gated("b", 6), deleting(gated("a", 5))), PERMIT_WAIT, "a", NULL);
	expect(VIEW(NONE, NULL, gated("b", 6), terminal(gated("a", 5))), PERMIT_RECORD, "b", NULL);
}

static void test_a_pod_on_its_way_out_or_that_nobody_owns_is_given_no_permit(void **state)
{
	(void)state;
	expect(VIEW(on("gone"), NULL, deleting(gated("a", 1)), orphan(gated("b", 2)),
		    gated("c", 3)),
	       PERMIT_RECORD, "c", NULL);
	expect(VIEW(NONE, NULL, deleting(gated("a", 1)), orphan(gated("b", 2))), PERMIT_NOTHING,
	       NULL, NULL);
}

static void test_a_terminal_pod_is_given_no_permit(void **state)
{
	(void)state;
	expect(VIEW(NONE, NULL, terminal(gated("a", 1))), PERMIT_NOTHING, NULL, NULL);
}

static void test_a_recorded_pod_that_is_still_gated_is_opened_and_no_other(void **state)
{
	struct permit_pod recorded = gated("b", 9);

	(void)state;
	expect(VIEW(on("b"), &recorded, gated("a", 1), gated("b", 9)), PERMIT_OPEN, "b", NULL);
}

static void test_a_recorded_pod_without_its_labels_is_the_holder_still(void **state)
{
	struct permit_pod recorded = running("a");

	(void)state;
	expect(VIEW(on("a"), &recorded, gated("b", 2)), PERMIT_WAIT, "a", NULL);
	recorded = gated("a", 1);
	expect(VIEW(on("a"), &recorded, gated("b", 2)), PERMIT_OPEN, "a", NULL);
}

static void test_a_gated_recorded_pod_on_its_way_out_is_waited_for(void **state)
{
	struct permit_pod recorded = deleting(gated("a", 1));

	(void)state;
	expect(VIEW(on("a"), &recorded, gated("b", 2)), PERMIT_WAIT, "a", NULL);
}

static void test_a_pod_that_runs_and_is_on_record_is_let_be(void **state)
{
	struct permit_pod recorded = running("a");

	(void)state;
	expect(VIEW(on("a"), &recorded, running("a")), PERMIT_NOTHING, NULL, NULL);
}

static void test_a_terminating_pod_counts_until_it_is_gone(void **state)
{
	struct permit_pod recorded = deleting(running("a"));

	(void)state;
	expect(VIEW(on("a"), &recorded, recorded, gated("b", 2)), PERMIT_WAIT, "a", NULL);
	expect(VIEW(NONE, NULL, recorded, gated("b", 2)), PERMIT_WAIT, "a", NULL);
	expect(VIEW(on("a"), NULL, gated("b", 2)), PERMIT_RECORD, "b", NULL);
}

static void test_a_terminal_pod_counts_no_more(void **state)
{
	struct permit_pod recorded = terminal(running("a"));

	(void)state;
	expect(VIEW(on("a"), &recorded, recorded, gated("b", 2)), PERMIT_RECORD, "b", NULL);
}

static void test_the_later_read_tells_that_the_recorded_pod_is_gone(void **state)
{
	struct permit_pod again = gated("a", 3);

	(void)state;
	expect(VIEW(on("a"), NULL, running("a"), gated("b", 2)), PERMIT_RECORD, "b", NULL);
	/* Its name, by now another's. */
	again.uid = "a-again";
	expect(VIEW(on("a"), &again, gated("b", 2), again), PERMIT_RECORD, "b", NULL);
}

static void test_a_pod_opened_by_somebody_else_keeps_all_others_closed(void **state)
{
	struct permit_pod recorded = gated("a", 1);

	(void)state;
	expect(VIEW(NONE, NULL, gated("a", 1), running("b")), PERMIT_WAIT, "b", NULL);
	expect(VIEW(on("a"), &recorded, recorded, running("b")), PERMIT_WAIT, "b", NULL);
}

static void test_two_open_pods_are_an_overlap(void **state)
{
	struct permit_pod recorded = running("a");
	struct permit_pod later = running("c");

	(void)state;
	later.created_ms = 5;
	expect(VIEW(on("a"), &recorded, recorded, running("b")), PERMIT_NOTHING, NULL, "b");
	expect(VIEW(NONE, NULL, later, running("b"), gated("d", 9)), PERMIT_WAIT, "b", "c");
	expect(VIEW(NONE, NULL, running("b"), later, gated("d", 9)), PERMIT_WAIT, "b", "c");
	expect(VIEW(NONE, NULL, terminal(later), running("b")), PERMIT_NOTHING, NULL, NULL);
}

/* --- the protocol -------------------------------------------------- */

static void answer_record(struct permit_protocol *protocol, struct permit record)
{
	assert_int_equal(protocol->request, PERMIT_GET_RECORD);
	permit_protocol_answer(protocol, &(struct permit_answer){.record = record, .version = 42});
}

static void answer_pods(struct permit_protocol *protocol, const struct permit_pod *pods,
			size_t count)
{
	permit_protocol_answer(protocol, &(struct permit_answer){.pods = pods, .pod_count = count});
}

static void test_a_gate_is_opened_after_the_record_is_written(void **state)
{
	struct permit_protocol protocol;
	struct permit_pod pod = gated("a", 1);

	(void)state;
	permit_protocol_init(&protocol);
	answer_record(&protocol, NONE);
	assert_int_equal(protocol.request, PERMIT_LIST_PODS);
	answer_pods(&protocol, &pod, 1);
	assert_int_equal(protocol.request, PERMIT_WRITE_RECORD);
	assert_int_equal(protocol.version, 42);
	assert_ptr_equal(protocol.decision.pod, &pod);
	permit_protocol_answer(&protocol, &(struct permit_answer){0});
	assert_int_equal(protocol.request, PERMIT_OPEN_GATE);
	assert_false(protocol.opened);
	permit_protocol_answer(&protocol, &(struct permit_answer){0});
	assert_int_equal(protocol.request, PERMIT_END);
	assert_true(protocol.opened);
}

static void test_a_recorded_pod_is_asked_for_by_its_name_after_the_list(void **state)
{
	struct permit_protocol protocol;
	struct permit_pod next = gated("b", 2), old = running("a");

	(void)state;
	permit_protocol_init(&protocol);
	answer_record(&protocol, on("a"));
	assert_int_equal(protocol.request, PERMIT_LIST_PODS);
	answer_pods(&protocol, &next, 1);
	assert_int_equal(protocol.request, PERMIT_GET_POD);
	answer_pods(&protocol, &old, 1);
	assert_int_equal(protocol.request, PERMIT_END);
	assert_int_equal(protocol.decision.verdict, PERMIT_WAIT);
	assert_false(protocol.opened);
	assert_false(protocol.failed);
}

static void test_what_is_on_record_is_opened_without_a_write(void **state)
{
	struct permit_protocol protocol;
	struct permit_pod pod = gated("a", 1);

	(void)state;
	permit_protocol_init(&protocol);
	answer_record(&protocol, on("a"));
	answer_pods(&protocol, &pod, 1);
	answer_pods(&protocol, &pod, 1);
	assert_int_equal(protocol.request, PERMIT_OPEN_GATE);
}

static void test_who_loses_the_write_opens_nothing(void **state)
{
	const struct permit_answer lost = {.failed = true};
	struct permit_protocol protocol;
	struct permit_pod pod = gated("a", 1);

	(void)state;
	permit_protocol_init(&protocol);
	answer_record(&protocol, NONE);
	answer_pods(&protocol, &pod, 1);
	permit_protocol_answer(&protocol, &lost);
	assert_int_equal(protocol.request, PERMIT_END);
	assert_true(protocol.failed);
	assert_false(protocol.opened);
}

static void test_a_failure_at_any_request_ends_it(void **state)
{
	static const enum permit_request requests[] = {PERMIT_GET_RECORD, PERMIT_LIST_PODS,
						       PERMIT_GET_POD, PERMIT_WRITE_RECORD,
						       PERMIT_OPEN_GATE};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		struct permit_protocol protocol;

		permit_protocol_init(&protocol);
		protocol.request = requests[i];
		permit_protocol_answer(&protocol, &(struct permit_answer){.failed = true});
		assert_int_equal(protocol.request, PERMIT_END);
		assert_true(protocol.failed);
		assert_false(protocol.opened);
		assert_string_not_equal(permit_request_name(requests[i]), "end");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_pods_there_is_nothing_to_do),
		cmocka_unit_test(test_the_oldest_gated_pod_is_put_on_record),
		cmocka_unit_test(
			test_without_a_record_only_a_pod_that_waits_alone_is_given_the_permit),
		cmocka_unit_test(
			test_a_pod_on_its_way_out_or_that_nobody_owns_is_given_no_permit),
		cmocka_unit_test(test_a_terminal_pod_is_given_no_permit),
		cmocka_unit_test(test_a_recorded_pod_that_is_still_gated_is_opened_and_no_other),
		cmocka_unit_test(test_a_recorded_pod_without_its_labels_is_the_holder_still),
		cmocka_unit_test(test_a_gated_recorded_pod_on_its_way_out_is_waited_for),
		cmocka_unit_test(test_a_pod_that_runs_and_is_on_record_is_let_be),
		cmocka_unit_test(test_a_terminating_pod_counts_until_it_is_gone),
		cmocka_unit_test(test_a_terminal_pod_counts_no_more),
		cmocka_unit_test(test_the_later_read_tells_that_the_recorded_pod_is_gone),
		cmocka_unit_test(test_a_pod_opened_by_somebody_else_keeps_all_others_closed),
		cmocka_unit_test(test_two_open_pods_are_an_overlap),
		cmocka_unit_test(test_a_gate_is_opened_after_the_record_is_written),
		cmocka_unit_test(test_a_recorded_pod_is_asked_for_by_its_name_after_the_list),
		cmocka_unit_test(test_what_is_on_record_is_opened_without_a_write),
		cmocka_unit_test(test_who_loses_the_write_opens_nothing),
		cmocka_unit_test(test_a_failure_at_any_request_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
