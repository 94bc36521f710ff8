#include <stdlib.h>

#include "base/buf.h"
#include "unit.h"

static void test_empty_buffer_is_an_empty_string(void **state)
{
	struct buf buf = BUF_INIT(10);

	(void)state;
	assert_string_equal(buf_cstr(&buf), "");
	assert_int_equal(buf_append(&buf, NULL, 0), 0);
	assert_string_equal(buf_cstr(&buf), "");
	buf_release(&buf);
	assert_null(buf.data);
}

static void test_appended_bytes_follow_each_other(void **state)
{
	struct buf buf = BUF_INIT(100);

	(void)state;
	assert_int_equal(buf_puts(&buf, "a"), 0);
	assert_int_equal(buf_putc(&buf, 'b'), 0);
	assert_int_equal(buf_append(&buf, "c\0d", 3), 0);
	assert_int_equal(buf_printf(&buf, "%s=%d", "e", 7), 0);
	assert_int_equal(buf.len, 8);
	assert_memory_equal(buf.data, "abc\0de=7", 9);
	assert_true(buf.len < buf.cap);
	buf_release(&buf);
}

static void test_ceiling_is_the_last_byte_that_fits(void **state)
{
	for (size_t max = 0; max < 300; max++) {
		struct buf buf = BUF_INIT(max);

		(void)state;
		for (size_t i = 0; i < max; i++)
			assert_int_equal(buf_putc(&buf, 'x'), 0);
		assert_false(buf.overflow);
		assert_int_equal(buf_putc(&buf, 'y'), -1);
		assert_true(buf.overflow);
		assert_int_equal(buf.len, max);
		assert_int_equal(strlen(buf_cstr(&buf)), max);
		buf_release(&buf);
	}
}

static void test_what_does_not_fit_adds_nothing(void **state)
{
	struct buf buf = BUF_INIT(5);

	(void)state;
	buf_puts(&buf, "abc");
	assert_int_equal(buf_puts(&buf, "def"), -1);
	assert_string_equal(buf_cstr(&buf), "abc");
	assert_int_equal(buf_puts(&buf, "d"), -1);
	assert_int_equal(buf_printf(&buf, "d"), -1);
	assert_string_equal(buf_cstr(&buf), "abc");
	buf_reset(&buf);
	assert_false(buf.overflow);
	assert_string_equal(buf_cstr(&buf), "");
	assert_int_equal(buf_printf(&buf, "%s", "abcde"), 0);
	assert_int_equal(buf_printf(&buf, "%s", "f"), -1);
	assert_string_equal(buf_cstr(&buf), "abcde");
	buf_release(&buf);
}

static void test_reset_keeps_the_memory(void **state)
{
	struct buf buf = BUF_INIT(1000);
	char *data;

	(void)state;
	buf_printf(&buf, "%500d", 1);
	data = buf.data;
	buf_reset(&buf);
	assert_ptr_equal(buf.data, data);
	assert_int_equal(buf.len, 0);
	buf_release(&buf);
	buf_reset(&buf);
	assert_int_equal(buf.max, 1000);
}

static void test_detached_bytes_belong_to_the_caller(void **state)
{
	struct buf buf;
	size_t len = 99;
	char *text;

	(void)state;
	buf_init(&buf, 100);
	text = buf_detach(&buf, &len);
	assert_string_equal(text, "");
	assert_int_equal(len, 0);
	free(text);
	buf_puts(&buf, "abc");
	text = buf_detach(&buf, &len);
	assert_string_equal(text, "abc");
	assert_int_equal(len, 3);
	free(text);
	assert_string_equal(buf_cstr(&buf), "");
	buf_puts(&buf, "x");
	text = buf_detach(&buf, NULL);
	assert_string_equal(text, "x");
	free(text);
}

static void test_long_texts_grow_the_buffer(void **state)
{
	struct buf buf = BUF_INIT(1 << 20);

	(void)state;
	for (int i = 0; i < 10000; i++)
		assert_int_equal(buf_printf(&buf, "%08d\n", i), 0);
	assert_int_equal(buf.len, 90000);
	assert_memory_equal(buf.data + 9 * 1234, "00001234\n", 9);
	buf_release(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_buffer_is_an_empty_string),
		cmocka_unit_test(test_appended_bytes_follow_each_other),
		cmocka_unit_test(test_ceiling_is_the_last_byte_that_fits),
		cmocka_unit_test(test_what_does_not_fit_adds_nothing),
		cmocka_unit_test(test_reset_keeps_the_memory),
		cmocka_unit_test(test_detached_bytes_belong_to_the_caller),
		cmocka_unit_test(test_long_texts_grow_the_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
