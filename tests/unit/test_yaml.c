#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "codec/yaml.h"
#include "unit.h"

static struct arena arena;

static int reset(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static void reads(const char *text, const char *expected)
{
	struct json *value = NULL;
	struct err err = ERR_INIT;

	assert_ok(yml_parse(&arena, "t", text, strlen(text), &value, &err), &err);
	assert_string_equal(json_text(&arena, value), expected);
}

static void refuses(const char *text, enum err_code code, const char *message)
{
	struct json *value = NULL;
	struct err err = ERR_INIT;

	if (yml_parse(&arena, "t", text, strlen(text), &value, &err) == 0)
		fail_msg("not refused: %s", text);
	assert_null(value);
	assert_int_equal(err.code, code);
	if (!strstr(err.msg, message))
		fail_msg("%s: %s", text, err.msg);
}

static void test_block_and_flow_style_are_read(void **state)
{
	(void)state;
	reads("apiVersion: v1\nclusters:\n- name: a\n  cluster: {server: https://h:1, x: [1, "
	      "two]}\n"
	      "- name: b\ntext: |\n  one\n  two\nfolded: >-\n  one\n  two\nempty:\n",
	      "{\"apiVersion\":\"v1\",\"clusters\":[{\"name\":\"a\",\"cluster\":{\"server\":"
	      "\"https://h:1\","
	      "\"x\":[1,\"two\"]}},{\"name\":\"b\"}],\"text\":\"one\\ntwo\\n\",\"folded\":\"one "
	      "two\",\"empty\":null}");
	reads("- - 1\n  - 2\n-\n- {}\n- []\n", "[[1,2],null,{},[]]");
}

static void test_json_is_yaml(void **state)
{
	(void)state;
	reads("{\"a\": \"\\u0041\\/\\n\", \"b\": [1, 2.50, null, true],\n\t\"c\": {}}",
	      "{\"a\":\"A/\\n\",\"b\":[1,2.50,null,true],\"c\":{}}");
}

static void test_empty_document_is_null(void **state)
{
	(void)state;
	reads("", "null");
	reads("# nothing\n", "null");
	reads("---\n", "null");
	reads("---\n...\n", "null");
}

static void test_plain_scalars_are_typed_as_kubernetes_does(void **state)
{
	/* As sigs.k8s.io/yaml gives them. */
	static const char *const cases[][2] = {
		{ "yes", "true" },
		{ "y", "true" },
		{ "on", "true" },
		{ "TRUE", "true" },
		{ "Off", "false" },
		{ "n", "false" },
		{ "No", "false" },
		{ "tRue", "\"tRue\"" },
		{ "yEs", "\"yEs\"" },
		{ "~", "null" },
		{ "Null", "null" },
		{ "nUll", "\"nUll\"" },
		{ "12", "12" },
		{ "+12", "12" },
		{ "-0", "0" },
		{ "012", "10" },
		{ "08", "8" },
		{ "0x1F", "31" },
		{ "0X1f", "31" },
		{ "-0x1", "-1" },
		{ "0o17", "15" },
		{ "0b101", "5" },
		{ "-0b11", "-3" },
		{ "1_000", "1000" },
		{ "1__0_", "10" },
		{ "_1", "\"_1\"" },
		{ "0_7", "7" },
		{ "-010", "-8" },
		{ "1.5", "1.5" },
		{ ".5", "0.5" },
		{ "-.5", "-0.5" },
		{ "+.5", "0.5" },
		{ "1.", "1" },
		{ "007.5", "7.5" },
		{ "1e3", "1e3" },
		{ "1.e3", "1e3" },
		{ "1e", "\"1e\"" },
		{ ".", "\".\"" },
		{ "..", "\"..\"" },
		{ "+", "\"+\"" },
		{ "1.2.3", "\"1.2.3\"" },
		{ "1:30", "\"1:30\"" },
		{ "2001-01-01", "\"2001-01-01\"" },
		{ "0x", "\"0x\"" },
		{ "0xg", "\"0xg\"" },
		{ "0o9", "\"0o9\"" },
		{ "0b2", "\"0b2\"" },
		{ "._5", "\"._5\"" },
		{ "=", "\"=\"" },
		{ "<<", "\"<<\"" },
		{ "512Mi", "\"512Mi\"" },
		{ "18446744073709551615", "18446744073709551615" },
		{ "0xffffffffffffffff", "18446744073709551615" },
		{ "-9223372036854775808", "-9223372036854775808" },
		{ "-0x8000000000000000", "-9223372036854775808" },
		{ "-0x8000000000000001", "\"-0x8000000000000001\"" },
		{ "0x10000000000000000", "\"0x10000000000000000\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		reads(arena_printf(&arena, "a: %s", cases[i][0]),
		      arena_printf(&arena, "{\"a\":%s}", cases[i][1]));
}

static void test_quoted_scalars_are_strings(void **state)
{
	(void)state;
	reads("[\"yes\", '12', \"~\", '']", "[\"yes\",\"12\",\"~\",\"\"]");
	reads("a: |\n  12\n", "{\"a\":\"12\\n\"}");
}

static void test_keys_become_text(void **state)
{
	(void)state;
	reads("1: a\nyes: b\n0x10: c\n\"<<\": d\n",
	      "{\"1\":\"a\",\"true\":\"b\",\"16\":\"c\",\"<<\":\"d\"}");
	refuses("~: a", ERR_PARSE, "t:1:1: a key is null");
	refuses("{[a]: 1}", ERR_PARSE, "t:1:2: a key is no scalar");
	refuses("? {a: 1}\n: 2", ERR_PARSE, "t:1:3: a key is no scalar");
}

static void test_duplicate_key_is_refused_with_its_place(void **state)
{
	(void)state;
	refuses("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", ERR_PARSE, "t:5:3: duplicate key");
	refuses("{a: 1, \"a\": 2}", ERR_PARSE, "duplicate key");
	refuses("yes: 1\n\"true\": 2\n", ERR_PARSE, "duplicate key");
	reads("a: {x: 1}\nb: {x: 1}\n", "{\"a\":{\"x\":1},\"b\":{\"x\":1}}");
}

static void test_what_can_hide_content_is_refused(void **state)
{
	(void)state;
	refuses("a: &x 1\nb: *x\n", ERR_PARSE, "t:1:4: anchors and tags");
	refuses("a: &x {b: 1}\n", ERR_PARSE, "anchors and tags");
	refuses("&x [1]\n", ERR_PARSE, "anchors and tags");
	refuses("a: *x\n", ERR_PARSE, "t:1:4: aliases");
	refuses("a: !!str 1\n", ERR_PARSE, "anchors and tags");
	refuses("a: !x [1]\n", ERR_PARSE, "anchors and tags");
	refuses("a: ! 1\n", ERR_PARSE, "anchors and tags");
	refuses("x: 1\n<<: {a: 1}\n", ERR_PARSE, "t:2:1: merge keys");
	refuses("a: 1\n---\nb: 2\n", ERR_PARSE, "t:2:1: a second document");
	refuses("a: .inf\n", ERR_PARSE, "infinity");
	refuses("a: .NaN\n", ERR_PARSE, "infinity");
}

static void test_malformed_yaml_is_refused_with_its_place(void **state)
{
	(void)state;
	refuses("a: [1, 2\nb: 3\n", ERR_PARSE, "t:2:");
	refuses("a: 'x", ERR_PARSE, "t:1:");
	refuses("a:\n\t- 1\n", ERR_PARSE, "t:2:1");
	refuses("a: b: c\n", ERR_PARSE, "t:1:5");
	refuses("a: \"\\q\"\n", ERR_PARSE, "t:1:");
	refuses("a: \"\\ud800\"\n", ERR_PARSE, "t:1:");
	refuses("a: \"x\\0y\"\n", ERR_PARSE, "NUL");
	refuses("a: \xff\n", ERR_PARSE, "t: byte 3");
	refuses("a: \xc0\x80\n", ERR_PARSE, "t: byte");
	refuses("a: \xed\xa0\x80\n", ERR_PARSE, "t: byte");
	refuses("a: \x01\n", ERR_PARSE, "t: byte");
}

static void test_errors_show_no_content(void **state)
{
	struct json *value;
	struct err err;
	const char *text = "token: hunter2: hunter2\n";

	(void)state;
	assert_int_equal(yml_parse(&arena, "kubeconfig /x", text, strlen(text), &value, &err), -1);
	assert_null(strstr(err.msg, "hunter"));
	assert_memory_equal(err.msg, "kubeconfig /x:1:15: ", 20);
}

static void test_depth_has_a_ceiling(void **state)
{
	char text[2 * LIMIT_YAML_DEPTH + 3];

	(void)state;
	memset(text, 0, sizeof(text));
	memset(text, '[', LIMIT_YAML_DEPTH);
	memset(text + LIMIT_YAML_DEPTH, ']', LIMIT_YAML_DEPTH);
	reads(text, text);
	memset(text, '[', LIMIT_YAML_DEPTH + 1);
	memset(text + LIMIT_YAML_DEPTH + 1, ']', LIMIT_YAML_DEPTH + 1);
	refuses(text, ERR_LIMIT, "t:1:33: nested too deeply");
}

static void test_size_has_a_ceiling(void **state)
{
	char *text = x_malloc(LIMIT_CONFIG + 1);
	struct json *value;
	struct err err;

	(void)state;
	memset(text, ' ', LIMIT_CONFIG + 1);
	text[0] = 'a';
	assert_ok(yml_parse(&arena, "t", text, LIMIT_CONFIG, &value, &err), &err);
	assert_int_equal(yml_parse(&arena, "t", text, LIMIT_CONFIG + 1, &value, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	free(text);
}

static void test_files_are_read(void **state)
{
	char path[] = "/tmp/formation-test-XXXXXX";
	int fd = mkstemp(path);
	struct json *value;
	struct err err;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a: [1]\n", 7), 7);
	assert_ok(yml_parse_file(&arena, path, &value, &err), &err);
	assert_string_equal(json_text(&arena, value), "{\"a\":[1]}");
	assert_int_equal(pwrite(fd, "[", 1, 7), 1);
	assert_int_equal(yml_parse_file(&arena, path, &value, &err), -1);
	assert_int_equal(err.code, ERR_PARSE);
	assert_memory_equal(err.msg, path, strlen(path));
	assert_int_equal(ftruncate(fd, LIMIT_CONFIG + 1), 0);
	assert_int_equal(yml_parse_file(&arena, path, &value, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	close(fd);
	unlink(path);
}

static void test_missing_or_odd_files_are_named(void **state)
{
	char path[] = "/tmp/formation-test-XXXXXX";
	struct json *value;
	struct err err;

	(void)state;
	assert_int_equal(yml_parse_file(&arena, "/nonexistent/x", &value, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_string_equal(err.msg, "/nonexistent/x: No such file or directory");
	assert_non_null(mkdtemp(path));
	assert_int_equal(yml_parse_file(&arena, path, &value, &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_non_null(strstr(err.msg, "not a regular file"));
	rmdir(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(yml_parse_file(&arena, path, &value, &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_block_and_flow_style_are_read, reset),
		cmocka_unit_test_teardown(test_json_is_yaml, reset),
		cmocka_unit_test_teardown(test_empty_document_is_null, reset),
		cmocka_unit_test_teardown(test_plain_scalars_are_typed_as_kubernetes_does, reset),
		cmocka_unit_test_teardown(test_quoted_scalars_are_strings, reset),
		cmocka_unit_test_teardown(test_keys_become_text, reset),
		cmocka_unit_test_teardown(test_duplicate_key_is_refused_with_its_place, reset),
		cmocka_unit_test_teardown(test_what_can_hide_content_is_refused, reset),
		cmocka_unit_test_teardown(test_malformed_yaml_is_refused_with_its_place, reset),
		cmocka_unit_test_teardown(test_errors_show_no_content, reset),
		cmocka_unit_test_teardown(test_depth_has_a_ceiling, reset),
		cmocka_unit_test_teardown(test_size_has_a_ceiling, reset),
		cmocka_unit_test_teardown(test_files_are_read, reset),
		cmocka_unit_test_teardown(test_missing_or_odd_files_are_named, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
