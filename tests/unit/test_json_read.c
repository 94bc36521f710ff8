#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "unit.h"

static struct arena arena;

static int reset(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static enum err_code parse_code(const char *text, size_t len)
{
	struct err err = ERR_INIT;
	struct json *value = NULL;

	if (json_parse(&arena, text, len, NULL, &value, &err) == 0) {
		assert_non_null(value);
		return ERR_NONE;
	}
	assert_null(value);
	assert_non_null(strstr(err.msg, "JSON"));
	return err.code;
}

static void accepts(const char *text)
{
	if (parse_code(text, strlen(text)) != ERR_NONE)
		fail_msg("refused: %s", text);
}

static void refuses(const char *text)
{
	if (parse_code(text, strlen(text)) != ERR_PARSE)
		fail_msg("not refused: %s", text);
}

/* Read with `keep` and write again. */
static const char *again(const char *text, const struct json_keep *keep)
{
	struct json *value = NULL;
	struct err err = ERR_INIT;

	assert_ok(json_parse(&arena, text, strlen(text), keep, &value, &err), &err);
	return json_text(&arena, value);
}

static void test_every_type_is_read(void **state)
{
	const char *text =
		"{\"a\":null,\"b\":true,\"c\":false,\"d\":-1.5e+3,\"e\":\"x\",\"f\":[1,[],{}]}";

	(void)state;
	assert_string_equal(again(text, NULL), text);
}

static void test_scalars_stand_alone(void **state)
{
	(void)state;
	accepts("null");
	accepts("true");
	accepts(" 12 ");
	accepts("\"x\"");
	assert_string_equal(again("12", NULL), "12");
}

static void test_what_is_not_json_is_refused(void **state)
{
	static const char *const texts[] = {
		"",           " ",        "{",
		"[",          "[1",       "{\"a\"",
		"{\"a\":",    "{\"a\":1", "{\"a\":1,",
		"{\"a\":1,}", "[1,]",     "[,1]",
		"tru",        "nul",      "\"x",
		"'x'",        "{a:1}",    "{\"a\" 1}",
		"1 2",        "{} {}",    "[1]]",
		"// x\n1",    "/* */1",   "\"\n\"",
		"\"\t\"",     "\"\\x\"",  "\"\\u12g4\"",
		"NaN",        "Infinity", "undefined",
		"{1:2}",      "{null:1}", "\xef\xbb\xbf{}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		refuses(texts[i]);
}

static void test_numbers_are_what_json_calls_numbers(void **state)
{
	static const char *const good[] = { "0",   "-0",   "1",       "-1",   "0.5",
		                            "1e5", "1E-5", "1.5e+10", "1e999" };
	static const char *const bad[] = { "01",  "-01", "+1",   ".5",    "1.", "1e",
		                           "1e+", "-",   "0x10", "1_000", "--1" };
	char text[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		snprintf(text, sizeof(text), "[%s]", good[i]);
		assert_string_equal(again(text, NULL), text);
		assert_string_equal(again(good[i], NULL), good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), "[%s]", bad[i]);
		refuses(text);
		refuses(bad[i]);
	}
}

static void test_escapes_are_decoded(void **state)
{
	struct json *value = unit_json(
		&arena, "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"");

	(void)state;
	assert_string_equal(value->text, "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
}

static void test_half_a_surrogate_pair_is_refused(void **state)
{
	static const char *const texts[] = {
		"\"\\ud800\"",
		"\"\\udc00\"",
		"\"\\ud800x\"",
		"\"\\ud800\\n\"",
		"\"\\ud800\\u0041\"",
		"\"\\ud800\\ud800\"",
		"\"\\ude00\\ud83d\"",
		"{\"\\udbff\":1}",
		"\"\\ud83d\\ude00\\ud83d\"",
		"\"\\ud800\\u\"",
		"\"\\ud800\\u",
		"\"\\ud800\\",
		"\"\\ud8",
		"\"\\uD800\\uD8\"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		refuses(texts[i]);
	accepts("\"\\\\ud800\"");
	accepts("\"\\\\\\\\udc00\"");
}

static void test_malformed_utf8_is_refused(void **state)
{
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc3",
		"\xc3(",
		"\xe0\x80\x80",
		"\xe0\x9f\xbf",
		"\xe2\x82",
		"\xe2(\xa1",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xf8\x88\x80\x80\x80",
		"\xfe",
		"\xff",
		"abcdefgh\xffijkl",
		"\xc3\xa9\xc3",
	};
	static const char *const good[] = {
		"\xc2\xa0",         "\xdf\xbf",         "\xe0\xa0\x80",
		"\xed\x9f\xbf",     "\xee\x80\x80",     "\xef\xbf\xbd",
		"\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "abcdefg\xc3\xa9hijk",
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), "[\"%s\"]", bad[i]);
		refuses(text);
		snprintf(text, sizeof(text), "{\"%s\":1}", bad[i]);
		refuses(text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		snprintf(text, sizeof(text), "[\"%s\"]", good[i]);
		assert_string_equal(again(text, NULL), text);
	}
}

static void test_nul_is_refused(void **state)
{
	static const char raw[] = "\"a\0b\"";

	(void)state;
	refuses("\"\\u0000\"");
	refuses("{\"a\\u0000\":1}");
	assert_int_equal(parse_code(raw, sizeof(raw) - 1), ERR_PARSE);
	assert_int_equal(parse_code("1\0", 2), ERR_PARSE);
}

static void test_duplicate_member_is_refused(void **state)
{
	(void)state;
	refuses("{\"a\":1,\"a\":1}");
	refuses("{\"x\":{\"a\":1,\"b\":2,\"\\u0061\":3}}");
	refuses("{\"\":1,\"\":2}");
	accepts("{\"a\":{\"a\":1},\"b\":{\"a\":1}}");
}

/* An object of `count` members, the last of which is called `last`. */
static char *wide_object(unsigned count, const char *last)
{
	struct buf buf = BUF_INIT(LIMIT_DOCUMENT);

	buf_putc(&buf, '{');
	for (unsigned i = 0; i + 1 < count; i++)
		buf_printf(&buf, "\"m%u\":{\"x\":%u},", i, i);
	buf_printf(&buf, "\"%s\":0}", last);
	return buf_detach(&buf, NULL);
}

static void test_duplicates_are_found_in_objects_of_every_width(void **state)
{
	(void)state;
	for (unsigned count = 2; count < 70; count++) {
		char *good = wide_object(count, "last");
		char *bad = wide_object(count, "m0");

		accepts(good);
		refuses(bad);
		free(good);
		free(bad);
	}
}

static void test_duplicates_cost_no_square(void **state)
{
	char *text = wide_object(100000, "m99998");

	(void)state;
	refuses(text);
	free(text);
}

static void test_depth_has_a_ceiling(void **state)
{
	char text[2 * LIMIT_JSON_DEPTH + 3];

	(void)state;
	memset(text, 0, sizeof(text));
	memset(text, '[', LIMIT_JSON_DEPTH);
	memset(text + LIMIT_JSON_DEPTH, ']', LIMIT_JSON_DEPTH);
	accepts(text);
	memset(text, '[', LIMIT_JSON_DEPTH + 1);
	memset(text + LIMIT_JSON_DEPTH + 1, ']', LIMIT_JSON_DEPTH + 1);
	assert_int_equal(parse_code(text, sizeof(text) - 1), ERR_LIMIT);
}

static void test_skipped_values_have_the_same_ceiling_of_depth(void **state)
{
	static const struct json_keep keep[] = { { "a", NULL }, { 0 } };
	char text[256] = "{\"x\":";
	size_t len = strlen(text);
	struct json *value;
	struct err err;

	(void)state;
	memset(text + len, '[', LIMIT_JSON_DEPTH - 1);
	memset(text + len + LIMIT_JSON_DEPTH - 1, ']', LIMIT_JSON_DEPTH - 1);
	strcat(text, "}");
	assert_string_equal(again(text, keep), "{}");
	memset(text + len, 0, sizeof(text) - len);
	memset(text + len, '[', LIMIT_JSON_DEPTH);
	assert_int_equal(json_parse(&arena, text, strlen(text), keep, &value, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void test_a_million_brackets_are_refused(void **state)
{
	size_t len = 1000000;
	char *text = x_malloc(len);

	(void)state;
	memset(text, '[', len);
	assert_int_equal(parse_code(text, len), ERR_LIMIT);
	free(text);
}

static void test_document_has_a_ceiling(void **state)
{
	char *text = x_malloc(LIMIT_DOCUMENT + 1);

	(void)state;
	memset(text, ' ', LIMIT_DOCUMENT + 1);
	text[0] = '1';
	assert_int_equal(parse_code(text, LIMIT_DOCUMENT), ERR_NONE);
	assert_int_equal(parse_code(text, LIMIT_DOCUMENT + 1), ERR_LIMIT);
	free(text);
}

static void test_string_has_a_ceiling(void **state)
{
	char *text = x_malloc(LIMIT_STRING + 3);

	(void)state;
	memset(text, 'x', LIMIT_STRING + 3);
	text[0] = text[LIMIT_STRING + 1] = '"';
	assert_int_equal(parse_code(text, LIMIT_STRING + 2), ERR_NONE);
	text[LIMIT_STRING + 1] = 'x';
	text[LIMIT_STRING + 2] = '"';
	assert_int_equal(parse_code(text, LIMIT_STRING + 3), ERR_LIMIT);
	free(text);
}

static void test_count_of_values_has_a_ceiling(void **state)
{
	/* The array and its elements: one more than the ceiling at 2 × LIMIT_JSON_VALUES + 1 bytes.
	 */
	size_t len = 2 * (LIMIT_JSON_VALUES - 1) + 1;
	char *text = x_malloc(len + 2);

	(void)state;
	for (size_t i = 0; i < len + 2; i++)
		text[i] = i % 2 ? '1' : ',';
	text[0] = '[';
	text[len - 1] = ']';
	assert_int_equal(parse_code(text, len), ERR_NONE);
	text[len - 1] = ',';
	text[len + 1] = ']';
	text[len] = '1';
	assert_int_equal(parse_code(text, len + 2), ERR_LIMIT);
	free(text);
}

static void test_only_named_members_are_kept(void **state)
{
	static const struct json_keep inner[] = { { "x", NULL }, { 0 } };
	static const struct json_keep keep[] = { { "a", inner }, { "b", NULL }, { 0 } };

	(void)state;
	assert_string_equal(again("{\"z\":[{\"x\":1}],\"a\":{\"x\":{\"y\":1},\"y\":2},\"b\":{\"c\":"
	                          "[1]},\"q\":1}",
	                          keep),
	                    "{\"a\":{\"x\":{\"y\":1}},\"b\":{\"c\":[1]}}");
	assert_string_equal(again("{\"a\":7,\"b\":null,\"c\":{}}", keep), "{\"a\":7,\"b\":null}");
	assert_string_equal(again("{\"aa\":1,\"\":2}", keep), "{}");
}

static void test_children_apply_to_each_element(void **state)
{
	static const struct json_keep inner[] = { { "x", NULL }, { 0 } };
	static const struct json_keep keep[] = { { "a", inner }, { 0 } };

	(void)state;
	assert_string_equal(again("{\"a\":[{\"x\":1,\"y\":2},3,[{\"y\":1,\"x\":4}],{}]}", keep),
	                    "{\"a\":[{\"x\":1},3,[{\"x\":4}],{}]}");
	assert_string_equal(again("[{\"a\":1,\"b\":1},{\"b\":2}]", keep), "[{\"a\":1},{}]");
}

static void test_a_star_stands_for_the_rest_of_a_name(void **state)
{
	static const struct json_keep inner[] = { { "x", NULL }, { 0 } };
	static const struct json_keep any[] = { { "*", inner }, { 0 } };
	static const struct json_keep some[] = { { "app.*", NULL }, { 0 } };

	(void)state;
	assert_string_equal(again("{\"a\":{\"x\":1,\"y\":1},\"b\":{\"y\":1}}", any),
	                    "{\"a\":{\"x\":1},\"b\":{}}");
	assert_string_equal(again("{\"app.\":1,\"app.b\":2,\"app\":3,\"apps.b\":4}", some),
	                    "{\"app.\":1,\"app.b\":2}");
}

static void test_duplicate_of_a_kept_member_is_refused(void **state)
{
	static const struct json_keep keep[] = { { "a", NULL }, { 0 } };
	const char *text = "{\"a\":1,\"b\":2,\"a\":3}";
	struct json *value = NULL;
	struct err err;

	(void)state;
	assert_int_equal(json_parse(&arena, text, strlen(text), keep, &value, &err), -1);
	assert_int_equal(err.code, ERR_PARSE);
	assert_string_equal(again("{\"b\":1,\"b\":2}", keep), "{}");
}

static void test_names_with_nul_match_no_key(void **state)
{
	static const struct json_keep keep[] = { { "a", NULL }, { 0 } };

	(void)state;
	assert_string_equal(again("{\"a\\u0000b\":1}", keep), "{}");
}

static void test_skipped_values_take_no_memory(void **state)
{
	static const struct json_keep keep[] = { { "a", NULL }, { 0 } };
	struct buf buf = BUF_INIT(LIMIT_DOCUMENT);
	struct json *value = NULL;
	struct err err;
	size_t used;

	(void)state;
	again("{\"a\":1}", keep);
	arena_reset(&arena);
	assert_ok(json_parse(&arena, "{\"a\":1}", 7, keep, &value, &err), &err);
	used = arena.used;
	arena_reset(&arena);
	buf_puts(&buf, "{\"skip\":[");
	for (int i = 0; i < 20000; i++)
		buf_printf(&buf, "{\"key%d\":[\"some text\",{\"x\":%d}]},", i, i);
	buf_puts(&buf, "0],\"a\":1}");
	assert_ok(json_parse(&arena, buf.data, buf.len, keep, &value, &err), &err);
	assert_int_equal(arena.used, used);
	buf_release(&buf);
}

static void test_errors_name_the_position_and_not_the_content(void **state)
{
	const char *text = "{\"password\":\"hunter2\" hunter2}";
	struct json *value;
	struct err err;

	(void)state;
	assert_int_equal(json_parse(&arena, text, strlen(text), NULL, &value, &err), -1);
	assert_null(strstr(err.msg, "hunter"));
	assert_non_null(strstr(err.msg, "byte 23"));
	assert_null(strchr(err.msg, '\n'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_every_type_is_read, reset),
		cmocka_unit_test_teardown(test_scalars_stand_alone, reset),
		cmocka_unit_test_teardown(test_what_is_not_json_is_refused, reset),
		cmocka_unit_test_teardown(test_numbers_are_what_json_calls_numbers, reset),
		cmocka_unit_test_teardown(test_escapes_are_decoded, reset),
		cmocka_unit_test_teardown(test_half_a_surrogate_pair_is_refused, reset),
		cmocka_unit_test_teardown(test_malformed_utf8_is_refused, reset),
		cmocka_unit_test_teardown(test_nul_is_refused, reset),
		cmocka_unit_test_teardown(test_duplicate_member_is_refused, reset),
		cmocka_unit_test_teardown(test_duplicates_are_found_in_objects_of_every_width,
		                          reset),
		cmocka_unit_test_teardown(test_duplicates_cost_no_square, reset),
		cmocka_unit_test_teardown(test_depth_has_a_ceiling, reset),
		cmocka_unit_test_teardown(test_skipped_values_have_the_same_ceiling_of_depth,
		                          reset),
		cmocka_unit_test_teardown(test_a_million_brackets_are_refused, reset),
		cmocka_unit_test_teardown(test_document_has_a_ceiling, reset),
		cmocka_unit_test_teardown(test_string_has_a_ceiling, reset),
		cmocka_unit_test_teardown(test_count_of_values_has_a_ceiling, reset),
		cmocka_unit_test_teardown(test_only_named_members_are_kept, reset),
		cmocka_unit_test_teardown(test_children_apply_to_each_element, reset),
		cmocka_unit_test_teardown(test_a_star_stands_for_the_rest_of_a_name, reset),
		cmocka_unit_test_teardown(test_duplicate_of_a_kept_member_is_refused, reset),
		cmocka_unit_test_teardown(test_names_with_nul_match_no_key, reset),
		cmocka_unit_test_teardown(test_skipped_values_take_no_memory, reset),
		cmocka_unit_test_teardown(test_errors_name_the_position_and_not_the_content, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
