#include "unit.h"

#include "formation/desired.h"
#include "formation/template.h"

static const struct dyno_size SIZE_1X = { .name = "1X",
	                                  .memory_bytes = 512LL << 20,
	                                  .cpu_milli = 100 };
static const struct dyno_size SIZE_PX = {
	.name = "PX", .memory_bytes = 6LL << 30, .cpu_milli = 4000, .dedicated = true
};
static const struct formation SHOP = { .ns = "default", .name = "shop", .uid = "u" };

static struct process worker(void)
{
	return (struct process){ .type = "worker",
		                 .image = "i",
		                 .quantity = 1,
		                 .size = "1X",
		                 .grace_s = GRACE_DEFAULT_S };
}

static const char *template_text(struct arena *arena, const struct process *process,
                                 const struct dyno_size *size)
{
	return json_text(arena, template_render(arena, &SHOP, process, size, TEMPLATE_VERSION));
}

static void test_scaling_does_not_change_the_template(void **state)
{
	struct arena arena = ARENA_INIT;
	struct process process = worker();
	const char *at_one = template_text(&arena, &process, &SIZE_1X);

	(void)state;
	process.quantity = 1000;
	assert_string_equal(template_text(&arena, &process, &SIZE_1X), at_one);
	process.quantity = QUANTITY_UNSET;
	assert_string_equal(template_text(&arena, &process, &SIZE_1X), at_one);
	arena_release(&arena);
}

static void test_a_size_there_and_back_gives_the_same_template(void **state)
{
	struct arena arena = ARENA_INIT;
	struct process process = worker();
	const char *before = template_text(&arena, &process, &SIZE_1X);

	(void)state;
	process.size = "PX";
	assert_string_not_equal(template_text(&arena, &process, &SIZE_PX), before);
	process.size = "1X";
	assert_string_equal(template_text(&arena, &process, &SIZE_1X), before);
	arena_release(&arena);
}

static void test_the_pull_policy_follows_the_images_tag(void **state)
{
	static const struct {
		const char *image, *policy;
	} CASES[] = {
		{ "shop", "Always" },
		{ "shop:latest", "Always" },
		{ "shop:v1", "IfNotPresent" },
		{ "registry:5000/shop", "Always" },
		{ "registry:5000/shop:v1", "IfNotPresent" },
		{ "shop@sha256:00", "IfNotPresent" },
		{ "shop:latest@sha256:00", "Always" },
		{ "shop:latest2", "IfNotPresent" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		struct arena arena = ARENA_INIT;
		struct process process = worker();
		const struct json *template, *container;

		process.image = CASES[i].image;
		template = template_render(&arena, &SHOP, &process, &SIZE_1X, 1);
		container = json_path(template, "spec", "containers", NULL)->first;
		assert_string_equal(json_string_or(json_get(container, "imagePullPolicy"), ""),
		                    CASES[i].policy);
		arena_release(&arena);
	}
}

static void test_a_dedicated_dyno_is_guaranteed(void **state)
{
	struct arena arena = ARENA_INIT;
	struct process process = worker();
	const struct json *template = template_render(&arena, &SHOP, &process, &SIZE_PX, 1);
	const struct json *container = json_path(template, "spec", "containers", NULL)->first;
	const struct json *resources = json_get(container, "resources");

	(void)state;
	assert_true(json_equal(json_get(resources, "limits"), json_get(resources, "requests")));
	arena_release(&arena);
}

static void test_the_digest_is_the_bodys_own(void **state)
{
	struct arena arena = ARENA_INIT;
	struct process process = worker();
	struct json *body = desired_deployment(&arena, &SHOP, &process, &SIZE_1X, 1);
	struct json *same = desired_deployment(&arena, &SHOP, &process, &SIZE_1X, 1);
	struct json *other;

	(void)state;
	process.quantity = 2;
	other = desired_deployment(&arena, &SHOP, &process, &SIZE_1X, 1);
	assert_false(digest_is_none(desired_digest(body)));
	assert_true(digest_equal(desired_digest(body), desired_digest(same)));
	assert_false(digest_equal(desired_digest(body), desired_digest(other)));
	json_set_string(&arena, (struct json *)json_get(body, "metadata"), "uid", "x");
	assert_true(digest_equal(desired_digest(body), desired_digest(same)));
	arena_release(&arena);
}

static void test_a_body_without_its_annotation_has_no_digest(void **state)
{
	static const char *const BODIES[] = {
		"{}",
		"{\"metadata\":{\"annotations\":{\"dyno.dev/applied\":\"12\"}}}",
		"{\"metadata\":{\"annotations\":{\"dyno.dev/applied\":"
		"\"0123456789abcdef0123456789abcdeX\"}}}",
	};
	struct arena arena = ARENA_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(BODIES); i++)
		assert_true(digest_is_none(desired_digest(unit_json(&arena, BODIES[i]))));
	arena_release(&arena);
}

static void test_a_budget_is_wanted_from_two_routed_dynos(void **state)
{
	struct process web = { .routed = true, .quantity = 2 };

	(void)state;
	assert_true(budget_wanted(&web, 0));
	web.quantity = 1;
	assert_false(budget_wanted(&web, 5));
	web.quantity = QUANTITY_UNSET;
	assert_true(budget_wanted(&web, 2));
	assert_false(budget_wanted(&web, 1));
	web.routed = false;
	assert_false(budget_wanted(&web, 2));
}

