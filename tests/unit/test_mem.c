#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static void test_copies_end_with_nul(void **state)
{
	char *a = x_strdup("text"), *b = x_strndup("text", 2), *c = x_asprintf("%s-%d", "x", 7);

	(void)state;
	assert_string_equal(a, "text");
	assert_string_equal(b, "te");
	assert_string_equal(c, "x-7");
	free(a);
	free(b);
	free(c);
}

static void test_nothing_is_something(void **state)
{
	void *a = x_malloc(0), *b = x_calloc(0, 8), *c = x_realloc(NULL, 0);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
	free(a);
	free(b);
	free(c);
}

static void test_locals_are_freed_at_the_end_of_their_scope(void **state)
{
	char *text cleanup(free_charp) = x_strdup("freed, or the leak check says so");

	(void)state;
	assert_non_null(text);
}

enum hunger {
	HUNGRY_MALLOC,
	HUNGRY_CALLOC,
	HUNGRY_REALLOC,
	HUNGRY_ARENA,
	HUNGRY_ARRAY,
	HUNGRY_END
};

static void eat(enum hunger hunger)
{
	struct arena arena = ARENA_INIT;
	volatile size_t huge = SIZE_MAX / 2 + 1;

	switch (hunger) {
	case HUNGRY_MALLOC:
		free(x_malloc(huge));
		break;
	case HUNGRY_CALLOC:
		free(x_calloc(huge, 4));
		break;
	case HUNGRY_REALLOC:
		free(x_realloc(NULL, huge));
		break;
	case HUNGRY_ARENA:
		arena_alloc(&arena, huge);
		break;
	default:
		arena_calloc(&arena, huge, 2);
		break;
	}
}

static void test_out_of_memory_ends_the_process(void **state)
{
	(void)state;
	for (int hunger = 0; hunger < HUNGRY_END; hunger++) {
		char line[64] = "";
		int fds[2], status;
		pid_t pid;

		assert_int_equal(pipe(fds), 0);
		pid = fork();
		if (pid == 0) {
			dup2(fds[1], STDERR_FILENO);
			eat(hunger);
			_exit(0);
		}
		close(fds[1]);
		assert_int_equal(read(fds[0], line, sizeof(line) - 1), 14);
		close(fds[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 1);
		assert_string_equal(line, "out of memory\n");
	}
}

static void test_arena_memory_is_zeroed_and_aligned(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t size = 0; size < 20000; size = size * 2 + 3) {
			char *block = arena_alloc(&arena, size);

			assert_int_equal((uintptr_t)block % 16, 0);
			for (size_t i = 0; i < size; i++)
				assert_int_equal(block[i], 0);
			memset(block, 'x', size);
			arena_strdup(&arena, "odd");
		}
		arena_reset(&arena);
	}
	arena_release(&arena);
}

static void test_arena_blocks_do_not_overlap(void **state)
{
	struct arena arena = ARENA_INIT;
	struct {
		unsigned char *start;
		size_t size;
	} blocks[400];
	unsigned random = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		random = random * 1103515245 + 12345;
		blocks[i].size = i % 10 ? random % 300 : random % 70000;
		blocks[i].start = arena_alloc(&arena, blocks[i].size);
		memset(blocks[i].start, (int)(i % 251), blocks[i].size);
	}
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		for (size_t k = 0; k < blocks[i].size; k++)
			assert_int_equal(blocks[i].start[k], i % 251);
	}
	arena_release(&arena);
}

static void test_arena_counts_what_it_hands_out(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	arena_strndup(&arena, "abcdef", 3);
	assert_int_equal(arena.used, 4);
	arena_alloc(&arena, 100000);
	assert_int_equal(arena.used, 100004);
	arena_reset(&arena);
	assert_int_equal(arena.used, 0);
	arena_reset(&arena);
	arena_release(&arena);
	assert_int_equal(arena.used, 0);
	arena_release(&arena);
}

static void test_reset_keeps_a_chunk_for_the_next_user(void **state)
{
	struct arena arena = ARENA_INIT;
	void *first;

	(void)state;
	first = arena_alloc(&arena, 10);
	arena_reset(&arena);
	assert_ptr_equal(arena_alloc(&arena, 10), first);
	arena_release(&arena);
}

static void test_reset_gives_large_blocks_back(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	arena_alloc(&arena, 1000000);
	arena_reset(&arena);
	assert_null(arena.chunks);
	assert_non_null(arena_alloc(&arena, 10));
	arena_release(&arena);
}

static void test_arena_strings_are_copies(void **state)
{
	struct arena arena = ARENA_INIT;
	char text[] = "text";
	char *copy = arena_strdup(&arena, text);

	(void)state;
	text[0] = 'n';
	assert_string_equal(copy, "text");
	assert_null(arena_strdup(&arena, NULL));
	assert_string_equal(arena_strndup(&arena, "abc", 0), "");
	assert_string_equal(arena_printf(&arena, "%s %05d", "x", 42), "x 00042");
	assert_int_equal(strlen(arena_printf(&arena, "%50000d", 1)), 50000);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies_end_with_nul),
		cmocka_unit_test(test_nothing_is_something),
		cmocka_unit_test(test_locals_are_freed_at_the_end_of_their_scope),
		cmocka_unit_test(test_out_of_memory_ends_the_process),
		cmocka_unit_test(test_arena_memory_is_zeroed_and_aligned),
		cmocka_unit_test(test_arena_blocks_do_not_overlap),
		cmocka_unit_test(test_arena_counts_what_it_hands_out),
		cmocka_unit_test(test_reset_keeps_a_chunk_for_the_next_user),
		cmocka_unit_test(test_reset_gives_large_blocks_back),
		cmocka_unit_test(test_arena_strings_are_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
