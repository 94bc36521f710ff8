#include "codec/digest.h"
#include "unit.h"

static void test_digest_is_the_start_of_a_sha256(void **state)
{
	char hex[33];

	(void)state;
	digest_hex(digest_of("abc", 3), 16, hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223");
	digest_hex(digest_of("", 0), 16, hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb924");
	digest_hex(digest_of("abc", 3), 5, hex);
	assert_string_equal(hex, "ba7816bf8f");
	digest_hex(digest_of("abc", 3), 0, hex);
	assert_string_equal(hex, "");
}

static void test_digests_compare_by_contents(void **state)
{
	struct digest none = { { 0 } };

	(void)state;
	assert_true(digest_equal(digest_of("abc", 3), digest_of("abcd", 3)));
	assert_false(digest_equal(digest_of("abc", 3), digest_of("abd", 3)));
	assert_true(digest_is_none(none));
	assert_false(digest_is_none(digest_of("", 0)));
}

static void decodes(const char *text, const char *expected)
{
	unsigned char out[64];
	long n = base64_decode(text, out, sizeof(out));

	assert_int_equal(n, strlen(expected));
	assert_memory_equal(out, expected, (size_t)n);
}

static void test_base64_is_decoded(void **state)
{
	(void)state;
	decodes("", "");
	decodes("Zg==", "f");
	decodes("Zm8=", "fo");
	decodes("Zm9v", "foo");
	decodes("Zm9vYg==", "foob");
	decodes("Zm9vYmE=", "fooba");
	decodes("Zm9vYmFy", "foobar");
	decodes("+/+/", "\xfb\xff\xbf");
	decodes(" Zm9v\r\nYm\tFy\n", "foobar");
	decodes("Zm9vYg\n=\n=\n", "foob");
}

static void test_malformed_base64_is_refused(void **state)
{
	static const char *const bad[] = { "Z",        "Zg",   "Zg=",   "Zm8",         "Zm9vY",
		                           "=",        "====", "Z===",  "Zg==Zg==",    "Zm9v=",
		                           "Zm9vYg=x", "Zm-_", "Zm9v!", "Zm\xc3\xa9v", "Zg==x" };
	unsigned char out[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (base64_decode(bad[i], out, sizeof(out)) != -1)
			fail_msg("not refused: %s", bad[i]);
	}
}

static void test_base64_stays_within_its_capacity(void **state)
{
	unsigned char out[4] = { 0, 0, 0, 'x' };

	(void)state;
	assert_int_equal(base64_decode("Zm9v", out, 3), 3);
	assert_int_equal(base64_decode("Zm9v", out, 2), -1);
	assert_int_equal(base64_decode("Zm8=", out, 2), 2);
	assert_int_equal(base64_decode("Zm9vYg==", out, 3), -1);
	assert_int_equal(base64_decode("", out, 0), 0);
	assert_int_equal(out[3], 'x');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digest_is_the_start_of_a_sha256),
		cmocka_unit_test(test_digests_compare_by_contents),
		cmocka_unit_test(test_base64_is_decoded),
		cmocka_unit_test(test_malformed_base64_is_refused),
		cmocka_unit_test(test_base64_stays_within_its_capacity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
