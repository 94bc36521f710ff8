#include "unit.h"

#include <stdlib.h>

#include "controller/changes.h"
#include "controller/size_users.h"

/* One object of a store, from its metadata's and its other members' text. */
static struct json *parsed(struct arena *arena, const char *name, int version, const char *labels,
			   const char *more)
{
	struct json *value = NULL;
	struct err err = ERR_INIT;
	const char *text = arena_printf(arena,
					"{\"metadata\":{\"name\":\"%s\",\"uid\":\"u-%s\","
					"\"resourceVersion\":\"%d\",\"labels\":{%s}}%s}",
					name, name, version, labels, more);

	assert_ok(json_parse(arena, text, strlen(text), NULL, &value, &err), &err);
	return value;
}

static struct object *pod(const char *name, int version, const char *size, const char *more)
{
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *labels = arena_printf(&arena, "\"dyno.dev/size\":\"%s\"", size);
	struct observed_pod *pod =
		observed_pod_new(parsed(&arena, name, version, labels, more), &err);

	assert_non_null(pod);
	arena_release(&arena);
	return &pod->object;
}

static struct object *size(const char *name, int version, const char *more)
{
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	struct stored_size *size = stored_size_new(parsed(&arena, name, version, "", more), &err);

	assert_non_null(size);
	arena_release(&arena);
	return &size->object;
}

static void put(struct store *store, struct object *object)
{
	struct object *old = NULL;

	assert_true(store_put(store, object, &old));
	free(old);
}

#define ON_A_NODE ",\"spec\":{\"nodeName\":\"n\"}"

static void assert_counts(const struct store *sizes, const struct store *pods, const char *expected)
{
	struct arena arena = ARENA_INIT;
	struct buf text = BUF_INIT(1024);
	size_t count = 0;
	const struct size_count *counts = size_counts(&arena, sizes, pods, &count);

	for (size_t i = 0; i < count; i++)
		buf_printf(&text, "%s=%d ", counts[i].size->object.name, counts[i].dynos);
	assert_string_equal(buf_cstr(&text), expected);
	buf_release(&text);
	arena_release(&arena);
}

static void test_dynos_on_nodes_are_counted_by_the_size_they_have(void **state)
{
	struct store *sizes = store_new(), *pods = store_new();

	(void)state;
	assert_counts(sizes, pods, "");
	put(pods, pod("a", 1, "1X", ON_A_NODE));
	put(pods, pod("b", 2, "1X", ON_A_NODE ",\"status\":{\"phase\":\"Running\"}"));
	put(pods, pod("c", 3, "2X", ON_A_NODE));
	put(pods, pod("d", 4, "2X", ""));
	put(pods, pod("e", 5, "2X", ON_A_NODE ",\"status\":{\"phase\":\"Failed\"}"));
	put(pods, pod("f", 6, "2X", ON_A_NODE ",\"status\":{\"phase\":\"Succeeded\"}"));
	put(pods, pod("g", 7, "GONE", ON_A_NODE));
	put(pods, pod("h", 8, "", ON_A_NODE));
	assert_counts(sizes, pods, "");
	put(sizes, size("px", 1, ""));
	put(sizes, size("2x", 2, ""));
	put(sizes, size("1x", 3, ""));
	assert_counts(sizes, pods, "1x=2 2x=1 px=0 ");
	store_free(sizes);
	store_free(pods);
}

static void test_what_changes_a_count_and_what_does_not(void **state)
{
	const struct {
		const char *size, *more;
	} KINDS[] = {
		{"1X", ""},
		{"2X", ""},
		{"1X", ON_A_NODE},
		{"2X", ON_A_NODE},
		{"1X", ON_A_NODE ",\"status\":{\"phase\":\"Failed\"}"},
	};
	const int PLACE[] = {0, 0, 1, 2, 0}; /* where each counts */
	struct object *objects[ARRAY_SIZE(KINDS)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(KINDS); i++)
		objects[i] = pod("p", 1, KINDS[i].size, KINDS[i].more);
	for (size_t i = 0; i < ARRAY_SIZE(KINDS); i++) {
		assert_int_equal(size_counts_differ(NULL, objects[i]), PLACE[i] != 0);
		assert_int_equal(size_counts_differ(objects[i], NULL), PLACE[i] != 0);
		for (size_t j = 0; j < ARRAY_SIZE(KINDS); j++)
			assert_int_equal(size_counts_differ(objects[i], objects[j]),
					 PLACE[i] != PLACE[j]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(KINDS); i++)
		free(objects[i]);
}

static void test_a_number_that_a_size_says_wakes_no_formation(void **state)
{
	struct object *silent = size("1x", 1, ""), *seven = size("1x", 2, ",\"status\":{\"dynos\":7}");
	struct object *eight = size("1x", 3, ",\"status\":{\"dynos\":8}");

	(void)state;
	assert_int_equal(((struct stored_size *)silent)->dynos, -1);
	assert_int_equal(((struct stored_size *)seven)->dynos, 7);
	assert_int_equal(change_of_size(silent, seven), CHANGE_STATUS);
	assert_int_equal(change_of_size(seven, eight), CHANGE_STATUS);
	assert_int_equal(change_of_size(seven, seven), CHANGE_NONE);
	assert_int_equal(change_of_size(NULL, seven), CHANGE_NOW);
	assert_int_equal(change_of_size(seven, NULL), CHANGE_NOW);
	free(silent);
	free(seven);
	free(eight);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dynos_on_nodes_are_counted_by_the_size_they_have),
		cmocka_unit_test(test_what_changes_a_count_and_what_does_not),
		cmocka_unit_test(test_a_number_that_a_size_says_wakes_no_formation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
