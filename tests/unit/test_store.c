#include <stdio.h>
#include <stdlib.h>

#include "kube/store.h"
#include "unit.h"

enum { MANY = 5000 };

/* An object as object_new makes it: one allocation. */
static struct object *make(const char *ns, const char *name, const char *formation,
			   const char *uid, uint64_t version)
{
	size_t size = sizeof(struct object) + strlen(ns) + strlen(name) + 2;
	struct object *object;
	char *at;

	size += formation ? strlen(formation) + 1 : 0;
	object = x_calloc(1, size);
	at = (char *)(object + 1);
	object->ns = at;
	at = stpcpy(at, ns) + 1;
	object->name = at;
	at = stpcpy(at, name) + 1;
	if (formation) {
		object->formation = at;
		strcpy(at, formation);
	}
	snprintf(object->uid, sizeof(object->uid), "%s", uid);
	object->version = version;
	list_init(&object->by_formation);
	return object;
}

/* Put an object that has to be taken; what it replaces is freed. */
static void put(struct store *store, struct object *object)
{
	struct object *old = NULL;

	assert_true(store_put(store, object, &old));
	free(old);
}

/* Put an object that has to be refused. */
static void refuse(struct store *store, struct object *object)
{
	struct object *old = NULL;

	assert_false(store_put(store, object, &old));
	assert_null(old);
	free(object);
}

static int setup(void **state)
{
	*state = store_new();
	return 0;
}

static int teardown(void **state)
{
	store_free(*state);
	return 0;
}

static bool count_one(void *arg, const struct object *object)
{
	(void)object;
	++*(size_t *)arg;
	return true;
}

static size_t count_of(const struct store *store, const char *ns, const char *formation)
{
	size_t count = 0;

	store_each_of(store, ns, formation, count_one, &count);
	return count;
}

static void test_an_object_is_found_by_namespace_and_name(void **state)
{
	struct store *store = *state;

	put(store, make("a", "web", NULL, "u1", 1));
	put(store, make("b", "web", NULL, "u2", 1));
	put(store, make("", "web", NULL, "u3", 1));
	assert_string_equal(store_get(store, "a", "web")->uid, "u1");
	assert_string_equal(store_get(store, "b", "web")->uid, "u2");
	assert_string_equal(store_get(store, NULL, "web")->uid, "u3");
	assert_null(store_get(store, "c", "web"));
	assert_int_equal(store_count(store), 3);
}

static void test_a_key_does_not_depend_on_where_the_namespace_ends(void **state)
{
	struct store *store = *state;

	put(store, make("ab", "c", NULL, "u1", 1));
	assert_null(store_get(store, "a", "bc"));
	assert_null(store_get(store, "", "abc"));
}

static void test_an_older_or_equal_version_is_refused(void **state)
{
	struct store *store = *state;

	put(store, make("a", "web", NULL, "u1", 10));
	refuse(store, make("a", "web", NULL, "u1", 10));
	refuse(store, make("a", "web", NULL, "u1", 9));
	put(store, make("a", "web", NULL, "u1", 11));
	assert_int_equal(store_get(store, "a", "web")->version, 11);
}

static void test_the_replaced_object_is_handed_back(void **state)
{
	struct store *store = *state;
	struct object *first = make("a", "web", "shop", "u1", 10), *old = NULL;

	assert_true(store_put(store, first, &old));
	assert_null(old);
	assert_true(store_put(store, make("a", "web", "shop", "u1", 11), &old));
	assert_ptr_equal(old, first);
	free(old);
	assert_int_equal(count_of(store, "a", "shop"), 1);
}

static void test_versions_compare_as_numbers(void **state)
{
	struct store *store = *state;

	put(store, make("a", "web", NULL, "u1", 99));
	put(store, make("a", "web", NULL, "u1", 100));
	put(store, make("a", "web", NULL, "u1", UINT64_MAX));
	refuse(store, make("a", "web", NULL, "u1", 100));
}

static void test_another_uid_of_the_name_wins_only_when_newer(void **state)
{
	struct store *store = *state;

	put(store, make("a", "web", NULL, "u2", 20));
	refuse(store, make("a", "web", NULL, "u1", 19));
	put(store, make("a", "web", NULL, "u3", 30));
	refuse(store, make("a", "web", NULL, "u2", 29));
	assert_string_equal(store_get(store, "a", "web")->uid, "u3");
}

static void test_a_removed_object_does_not_come_back_by_a_late_answer(void **state)
{
	struct store *store = *state;

	put(store, make("a", "web", NULL, "u1", 10));
	free(store_remove(store, "a", "web", "u1", 12));
	refuse(store, make("a", "web", NULL, "u1", 11));
	refuse(store, make("a", "web", NULL, "u1", 12));
	assert_int_equal(store_count(store), 0);
}

