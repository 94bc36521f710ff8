#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "unit.h"

/* What came out of a stream: one line each, elements with a dash. */
struct seen {
	struct buf text;
	size_t elements;
	size_t documents;
	size_t most_used;  /* most bytes an arena held in a callback */
	size_t fail_after; /* on_value refuses from this element on; 0: never */
};

static int on_value(void *arg, struct arena *arena, struct json *value, bool element,
                    struct err *err)
{
	struct seen *seen = arg;

	if (arena->used > seen->most_used)
		seen->most_used = arena->used;
	*(element ? &seen->elements : &seen->documents) += 1;
	if (seen->fail_after && seen->elements >= seen->fail_after)
		return err_set(err, ERR_INVALID, "enough");
	if (seen->text.max) {
		buf_puts(&seen->text, element ? "- " : "");
		json_write(&seen->text, value);
		buf_putc(&seen->text, '\n');
	}
	return 0;
}

static struct json_stream *open_stream(struct seen *seen, const char *items,
                                       const struct json_keep *keep, size_t max)
{
	struct json_stream_config config = {
		.keep = keep,
		.items = items,
		.max_value_bytes = max,
		.on_value = on_value,
		.arg = seen,
	};

	*seen = (struct seen){ .text = BUF_INIT(LIMIT_DOCUMENT) };
	return json_stream_new(&config);
}

/* Feed `text` in pieces of `piece` bytes, each in memory of its own size; finish. */
static int feed_all(struct json_stream *stream, const char *text, size_t piece, struct err *err)
{
	size_t len = strlen(text), n;

	for (; len; text += n, len -= n) {
		char *copy;
		int result;

		n = len < piece ? len : piece;
		copy = x_malloc(n);
		memcpy(copy, text, n);
		result = json_stream_feed(stream, copy, n, err);
		free(copy);
		if (result < 0)
			return -1;
	}
	return json_stream_finish(stream, err);
}

static void expect(const char *text, const char *items, const struct json_keep *keep,
                   const char *expected)
{
	struct seen seen;
	struct err err;

	for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
		struct json_stream *stream = open_stream(&seen, items, keep, LIMIT_DOCUMENT);

		assert_ok(feed_all(stream, text, piece, &err), &err);
		assert_string_equal(buf_cstr(&seen.text), expected);
		buf_release(&seen.text);
		json_stream_free(stream);
	}
}

static enum err_code code_of(const char *text, const char *items, size_t max)
{
	struct err err = ERR_INIT, again = ERR_INIT;
	struct seen seen;
	struct json_stream *stream = open_stream(&seen, items, NULL, max);
	int result = feed_all(stream, text, SIZE_MAX, &err);

	if (result < 0) {
		assert_int_equal(json_stream_feed(stream, "{}", 2, &again), -1);
		assert_int_equal(again.code, err.code);
		assert_string_equal(again.msg, err.msg);
		assert_int_equal(json_stream_finish(stream, &again), -1);
	}
	buf_release(&seen.text);
	json_stream_free(stream);
	return result < 0 ? err.code : ERR_NONE;
}

static void test_events_cut_at_every_byte(void **state)
{
	(void)state;
	expect("{\"type\":\"ADDED\",\"object\":{\"n\":1.5e3,\"s\":"
	       "\"\\ud83d\\ude00\xe2\x82\xac\\n\"}}\n"
	       "{\"type\":\"BOOKMARK\",\"object\":null}\n\n "
	       "{\"type\":\"x\",\"object\":[true,false]}\r\n",
	       NULL, NULL,
	       "{\"type\":\"ADDED\",\"object\":{\"n\":1.5e3,\"s\":"
	       "\"\xf0\x9f\x98\x80\xe2\x82\xac\\n\"}}\n"
	       "{\"type\":\"BOOKMARK\",\"object\":null}\n{\"type\":\"x\",\"object\":[true,false]}"
	       "\n");
}

