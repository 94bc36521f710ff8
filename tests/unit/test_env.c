#include "unit.h"

#include "formation/env.h"

/* --- escaping ------------------------------------------------------ */

/*
 * What Kubernetes makes of a container's command.
 * Source: k8s.io/kubernetes/third_party/forked/golang/expansion/expand.go,
 * here with every variable defined as "!".
 */
static const char *expand(struct arena *arena, const char *text)
{
	char *out = arena_alloc(arena, strlen(text) + 1);
	char *at = out;

	while (*text) {
		const char *end = strchr(text, ')');

		if (text[0] == '$' && text[1] == '$') {
			*at++ = '$';
			text += 2;
		} else if (text[0] == '$' && text[1] == '(' && end) {
			*at++ = '!';
			text = end + 1;
		} else if (text[0] == '$' && text[1]) {
			*at++ = *text++;
			*at++ = *text++;
		} else {
			*at++ = *text++;
		}
	}
	*at = '\0';
	return out;
}

static void test_a_plain_line_is_left_as_it_is(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_string_equal(env_escape(&arena, "bundle exec unicorn -p $PORT ${X:-1} 5$"),
	                    "bundle exec unicorn -p $PORT ${X:-1} 5$");
	arena_release(&arena);
}

static void test_dollars_that_kubernetes_would_read_are_doubled(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_string_equal(env_escape(&arena, "echo $$ $(date)"), "echo $$$$ $$(date)");
	arena_release(&arena);
}

static void test_every_short_line_reaches_the_shell_as_written(void **state)
{
	static const char LETTERS[] = "$()a";
	char line[7] = "";

	(void)state;
	for (int code = 0; code < 4 * 4 * 4 * 4 * 4 * 4; code++) {
		struct arena arena = ARENA_INIT;

		for (int i = 0; i < 6; i++)
			line[i] = LETTERS[(code >> (2 * i)) & 3];
		assert_string_equal(expand(&arena, env_escape(&arena, line)), line);
		arena_release(&arena);
	}
}

/* --- variables ----------------------------------------------------- */

static const char *names_of(struct arena *arena, const struct json *env)
{
	const char *names = "";

	json_for_each (variable, env)
		names = arena_printf(arena, "%s%s%s", names, *names ? " " : "",
		                     json_string_or(json_get(variable, "name"), ""));
	return names;
}

static void test_the_dynos_own_variables_come_first(void **state)
{
	struct arena arena = ARENA_INIT;
	struct formation formation = {
		.name = "shop",
		.env = unit_json(&arena, "[{\"name\":\"A\",\"value\":\"1\"}]"),
	};
	struct process process = { .type = "web", .routed = true, .port = 5000 };

	(void)state;
	assert_string_equal(names_of(&arena, env_render(&arena, &formation, &process)),
	                    "DYNO_POD DYNO DYNO_TYPE FORMATION DYNO_SIZE PORT A");
	arena_release(&arena);
}

static void test_a_process_without_a_port_has_no_port_variable(void **state)
{
	struct arena arena = ARENA_INIT;
	struct formation formation = { .name = "shop" };
	struct process process = { .type = "worker" };

	(void)state;
	assert_string_equal(names_of(&arena, env_render(&arena, &formation, &process)),
	                    "DYNO_POD DYNO DYNO_TYPE FORMATION DYNO_SIZE");
	arena_release(&arena);
}

static void test_a_process_replaces_by_name_and_adds(void **state)
{
	struct arena arena = ARENA_INIT;
	struct formation formation = {
		.name = "shop",
		.env = unit_json(&arena, "[{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"B\"}]"),
	};
	struct process process = {
		.type = "worker",
		.env = unit_json(&arena, "[{\"name\":\"C\"},{\"name\":\"A\",\"value\":\"2\"}]"),
	};
	const struct json *env = env_render(&arena, &formation, &process);
	const struct json *a = env->first->next->next->next->next->next;

	(void)state;
	assert_string_equal(names_of(&arena, env),
	                    "DYNO_POD DYNO DYNO_TYPE FORMATION DYNO_SIZE A B C");
	assert_string_equal(json_string_or(json_get(a, "value"), ""), "2");
	arena_release(&arena);
}

static void test_a_variable_is_passed_on_whole(void **state)
{
	static const char VARIABLE[] =
		"{\"name\":\"T\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"s\",\"key\":\"k\","
		"\"optional\":true}}}";
	struct arena arena = ARENA_INIT;
	struct formation formation = {
		.name = "shop",
		.env = unit_json(&arena, arena_printf(&arena, "[%s]", VARIABLE)),
	};
	struct process process = { .type = "worker" };
	const struct json *env = env_render(&arena, &formation, &process);

	(void)state;
	assert_string_equal(json_text(&arena, env->last), VARIABLE);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_plain_line_is_left_as_it_is),
		cmocka_unit_test(test_dollars_that_kubernetes_would_read_are_doubled),
		cmocka_unit_test(test_every_short_line_reaches_the_shell_as_written),
		cmocka_unit_test(test_the_dynos_own_variables_come_first),
		cmocka_unit_test(test_a_process_without_a_port_has_no_port_variable),
		cmocka_unit_test(test_a_process_replaces_by_name_and_adds),
		cmocka_unit_test(test_a_variable_is_passed_on_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