static void test_an_object_that_left_the_selector_comes_back_when_newer(void **state)
{
	struct store *store = *state;

	put(store, make("a", "web", NULL, "u1", 10));
	free(store_remove(store, "a", "web", "u1", 12));
	put(store, make("a", "web", NULL, "u1", 13));
}

static void test_a_uid_that_is_gone_for_good_never_comes_back(void **state)
{
	struct store *store = *state;

	put(store, make("a", "web", NULL, "u1", 10));
	free(store_remove(store, "a", "web", "u1", 0));
	refuse(store, make("a", "web", NULL, "u1", UINT64_MAX - 1));
	put(store, make("a", "web", NULL, "u2", 11));
}

static void test_a_uid_is_remembered_as_gone_before_it_was_seen(void **state)
{
	struct store *store = *state;

	assert_null(store_remove(store, "a", "web", "u1", 12));
	refuse(store, make("a", "web", NULL, "u1", 11));
}

static void test_remove_spares_another_uid_and_a_newer_version(void **state)
{
	struct store *store = *state;

	put(store, make("a", "web", NULL, "u2", 20));
	assert_null(store_remove(store, "a", "web", "u1", 25));
	assert_null(store_remove(store, "a", "web", "u2", 19));
	assert_int_equal(store_count(store), 1);
	free(store_remove(store, "a", "web", NULL, 0));
	assert_int_equal(store_count(store), 0);
}

static void test_the_last_thousand_removals_are_remembered(void **state)
{
	struct store *store = *state;
	char uid[UID_MAX];

	for (int i = 0; i < MANY; i++) {
		snprintf(uid, sizeof(uid), "u%d", i);
		assert_null(store_remove(store, "a", "web", uid, 100));
	}
	snprintf(uid, sizeof(uid), "u%d", MANY - 1000);
	refuse(store, make("a", "web", NULL, uid, 50));
	put(store, make("a", "web", NULL, "u0", 50));
}

static void test_a_formation_has_its_objects_and_no_others(void **state)
{
	struct store *store = *state;

	put(store, make("a", "shop-web", "shop", "u1", 1));
	put(store, make("a", "shop-worker", "shop", "u2", 1));
	put(store, make("b", "shop-web", "shop", "u3", 1));
	put(store, make("a", "other-web", "other", "u4", 1));
	put(store, make("a", "stray", NULL, "u5", 1));
	assert_int_equal(count_of(store, "a", "shop"), 2);
	assert_int_equal(count_of(store, "b", "shop"), 1);
	assert_int_equal(count_of(store, "a", "none"), 0);
}

static void test_an_object_moves_when_its_label_changes(void **state)
{
	struct store *store = *state;

	put(store, make("a", "web", "shop", "u1", 1));
	put(store, make("a", "web", "other", "u1", 2));
	assert_int_equal(count_of(store, "a", "shop"), 0);
	assert_int_equal(count_of(store, "a", "other"), 1);
	put(store, make("a", "web", NULL, "u1", 3));
	assert_int_equal(count_of(store, "a", "other"), 0);
	assert_int_equal(store_count(store), 1);
}

struct order {
	char names[64];
};

static bool note_name(void *arg, const struct object *object)
{
	struct order *order = arg;

	strcat(order->names, object->name);
	return strlen(order->names) < 2;
}

static void test_a_formation_is_walked_in_order_until_the_visitor_stops(void **state)
{
	struct store *store = *state;
	struct order order = { "" };

	put(store, make("a", "x", "shop", "u1", 1));
	put(store, make("a", "y", "shop", "u2", 1));
	put(store, make("a", "z", "shop", "u3", 1));
	store_each_of(store, "a", "shop", note_name, &order);
	assert_string_equal(order.names, "xy");
}

static void free_swept(void *arg, struct object *object)
{
	strcat(((struct order *)arg)->names, object->name);
	free(object);
}

static void test_a_sweep_takes_what_the_list_did_not_name(void **state)
{
	struct store *store = *state;
	struct order gone = { "" };

	put(store, make("a", "x", "shop", "u1", 1));
	put(store, make("a", "y", "shop", "u2", 2));
	put(store, make("a", "z", "shop", "u3", 3));
	store_sweep_begin(store, NULL);
	store_mark_seen(store, "a", "x");
	put(store, make("a", "z", "shop", "u3", 4));
	store_sweep(store, NULL, 10, free_swept, &gone);
	assert_string_equal(gone.names, "y");
	assert_int_equal(count_of(store, "a", "shop"), 2);
	refuse(store, make("a", "y", "shop", "u2", 9));
}

static void test_a_refused_put_still_marks_as_seen(void **state)
{
	struct store *store = *state;
	struct order gone = { "" };

	put(store, make("a", "x", NULL, "u1", 5));
	store_sweep_begin(store, NULL);
	refuse(store, make("a", "x", NULL, "u1", 5));
	store_sweep(store, NULL, 10, free_swept, &gone);
	assert_string_equal(gone.names, "");
}

