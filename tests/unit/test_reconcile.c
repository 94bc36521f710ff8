#include "unit.h"

#include <stdio.h>

#include "formation/desired.h"
#include "support_model.h"

/* --- random specs -------------------------------------------------- */

static uint64_t random_state;

static unsigned random_below(unsigned limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)((random_state >> 11) % limit);
}

#define pick(list) (list)[random_below(ARRAY_SIZE(list))]

static const char *const TYPES[] = { "web", "worker", "clock", "admin", "cron", "scheduler" };

/* One member of a process; some break a rule. */
static const char *random_member(void)
{
	static const char *const MEMBERS[] = {
		"\"quantity\":0",
		"\"quantity\":1",
		"\"quantity\":2",
		"\"quantity\":5",
		"\"quantity\":1001",
		"\"command\":\"run $(x) $$\"",
		"\"args\":[\"a\"]",
		"\"size\":\"2x\"",
		"\"size\":\"px\"",
		"\"size\":\"9X\"",
		"\"port\":8081",
		"\"singleton\":true",
		"\"singleton\":false",
		"\"env\":[{\"name\":\"A\",\"value\":\"2\"}]",
		"\"env\":[{\"name\":\"PORT\"}]",
		"\"terminationGracePeriodSeconds\":3",
		"\"image\":\"other\"",
		"\"health\":{\"path\":\"/up\"}",
	};

	return pick(MEMBERS);
}

static const char *key_end(const char *member)
{
	return strchr(member, ':');
}

static const char *random_process(struct arena *arena, const char *type)
{
	const char *text = arena_printf(arena, "{\"type\":\"%s\"", type);

	for (unsigned i = random_below(5); i > 0; i--) {
		const char *member = random_member();
		const char *key = arena_strndup(arena, member, (size_t)(key_end(member) - member));

		if (!strstr(text, key))
			text = arena_printf(arena, "%s,%s", text, member);
	}
	return arena_printf(arena, "%s}", text);
}

static const char *random_spec(struct arena *arena)
{
	static const char *const EXTRAS[] = {
		"",
		"",
		"",
		"",
		",\"env\":[{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"B\",\"value\":\"\"}]",
		",\"envFrom\":[{\"secretRef\":{\"name\":\"s\"}}]",
		",\"serviceAccountName\":\"shop\"",
		",\"paused\":true",
		",\"imagePullPolicy\":\"Sometimes\"",
		",\"securityContext\":{\"runAsUser\":1000}",
	};
	const char *processes = "";

	if (random_below(12) == 0)
		return "{\"image\":\"i\"}";
	for (unsigned i = 1 + random_below(4); i > 0; i--)
		processes = arena_printf(arena, "%s%s%s", processes, *processes ? "," : "",
		                         random_process(arena, pick(TYPES)));
	return arena_printf(arena, "{\"image\":\"i%u\"%s,\"processes\":[%s]}", random_below(3),
	                    pick(EXTRAS), processes);
}

/* --- what happens to a world --------------------------------------- */

static void disturb(struct model *model)
{
	struct model_object *object = NULL;
	const char *type = pick(TYPES);
	struct json *spec;

	if (model->object_count > 0)
		object = &model->objects[random_below((unsigned)model->object_count)];
	switch (random_below(6)) {
	case 0:
		if (object)
			model_delete(model, object);
		break;
	case 1:
		spec = object ? (struct json *)json_get(object->value, "spec") : NULL;
		if (spec && object->resource == &RESOURCE_DEPLOYMENT)
			json_set_int(&model->arena, spec, "replicas", random_below(4));
		break;
	case 2:
		if (model->object_count < MODEL_OBJECTS_MAX / 2 &&
		    !model_find(model, &RESOURCE_DEPLOYMENT,
		                arena_printf(&model->arena, "shop-%s", type)))
			model_add_foreign(model, &RESOURCE_DEPLOYMENT,
			                  arena_printf(&model->arena, "shop-%s", type));
		break;
	case 3:
		if (model->pod_count > 0)
			model->pods[0] = model->pods[--model->pod_count];
		break;
	default:
		model_set_spec(model, random_spec(&model->arena));
		break;
	}
}

