#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "unit.h"

static void test_values_are_found_by_key(void **state)
{
	struct map map;
	int one, two;

	(void)state;
	map_init(&map);
	assert_null(map_get(&map, "a"));
	assert_null(map_remove(&map, "a"));
	assert_null(map_put(&map, "a", &one));
	assert_null(map_put(&map, "", &two));
	assert_ptr_equal(map_get(&map, "a"), &one);
	assert_ptr_equal(map_get(&map, ""), &two);
	assert_null(map_get(&map, "b"));
	assert_ptr_equal(map_put(&map, "a", &two), &one);
	assert_int_equal(map.count, 2);
	assert_ptr_equal(map_remove(&map, "a"), &two);
	assert_null(map_get(&map, "a"));
	assert_int_equal(map.count, 1);
	map_release(&map);
	assert_int_equal(map.count, 0);
	assert_null(map_get(&map, ""));
	map_put(&map, "again", &one);
	map_release(&map);
}

static void test_keys_are_copied(void **state)
{
	char key[] = "key";
	struct map map;
	int one;

	(void)state;
	map_init(&map);
	map_put(&map, key, &one);
	key[0] = 'x';
	assert_ptr_equal(map_get(&map, "key"), &one);
	map_release(&map);
}

static void test_borrowed_keys_go_with_their_value(void **state)
{
	char *old = x_strdup("key"), *new = x_strdup("key");
	const char *key;
	size_t cursor = 0;
	struct map map;
	int one, two;

	(void)state;
	map_init_borrow(&map);
	map_put(&map, old, &one);
	assert_ptr_equal(map_put(&map, new, &two), &one);
	free(old);
	assert_true(map_next(&map, &cursor, &key, NULL));
	assert_ptr_equal(key, new);
	assert_ptr_equal(map_get(&map, "key"), &two);
	assert_ptr_equal(map_remove(&map, "key"), &two);
	free(new);
	map_release(&map);
}

enum { MANY = 5000 };

static int numbers[MANY];

static void key_of(size_t number, char key[40])
{
	snprintf(key, 40, "default/shop-%zu", number);
}

static void fill(struct map *map, size_t count)
{
	char key[40];

	for (size_t i = 0; i < count; i++) {
		key_of(i, key);
		numbers[i] = 0;
		assert_null(map_put(map, key, &numbers[i]));
	}
}

static void test_many_entries_come_and_go(void **state)
{
	unsigned random = 7;
	bool there[MANY] = { false };
	struct map map;
	size_t count = 0;
	char key[40];

	(void)state;
	map_init(&map);
	for (int step = 0; step < 200000; step++) {
		size_t i = (random = random * 1103515245 + 12345) >> 8;
		void *expected;

		i %= step % 50000 < 25000 ? MANY : 64;
		expected = there[i] ? &numbers[i] : NULL;
		key_of(i, key);
		if (random & 1 << 30) {
			assert_ptr_equal(map_put(&map, key, &numbers[i]), expected);
			count += !there[i];
			there[i] = true;
		} else {
			assert_ptr_equal(map_remove(&map, key), expected);
			count -= there[i];
			there[i] = false;
		}
		assert_int_equal(map.count, count);
	}
	for (size_t i = 0; i < MANY; i++) {
		key_of(i, key);
		assert_ptr_equal(map_get(&map, key), there[i] ? &numbers[i] : NULL);
	}
	map_release(&map);
}

static void test_walk_gives_each_entry_once(void **state)
{
	(void)state;
	for (size_t count = 0; count < 200; count++) {
		struct map map;
		size_t cursor = 0, seen = 0;
		void *value;

		map_init(&map);
		fill(&map, count);
		for (; map_next(&map, &cursor, NULL, &value); seen++)
			assert_int_equal((*(int *)value)++, 0);
		assert_int_equal(seen, count);
		assert_false(map_next(&map, &cursor, NULL, NULL));
		map_release(&map);
	}
}

/* Remove the current entry in each `every` steps, and an earlier one too. */
static void walk_and_remove(size_t count, size_t every)
{
	const char *key, *before = NULL;
	size_t cursor = 0, seen = 0, removed = 0;
	struct map map;
	void *value;

	map_init(&map);
	fill(&map, count);
	while (map_next(&map, &cursor, &key, &value)) {
		assert_int_equal((*(int *)value)++, 0);
		if (seen++ % every) {
			before = key;
			continue;
		}
		assert_ptr_equal(map_remove(&map, key), value);
		removed++;
		if (before) {
			assert_non_null(map_remove(&map, before));
			before = NULL;
			removed++;
		}
	}
	assert_int_equal(seen, count);
	assert_int_equal(map.count, count - removed);
	map_release(&map);
}

static void test_entries_may_be_removed_during_a_walk(void **state)
{
	(void)state;
	for (size_t count = 0; count < 150; count++) {
		for (size_t every = 1; every < 5; every++)
			walk_and_remove(count, every);
	}
	walk_and_remove(MANY, 1);
	walk_and_remove(MANY, 2);
}

static void test_similar_keys_are_told_apart(void **state)
{
	struct map map;
	char key[40];

	(void)state;
	map_init(&map);
	/* Long keys that differ in one byte at each place, so that every word of the hash matters.
	 */
	for (size_t i = 0; i < 31; i++) {
		memset(key, 'x', 31);
		key[31] = '\0';
		key[i] = 'y';
		assert_null(map_put(&map, key, &numbers[i]));
		key[i] = '\0';
		assert_null(map_put(&map, key, &numbers[i + 100]));
	}
	assert_int_equal(map.count, 62);
	map_release(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_are_found_by_key),
		cmocka_unit_test(test_keys_are_copied),
		cmocka_unit_test(test_borrowed_keys_go_with_their_value),
		cmocka_unit_test(test_many_entries_come_and_go),
		cmocka_unit_test(test_walk_gives_each_entry_once),
		cmocka_unit_test(test_entries_may_be_removed_during_a_walk),
		cmocka_unit_test(test_similar_keys_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
