#include "codec/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/map.h"
#include "codec/json_check.h"
#include "codec/yaml_scalar.h"

/* A mapping or sequence that is being read. */
struct frame {
	struct json *container;
	struct map names; /* of a mapping's members so far; borrows their keys */
	const char *key;  /* of the value that comes next in a mapping, else NULL */
	struct place key_place;
};

struct builder {
	yaml_parser_t parser;
	struct arena *arena;
	const char *name; /* what messages begin with */
	struct frame frames[LIMIT_YAML_DEPTH];
	size_t depth;      /* frames in use */
	struct json *root; /* the document, once there is one */
	bool document;     /* one has begun */
	struct json *documents; /* all of them, or NULL: there may be one only */
	struct marks *marks;    /* or NULL */
	struct err *err;
};

static int fail(struct builder *builder, yaml_mark_t mark, enum err_code code, const char *what)
{
	return err_set(builder->err, code, "%s:%zu:%zu: %s", builder->name, mark.line + 1,
	               mark.column + 1, what);
}

static int fail_event(struct builder *builder, const yaml_event_t *event, const char *what)
{
	return fail(builder, event->start_mark, ERR_PARSE, what);
}

/* What libyaml didn't like; its texts never hold content. */
static int fail_parser(struct builder *builder)
{
	const yaml_parser_t *parser = &builder->parser;
	const char *problem = parser->problem ? parser->problem : "not YAML";

	if (parser->error == YAML_READER_ERROR)
		return err_set(builder->err, ERR_PARSE, "%s: byte %zu: %s", builder->name,
		               parser->problem_offset, problem);
	return fail(builder, parser->problem_mark, ERR_PARSE, problem);
}

/* Whether a key comes next. */
static bool at_key(const struct builder *builder)
{
	const struct frame *frame;

	if (builder->depth == 0)
		return false;
	frame = &builder->frames[builder->depth - 1];
	return frame->container->type == JSON_OBJECT && !frame->key;
}

static struct place place_of(const yaml_event_t *event)
{
	return (struct place){ event->start_mark.line + 1, event->start_mark.column + 1 };
}

static void mark_value(struct builder *builder, const yaml_event_t *event, const struct json *value)
{
	struct place place = place_of(event);
	const struct frame *frame =
		builder->depth ? &builder->frames[builder->depth - 1] : NULL;

	if (builder->marks)
		marks_add(builder->marks, value,
		          frame && frame->key ? frame->key_place : place, place);
}

static void add_value(struct builder *builder, const yaml_event_t *event, struct json *value)
{
	struct frame *frame;

	mark_value(builder, event, value);
	if (builder->depth == 0) {
		builder->root = value;
		return;
	}
	frame = &builder->frames[builder->depth - 1];
	if (frame->container->last)
		frame->container->last->next = value;
	else
		frame->container->first = value;
	frame->container->last = value;
	value->key = frame->key;
	frame->key = NULL;
}

static int add_key(struct builder *builder, const yaml_event_t *event, const struct json *scalar)
{
	struct frame *frame = &builder->frames[builder->depth - 1];
	const char *key = json_scalar_or(scalar, NULL);

	if (!key)
		return fail_event(builder, event, "a key is null");
	if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strcmp(key, "<<") == 0)
		return fail_event(builder, event, "merge keys are not allowed");
	if (map_put(&frame->names, key, frame))
		return fail_event(builder, event, "duplicate key");
	frame->key = key;
	frame->key_place = place_of(event);
	return 0;
}

static int on_scalar(struct builder *builder, const yaml_event_t *event)
{
	const char *why, *text;
	struct json *value;

	if (event->data.scalar.anchor || event->data.scalar.tag)
		return fail_event(builder, event, "anchors and tags are not allowed");
	text = json_copy_text(builder->arena, (const char *)event->data.scalar.value,
	                      event->data.scalar.length, false, &why);
	if (!text)
		return fail_event(builder, event, why);
	value = arena_new(builder->arena, struct json);
	value->type = JSON_STRING;
	value->text = text;
	if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    yml_resolve(builder->arena, text, value) < 0)
		return fail_event(builder, event, "infinity and NaN are not allowed");
	if (at_key(builder))
		return add_key(builder, event, value);
	add_value(builder, event, value);
	return 0;
}

