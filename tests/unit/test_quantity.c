#include "codec/quantity.h"
#include "unit.h"

static void test_amounts_are_those_of_kubernetes(void **state)
{
	/* As k8s.io/apimachinery reads them: thousandths and whole units, rounded up. */
	static const struct {
		const char *text;
		int64_t milli;
		int64_t units;
	} cases[] = {
		{ "0", 0, 0 },
		{ "-0", 0, 0 },
		{ "0Mi", 0, 0 },
		{ "1", 1000, 1 },
		{ "+1", 1000, 1 },
		{ "00001", 1000, 1 },
		{ "1.", 1000, 1 },
		{ ".5", 500, 1 },
		{ "1.000", 1000, 1 },
		{ "1e3", 1000000, 1000 },
		{ "1E3", 1000000, 1000 },
		{ "1e+3", 1000000, 1000 },
		{ "1e-3", 1, 1 },
		{ "1e-1000", 1, 1 },
		{ "0e1000", 0, 0 },
		{ "100m", 100, 1 },
		{ "1500m", 1500, 2 },
		{ "0.1", 100, 1 },
		{ "0.0001", 1, 1 },
		{ "1n", 1, 1 },
		{ "1u", 1, 1 },
		{ "1k", 1000000, 1000 },
		{ "1Ki", 1024000, 1024 },
		{ "0.5Ki", 512000, 512 },
		{ "0.1Ki", 102400, 103 },
		{ "1.5Gi", 1610612736000, 1610612736 },
		{ "3.14159Mi", 3294195876, 3294196 },
		{ "1.1111111111111111111111111Gi", 1193046471112, 1193046472 },
		{ "0.000000000000000000000000001", 1, 1 },
		{ "999999999999999999999n", 1000000000000000, 1000000000000 },
		{ "1000000000000000000000000n", 1000000000000000000, 1000000000000000 },
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t milli = -1, units = -1;

		assert_ok(quantity_parse_milli(cases[i].text, &milli, &err), &err);
		assert_ok(quantity_parse_units(cases[i].text, &units, &err), &err);
		if (milli != cases[i].milli || units != cases[i].units)
			fail_msg("%s: %lld, %lld", cases[i].text, (long long)milli,
			         (long long)units);
	}
}

static void test_what_is_no_quantity_is_refused(void **state)
{
	static const char *const bad[] = {
		"",      "+",    "-",     ".",   ".Ki",  "Ki",  "m",    "1K",  "1ki", "1KI",
		"1Gib",  "1m1",  " 1",    "1 ",  "1_0",  "1,5", "0x10", "1e",  "1e+", "1ee3",
		"1e3.5", "1e3m", "1.2.3", "--1", "1e3 ", "NaN", "inf",  "1Zi", "1mi", "1\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		int64_t number = 7;

		if (quantity_parse_milli(bad[i], &number, &err) == 0)
			fail_msg("not refused: %s", bad[i]);
		assert_int_equal(err.code, ERR_INVALID);
		assert_int_equal(number, 7);
	}
}

static void test_negative_quantity_is_refused(void **state)
{
	struct err err;
	int64_t number;

	(void)state;
	assert_int_equal(quantity_parse_milli("-1", &number, &err), -1);
	assert_string_equal(err.msg, "quantity \"-1\" is negative");
	assert_int_equal(quantity_parse_units("-1n", &number, &err), -1);
}

static void test_ceiling_is_what_fits(void **state)
{
	static const char *const over[] = { "9223372036854775808",
		                            "8Ei",
		                            "1e19",
		                            "1e1000",
		                            "1e99999999999",
		                            "12E",
		                            "99999999999999999999999999999999999999999" };
	struct err err;
	int64_t number;

	(void)state;
	assert_ok(quantity_parse_units("9223372036854775807", &number, &err), &err);
	assert_true(number == INT64_MAX);
	assert_ok(quantity_parse_units("9223372036854775806.1", &number, &err), &err);
	assert_true(number == INT64_MAX);
	assert_int_equal(quantity_parse_units("9223372036854775807.1", &number, &err), -1);
	assert_ok(quantity_parse_units("7Ei", &number, &err), &err);
	assert_ok(quantity_parse_milli("9223372036854775.807", &number, &err), &err);
	assert_true(number == INT64_MAX);
	assert_int_equal(quantity_parse_milli("9223372036854775.808", &number, &err), -1);
	for (size_t i = 0; i < ARRAY_SIZE(over); i++) {
		assert_int_equal(quantity_parse_units(over[i], &number, &err), -1);
		assert_non_null(strstr(err.msg, "too large"));
	}
}

static void test_same_amounts_are_equal(void **state)
{
	(void)state;
	assert_true(quantity_equal("1", "1000m"));
	assert_true(quantity_equal("1Gi", "1024Mi"));
	assert_true(quantity_equal("1e3", "1k"));
	assert_true(quantity_equal("0", "0Mi"));
	assert_true(quantity_equal("0.1", "100m"));
	assert_true(quantity_equal("7Ei", "7Ei"));
	assert_false(quantity_equal("1", "1001m"));
	assert_false(quantity_equal("1", "1000000001n"));
	assert_false(quantity_equal("1G", "1Gi"));
	assert_false(quantity_equal("x", "x"));
	assert_false(quantity_equal("1", ""));
}

static void test_text_is_canonical(void **state)
{
	/* As k8s.io/apimachinery prints them. */
	static const struct {
		int64_t number;
		const char *bytes;
		const char *cpu;
	} cases[] = {
		{ 0, "0", "0" },
		{ 1, "1", "1m" },
		{ 999, "999", "999m" },
		{ 1000, "1k", "1" },
		{ 1023, "1023", "1023m" },
		{ 1024, "1Ki", "1024m" },
		{ 1025, "1025", "1025m" },
		{ 1536, "1536", "1536m" },
		{ 2048, "2Ki", "2048m" },
		{ 1000000, "1000000", "1k" },
		{ 1048576, "1Mi", "1048576m" },
		{ 1049600, "1025Ki", "1049600m" },
		{ 1610612736, "1536Mi", "1610612736m" },
		{ 1073741824, "1Gi", "1073741824m" },
		{ 1024000, "1000Ki", "1024" },
		{ 1152921504606846976, "1Ei", "1152921504606846976m" },
		{ INT64_MAX, "9223372036854775807", "9223372036854775807m" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[QUANTITY_TEXT_MAX];

		quantity_format_bytes(cases[i].number, text);
		assert_string_equal(text, cases[i].bytes);
		quantity_format_cpu(cases[i].number, text);
		assert_string_equal(text, cases[i].cpu);
	}
}

static void test_text_reads_back_as_the_same_amount(void **state)
{
	struct err err;

	(void)state;
	for (int64_t number = 1; number < INT64_MAX / 3; number = number * 2 + number / 7 + 1) {
		char text[QUANTITY_TEXT_MAX];
		int64_t again;

		quantity_format_bytes(number, text);
		assert_ok(quantity_parse_units(text, &again, &err), &err);
		assert_true(again == number);
		quantity_format_cpu(number, text);
		assert_ok(quantity_parse_milli(text, &again, &err), &err);
		assert_true(again == number);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_amounts_are_those_of_kubernetes),
		cmocka_unit_test(test_what_is_no_quantity_is_refused),
		cmocka_unit_test(test_negative_quantity_is_refused),
		cmocka_unit_test(test_ceiling_is_what_fits),
		cmocka_unit_test(test_same_amounts_are_equal),
		cmocka_unit_test(test_text_is_canonical),
		cmocka_unit_test(test_text_reads_back_as_the_same_amount),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
