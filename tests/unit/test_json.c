#include "base/utf8.h"
#include "unit.h"

static struct arena arena;

static int reset(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static const char *text_of(const struct json *value)
{
	return json_text(&arena, value);
}

static void test_members_are_found(void **state)
{
	struct json *value = unit_json(&arena, "{\"a\":{\"b\":{\"c\":7}},\"d\":[{\"b\":1}]}");

	(void)state;
	assert_int_equal(json_int_or(json_path(value, "a", "b", "c", NULL), -1), 7);
	assert_ptr_equal(json_path(value, NULL), value);
	assert_null(json_path(value, "a", "x", "c", NULL));
	assert_null(json_path(NULL, "a", NULL));
	assert_null(json_get(NULL, "a"));
	assert_null(json_get(json_get(value, "d"), "b"));
	assert_int_equal(json_count(value), 2);
	assert_int_equal(json_count(NULL), 0);
	assert_int_equal(json_count(json_path(value, "a", "b", "c", NULL)), 0);
}

static void test_scalars_fall_back_on_other_types(void **state)
{
	struct json *value = unit_json(&arena, "[\"x\",true,12,null,[],{}]");
	const struct json *string = value->first, *boolean = string->next, *number = boolean->next;

	(void)state;
	assert_string_equal(json_string_or(string, "-"), "x");
	assert_string_equal(json_string_or(number, "-"), "-");
	assert_null(json_string_or(NULL, NULL));
	assert_true(json_bool_or(boolean, false));
	assert_false(json_bool_or(string, false));
	assert_true(json_bool_or(NULL, true));
	assert_int_equal(json_int_or(number, -1), 12);
	assert_int_equal(json_int_or(string, -1), -1);
	assert_string_equal(json_scalar_or(string, "-"), "x");
	assert_string_equal(json_scalar_or(boolean, "-"), "true");
	assert_string_equal(json_scalar_or(number, "-"), "12");
	assert_string_equal(json_scalar_or(number->next, "-"), "-");
	assert_string_equal(json_scalar_or(value, "-"), "-");
	assert_string_equal(json_scalar_or(NULL, "-"), "-");
}

static void test_whole_numbers_are_whole_and_fit(void **state)
{
	static const struct {
		const char *text;
		int64_t number;
	} cases[] = {
		{ "0", 0 },
		{ "-0", 0 },
		{ "9223372036854775807", INT64_MAX },
		{ "-9223372036854775808", INT64_MIN },
		{ "9223372036854775808", -7 },
		{ "-9223372036854775809", -7 },
		{ "99999999999999999999999", -7 },
		{ "1.0", -7 },
		{ "1e2", -7 },
		{ "1E2", -7 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_true(json_int_or(unit_json(&arena, cases[i].text), -7) == cases[i].number);
}

static void test_equality_looks_at_contents(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		bool equal;
	} cases[] = {
		{ "null", "null", true },
		{ "null", "false", false },
		{ "true", "true", true },
		{ "true", "false", false },
		{ "1", "1", true },
		{ "1", "1.0", false },
		{ "1", "\"1\"", false },
		{ "\"a\"", "\"a\"", true },
		{ "\"a\"", "\"b\"", false },
		{ "[1,2]", "[1,2]", true },
		{ "[1,2]", "[2,1]", false },
		{ "[1]", "[1,2]", false },
		{ "[1,2]", "[1]", false },
		{ "[]", "{}", false },
		{ "{\"a\":1,\"b\":2,\"c\":3}", "{\"c\":3,\"b\":2,\"a\":1}", true },
		{ "{\"a\":1,\"b\":2,\"c\":3}", "{\"a\":1,\"c\":3,\"b\":2}", true },
		{ "{\"a\":1,\"b\":2}", "{\"a\":1,\"c\":2}", false },
		{ "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":2}", false },
		{ "{\"a\":1}", "{\"a\":1,\"b\":2}", false },
		{ "{\"a\":{\"x\":[1,{}]}}", "{\"a\":{\"x\":[1,{}]}}", true },
		{ "{\"a\":{\"x\":[1,{}]}}", "{\"a\":{\"x\":[1,[]]}}", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json *a = unit_json(&arena, cases[i].a), *b = unit_json(&arena, cases[i].b);

		assert_int_equal(json_equal(a, b), cases[i].equal);
		assert_int_equal(json_equal(b, a), cases[i].equal);
	}
	assert_true(json_equal(NULL, NULL));
	assert_false(json_equal(NULL, unit_json(&arena, "null")));
}

static void test_wide_objects_compare_in_any_order(void **state)
{
	struct json *a, *b;
	struct buf forward = BUF_INIT(1 << 24), backward = BUF_INIT(1 << 24);

	(void)state;
	for (int i = 0; i < 50000; i++) {
		buf_printf(&forward, "%s\"k%d\":%d", i ? "," : "{", i, i);
		buf_printf(&backward, "%s\"k%d\":%d", i ? "," : "{", 49999 - i, 49999 - i);
	}
	buf_putc(&forward, '}');
	buf_putc(&backward, '}');
	a = unit_json(&arena, buf_cstr(&forward));
	b = unit_json(&arena, buf_cstr(&backward));
	assert_true(json_equal(a, b));
	b->last->text = "x";
	assert_false(json_equal(a, b));
	buf_release(&forward);
	buf_release(&backward);
}

static void test_trees_are_built(void **state)
{
	struct json *value = json_new_object(&arena), *list;

	(void)state;
	json_set_string(&arena, value, "s", "x");
	json_set_string(&arena, value, "null", NULL);
	json_set_int(&arena, value, "i", INT64_MIN);
	json_set_bool(&arena, value, "b", false);
	json_set_int(&arena, json_set_object(&arena, value, "o"), "x", 1);
	list = json_set_array(&arena, value, "l");
	json_add(list, json_new_printf(&arena, "%s-%d", "a", 7));
	json_add(list, json_new_bool(&arena, true));
	json_add(list, json_new_array(&arena));
	assert_string_equal(text_of(value),
	                    "{\"s\":\"x\",\"null\":null,\"i\":-9223372036854775808,\"b\":false,"
	                    "\"o\":{\"x\":1},\"l\":[\"a-7\",true,[]]}");
}

static void test_set_replaces_at_the_old_place(void **state)
{
	struct json *value = unit_json(&arena, "{\"a\":1,\"b\":2,\"c\":3}");
	struct json *same;

	(void)state;
	json_set_int(&arena, value, "b", 20);
	json_set_string(&arena, value, "c", "end");
	json_set_bool(&arena, value, "a", true);
	assert_string_equal(text_of(value), "{\"a\":true,\"b\":20,\"c\":\"end\"}");
	json_set_int(&arena, value, "d", 4);
	assert_string_equal(text_of(value), "{\"a\":true,\"b\":20,\"c\":\"end\",\"d\":4}");
	same = (struct json *)json_get(value, "b");
	assert_ptr_equal(json_set(&arena, value, "b", same), same);
	assert_int_equal(json_count(value), 4);
}

static void test_keys_are_copied(void **state)
{
	struct json *value = json_new_object(&arena);
	char key[] = "key";

	(void)state;
	json_set_int(&arena, value, key, 1);
	key[0] = 'x';
	assert_non_null(json_get(value, "key"));
}

static void test_clone_shares_nothing(void **state)
{
	struct arena other = ARENA_INIT;
	const char *text = "{\"a\":[1,{\"b\":\"x\"},null,true],\"c\":{}}";
	struct json *copy = json_clone(&other, unit_json(&arena, text));

	(void)state;
	arena_release(&arena);
	assert_string_equal(text_of(copy), text);
	json_add((struct json *)json_get(copy, "a"), json_new_int(&other, 2));
	assert_int_equal(json_count(json_get(copy, "a")), 5);
	arena_release(&other);
}

static const char *string_of(const char *text)
{
	struct buf buf = BUF_INIT(1024);
	const char *copy;

	json_write_string(&buf, text);
	copy = arena_strdup(&arena, buf_cstr(&buf));
	buf_release(&buf);
	return copy;
}

static void test_strings_are_escaped(void **state)
{
	(void)state;
	assert_string_equal(string_of(""), "\"\"");
	assert_string_equal(string_of("a\"b\\c/"), "\"a\\\"b\\\\c/\"");
	assert_string_equal(string_of("\b\t\n\f\r\x01\x1f"),
	                    "\"\\b\\t\\n\\f\\r\\u0001\\u001f\"");
	assert_string_equal(string_of("\xc3\xa9\xf0\x9f\x98\x80"), "\"\xc3\xa9\xf0\x9f\x98\x80\"");
}

/* Text is looked at in words of eight bytes: nothing hides in one, at its edge or behind it. */
static void test_what_is_escaped_is_found_wherever_it_stands(void **state)
{
	static const char *const rows[][2] = {
		{ "\"", "\\\"" }, { "\\", "\\\\" }, { "\x01", "\\u0001" }, { "\x1f", "\\u001f" },
		{ "\x7f", "\\u007f" }, { "\xff", UTF8_REPLACEMENT }, { " ", " " }, { "~", "~" },
		{ "\xc3\xa9", "\xc3\xa9" }, { "\xc2\x85", "\\u0085" },
	};
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

	(void)state;
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		for (int before = 0; before <= 17; before++) {
			for (int after = 0; after <= 9; after++) {
				char *plain = arena_printf(&arena, "%.*s%s%.*s", before, letters,
				                           rows[row][0], after, letters);

				assert_string_equal(text_of(json_new_string(&arena, plain)),
				                    arena_printf(&arena, "\"%.*s%s%.*s\"", before,
				                                 letters, rows[row][1], after,
				                                 letters));
			}
		}
	}
}

static void test_what_yaml_refuses_or_folds_is_escaped(void **state)
{
	(void)state;
	assert_string_equal(string_of("\x7f\xc2\x80\xc2\x85\xc2\x9f\xc2\xa0"),
	                    "\"\\u007f\\u0080\\u0085\\u009f\xc2\xa0\"");
	assert_string_equal(string_of("a\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"),
	                    "\"a\\u2028\\u2029\xe2\x80\xaa\"");
	assert_string_equal(string_of("\xef\xbb\xbf\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd"),
	                    "\"\\ufeff\\ufffe\\uffff\xef\xbf\xbd\"");
}

static void test_invalid_utf8_is_written_as_a_replacement(void **state)
{
	(void)state;
	assert_string_equal(string_of("a\xff\"\xc3"), "\"a\xef\xbf\xbd\\\"\xef\xbf\xbd\"");
	assert_string_equal(string_of("\xc0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
	assert_string_equal(string_of("\xc3\xa9\xe2\x82"), "\"\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void test_pretty_text_is_indented_by_two(void **state)
{
	struct json *value = unit_json(&arena, "{\"a\":[1,{\"b\":[]}],\"c\":{},\"d\":null}");
	struct buf buf = BUF_INIT(1024);

	(void)state;
	json_write_pretty(&buf, value);
	assert_string_equal(buf_cstr(&buf),
	                    "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n"
	                    "  \"c\": {},\n  \"d\": null\n}\n");
	buf_release(&buf);
}

static void test_ceiling_shows_in_the_buffer(void **state)
{
	struct json *value = unit_json(&arena, "{\"a\":[1,2,3]}");
	struct buf buf = BUF_INIT(12);

	(void)state;
	json_write(&buf, value);
	assert_true(buf.overflow);
	buf_release(&buf);
	buf_init(&buf, 13);
	json_write(&buf, value);
	assert_false(buf.overflow);
	assert_string_equal(buf_cstr(&buf), "{\"a\":[1,2,3]}");
	buf_release(&buf);
}

static void test_nothing_is_null(void **state)
{
	(void)state;
	assert_string_equal(json_text(&arena, NULL), "null");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_members_are_found, reset),
		cmocka_unit_test_teardown(test_scalars_fall_back_on_other_types, reset),
		cmocka_unit_test_teardown(test_whole_numbers_are_whole_and_fit, reset),
		cmocka_unit_test_teardown(test_equality_looks_at_contents, reset),
		cmocka_unit_test_teardown(test_wide_objects_compare_in_any_order, reset),
		cmocka_unit_test_teardown(test_trees_are_built, reset),
		cmocka_unit_test_teardown(test_set_replaces_at_the_old_place, reset),
		cmocka_unit_test_teardown(test_keys_are_copied, reset),
		cmocka_unit_test_teardown(test_clone_shares_nothing, reset),
		cmocka_unit_test_teardown(test_strings_are_escaped, reset),
		cmocka_unit_test_teardown(test_what_is_escaped_is_found_wherever_it_stands, reset),
		cmocka_unit_test_teardown(test_what_yaml_refuses_or_folds_is_escaped, reset),
		cmocka_unit_test_teardown(test_invalid_utf8_is_written_as_a_replacement, reset),
		cmocka_unit_test_teardown(test_pretty_text_is_indented_by_two, reset),
		cmocka_unit_test_teardown(test_ceiling_shows_in_the_buffer, reset),
		cmocka_unit_test_teardown(test_nothing_is_null, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
