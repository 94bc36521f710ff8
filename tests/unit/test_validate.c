#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "codec/yaml.h"
#include "formation/model.h"
#include "formation/rules.h"
#include "formation/validate.h"

/* What the API server takes and refuses, one manifest a file: see tests/integration/admission.sh.
 */
#define ADMISSION "tests/integration/admission"

/* --- the same rules as the CRDs' ----------------------------------- */

static char *read_file(const char *path)
{
	struct buf text = BUF_INIT(LIMIT_CONFIG);
	FILE *file = fopen(path, "re");
	char line[4096];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		buf_puts(&text, line);
	fclose(file);
	return buf_detach(&text, NULL);
}

/* The first problem of a manifest, or NULL. */
static const char *problem_of(struct arena *arena, struct json *value)
{
	struct json *metadata = (struct json *)json_get(value, "metadata");
	struct formation formation;
	struct dyno_size size;
	struct err err = ERR_INIT;

	if (strcmp(json_string_or(json_get(value, "kind"), ""), "DynoSize") == 0) {
		assert_ok(dyno_size_decode(arena, value, &size, &err), &err);
		return size.problem;
	}
	json_set_string(arena, metadata, "namespace", "default");
	json_set_string(arena, metadata, "uid", "u");
	assert_ok(formation_decode(arena, value, &formation, &err), &err);
	if (formation.problem)
		return formation.problem;
	for (size_t i = 0; i < formation.process_count; i++) {
		if (formation.processes[i].problem)
			return formation.processes[i].problem;
	}
	return NULL;
}

/* Without the value before the message of a rule, which not every version of Kubernetes shows. */
static char *without_value(struct arena *arena, const char *problem)
{
	char *copy = arena_strdup(arena, problem);
	char *value = strstr(copy, "Invalid value: \"");
	char *end = value ? strstr(value, "\": must ") : NULL;

	if (end && strncmp(end, "\": must be of", 13) != 0)
		memmove(value + strlen("Invalid value: "), end + 3, strlen(end + 3) + 1);
	return copy;
}

/* Whether the problem is one that the comments at the top of the manifest expect. */
static bool is_expected(struct arena *arena, const char *text, const char *problem)
{
	const char *line = text;
	const char *rule = problem ? without_value(arena, problem) : "";

	if (strstr(text, "\n# accepted\n"))
		return !problem;
	while (problem && (line = strstr(line, "# refused: "))) {
		const char *start = line + strlen("# refused: ");
		const char *expected = arena_strndup(arena, start, strcspn(start, "\n"));

		if (strstr(problem, expected) || strstr(rule, expected))
			return true;
		line = start;
	}
	return false;
}

/* What the API server refuses before it looks at the schema, and what it prunes. */
static bool is_beyond_us(const char *text)
{
	return strstr(text, "refused: unknown field") || strstr(text, "RFC 1123") ||
	       !strstr(text, "\napiVersion: dyno.dev/v1\n");
}

static bool agrees(const char *path, int *judged)
{
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	struct json *value = NULL;
	char *text = read_file(path);
	const char *problem;
	bool agreed = true;

	if (!is_beyond_us(text) && yml_parse(&arena, path, text, strlen(text), &value, &err) == 0) {
		++*judged;
		problem = problem_of(&arena, value);
		agreed = is_expected(&arena, text, problem);
		if (!agreed)
			print_error("%s: %s\n", path, problem ? problem : "no problem");
	}
	free(text);
	arena_release(&arena);
	return agreed;
}

static void test_what_admission_refuses_is_a_problem_in_the_same_words(void **state)
{
	DIR *folder = opendir(ADMISSION);
	const struct dirent *entry;
	int wrong = 0, judged = 0;

	(void)state;
	if (!folder)
		skip();
	while ((entry = readdir(folder))) {
		char *path = x_asprintf("%s/%s", ADMISSION, entry->d_name);
		size_t len = strlen(path);

		if (len > 5 && strcmp(path + len - 5, ".yaml") == 0)
			wrong += !agrees(path, &judged);
		free(path);
	}
	closedir(folder);
	assert_true(judged > 90);
	assert_int_equal(wrong, 0);
}

/* --- one by one ---------------------------------------------------- */

static const char *process_problem(struct arena *arena, const char *process)
{
	return validate_process(arena, "shop", unit_json(arena, "{\"image\":\"i\"}"),
	                        unit_json(arena, process), 1);
}

static void test_a_null_entry_is_a_problem(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_string_equal(process_problem(&arena, "null"), "spec.processes[1]: Required value");
	arena_release(&arena);
}

static void test_null_fields_are_as_if_left_out(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_null(process_problem(
		&arena,
		"{\"type\":\"web\",\"command\":null,\"args\":[\"x\"],\"quantity\":null,"
		"\"health\":null,\"env\":[{\"name\":\"A\",\"value\":\"1\",\"valueFrom\":null}]}"));
	arena_release(&arena);
}

static void test_unknown_fields_are_let_pass(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_null(process_problem(&arena, "{\"type\":\"web\",\"replicas\":7}"));
	arena_release(&arena);
}

static void test_lengths_are_counted_in_characters(void **state)
{
	struct arena arena = ARENA_INIT;
	char value[2 * 1024 + 1];

	(void)state;
	for (size_t i = 0; i < 1024; i++)
		memcpy(value + 2 * i, "\xC3\xA9", 2);
	value[2048] = '\0';
	assert_null(process_problem(
		&arena, arena_printf(&arena, "{\"type\":\"web\",\"image\":\"%s\"}", value)));
	assert_non_null(process_problem(
		&arena, arena_printf(&arena, "{\"type\":\"web\",\"image\":\"%sx\"}", value)));
	arena_release(&arena);
}

static void test_types_match_as_the_crd_says(void **state)
{
	static const char *const GOOD[] = { "a", "web", "mail-fetcher", "w2", "a--b" };
	static const char *const BAD[] = { "",    "-",   "-x",  "x-",      "1st",
		                           "Web", "a_b", "a.b", "\xC3\xA9" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(GOOD); i++)
		assert_true(match_type(GOOD[i]));
	for (size_t i = 0; i < ARRAY_SIZE(BAD); i++)
		assert_false(match_type(BAD[i]));
}

static void test_sizes_below_sixteen_mebibytes_are_refused(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_string_equal(
		validate_size(&arena, unit_json(&arena, "{\"metadata\":{\"name\":\"s\"},\"spec\":{"
	                                                "\"memory\":\"15Mi\",\"cpu\":\"1\"}}")),
		"spec.memory: Invalid value: \"15Mi\": must be at least 16Mi");
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_admission_refuses_is_a_problem_in_the_same_words),
		cmocka_unit_test(test_a_null_entry_is_a_problem),
		cmocka_unit_test(test_null_fields_are_as_if_left_out),
		cmocka_unit_test(test_unknown_fields_are_let_pass),
		cmocka_unit_test(test_lengths_are_counted_in_characters),
		cmocka_unit_test(test_types_match_as_the_crd_says),
		cmocka_unit_test(test_sizes_below_sixteen_mebibytes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