static void test_every_cut_in_two_gives_the_same(void **state)
{
	const char *text =
		"{\"a\":\"\\u00e9\\\\\",\"items\":[{\"x\":-0.5},12,\"s\"]}\n{\"b\":[[]]}";
	struct err err;

	(void)state;
	for (size_t cut = 0; cut <= strlen(text); cut++) {
		struct seen seen;
		struct json_stream *stream = open_stream(&seen, "items", NULL, LIMIT_DOCUMENT);

		assert_ok(json_stream_feed(stream, text, cut, &err), &err);
		assert_ok(json_stream_feed(stream, text + cut, strlen(text) - cut, &err), &err);
		assert_ok(json_stream_finish(stream, &err), &err);
		assert_string_equal(buf_cstr(&seen.text),
		                    "- {\"x\":-0.5}\n- 12\n- \"s\"\n"
		                    "{\"a\":\"\xc3\xa9\\\\\",\"items\":[]}\n{\"b\":[[]]}\n");
		buf_release(&seen.text);
		json_stream_free(stream);
	}
}

static void test_list_hands_out_its_items_one_by_one(void **state)
{
	(void)state;
	expect("{\"kind\":\"L\",\"metadata\":{\"rv\":\"7\"},\"items\":[{\"a\":1},{\"b\":{\"items\":"
	       "[1]}},[2],null,3],\"z\":[4]}",
	       "items", NULL,
	       "- {\"a\":1}\n- {\"b\":{\"items\":[1]}}\n- [2]\n- null\n- 3\n"
	       "{\"kind\":\"L\",\"metadata\":{\"rv\":\"7\"},\"items\":[],\"z\":[4]}\n");
	expect("{\"items\":[],\"kind\":\"L\"}", "items", NULL, "{\"items\":[],\"kind\":\"L\"}\n");
	expect("{\"items\":null}", "items", NULL, "{\"items\":null}\n");
	expect("{\"items\":{\"items\":[1]}}", "items", NULL, "{\"items\":{\"items\":[1]}}\n");
	expect("{\"a\":{\"items\":[1]}}", "items", NULL, "{\"a\":{\"items\":[1]}}\n");
}

static void test_keep_reaches_into_items(void **state)
{
	static const struct json_keep meta[] = { { "name", NULL }, { 0 } };
	static const struct json_keep item[] = { { "metadata", meta }, { 0 } };
	static const struct json_keep keep[] = { { "kind", NULL }, { "items", item }, { 0 } };
	static const struct json_keep none[] = { { "kind", NULL }, { 0 } };
	const char *text = "{\"kind\":\"L\",\"x\":1,\"items\":[{\"metadata\":{\"name\":\"n\","
	                   "\"managedFields\":[{}]},"
			   "\"spec\":{\"a\":[1]}}]}";

	(void)state;
	expect(text, "items", keep,
	       "- {\"metadata\":{\"name\":\"n\"}}\n{\"kind\":\"L\",\"items\":[]}\n");
	expect(text, "items", none, "{\"kind\":\"L\"}\n");
}

static void test_stream_of_nothing_ends_well(void **state)
{
	(void)state;
	expect("", NULL, NULL, "");
	expect(" \n\t\r\n", NULL, NULL, "");
	expect("{}", NULL, NULL, "{}\n");
}

static void test_cut_off_document_is_refused(void **state)
{
	const char *text = "{\"a\":[1,\"x\\u0041\",{\"b\":true}]}";
	char part[64];

	(void)state;
	for (size_t len = 1; len < strlen(text); len++) {
		memcpy(part, text, len);
		part[len] = '\0';
		assert_int_equal(code_of(part, NULL, LIMIT_DOCUMENT), ERR_PARSE);
	}
	assert_int_equal(code_of(text, NULL, LIMIT_DOCUMENT), ERR_NONE);
	assert_int_equal(code_of("{\"a\":1}\n{\"a\"", NULL, LIMIT_DOCUMENT), ERR_PARSE);
}