static int on_start(struct builder *builder, const yaml_event_t *event, enum json_type type)
{
	bool map = type == JSON_OBJECT;
	const yaml_char_t *anchor =
		map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
	const yaml_char_t *tag =
		map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
	struct frame *frame;
	struct json *value;

	if (anchor || tag)
		return fail_event(builder, event, "anchors and tags are not allowed");
	if (at_key(builder))
		return fail_event(builder, event, "a key is no scalar");
	if (builder->depth == LIMIT_YAML_DEPTH)
		return fail(builder, event->start_mark, ERR_LIMIT, "nested too deeply");
	value = map ? json_new_object(builder->arena) : json_new_array(builder->arena);
	add_value(builder, event, value);
	frame = &builder->frames[builder->depth++];
	*frame = (struct frame){ .container = value };
	map_init_borrow(&frame->names);
	return 0;
}

static void on_end(struct builder *builder)
{
	map_release(&builder->frames[--builder->depth].names);
}

static int on_document(struct builder *builder, const yaml_event_t *event)
{
	if (builder->document && !builder->documents)
		return fail_event(builder, event, "a second document");
	builder->document = true;
	return 0;
}

static int on_event(struct builder *builder, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return on_document(builder, event);
	case YAML_DOCUMENT_END_EVENT:
		if (builder->documents)
			json_add(builder->documents, builder->root);
		return 0;
	case YAML_ALIAS_EVENT:
		return fail_event(builder, event, "aliases are not allowed");
	case YAML_SCALAR_EVENT:
		return on_scalar(builder, event);
	case YAML_SEQUENCE_START_EVENT:
		return on_start(builder, event, JSON_ARRAY);
	case YAML_MAPPING_START_EVENT:
		return on_start(builder, event, JSON_OBJECT);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		on_end(builder);
		return 0;
	default:
		return 0;
	}
}

static int read_events(struct builder *builder)
{
	bool end = false;

	while (!end) {
		yaml_event_t event;
		int result;

		if (!yaml_parser_parse(&builder->parser, &event))
			return fail_parser(builder);
		end = event.type == YAML_STREAM_END_EVENT;
		result = on_event(builder, &event);
		yaml_event_delete(&event);
		if (result < 0)
			return -1;
	}
	return 0;
}

static int build(struct builder *builder, const char *text, size_t len)
{
	int result;

	if (len > LIMIT_CONFIG)
		return err_set(builder->err, ERR_LIMIT, "%s: over the limit of %lu bytes",
		               builder->name, LIMIT_CONFIG);
	if (!yaml_parser_initialize(&builder->parser))
		return err_set(builder->err, ERR_SYSTEM, "%s: no YAML parser", builder->name);
	yaml_parser_set_encoding(&builder->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&builder->parser, (const unsigned char *)text, len);
	result = read_events(builder);
	yaml_parser_delete(&builder->parser);
	while (builder->depth)
		on_end(builder);
	return result;
}

int yml_parse_all(struct arena *arena, const char *name, const char *text, size_t len,
                  struct marks *marks, struct json **ret_documents, struct err *err)
{
	struct builder builder = { .arena = arena, .name = name, .err = err, .marks = marks };

	builder.documents = json_new_array(arena);
	if (build(&builder, text, len) < 0)
		return -1;
	*ret_documents = builder.documents;
	return 0;
}

int yml_parse(struct arena *arena, const char *name, const char *text, size_t len,
              struct json **ret_value, struct err *err)
{
	struct builder builder = { .arena = arena, .name = name, .err = err };

	if (build(&builder, text, len) < 0)
		return -1;
	*ret_value = builder.root ? builder.root : json_new_string(arena, NULL);
	return 0;
}

/* All of an open file; what is over the limit shows in the buffer. */
static int read_all(int fd, const char *path, struct buf *buf, struct err *err)
{
	char piece[4096];
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "%s", path);
		if (buf_append(buf, piece, (size_t)n) < 0)
			return err_set(err, ERR_LIMIT, "%s: over the limit of %lu bytes", path,
			               LIMIT_CONFIG);
	}
	return 0;
}

static int read_regular(const char *path, struct buf *buf, struct err *err)
{
	/* Opening a FIFO would wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int result = -1;
	struct stat st;

	if (fd < 0) {
		bool missing = errno == ENOENT;

		err_errno(err, errno, "%s", path);
		if (missing)
			err->code = ERR_NOT_FOUND;
		return -1;
	}
	if (fstat(fd, &st) < 0)
		err_errno(err, errno, "%s", path);
	else if (!S_ISREG(st.st_mode))
		err_set(err, ERR_SYSTEM, "%s: not a regular file", path);
	else
		result = read_all(fd, path, buf, err);
	close(fd);
	return result;
}

int yml_parse_file(struct arena *arena, const char *path, struct json **ret_value, struct err *err)
{
	struct buf buf = BUF_INIT(LIMIT_CONFIG);
	int result = read_regular(path, &buf, err);

	if (result == 0)
		result = yml_parse(arena, path, buf_cstr(&buf), buf.len, ret_value, err);
	buf_release(&buf);
	return result;
}
