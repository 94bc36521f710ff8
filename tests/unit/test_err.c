#include <errno.h>

#include "base/utf8.h"
#include "unit.h"

static void test_set_returns_minus_one_and_keeps_the_text(void **state)
{
	struct err err = { .http_status = 409, .retry_after_ms = 5 };

	(void)state;
	assert_int_equal(err_set(&err, ERR_INVALID, "spec.processes[%d]: %s", 1, "no"), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_int_equal(err.http_status, 0);
	assert_int_equal(err.retry_after_ms, 0);
	assert_string_equal(err.msg, "spec.processes[1]: no");
}

static void test_errno_adds_the_systems_words(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(err_errno(&err, ENOENT, "open %s", "/x"), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_string_equal(err.msg, "open /x: No such file or directory");
}

static void test_wrap_puts_a_clause_in_front(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err_set(&err, ERR_CONFLICT, "taken");
	err.http_status = 409;
	err.retry_after_ms = 7;
	assert_int_equal(err_wrap(&err, "apply %s", "shop"), -1);
	assert_string_equal(err.msg, "apply shop: taken");
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_int_equal(err.http_status, 409);
	assert_int_equal(err.retry_after_ms, 7);
}

static void test_arguments_may_be_the_errors_own_text(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err_set(&err, ERR_PARSE, "inner");
	err_set(&err, ERR_INVALID, "outer of %s", err.msg);
	assert_string_equal(err.msg, "outer of inner");
	err_wrap(&err, "about %s", err.msg);
	assert_string_equal(err.msg, "about outer of inner: outer of inner");
}

static void test_long_text_is_cut_with_a_mark(void **state)
{
	struct err err = ERR_INIT;
	char text[2 * ERR_MSG_MAX];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[ERR_MSG_MAX - 1] = '\0';
	err_set(&err, ERR_PARSE, "%s", text);
	assert_string_equal(err.msg, text);
	text[ERR_MSG_MAX - 1] = 'x';
	text[ERR_MSG_MAX] = '\0';
	err_set(&err, ERR_PARSE, "%s", text);
	assert_int_equal(strlen(err.msg), ERR_MSG_MAX - 1);
	assert_string_equal(err.msg + ERR_MSG_MAX - 4, UTF8_ELLIPSIS);
	text[ERR_MSG_MAX] = 'x';
	text[sizeof(text) - 1] = '\0';
	err_wrap(&err, "%s", text);
	assert_string_equal(err.msg + ERR_MSG_MAX - 4, UTF8_ELLIPSIS);
}

static void test_text_is_cut_between_characters(void **state)
{
	(void)state;
	for (size_t shift = 0; shift < 8; shift++) {
		struct err err = ERR_INIT;
		char text[2 * ERR_MSG_MAX];
		size_t len = shift;

		memset(text, 'x', shift);
		for (; len + 4 < sizeof(text); len += 4)
			memcpy(text + len, "\xf0\x9f\x98\x80", 4);
		text[len] = '\0';
		err_set(&err, ERR_PARSE, "%s", text);
		assert_true(utf8_valid(err.msg, strlen(err.msg)));
		assert_true(strlen(err.msg) > ERR_MSG_MAX - 8);
		assert_string_equal(err.msg + strlen(err.msg) - 3, UTF8_ELLIPSIS);
	}
}

static void test_wrapping_again_and_again_stays_whole(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err_set(&err, ERR_PARSE, "\xc3\xa9nd");
	for (int i = 0; i < 300; i++) {
		err_wrap(&err, "%s", "\xe2\x82\xac");
		assert_true(utf8_valid(err.msg, strlen(err.msg)));
	}
	assert_true(strlen(err.msg) < ERR_MSG_MAX);
}

static void test_every_code_has_a_name(void **state)
{
	(void)state;
	for (enum err_code code = ERR_NONE; code <= ERR_SYSTEM; code++) {
		assert_non_null(err_code_name(code));
		assert_string_not_equal(err_code_name(code), "Unknown");
	}
	assert_string_equal(err_code_name(ERR_CONFLICT), "Conflict");
	assert_string_equal(err_code_name((enum err_code)99), "Unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_returns_minus_one_and_keeps_the_text),
		cmocka_unit_test(test_errno_adds_the_systems_words),
		cmocka_unit_test(test_wrap_puts_a_clause_in_front),
		cmocka_unit_test(test_arguments_may_be_the_errors_own_text),
		cmocka_unit_test(test_long_text_is_cut_with_a_mark),
		cmocka_unit_test(test_text_is_cut_between_characters),
		cmocka_unit_test(test_wrapping_again_and_again_stays_whole),
		cmocka_unit_test(test_every_code_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