static bool is_owned(const struct model_object *object)
{
	return json_path(object->value, "metadata", "ownerReferences", NULL) != NULL;
}

/* After convergence: what the spec wants is there, and of ours nothing else. */
static void check_end(struct model *model)
{
	struct formation formation = model_formation(model);
	const struct json *status = json_get(model->formation, "status");

	assert_int_equal(json_int_or(json_get(status, "observedGeneration"), 0),
	                 formation.generation);
	if (formation.paused || formation.problem)
		return;
	for (size_t i = 0; i < formation.process_count; i++) {
		const struct process *process = &formation.processes[i];
		const struct dyno_size *size = dyno_sizes_find(&model->sizes, process->size);
		struct model_object *object;

		if (process->problem || !size)
			continue;
		object = model_find(model, &RESOURCE_DEPLOYMENT,
		                    process_object_name(&model->arena, &formation, process->type));
		assert_non_null(object);
		if (!is_owned(object))
			continue;
		assert_true(
			desired_is_satisfied(desired_deployment(&model->arena, &formation, process,
		                                                size, TEMPLATE_VERSION),
		                             object->value));
	}
	for (size_t i = 0; i < model->object_count; i++) {
		const char *name = json_string_or(
			json_path(model->objects[i].value, "metadata", "name", NULL), "");

		if (is_owned(&model->objects[i]))
			assert_non_null(formation_process_of(&formation, name));
	}
}

static void test_any_world_converges_and_stays(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct model model;

		random_state = seed * 0x9E3779B97F4A7C15u;
		model_init(&model);
		model_set_spec(&model, random_spec(&model.arena));
		for (int step = 0; step < 8; step++) {
			if (model_converge(&model) < 0)
				fail_msg("seed %d, step %d does not end", (int)seed, step);
			if (model.violations)
				fail_msg("seed %d, step %d", (int)seed, step);
			check_end(&model);
			disturb(&model);
		}
		model_release(&model);
	}
}

/* --- one by one ---------------------------------------------------- */

static void converge(struct model *model, const char *spec)
{
	model_set_spec(model, spec);
	assert_true(model_converge(model) >= 0);
	assert_int_equal(model->violations, 0);
}

static int replicas_of(struct model *model, const char *name)
{
	struct model_object *object = model_find(model, &RESOURCE_DEPLOYMENT, name);

	assert_non_null(object);
	return (int)json_int_or(json_path(object->value, "spec", "replicas", NULL), 1);
}

#define WORKER(more) "{\"image\":\"i\",\"processes\":[{\"type\":\"worker\"" more "}]}"

static void test_a_new_formation_costs_its_objects_and_one_status(void **state)
{
	struct model model;

	(void)state;
	model_init(&model);
	model_set_spec(&model, "{\"image\":\"i\",\"processes\":[{\"type\":\"web\",\"quantity\":2},"
	                       "{\"type\":\"worker\",\"quantity\":1},{\"type\":\"clock\"}]}");
	assert_int_equal(model_round(&model), 6);
	assert_int_equal(model.writes, 5);
	model_release(&model);
}

static void test_leaving_the_quantity_out_never_changes_the_count(void **state)
{
	struct model model;

	(void)state;
	model_init(&model);
	converge(&model, WORKER(",\"quantity\":7"));
	converge(&model, WORKER(""));
	assert_int_equal(replicas_of(&model, "shop-worker"), 7);
	converge(&model, WORKER(",\"quantity\":2"));
	assert_int_equal(replicas_of(&model, "shop-worker"), 2);
	converge(&model, WORKER(",\"size\":\"2X\""));
	assert_int_equal(replicas_of(&model, "shop-worker"), 2);
	model_release(&model);
}