static void test_a_sweep_spares_what_is_newer_than_the_list(void **state)
{
	struct store *store = *state;
	struct order gone = { "" };

	store_sweep_begin(store, NULL);
	put(store, make("a", "x", NULL, "u1", 11));
	store_sweep_begin(store, NULL);
	store_sweep(store, NULL, 10, free_swept, &gone);
	assert_string_equal(gone.names, "");
	assert_int_equal(store_count(store), 1);
}

static void test_a_sweep_of_one_namespace_leaves_the_others(void **state)
{
	struct store *store = *state;
	struct order gone = { "" };

	put(store, make("a", "x", NULL, "u1", 1));
	put(store, make("b", "y", NULL, "u2", 1));
	store_sweep_begin(store, "a");
	store_sweep(store, "a", 10, free_swept, &gone);
	assert_string_equal(gone.names, "x");
	assert_int_equal(store_count(store), 1);
}

/* Numbers that look like chance but are the same in each run. */
static unsigned chance(unsigned *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return *seed >> 8;
}

static void test_ten_thousand_random_changes_agree_with_a_plain_array(void **state)
{
	enum { KEYS = 400, CHANGES = 10000 };
	struct store *store = *state;
	uint64_t versions[KEYS] = { 0 };
	unsigned seed = 7;
	size_t count = 0;
	char name[16], formation[16], uid[16];

	for (uint64_t version = 1; version <= CHANGES; version++) {
		unsigned key = chance(&seed) % KEYS;

		snprintf(name, sizeof(name), "n%u", key);
		snprintf(formation, sizeof(formation), "f%u", key % 7);
		snprintf(uid, sizeof(uid), "u%u-%llu", key, (unsigned long long)version);
		if (chance(&seed) % 3) {
			count += !versions[key];
			versions[key] = version;
			put(store, make("a", name, formation, uid, version));
		} else {
			count -= versions[key] != 0;
			versions[key] = 0;
			free(store_remove(store, "a", name, NULL, 0));
		}
		assert_int_equal(store_count(store), count);
	}
	for (unsigned key = 0; key < KEYS; key++) {
		const struct object *object;

		snprintf(name, sizeof(name), "n%u", key);
		object = store_get(store, "a", name);
		assert_int_equal(object ? object->version : 0, versions[key]);
	}
	for (unsigned f = 0; f < 7; f++) {
		size_t of = 0;

		for (unsigned key = f; key < KEYS; key += 7)
			of += versions[key] != 0;
		snprintf(formation, sizeof(formation), "f%u", f);
		assert_int_equal(count_of(store, "a", formation), of);
	}
}

static void free_counted(void *arg, struct object *object)
{
	++*(size_t *)arg;
	free(object);
}

static void test_a_full_sweep_of_many_leaves_nothing(void **state)
{
	struct store *store = *state;
	size_t before = 0, after = 0, swept = 0;
	char name[16], uid[16];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		snprintf(uid, sizeof(uid), "u%d", i);
		put(store, make("a", name, "shop", uid, 1));
	}
	store_each(store, count_one, &before);
	store_sweep_begin(store, NULL);
	store_sweep(store, NULL, 1, free_counted, &swept);
	store_each(store, count_one, &after);
	assert_int_equal(before, MANY);
	assert_int_equal(after, 0);
	assert_int_equal(count_of(store, "a", "shop"), 0);
	assert_int_equal(swept, MANY);
}

#define store_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(test_an_object_is_found_by_namespace_and_name),
		store_test(test_a_key_does_not_depend_on_where_the_namespace_ends),
		store_test(test_an_older_or_equal_version_is_refused),
		store_test(test_the_replaced_object_is_handed_back),
		store_test(test_versions_compare_as_numbers),
		store_test(test_another_uid_of_the_name_wins_only_when_newer),
		store_test(test_a_removed_object_does_not_come_back_by_a_late_answer),
		store_test(test_an_object_that_left_the_selector_comes_back_when_newer),
		store_test(test_a_uid_that_is_gone_for_good_never_comes_back),
		store_test(test_a_uid_is_remembered_as_gone_before_it_was_seen),
		store_test(test_remove_spares_another_uid_and_a_newer_version),
		store_test(test_the_last_thousand_removals_are_remembered),
		store_test(test_a_formation_has_its_objects_and_no_others),
		store_test(test_an_object_moves_when_its_label_changes),
		store_test(test_a_formation_is_walked_in_order_until_the_visitor_stops),
		store_test(test_a_sweep_takes_what_the_list_did_not_name),
		store_test(test_a_refused_put_still_marks_as_seen),
		store_test(test_a_sweep_spares_what_is_newer_than_the_list),
		store_test(test_a_sweep_of_one_namespace_leaves_the_others),
		store_test(test_ten_thousand_random_changes_agree_with_a_plain_array),
		store_test(test_a_full_sweep_of_many_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