static void test_documents_are_objects(void **state)
{
	static const char *const texts[] = { "1",  "01",   "null", "true",  "\"x\"",
		                             "[]", "[{}]", "{}1",  "{}\n[]" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(code_of(texts[i], NULL, LIMIT_DOCUMENT), ERR_PARSE);
}

static void test_faults_of_strings_and_names_are_refused(void **state)
{
	static const char *const texts[] = {
		"{\"a\":1,\"a\":2}",
		"{\"a\":\"\\ud800\"}",
		"{\"a\":\"\xc0\x80\"}",
		"{\"\\u0000\":1}",
		"{\"a\":\"\xed\xa0\x80\"}",
		"{\"a\":\xff}",
		"{\"items\":[],\"items\":[]}",
		"{\"items\":[1,]}",
		"{\"items\":[{\"a\":1,\"a\":1}]}",
		"{\"items\":[{\"a\":\"\xe0\x80\x80\"}]}",
		"{}}",
		"{} x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(code_of(texts[i], "items", LIMIT_DOCUMENT), ERR_PARSE);
}

static void test_nul_in_a_string_does_not_stop_the_stream(void **state)
{
	(void)state;
	expect("{\"a\":\"x\\u0000y\\u0000\",\"b\":\"\\u0000\"}", NULL, NULL,
	       "{\"a\":\"x\xef\xbf\xbdy\xef\xbf\xbd\",\"b\":\"\xef\xbf\xbd\"}\n");
}

static void test_one_document_has_a_ceiling(void **state)
{
	(void)state;
	assert_int_equal(code_of("{\"a\":12}", NULL, 8), ERR_NONE);
	assert_int_equal(code_of("{\"a\":123}", NULL, 8), ERR_LIMIT);
	assert_int_equal(code_of("{\"a\":12}{\"a\":12}{\"a\":12}", NULL, 8), ERR_NONE);
	assert_int_equal(code_of("{\"a\":12}{\"a\":12}{\"a\":123}", NULL, 8), ERR_LIMIT);
	assert_int_equal(code_of("{\"a\":12}        ", NULL, 8), ERR_NONE);
	assert_int_equal(code_of("{\"a\":12}         ", NULL, 8), ERR_LIMIT);
}

static void test_one_element_has_a_ceiling(void **state)
{
	const char *head = "{\"kind\":\"List\",\"items\":[";
	size_t frame = strlen(head) + 2;
	struct buf text = BUF_INIT(LIMIT_DOCUMENT);
	struct buf element = BUF_INIT(LIMIT_DOCUMENT);

	(void)state;
	buf_puts(&element, "{\"s\":\"");
	while (element.len < 198)
		buf_putc(&element, 'x');
	buf_puts(&element, "\"}");
	buf_puts(&text, head);
	for (int i = 0; i < 20; i++)
		buf_printf(&text, "%s%s", i ? "," : "", element.data);
	buf_puts(&text, "]}");
	/* Commas between elements count for the document: 19 of them. */
	assert_true(frame + 19 < 200);
	assert_int_equal(code_of(text.data, "items", 200), ERR_NONE);
	assert_int_equal(code_of(text.data, "items", 199), ERR_LIMIT);
	buf_release(&text);
	buf_release(&element);
}

static void test_document_around_the_elements_has_a_ceiling(void **state)
{
	const char *text =
		"{\"pad\":\"0123456789012345678901234567890123456789\",\"items\":[{},{}],\"x\":1}";
	size_t around = strlen(text) - 4;

	(void)state;
	assert_int_equal(code_of(text, "items", around), ERR_NONE);
	assert_int_equal(code_of(text, "items", around - 1), ERR_LIMIT);
}

static void test_endless_string_is_refused_early(void **state)
{
	struct seen seen;
	struct json_stream *stream = open_stream(&seen, NULL, NULL, 1 * MIB);
	char piece[4096];
	struct err err = ERR_INIT;
	size_t fed = 0;

	(void)state;
	memset(piece, 'x', sizeof(piece));
	assert_ok(json_stream_feed(stream, "{\"a\":\"", 6, &err), &err);
	while (json_stream_feed(stream, piece, sizeof(piece), &err) == 0)
		fed += sizeof(piece);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_true(fed <= 1 * MIB);
	json_stream_free(stream);
}

static void test_large_piece_does_not_escape_the_ceiling(void **state)
{
	size_t len = 4 * MIB;
	char *text = x_malloc(len);
	struct err err = ERR_INIT;
	struct seen seen;
	struct json_stream *stream = open_stream(&seen, "items", NULL, 256 * KIB);

	(void)state;
	memset(text, ' ', len);
	memcpy(text, "{\"items\":[[", 11);
	for (size_t i = 11; i + 4 < len; i += 4)
		memcpy(text + i, "123,", 4);
	assert_int_equal(json_stream_feed(stream, text, len, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	json_stream_free(stream);
	free(text);
}

static void test_a_long_list_takes_the_memory_of_one_element(void **state)
{
	const char *element = ",{\"metadata\":{\"name\":\"some-name\",\"labels\":{\"a\":\"b\","
	                      "\"c\":\"d\"}},\"spec\":[1,2,3]}";
	struct err err = ERR_INIT;
	struct seen seen;
	struct json_stream *stream = open_stream(&seen, "items", NULL, 1 * MIB);
	struct buf piece = BUF_INIT(LIMIT_DOCUMENT);

	(void)state;
	buf_release(&seen.text);
	seen.text.max = 0;
	for (int i = 0; i < 100; i++)
		buf_puts(&piece, element);
	assert_ok(json_stream_feed(stream, "{\"kind\":\"List\",\"items\":[{}", 26, &err), &err);
	for (int i = 0; i < 100; i++)
		assert_ok(json_stream_feed(stream, piece.data, piece.len, &err), &err);
	assert_ok(json_stream_feed(stream, "]}", 2, &err), &err);
	assert_ok(json_stream_finish(stream, &err), &err);
	assert_int_equal(seen.elements, 10001);
	assert_int_equal(seen.documents, 1);
	assert_true(seen.most_used < 1024);
	buf_release(&piece);
	json_stream_free(stream);
}

static void test_callback_can_stop_the_stream(void **state)
{
	struct err err = ERR_INIT;
	struct seen seen;
	struct json_stream *stream = open_stream(&seen, "items", NULL, LIMIT_DOCUMENT);

	(void)state;
	seen.fail_after = 2;
	assert_int_equal(feed_all(stream, "{\"items\":[1,2,3,4]}", 1, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_string_equal(err.msg, "enough");
	assert_int_equal(seen.elements, 2);
	buf_release(&seen.text);
	json_stream_free(stream);
}

static void test_stream_given_up_halfway_leaks_nothing(void **state)
{
	struct err err = ERR_INIT;
	struct seen seen;
	struct json_stream *stream = open_stream(&seen, NULL, NULL, LIMIT_DOCUMENT);
	struct buf text = BUF_INIT(LIMIT_DOCUMENT);

	(void)state;
	for (int depth = 0; depth < 3; depth++) {
		buf_putc(&text, '{');
		for (int i = 0; i < 40; i++)
			buf_printf(&text, "\"m%d\":\"x\",", i);
		buf_puts(&text, "\"in\":");
	}
	assert_ok(json_stream_feed(stream, text.data, text.len, &err), &err);
	buf_release(&text);
	json_stream_free(stream);
	json_stream_free(NULL);
}

static void test_positions_count_from_the_start_of_the_stream(void **state)
{
	struct err err = ERR_INIT;
	struct seen seen;
	struct json_stream *stream = open_stream(&seen, NULL, NULL, LIMIT_DOCUMENT);

	(void)state;
	assert_int_equal(feed_all(stream, "{\"a\":1}\n{\"a\":1}\n{\"a\":1,\"a\":2}\n", 3, &err),
	                 -1);
	assert_non_null(strstr(err.msg, "byte 26:"));
	buf_release(&seen.text);
	json_stream_free(stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events_cut_at_every_byte),
		cmocka_unit_test(test_every_cut_in_two_gives_the_same),
		cmocka_unit_test(test_list_hands_out_its_items_one_by_one),
		cmocka_unit_test(test_keep_reaches_into_items),
		cmocka_unit_test(test_stream_of_nothing_ends_well),
		cmocka_unit_test(test_cut_off_document_is_refused),
		cmocka_unit_test(test_documents_are_objects),
		cmocka_unit_test(test_faults_of_strings_and_names_are_refused),
		cmocka_unit_test(test_nul_in_a_string_does_not_stop_the_stream),
		cmocka_unit_test(test_one_document_has_a_ceiling),
		cmocka_unit_test(test_one_element_has_a_ceiling),
		cmocka_unit_test(test_document_around_the_elements_has_a_ceiling),
		cmocka_unit_test(test_endless_string_is_refused_early),
		cmocka_unit_test(test_large_piece_does_not_escape_the_ceiling),
		cmocka_unit_test(test_a_long_list_takes_the_memory_of_one_element),
		cmocka_unit_test(test_callback_can_stop_the_stream),
		cmocka_unit_test(test_stream_given_up_halfway_leaks_nothing),
		cmocka_unit_test(test_positions_count_from_the_start_of_the_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
