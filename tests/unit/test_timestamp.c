#include <time.h>

#include "codec/timestamp.h"
#include "unit.h"

static void test_timestamps_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t unix_ms;
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-23T21:40:00Z", 1795470000000 },
		{ "2026-11-23T21:40:00.5Z", 1795470000500 },
		{ "2026-11-23T21:40:00.123456Z", 1795470000123 },
		{ "2026-11-23T21:40:00.999999999Z", 1795470000999 },
		{ "2026-11-23T23:40:00+02:00", 1795470000000 },
		{ "2026-11-23T16:10:00-05:30", 1795470000000 },
		{ "2024-02-29T00:00:00Z", 1709164800000 },
		{ "2000-02-29T00:00:00Z", 951782400000 },
		{ "9999-12-31T23:59:59.999Z", 253402300799999 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_true(timestamp_parse(cases[i].text) == cases[i].unix_ms);
}

static void test_what_is_no_timestamp_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"x",
		"2026",
		"2026-11-23",
		"2026-11-23T21:40:00",
		"2026-11-23T21:40Z",
		"2026-11-23 21:40:00Z",
		"2026-11-23t21:40:00Z",
		"2026-11-23T21:40:00z",
		"2026-1-23T21:40:00Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"1900-02-29T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-01-00T00:00:00Z",
		"2026-01-32T00:00:00Z",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2026-01-01T00:00:60Z",
		"2026-01-01T00:00:00.Z",
		"2026-01-01T00:00:00,5Z",
		"2026-01-01T00:00:00Zx",
		"2026-01-01T00:00:00+1:00",
		"2026-01-01T00:00:00+24:00",
		"2026-01-01T00:00:00+01:60",
		"2026-01-01T00:00:00+0100",
		"1969-12-31T23:59:59Z",
		"1970-01-01T00:00:00+00:01",
		"+026-01-01T00:00:00Z",
		" 2026-01-01T00:00:00Z",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (timestamp_parse(bad[i]) != -1)
			fail_msg("not refused: %s", bad[i]);
	}
}

static void test_timestamps_are_written_as_kubernetes_does(void **state)
{
	char text[TIMESTAMP_MAX];

	(void)state;
	timestamp_format(1795470000123, text);
	assert_string_equal(text, "2026-11-23T21:40:00Z");
	timestamp_format_micro(1795470000123, text);
	assert_string_equal(text, "2026-11-23T21:40:00.123000Z");
	timestamp_format_micro(1795470000007, text);
	assert_string_equal(text, "2026-11-23T21:40:00.007000Z");
}

static void test_what_is_out_of_range_is_clamped(void **state)
{
	char text[TIMESTAMP_MAX];

	(void)state;
	timestamp_format(-1, text);
	assert_string_equal(text, "1970-01-01T00:00:00Z");
	timestamp_format_micro(INT64_MIN, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
	timestamp_format(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
	timestamp_format_micro(253402300800000, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999000Z");
}

static void test_every_day_agrees_with_the_c_library(void **state)
{
	(void)state;
	for (int64_t day = 0; day < 150000; day++) {
		time_t now = (time_t)(day * 86400 + day % 86400);
		char text[TIMESTAMP_MAX], expected[TIMESTAMP_MAX];
		struct tm tm;

		gmtime_r(&now, &tm);
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%SZ", &tm);
		timestamp_format(now * 1000, text);
		assert_string_equal(text, expected);
		assert_true(timestamp_parse(text) == now * 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timestamps_are_read),
		cmocka_unit_test(test_what_is_no_timestamp_is_refused),
		cmocka_unit_test(test_timestamps_are_written_as_kubernetes_does),
		cmocka_unit_test(test_what_is_out_of_range_is_clamped),
		cmocka_unit_test(test_every_day_agrees_with_the_c_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
