#include "unit.h"

#include "../../cmd/kubectl-formation/change.c"
#include "../../cmd/kubectl-formation/words.c"

/* Words separated by blanks; "TYPE op N SIZE;" for each, or the error. */
static const char *parsed(struct arena *arena, const char *line, bool resize)
{
	struct scale_word *words = NULL;
	struct err err = ERR_INIT;
	size_t count = 0;
	char *args[] = {arena_strdup(arena, line)};
	const char *text = "";
	int rc = resize ? resize_words_parse(arena, args, 1, &words, &count, &err)
			: scale_words_parse(arena, args, 1, &words, &count, &err);

	if (rc != 0)
		return arena_strdup(arena, err.msg);
	for (size_t i = 0; i < count; i++)
		text = arena_printf(arena, "%s%s%c%d%s%s;", text, words[i].type,
				    words[i].op ? words[i].op : '.', words[i].number,
				    words[i].size ? ":" : "", words[i].size ? words[i].size : "");
	return text;
}

static void test_words_are_absolute_or_relative_with_or_without_a_size(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_string_equal(parsed(&arena, "web=2", false), "web=2;");
	assert_string_equal(parsed(&arena, "worker+1 clock-1 admin=1:2X", false),
			    "worker+1;clock-1;admin=1:2X;");
	assert_string_equal(parsed(&arena, "web=2:2X, worker=1", false), "web=2:2X;worker=1;");
	assert_string_equal(parsed(&arena, "my-worker-2-3", false), "my-worker-2-3;");
	assert_string_equal(parsed(&arena, "web-2=3", false), "web-2=3;");
	assert_string_equal(parsed(&arena, "web=2X,worker=1X", true), "web.0:2X;worker.0:1X;");
	arena_release(&arena);
}

static void test_a_wrong_word_is_named(void **state)
{
	static const char *const WRONG[] = {"web", "web=", "=2", "web=two", "web=-1", "web=1001",
					    "Web=1", "web=1:", "web=1.5", "web+",
					    "web=99999999999999999999"};
	struct arena arena = ARENA_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(WRONG); i++) {
		struct scale_word *words;
		struct err err = ERR_INIT;
		size_t count;
		char *args[] = {arena_strdup(&arena, WRONG[i])};

		assert_int_equal(scale_words_parse(&arena, args, 1, &words, &count, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
		assert_int_equal(strncmp(err.msg, WRONG[i], strcspn(WRONG[i], " ")), 0);
	}
	assert_non_null(strstr(parsed(&arena, "web=1 web+1", false), "web is named twice"));
	arena_release(&arena);
}

static const char SHOP[] =
	"{\"metadata\":{\"name\":\"shop\",\"namespace\":\"n\",\"uid\":\"u\",\"resourceVersion\":\"7\"},"
	"\"spec\":{\"image\":\"i\",\"processes\":[{\"type\":\"web\",\"quantity\":2,\"size\":\"2X\"},"
	"{\"type\":\"worker\"},{\"type\":\"clock\",\"quantity\":1}]}}";
static const char PLAIN[] =
	"{\"metadata\":{\"name\":\"p\",\"namespace\":\"n\",\"uid\":\"u\",\"resourceVersion\":\"7\"},"
	"\"spec\":{\"image\":\"i\"}}";

/* The patch that the words give, or the error. */
static const char *patched(struct arena *arena, const char *formation_text, const char *line)
{
	struct json *value = unit_json(arena, formation_text);
	struct formation formation;
	struct scale_word *words;
	struct changes changes;
	struct err err = ERR_INIT;
	size_t count;
	char *args[] = {arena_strdup(arena, line)};

	assert_ok(formation_decode(arena, value, &formation, &err), &err);
	assert_ok(scale_words_parse(arena, args, 1, &words, &count, &err), &err);
	if (changes_decide(arena, &formation, NULL, words, count, NULL, NULL, &changes, &err) != 0)
		return arena_strdup(arena, err.msg);
	changes_complete(value, &changes);
	return changes.any ? json_text(arena, changes_patch(arena, value, &changes)) : "nothing";
}

#define VERSION "[{\"op\":\"replace\",\"path\":\"/metadata/resourceVersion\",\"value\":\"7\"},"

static void test_the_patch_holds_for_what_was_read_alone(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_string_equal(
		patched(&arena, SHOP, "web+1"),
		VERSION "{\"op\":\"test\",\"path\":\"/spec/processes/0/type\",\"value\":\"web\"},"
			"{\"op\":\"add\",\"path\":\"/spec/processes/0/quantity\",\"value\":3}]");
	assert_string_equal(patched(&arena, SHOP, "web=2"), "nothing");
	assert_string_equal(
		patched(&arena, SHOP, "worker=1"),
		VERSION "{\"op\":\"test\",\"path\":\"/spec/processes/1/type\",\"value\":\"worker\"},"
			"{\"op\":\"add\",\"path\":\"/spec/processes/1/quantity\",\"value\":1}]");
	assert_string_equal(
		patched(&arena, PLAIN, "web=1"),
		VERSION "{\"op\":\"add\",\"path\":\"/spec/processes\",\"value\":[{\"type\":\"web\","
			"\"quantity\":1}]}]");
	arena_release(&arena);
}

static void test_what_cannot_be_is_refused_by_its_word(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_string_equal(patched(&arena, SHOP, "web=1 clock+1"),
			    "clock+1: clock is a singleton and never runs more than one dyno");
	assert_string_equal(patched(&arena, SHOP, "web-3"),
			    "web-3: web has 2, and never fewer than 0");
	assert_string_equal(patched(&arena, SHOP, "nope=1"),
			    "nope=1: shop has no process type nope: it has web, worker, clock");
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_are_absolute_or_relative_with_or_without_a_size),
		cmocka_unit_test(test_a_wrong_word_is_named),
		cmocka_unit_test(test_the_patch_holds_for_what_was_read_alone),
		cmocka_unit_test(test_what_cannot_be_is_refused_by_its_word),
	};

	return cmocka_run_group_tests_name("plugin words", tests, NULL, NULL);
}
