#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_parse.h>

#include "base/limits.h"
#include "base/map.h"
#include "codec/json.h"
#include "codec/json_check.h"

enum {
	SLICE = 64 * 1024, /* bytes given to yajl at once, so that ceilings are checked often */
	MANY_MEMBERS = 16, /* an object with more finds duplicates by a map */
};

/* A container that is being read and kept. */
struct frame {
	struct json *container;       /* where values go */
	const struct json_keep *keep; /* what to keep of its members or elements; NULL: all */
	struct map *names;            /* its members' names once they are many, else NULL */
	size_t count;                 /* its members so far */
};

/* What both json_parse and the stream are made of. */
struct reader {
	yajl_handle yajl;             /* owned */
	struct arena *arena;          /* where the next value goes */
	const struct json_keep *keep; /* of the whole document */
	struct json *root;            /* the document, once it has begun */
	struct frame frames[LIMIT_JSON_DEPTH];
	size_t top;                       /* frames in use */
	size_t skip;                      /* open containers of a value that is skipped */
	bool skip_next;                   /* the next value is skipped */
	const char *key;                  /* name of the next value, a member */
	const struct json_keep *key_keep; /* what to keep of it */
	size_t values;                    /* kept since the document or element began */
	uint64_t fed;                     /* bytes before those that yajl has now */
	struct escapes escapes;
	struct err *err;            /* the caller's, while one of our functions runs */
	struct json_stream *stream; /* what this reader belongs to, or NULL */
};

struct json_stream {
	struct json_stream_config config;
	struct reader reader;
	struct arena document; /* the document without its elements */
	struct arena element;  /* the element that is being read */
	bool in_items;         /* between the brackets of config.items */
	bool begun;            /* something else than white space was seen */
	bool failed;           /* `failure` is what every call returns from now on */
	uint64_t start;        /* where the value under its ceiling began */
	uint64_t aside;        /* bytes of the document before its current element */
	struct err failure;
};

static uint64_t position(const struct reader *reader)
{
	return reader->fed + yajl_get_bytes_consumed(reader->yajl);
}

static int fail_at(struct reader *reader, uint64_t at, enum err_code code, const char *what)
{
	return err_set(reader->err, code, "JSON at byte %llu: %s", (unsigned long long)at, what);
}

static int fail(struct reader *reader, enum err_code code, const char *what)
{
	return fail_at(reader, position(reader), code, what);
}

/* --- the stream's elements ----------------------------------------- */

/* Whether the next value is an element that is handed out. */
static bool is_element(const struct reader *reader)
{
	return reader->stream && reader->stream->in_items && reader->top == 2;
}

static int check_size(struct json_stream *stream)
{
	if (position(&stream->reader) - stream->start <= stream->config.max_value_bytes)
		return 0;
	return fail(&stream->reader, ERR_LIMIT, "value is too large");
}

static void element_begin(struct json_stream *stream)
{
	uint64_t at = position(&stream->reader) - 1;

	stream->aside = at - stream->start;
	stream->start = at;
	stream->reader.values = 0;
}

static int element_end(struct json_stream *stream, struct json *value)
{
	const struct json_stream_config *config = &stream->config;

	if (check_size(stream) < 0 ||
	    config->on_value(config->arg, &stream->element, value, true, stream->reader.err) < 0)
		return -1;
	arena_reset(&stream->element);
	stream->start = position(&stream->reader) - stream->aside;
	return 0;
}

static int document_end(struct json_stream *stream, struct json *value)
{
	const struct json_stream_config *config = &stream->config;

	if (check_size(stream) < 0 ||
	    config->on_value(config->arg, &stream->document, value, false, stream->reader.err) < 0)
		return -1;
	arena_reset(&stream->document);
	stream->start = position(&stream->reader);
	stream->aside = 0;
	stream->reader.root = NULL;
	stream->reader.values = 0;
	return 0;
}

/* A value is whole, whose parent is now the top frame. */
static int value_end(struct reader *reader, struct json *value)
{
	if (is_element(reader))
		return element_end(reader->stream, value);
	if (reader->top == 0 && reader->stream)
		return document_end(reader->stream, value);
	return 0;
}

