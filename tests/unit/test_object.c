#include <stdlib.h>

#include "api/object.h"
#include "api/resource.h"
#include "unit.h"

struct thing {
	struct object object;
	int number;
};

static struct arena arena;

static int reset(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static const char *const FULL =
	"{\"metadata\":{\"name\":\"shop-web\",\"namespace\":\"default\","
	"\"uid\":\"0a1b2c3d-0000-4000-8000-000000000001\",\"resourceVersion\":"
        "\"18446744073709551615\","
	"\"generation\":3,\"creationTimestamp\":\"2026-11-23T21:40:00Z\","
	"\"deletionTimestamp\":\"2026-11-23T21:41:00Z\","
	"\"labels\":{\"dyno.dev/formation\":\"shop\",\"dyno.dev/type\":\"web\"},"
	"\"ownerReferences\":[{\"uid\":\"other\"},{\"uid\":\"owner\",\"controller\":true}]}}";

static void test_head_is_filled_from_metadata(void **state)
{
	struct err err = ERR_INIT;
	struct object *object =
		object_new(unit_json(&arena, FULL), sizeof(struct thing), 0, NULL, &err);

	(void)state;
	assert_non_null(object);
	assert_string_equal(object->name, "shop-web");
	assert_string_equal(object->ns, "default");
	assert_string_equal(object->uid, "0a1b2c3d-0000-4000-8000-000000000001");
	assert_string_equal(object->formation, "shop");
	assert_string_equal(object->owner_uid, "owner");
	assert_true(object->version == UINT64_MAX);
	assert_int_equal(object->generation, 3);
	assert_true(object->created_ms == 1795470000000);
	assert_true(object->deleting);
	assert_true(list_empty(&object->by_formation));
	assert_int_equal(((struct thing *)object)->number, 0);
	assert_string_equal(object_key(&arena, object), "default/shop-web");
	free(object);
}

static void test_what_is_missing_is_empty(void **state)
{
	struct err err = ERR_INIT;
	struct object *object = object_new(
		unit_json(
			&arena,
			"{\"metadata\":{\"name\":\"2x\",\"uid\":\"u\",\"resourceVersion\":\"1\"}}"),
		sizeof(struct object), 0, NULL, &err);

	(void)state;
	assert_non_null(object);
	assert_string_equal(object->ns, "");
	assert_null(object->formation);
	assert_null(object->owner_uid);
	assert_int_equal(object->generation, 0);
	assert_int_equal(object->created_ms, 0);
	assert_false(object->deleting);
	assert_string_equal(object_key(&arena, object), "2x");
	free(object);
}

static void test_extra_bytes_are_zeroed_and_aligned(void **state)
{
	struct err err = ERR_INIT;
	char *extra = NULL;
	struct object *object =
		object_new(unit_json(&arena, FULL), sizeof(struct thing) + 1, 100, &extra, &err);

	(void)state;
	assert_non_null(object);
	assert_int_equal((uintptr_t)extra % 16, 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(extra[i], 0);
	memset(extra, 'x', 100);
	assert_string_equal(object->ns, "default");
	assert_string_equal(object->owner_uid, "owner");
	free(object);
}

static void test_object_without_identity_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *names;
	} cases[] = {
		{ "{}", "no name" },
		{ "[]", "no name" },
		{ "{\"metadata\":{\"namespace\":\"ns\"}}", "\"ns\"" },
		{ "{\"metadata\":{\"name\":\"\",\"uid\":\"u\",\"resourceVersion\":\"1\"}}",
		  "no name" },
		{ "{\"metadata\":{\"name\":\"n\",\"namespace\":\"ns\",\"resourceVersion\":\"1\"}}",
		  "ns/n: metadata.uid" },
		{ "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\"}}", "n: metadata.resourceVersion" },
		{ "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\",\"resourceVersion\":\"x\"}}",
		  "resourceVersion" },
		{ "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\",\"resourceVersion\":1}}",
		  "resourceVersion" },
		{ "{\"metadata\":{\"name\":\"n\",\"resourceVersion\":\"1\","
		  "\"uid\":\"0123456789012345678901234567890123456789\"}}",
		  "n: metadata.uid" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;

		assert_null(object_new(unit_json(&arena, cases[i].text), sizeof(struct object), 0,
		                       NULL, &err));
		assert_int_equal(err.code, ERR_PARSE);
		if (!strstr(err.msg, cases[i].names))
			fail_msg("%s", err.msg);
	}
}

static void test_uid_fits_up_to_its_ceiling(void **state)
{
	struct err err = ERR_INIT;
	struct object *object = object_new(
		unit_json(&arena, "{\"metadata\":{\"name\":\"n\",\"resourceVersion\":\"1\","
	                          "\"uid\":\"012345678901234567890123456789012345678\"}}"),
		sizeof(struct object), 0, NULL, &err);

	(void)state;
	assert_non_null(object);
	assert_int_equal(strlen(object->uid), UID_MAX - 1);
	free(object);
}

static void test_version_is_a_decimal_number(void **state)
{
	static const char *const bad[] = { "",
		                           "-1",
		                           "+1",
		                           " 1",
		                           "1 ",
		                           "0x1",
		                           "1.0",
		                           "abc",
		                           "18446744073709551616",
		                           "99999999999999999999999" };
	uint64_t version = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(version_parse(bad[i], &version), -1);
	assert_int_equal(version, 7);
	assert_int_equal(version_parse("0", &version), 0);
	assert_int_equal(version, 0);
	assert_int_equal(version_parse("18446744073709551615", &version), 0);
	assert_true(version == UINT64_MAX);
}

static void test_metadata_keeps_what_is_read_and_no_more(void **state)
{
	const struct json_keep keep[] = { { "metadata", KEEP_METADATA }, { 0 } };
	const char *text = "{\"metadata\":{\"name\":\"n\",\"managedFields\":[{\"x\":1}],\"labels\":"
	                   "{\"a\":\"b\"},"
			   "\"annotations\":{\"dyno.dev/quantity\":\"2\",\"kubectl.kubernetes.io/"
	                   "last-applied-configuration\":\"{}\","
			   "\"controller.kubernetes.io/pod-deletion-cost\":\"-1\"},"
			   "\"ownerReferences\":[{\"uid\":\"u\",\"controller\":true,"
	                   "\"blockOwnerDeletion\":true}]},\"spec\":{}}";
	struct json *value;
	struct err err;

	(void)state;
	assert_ok(json_parse(&arena, text, strlen(text), keep, &value, &err), &err);
	assert_string_equal(
		json_text(&arena, value),
		"{\"metadata\":{\"name\":\"n\",\"labels\":{\"a\":\"b\"},"
		"\"annotations\":{\"dyno.dev/quantity\":\"2\",\"controller.kubernetes.io/"
	        "pod-deletion-cost\":\"-1\"},"
		"\"ownerReferences\":[{\"uid\":\"u\",\"controller\":true}]}}");
}

static void test_api_versions_are_group_and_version(void **state)
{
	static const struct resource *const all[] = {
		&RESOURCE_FORMATION, &RESOURCE_DYNO_SIZE,   &RESOURCE_DEPLOYMENT, &RESOURCE_SERVICE,
		&RESOURCE_BUDGET,    &RESOURCE_REPLICA_SET, &RESOURCE_POD,        &RESOURCE_EVENT,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		const struct resource *resource = all[i];
		const char *slash = *resource->group ? "/" : "";

		assert_string_equal(
			resource->api_version,
			arena_printf(&arena, "%s%s%s", resource->group, slash, resource->version));
		assert_int_equal(resource->namespaced, resource != &RESOURCE_DYNO_SIZE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_head_is_filled_from_metadata, reset),
		cmocka_unit_test_teardown(test_what_is_missing_is_empty, reset),
		cmocka_unit_test_teardown(test_extra_bytes_are_zeroed_and_aligned, reset),
		cmocka_unit_test_teardown(test_object_without_identity_is_refused, reset),
		cmocka_unit_test_teardown(test_uid_fits_up_to_its_ceiling, reset),
		cmocka_unit_test_teardown(test_version_is_a_decimal_number, reset),
		cmocka_unit_test_teardown(test_metadata_keeps_what_is_read_and_no_more, reset),
		cmocka_unit_test_teardown(test_api_versions_are_group_and_version, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
