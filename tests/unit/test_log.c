#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/utf8.h"
#include "unit.h"

static int fds[2];
static char line[2 * LIMIT_LOG_LINE];

/* A packet pipe: one read gives what one write(2) gave. */
static int open_sink(void **state)
{
	(void)state;
	return pipe2(fds, O_DIRECT | O_NONBLOCK);
}

static int close_sink(void **state)
{
	(void)state;
	log_setup(LOG_INFO, LOG_FORMAT_TEXT, STDERR_FILENO);
	close(fds[0]);
	close(fds[1]);
	return 0;
}

/* The line written last, or "" when there is none. */
static const char *last_line(void)
{
	ssize_t n = read(fds[0], line, sizeof(line) - 1);

	line[n < 0 ? 0 : n] = '\0';
	return line;
}

/* What follows the time of the text format, which has 24 characters and a space. */
static const char *last_text(void)
{
	last_line();
	assert_true(strlen(line) > 25);
	assert_int_equal(line[10], 'T');
	assert_int_equal(line[23], 'Z');
	return line + 25;
}

static void test_text_line_has_time_level_object_and_text(void **state)
{
	(void)state;
	log_setup(LOG_DEBUG, LOG_FORMAT_TEXT, fds[1]);
	log_info("default/shop", "scaled to %d", 3);
	assert_string_equal(last_text(), "INFO default/shop: scaled to 3\n");
	log_error(NULL, "no object");
	assert_string_equal(last_text(), "ERROR no object\n");
	log_warn("x", "w");
	assert_string_equal(last_text(), "WARN x: w\n");
	log_debug("x", "d");
	assert_string_equal(last_text(), "DEBUG x: d\n");
}

static void test_json_line_is_json(void **state)
{
	struct arena arena = ARENA_INIT;
	struct json *value;

	(void)state;
	log_setup(LOG_INFO, LOG_FORMAT_JSON, fds[1]);
	log_warn("default/\"shop\"", "a\\b\n\t\x01 \xff \xc3\xa9");
	value = unit_json(&arena, last_line());
	assert_string_equal(json_string_or(json_get(value, "level"), ""), "warn");
	assert_string_equal(json_string_or(json_get(value, "object"), ""), "default/\"shop\"");
	assert_string_equal(json_string_or(json_get(value, "msg"), ""),
	                    "a\\b\n\t\x01 \xef\xbf\xbd \xc3\xa9");
	assert_int_equal(strlen(json_string_or(json_get(value, "time"), "")), 24);
	log_info(NULL, "x");
	value = unit_json(&arena, last_line());
	assert_null(json_get(value, "object"));
	arena_release(&arena);
}

static void test_no_text_can_forge_a_line(void **state)
{
	(void)state;
	log_setup(LOG_INFO, LOG_FORMAT_TEXT, fds[1]);
	log_info("a\nb", "x\ny\r\x1b[31m\x7f\xc2\x9b"
	                 "2J");
	assert_string_equal(last_text(), "INFO a\\nb: x\\ny\\x0d\\x1b[31m\\x7f\\x9b2J\n");
	log_info(NULL, "\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8f");
	assert_string_equal(last_text(), "INFO \\u2028\\u202e\\u2066\\u200f\n");
	log_info(NULL, "\xff\xc0\x80\xed\xa0\x80\xe2\x82");
	assert_string_equal(last_text(), "INFO \\xff\\xc0\\x80\\xed\\xa0\\x80\\xe2\\x82\n");
}

static void test_levels_above_the_sinks_are_not_written(void **state)
{
	(void)state;
	log_setup(LOG_WARN, LOG_FORMAT_TEXT, fds[1]);
	log_info("x", "not this");
	assert_string_equal(last_line(), "");
	assert_true(log_enabled(LOG_ERROR));
	assert_true(log_enabled(LOG_WARN));
	assert_false(log_enabled(LOG_INFO));
	assert_false(log_enabled(LOG_DEBUG));
}

static void test_long_lines_are_cut_with_a_mark(void **state)
{
	char *text = x_malloc(3 * LIMIT_LOG_LINE);

	(void)state;
	log_setup(LOG_INFO, LOG_FORMAT_TEXT, fds[1]);
	for (size_t shift = 0; shift < 4; shift++) {
		size_t len = shift;

		memset(text, 'x', shift);
		for (; len < 2 * LIMIT_LOG_LINE; len += 4)
			memcpy(text + len, "\xf0\x9f\x98\x80", 5);
		log_info("x", "%s", text);
		last_line();
		len = strlen(line);
		assert_true(len <= LIMIT_LOG_LINE && len > LIMIT_LOG_LINE - 24);
		assert_true(utf8_valid(line, len));
		assert_string_equal(line + len - 4, UTF8_ELLIPSIS "\n");
	}
	free(text);
}

static void test_long_json_lines_stay_json(void **state)
{
	char *text = x_malloc(3 * LIMIT_LOG_LINE);
	struct arena arena = ARENA_INIT;

	(void)state;
	log_setup(LOG_INFO, LOG_FORMAT_JSON, fds[1]);
	memset(text, '"', 3 * LIMIT_LOG_LINE);
	for (size_t len = LIMIT_LOG_LINE / 2 - 70; len < LIMIT_LOG_LINE / 2; len++) {
		text[len] = '\0';
		log_info("x", "%s", text);
		unit_json(&arena, last_line());
		assert_true(strlen(line) <= LIMIT_LOG_LINE);
		log_info(text, "x");
		unit_json(&arena, last_line());
		text[len] = '"';
	}
	free(text);
	arena_release(&arena);
}

static void test_sink_that_takes_nothing_does_no_harm(void **state)
{
	(void)state;
	log_setup(LOG_INFO, LOG_FORMAT_TEXT, -1);
	errno = ENOENT;
	log_info("x", "lost");
	assert_int_equal(errno, ENOENT);
}

static void test_names_are_parsed(void **state)
{
	(void)state;
	assert_int_equal(log_level_parse("error"), LOG_ERROR);
	assert_int_equal(log_level_parse("warn"), LOG_WARN);
	assert_int_equal(log_level_parse("info"), LOG_INFO);
	assert_int_equal(log_level_parse("debug"), LOG_DEBUG);
	assert_int_equal(log_level_parse("INFO"), -1);
	assert_int_equal(log_level_parse(""), -1);
	assert_int_equal(log_format_parse("text"), LOG_FORMAT_TEXT);
	assert_int_equal(log_format_parse("json"), LOG_FORMAT_JSON);
	assert_int_equal(log_format_parse("xml"), -1);
}

#define SINK_TEST(test) cmocka_unit_test_setup_teardown(test, open_sink, close_sink)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SINK_TEST(test_text_line_has_time_level_object_and_text),
		SINK_TEST(test_json_line_is_json),
		SINK_TEST(test_no_text_can_forge_a_line),
		SINK_TEST(test_levels_above_the_sinks_are_not_written),
		SINK_TEST(test_long_lines_are_cut_with_a_mark),
		SINK_TEST(test_long_json_lines_stay_json),
		SINK_TEST(test_sink_that_takes_nothing_does_no_harm),
		cmocka_unit_test(test_names_are_parsed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
