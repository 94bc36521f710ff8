#include <stdio.h>

#include "base/utf8.h"
#include "unit.h"

/* Encode any number below 2^21 the long way, valid or not. */
static size_t encode(uint32_t code, char text[4])
{
	if (code < 0x80) {
		text[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		text[0] = (char)(0xC0 | code >> 6);
		text[1] = (char)(0x80 | (code & 0x3F));
		return 2;
	}
	if (code < 0x10000) {
		text[0] = (char)(0xE0 | code >> 12);
		text[1] = (char)(0x80 | (code >> 6 & 0x3F));
		text[2] = (char)(0x80 | (code & 0x3F));
		return 3;
	}
	text[0] = (char)(0xF0 | code >> 18);
	text[1] = (char)(0x80 | (code >> 12 & 0x3F));
	text[2] = (char)(0x80 | (code >> 6 & 0x3F));
	text[3] = (char)(0x80 | (code & 0x3F));
	return 4;
}

static void test_every_code_point_is_told_right(void **state)
{
	(void)state;
	for (uint32_t code = 0; code < 0x200000; code++) {
		bool valid = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
		uint32_t decoded = 0;
		char text[4];
		size_t len = encode(code, text);

		if (utf8_decode(text, len, &decoded) != (valid ? len : 0))
			fail_msg("U+%04X", code);
		if (valid && decoded != code)
			fail_msg("U+%04X became U+%04X", code, decoded);
		if (valid && len > 1 && utf8_decode(text, len - 1, NULL) != 0)
			fail_msg("U+%04X cut short was taken", code);
	}
}

static void test_overlong_forms_are_invalid(void **state)
{
	(void)state;
	assert_false(utf8_valid("\xc0\x80", 2));
	assert_false(utf8_valid("\xc1\xbf", 2));
	assert_false(utf8_valid("\xe0\x9f\xbf", 3));
	assert_false(utf8_valid("\xf0\x8f\xbf\xbf", 4));
	assert_false(utf8_valid("\xf8\x88\x80\x80\x80", 5));
}

static void test_faults_are_found_at_every_place(void **state)
{
	char text[40];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_true(utf8_valid(text, sizeof(text)));
	for (size_t i = 0; i < sizeof(text); i++) {
		text[i] = (char)0x80;
		assert_false(utf8_valid(text, sizeof(text)));
		text[i] = 'x';
	}
	for (size_t i = 0; i + 2 < sizeof(text); i++) {
		memcpy(text + i, "\xe2\x82\xac", 3);
		assert_true(utf8_valid(text, sizeof(text)));
		assert_false(utf8_valid(text, i + 1));
		assert_false(utf8_valid(text, i + 2));
		memset(text + i, 'x', 3);
	}
	assert_true(utf8_valid("", 0));
	assert_true(utf8_valid("a\0b", 3));
}

static void test_prefix_ends_between_characters(void **state)
{
	const char *text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"; /* 1 + 2 + 3 + 4 + 1 */
	static const size_t expected[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11 };

	(void)state;
	for (size_t max = 0; max < ARRAY_SIZE(expected); max++)
		assert_int_equal(utf8_prefix(text, strlen(text), max), expected[max]);
}

static void test_prefix_of_invalid_bytes_is_cut_anywhere(void **state)
{
	(void)state;
	assert_int_equal(utf8_prefix("\x80\x80\x80\x80\x80\x80", 6, 5), 5);
	assert_int_equal(utf8_prefix("\xff\xff\xff", 3, 1), 1);
	assert_int_equal(utf8_prefix("\xc3", 1, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code_point_is_told_right),
		cmocka_unit_test(test_overlong_forms_are_invalid),
		cmocka_unit_test(test_faults_are_found_at_every_place),
		cmocka_unit_test(test_prefix_ends_between_characters),
		cmocka_unit_test(test_prefix_of_invalid_bytes_is_cut_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