/* --- the tree ------------------------------------------------------ */

static void remember_name(struct frame *frame, struct json *value)
{
	frame->count++;
	if (frame->names) {
		map_put(frame->names, value->key, value);
	} else if (frame->count == MANY_MEMBERS) {
		frame->names = x_malloc(sizeof(*frame->names));
		map_init_borrow(frame->names);
		for (struct json *item = frame->container->first; item; item = item->next)
			map_put(frame->names, item->key, item);
	}
}

static void forget_names(struct frame *frame)
{
	if (!frame->names)
		return;
	map_release(frame->names);
	free(frame->names);
	frame->names = NULL;
}

static bool has_name(const struct frame *frame, const char *name)
{
	if (frame->names)
		return map_get(frame->names, name) != NULL;
	return json_get(frame->container, name) != NULL;
}

static void link_value(struct reader *reader, struct json *value)
{
	struct frame *frame = &reader->frames[reader->top - 1];
	struct json *container = frame->container;

	if (container->last)
		container->last->next = value;
	else
		container->first = value;
	container->last = value;
	if (container->type == JSON_OBJECT) {
		value->key = reader->key;
		remember_name(frame, value);
	}
}

/* A new value where the reader stands, or NULL with the error set. */
static struct json *add_value(struct reader *reader, enum json_type type)
{
	bool element = is_element(reader);
	struct json *value;

	if (reader->top == 0 && reader->stream && type != JSON_OBJECT) {
		fail(reader, ERR_PARSE, "not an object");
		return NULL;
	}
	if (element)
		element_begin(reader->stream);
	if (++reader->values > LIMIT_JSON_VALUES) {
		fail(reader, ERR_LIMIT, "too many values");
		return NULL;
	}
	value = arena_new(reader->arena, struct json);
	value->type = type;
	if (reader->top == 0)
		reader->root = value;
	else if (!element)
		link_value(reader, value);
	return value;
}

/* Whether the scalar that has just come belongs to a skipped value. */
static bool skip_scalar(struct reader *reader)
{
	bool skipped = reader->skip > 0 || reader->skip_next;

	reader->skip_next = false;
	return skipped;
}

/* The text in the arena, or NULL with the error set. */
static const char *copy_text(struct reader *reader, const char *text, size_t len, bool allow_nul)
{
	const char *why, *copy = json_copy_text(reader->arena, text, len, allow_nul, &why);

	if (!copy)
		fail(reader, len > LIMIT_STRING ? ERR_LIMIT : ERR_PARSE, why);
	return copy;
}

/* --- what yajl calls; 0 stops it ----------------------------------- */

static int on_null(void *ctx)
{
	struct reader *reader = ctx;
	struct json *value;

	if (skip_scalar(reader))
		return 1;
	value = add_value(reader, JSON_NULL);
	return value && value_end(reader, value) == 0;
}

static int on_boolean(void *ctx, int boolean)
{
	struct reader *reader = ctx;
	struct json *value;

	if (skip_scalar(reader))
		return 1;
	value = add_value(reader, JSON_BOOL);
	if (!value)
		return 0;
	value->boolean = boolean;
	return value_end(reader, value) == 0;
}

static int on_text(struct reader *reader, enum json_type type, const char *text, size_t len)
{
	struct json *value;

	if (skip_scalar(reader))
		return 1;
	value = add_value(reader, type);
	if (!value)
		return 0;
	value->text = copy_text(reader, text, len, reader->stream != NULL);
	return value->text && value_end(reader, value) == 0;
}

static int on_number(void *ctx, const char *text, size_t len)
{
	return on_text(ctx, JSON_NUMBER, text, len);
}

static int on_string(void *ctx, const unsigned char *text, size_t len)
{
	return on_text(ctx, JSON_STRING, (const char *)text, len);
}

static bool keep_matches(const struct json_keep *keep, const char *name, size_t len)
{
	size_t n = strlen(keep->key);

	if (n && keep->key[n - 1] == '*')
		return len >= n - 1 && memcmp(keep->key, name, n - 1) == 0;
	return len == n && memcmp(keep->key, name, n) == 0;
}