static void test_the_handover_holds_the_number_there_is_and_nothing_else(void **state)
{
	struct arena arena = ARENA_INIT;
	struct observed_deployment deployment = { .replicas = 7 };

	(void)state;
	deployment.child.object.name = "shop-worker";
	strcpy(deployment.child.object.uid, "d");
	assert_string_equal(json_text(&arena, desired_handover(&arena, &SHOP, &deployment)),
	                    "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{"
	                    "\"name\":\"shop-worker\",\"namespace\":\"default\",\"uid\":\"d\"},"
	                    "\"spec\":{\"replicas\":7}}");
	arena_release(&arena);
}

static void test_a_version_stays_until_the_pods_change_anyway(void **state)
{
	(void)state;
	assert_int_equal(template_version_next(1, 2, true), 1);
	assert_int_equal(template_version_next(1, 2, false), 2);
	assert_int_equal(template_version_next(2, 2, true), 2);
	assert_int_equal(template_version_next(0, 2, true), 2);
	assert_int_equal(template_version_next(3, 2, true), 2);
}

/* --- comparing on arrival ------------------------------------------ */

/* A Deployment as it is stored after our apply, with an owner. */
static struct observed_deployment stored(const char *owner_uid)
{
	struct observed_deployment deployment = { .template_version = TEMPLATE_VERSION };

	deployment.child.object.name = "shop-worker";
	deployment.child.object.owner_uid = owner_uid;
	return deployment;
}

static bool compares_as_satisfied(struct formation *formation, const struct dyno_size *size,
                                  const char *owner_uid)
{
	struct arena arena = ARENA_INIT;
	struct process process = worker();
	const struct json *body = desired_deployment(&arena, &SHOP, &process, &SIZE_1X, 1);
	struct observed_deployment deployment = stored(owner_uid);
	struct dyno_sizes sizes = { size, size ? 1 : 0 };
	bool satisfied;

	desired_compare(&arena, formation, &sizes, &RESOURCE_DEPLOYMENT, body, &deployment.child);
	satisfied = !digest_is_none(deployment.child.satisfied);
	arena_release(&arena);
	return satisfied;
}

static void test_what_we_applied_is_satisfied_when_it_arrives(void **state)
{
	struct process process = worker();
	struct formation formation = SHOP;

	(void)state;
	formation.processes = &process;
	formation.process_count = 1;
	assert_true(compares_as_satisfied(&formation, &SIZE_1X, "u"));
}

static void test_what_is_not_ours_or_not_wanted_is_never_satisfied(void **state)
{
	struct process process = worker();
	struct formation formation = SHOP;

	(void)state;
	formation.processes = &process;
	formation.process_count = 1;
	assert_false(compares_as_satisfied(NULL, &SIZE_1X, "u"));
	assert_false(compares_as_satisfied(&formation, &SIZE_1X, "other"));
	assert_false(compares_as_satisfied(&formation, &SIZE_1X, NULL));
	assert_false(compares_as_satisfied(&formation, NULL, "u"));
	process.problem = "x";
	assert_false(compares_as_satisfied(&formation, &SIZE_1X, "u"));
	process.problem = NULL;
	process.type = "web";
	assert_false(compares_as_satisfied(&formation, &SIZE_1X, "u"));
}

static void test_what_was_satisfied_is_known_until_generation_or_size_change(void **state)
{
	struct formation formation = SHOP;
	struct dyno_size size = SIZE_1X;
	struct observed_child child = { .satisfied = digest_of("x", 1) };

	(void)state;
	formation.generation = 3;
	child.satisfied_key = desired_key(&formation, &size);
	assert_true(desired_is_known(&formation, &size, &child));
	size.hash = 7;
	assert_false(desired_is_known(&formation, &size, &child));
	size.hash = 0;
	formation.generation = 4;
	assert_false(desired_is_known(&formation, &size, &child));
	formation.generation = 3;
	child.satisfied = (struct digest){ { 0 } };
	assert_false(desired_is_known(&formation, &size, &child));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scaling_does_not_change_the_template),
		cmocka_unit_test(test_a_size_there_and_back_gives_the_same_template),
		cmocka_unit_test(test_the_pull_policy_follows_the_images_tag),
		cmocka_unit_test(test_a_dedicated_dyno_is_guaranteed),
		cmocka_unit_test(test_the_digest_is_the_bodys_own),
		cmocka_unit_test(test_a_body_without_its_annotation_has_no_digest),
		cmocka_unit_test(test_a_budget_is_wanted_from_two_routed_dynos),
		cmocka_unit_test(test_the_handover_holds_the_number_there_is_and_nothing_else),
		cmocka_unit_test(test_a_version_stays_until_the_pods_change_anyway),
		cmocka_unit_test(test_what_we_applied_is_satisfied_when_it_arrives),
		cmocka_unit_test(test_what_is_not_ours_or_not_wanted_is_never_satisfied),
		cmocka_unit_test(test_what_was_satisfied_is_known_until_generation_or_size_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