static void test_a_crash_after_the_handover_is_made_good(void **state)
{
	struct model model;
	struct model_object *object;

	(void)state;
	model_init(&model);
	converge(&model, WORKER(",\"quantity\":7"));
	object = model_find(&model, &RESOURCE_DEPLOYMENT, "shop-worker");
	object->handed_over = true;
	converge(&model, WORKER(""));
	assert_int_equal(replicas_of(&model, "shop-worker"), 7);
	model_release(&model);
}

static void test_any_sequence_of_specs_ends_like_the_last_alone(void **state)
{
	static const char LAST[] =
		"{\"image\":\"i\",\"processes\":[{\"type\":\"web\",\"quantity\":3,"
		"\"size\":\"1X\"},{\"type\":\"clock\"}]}";

	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct model model, fresh;

		random_state = seed * 0xD1B54A32D192ED03u;
		model_init(&model);
		model_init(&fresh);
		for (int i = 0; i < 5; i++)
			converge(&model, random_spec(&model.arena));
		converge(&model, LAST);
		converge(&fresh, LAST);
		assert_int_equal(model.object_count, fresh.object_count);
		for (size_t i = 0; i < fresh.object_count; i++) {
			struct model_object *wanted = &fresh.objects[i];
			struct model_object *object = model_find(
				&model, wanted->resource,
				json_string_or(json_path(wanted->value, "metadata", "name", NULL),
			                       ""));

			assert_non_null(object);
			assert_true(json_equal(json_get(object->value, "spec"),
			                       json_get(wanted->value, "spec")));
		}
		model_release(&model);
		model_release(&fresh);
	}
}

static void test_a_foreign_object_is_adopted_by_nobody(void **state)
{
	struct model model;
	struct model_object *foreign;

	(void)state;
	model_init(&model);
	model_add_foreign(&model, &RESOURCE_DEPLOYMENT, "shop-worker");
	model_add_foreign(&model, &RESOURCE_SERVICE, "shop-web");
	converge(&model, WORKER("},{\"type\":\"web\",\"quantity\":1"));
	foreign = model_find(&model, &RESOURCE_DEPLOYMENT, "shop-worker");
	assert_null(json_get(foreign->value, "spec"));
	assert_null(model_find(&model, &RESOURCE_DEPLOYMENT, "shop-web"));
	model_delete(&model, foreign);
	model_delete(&model, model_find(&model, &RESOURCE_SERVICE, "shop-web"));
	assert_true(model_converge(&model) >= 0);
	assert_int_equal(replicas_of(&model, "shop-worker"), 1);
	model_release(&model);
}

static void test_dynos_keep_their_numbers_when_others_go(void **state)
{
	struct model model;

	(void)state;
	model_init(&model);
	converge(&model, WORKER(",\"quantity\":3"));
	model.pods[0] = model.pods[--model.pod_count];
	model_round(&model);
	assert_true(model_converge(&model) >= 0);
	for (int number = 1; number <= 3; number++) {
		const char *name = arena_printf(&model.arena, "worker.%d", number);
		int count = 0;

		for (size_t i = 0; i < model.pod_count; i++)
			count += strcmp(json_string_or(json_path(model.pods[i], "metadata",
			                                         "labels", LABEL_DYNO, NULL),
			                               ""),
			                name) == 0;
		assert_int_equal(count, 1);
	}
	model_release(&model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_world_converges_and_stays),
		cmocka_unit_test(test_a_new_formation_costs_its_objects_and_one_status),
		cmocka_unit_test(test_leaving_the_quantity_out_never_changes_the_count),
		cmocka_unit_test(test_a_crash_after_the_handover_is_made_good),
		cmocka_unit_test(test_any_sequence_of_specs_ends_like_the_last_alone),
		cmocka_unit_test(test_a_foreign_object_is_adopted_by_nobody),
		cmocka_unit_test(test_dynos_keep_their_numbers_when_others_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