static const struct json_keep *keep_find(const struct json_keep *keep, const char *name, size_t len)
{
	while (keep->key && !keep_matches(keep, name, len))
		keep++;
	return keep->key ? keep : NULL;
}

static int on_map_key(void *ctx, const unsigned char *text, size_t len)
{
	struct reader *reader = ctx;
	const char *name = (const char *)text;
	const struct json_keep *keep = NULL;
	struct frame *frame;

	if (reader->skip)
		return 1;
	frame = &reader->frames[reader->top - 1];
	if (frame->keep) {
		keep = keep_find(frame->keep, name, len);
		reader->skip_next = !keep;
		if (!keep)
			return 1;
	}
	if (keep && strlen(keep->key) == len && memcmp(keep->key, name, len) == 0)
		reader->key = keep->key;
	else
		reader->key = copy_text(reader, name, len, false);
	reader->key_keep = keep ? keep->children : NULL;
	if (!reader->key)
		return 0;
	if (!has_name(frame, reader->key))
		return 1;
	fail(reader, ERR_PARSE, "duplicate member");
	return 0;
}

/* What is to be kept of the container that begins here. */
static const struct json_keep *inner_keep(const struct reader *reader)
{
	const struct frame *frame;

	if (reader->top == 0)
		return reader->keep;
	frame = &reader->frames[reader->top - 1];
	return frame->container->type == JSON_OBJECT ? reader->key_keep : frame->keep;
}

static bool is_items(const struct reader *reader, enum json_type type)
{
	const struct json_stream *stream = reader->stream;

	return stream && stream->config.items && type == JSON_ARRAY && reader->top == 1 &&
	       strcmp(reader->key, stream->config.items) == 0;
}

static int container_begin(struct reader *reader, enum json_type type)
{
	const struct json_keep *keep;
	struct json *value;

	if (reader->top + reader->skip >= LIMIT_JSON_DEPTH) {
		fail(reader, ERR_LIMIT, "nested too deeply");
		return 0;
	}
	if (reader->skip || reader->skip_next) {
		reader->skip++;
		reader->skip_next = false;
		return 1;
	}
	keep = inner_keep(reader);
	value = add_value(reader, type);
	if (!value)
		return 0;
	if (is_items(reader, type)) {
		reader->stream->in_items = true;
		reader->arena = &reader->stream->element;
	}
	reader->frames[reader->top++] = (struct frame){ .container = value, .keep = keep };
	return 1;
}

static int container_end(struct reader *reader)
{
	struct frame *frame;

	if (reader->skip) {
		reader->skip--;
		return 1;
	}
	if (is_element(reader)) {
		reader->stream->in_items = false;
		reader->arena = &reader->stream->document;
	}
	frame = &reader->frames[--reader->top];
	forget_names(frame);
	return value_end(reader, frame->container) == 0;
}

static int on_start_map(void *ctx)
{
	return container_begin(ctx, JSON_OBJECT);
}

static int on_start_array(void *ctx)
{
	return container_begin(ctx, JSON_ARRAY);
}

static int on_end(void *ctx)
{
	return container_end(ctx);
}

/* --- yajl itself --------------------------------------------------- */

static void *allocate(void *ctx, size_t size)
{
	(void)ctx;
	return x_malloc(size);
}

static void *reallocate(void *ctx, void *p, size_t size)
{
	(void)ctx;
	return x_realloc(p, size);
}

static void deallocate(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

/* No yajl_integer and no yajl_double: they overflow, and depend on the locale. */
static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_map_key,
	.yajl_end_map = on_end,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end,
};

static void reader_init(struct reader *reader, struct arena *arena, const struct json_keep *keep)
{
	yajl_alloc_funcs functions = { .malloc = allocate,
		                       .realloc = reallocate,
		                       .free = deallocate };

	memset(reader, 0, sizeof(*reader));
	reader->arena = arena;
	reader->keep = keep;
	reader->yajl = yajl_alloc(&callbacks, &functions, reader);
}

static void reader_release(struct reader *reader)
{
	while (reader->top)
		forget_names(&reader->frames[--reader->top]);
	yajl_free(reader->yajl);
}

/* Turn yajl's answer into ours; a callback that stopped it has set the error. */
static int reader_status(struct reader *reader, yajl_status status)
{
	unsigned char *text;
	char what[96];

	if (status == yajl_status_ok)
		return 0;
	if (status == yajl_status_client_canceled)
		return -1;
	/* Not verbose: that would show the content. */
	text = yajl_get_error(reader->yajl, 0, NULL, 0);
	snprintf(what, sizeof(what), "%.*s", (int)strcspn((char *)text, "\n"), (char *)text);
	yajl_free_error(reader->yajl, text);
	return fail(reader, ERR_PARSE, what);
}

static int reader_feed(struct reader *reader, const char *data, size_t len)
{
	size_t good = escapes_scan(&reader->escapes, data, len);

	if (good < len)
		return fail_at(reader, reader->fed + good, ERR_PARSE, "bad \\u escape");
	return reader_status(reader, yajl_parse(reader->yajl, (const unsigned char *)data, len));
}

int json_parse(struct arena *arena, const char *text, size_t len, const struct json_keep *keep,
               struct json **ret_value, struct err *err)
{
	struct reader reader;
	int result;

	if (len > LIMIT_DOCUMENT)
		return err_set(err, ERR_LIMIT, "JSON of %zu bytes, over the limit of %lu", len,
		               LIMIT_DOCUMENT);
	reader_init(&reader, arena, keep);
	reader.err = err;
	result = reader_feed(&reader, text, len);
	if (result == 0) {
		reader.fed = len;
		result = reader_status(&reader, yajl_complete_parse(reader.yajl));
	}
	if (result == 0)
		*ret_value = reader.root;
	reader_release(&reader);
	return result;
}

/* --- streams ------------------------------------------------------- */

struct json_stream *json_stream_new(const struct json_stream_config *config)
{
	struct json_stream *stream = x_calloc(1, sizeof(*stream));

	stream->config = *config;
	arena_init(&stream->document);
	arena_init(&stream->element);
	reader_init(&stream->reader, &stream->document, config->keep);
	stream->reader.stream = stream;
	yajl_config(stream->reader.yajl, yajl_allow_multiple_values, 1);
	return stream;
}

void json_stream_free(struct json_stream *stream)
{
	if (!stream)
		return;
	reader_release(&stream->reader);
	arena_release(&stream->document);
	arena_release(&stream->element);
	free(stream);
}

static int stream_slice(struct json_stream *stream, const char *data, size_t len)
{
	struct reader *reader = &stream->reader;

	if (reader_feed(reader, data, len) < 0 || check_size(stream) < 0)
		return -1;
	reader->fed += len;
	return 0;
}

static int stream_failed(struct json_stream *stream, const struct err *err)
{
	stream->failed = true;
	stream->failure = *err;
	return -1;
}

static bool is_blank(const char *data, size_t len)
{
	while (len && strchr(" \t\r\n", *data) && *data) {
		data++;
		len--;
	}
	return len == 0;
}

int json_stream_feed(struct json_stream *stream, const char *data, size_t len, struct err *err)
{
	size_t n;

	if (stream->failed) {
		*err = stream->failure;
		return -1;
	}
	stream->reader.err = err;
	stream->begun = stream->begun || !is_blank(data, len);
	for (; len; data += n, len -= n) {
		n = len < SLICE ? len : SLICE;
		if (stream_slice(stream, data, n) < 0)
			return stream_failed(stream, err);
	}
	return 0;
}

int json_stream_finish(struct json_stream *stream, struct err *err)
{
	struct reader *reader = &stream->reader;

	if (stream->failed) {
		*err = stream->failure;
		return -1;
	}
	reader->err = err;
	if (!stream->begun)
		return 0;
	if (reader_status(reader, yajl_complete_parse(reader->yajl)) < 0)
		return stream_failed(stream, err);
	return 0;
}
