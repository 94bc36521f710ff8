#include "logs_stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "formation/desired.h"
#include "kube/escape.h"

static void add_line(struct log_stream *stream, const char *line, size_t len)
{
	const char *time;

	if (len && line[len - 1] == '\r')
		len--;
	/* sinceTime has whole seconds: what was printed before it comes again. */
	if (*stream->resumed_at && len > strlen(stream->resumed_at) / 2 &&
	    strncmp(line, stream->resumed_at, strcspn(line, " ")) <= 0)
		return;
	time = log_lines_add(stream->lines, stream->source, stream->color, line, len,
			     stream->last_time);
	if (strlen(time) < sizeof(stream->last_time))
		memmove(stream->last_time, time, strlen(time) + 1);
}

static void on_head(void *arg, int status)
{
	struct log_stream *stream = arg;

	stream->status = status;
}

static int on_data(void *arg, const char *data, size_t len, struct err *err)
{
	struct log_stream *stream = arg;
	size_t begin = 0;

	buf_append(&stream->rest, data, len);
	if (stream->rest.overflow)
		return err_set(err, ERR_LIMIT, "a line of %s is longer than %lu bytes",
			       stream->source, LIMIT_STRING);
	if (stream->status != 200)
		return 0;
	for (size_t at = stream->rest.len - len; at < stream->rest.len; at++) {
		if (stream->rest.data[at] != '\n')
			continue;
		add_line(stream, stream->rest.data + begin, at - begin);
		begin = at + 1;
	}
	if (begin) {
		size_t left = stream->rest.len - begin;
		char *copy = x_strndup(stream->rest.data + begin, left);

		buf_reset(&stream->rest);
		buf_append(&stream->rest, copy, left);
		free(copy);
		stream->arrived(stream->arg);
	}
	return 0;
}

/* What the Status of a refusal says. */
static void refused(struct log_stream *stream)
{
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	struct json *value = NULL;
	const char *message = "";

	if (json_parse(&arena, buf_cstr(&stream->rest), stream->rest.len, NULL, &value, &err) == 0)
		message = json_string_or(json_get(value, "message"), "");
	err_set(&stream->err, stream->status == 403 ? ERR_FORBIDDEN : ERR_NOT_FOUND, "%s: %s",
		stream->source, *message ? message : "the API server gives no log");
	stream->err.http_status = stream->status;
	arena_release(&arena);
}

static void on_done(void *arg, const struct http_result *result, const struct err *err)
{
	struct log_stream *stream = arg;

	stream->call = NULL;
	if (err->code != ERR_NONE) {
		stream->err = *err;
		err_wrap(&stream->err, "%s", stream->source);
	} else if (result->status != 200) {
		stream->status = result->status;
		refused(stream);
	} else if (stream->rest.len) {
		add_line(stream, stream->rest.data, stream->rest.len);
	}
	buf_reset(&stream->rest);
	stream->arrived(stream->arg);
}

static const struct http_handlers HANDLERS = {
	.on_head = on_head,
	.on_data = on_data,
	.on_done = on_done,
};

static void put_path(struct buf *path, const struct log_stream *stream)
{
	const struct log_wish *wish = stream->wish;

	buf_puts(path, "/api/v1/namespaces/");
	escape_url(path, wish->ns);
	buf_puts(path, "/pods/");
	escape_url(path, stream->pod);
	buf_puts(path, "/log?container=" CONTAINER_NAME "&timestamps=true");
	if (wish->follow)
		buf_puts(path, "&follow=true");
	if (wish->previous)
		buf_puts(path, "&previous=true");
	if (*stream->resumed_at) {
		buf_puts(path, "&sinceTime=");
		escape_url(path, stream->resumed_at);
		return;
	}
	if (wish->since_ms > 0)
		buf_printf(path, "&sinceSeconds=%lld", (long long)(wish->since_ms + 999) / 1000);
	if (wish->tail >= 0)
		buf_printf(path, "&tailLines=%d", wish->tail);
}

void log_stream_start(struct log_stream *stream)
{
	struct buf path = BUF_INIT(LIMIT_HTTP_HEAD);
	struct http_request request = {
		.method = "GET",
		.accept = "*/*",
		.timeout_ms = stream->wish->follow ? 0 : 60 * 1000,
		.priority = stream->wish->follow ? HTTP_PRIORITY_STREAM : HTTP_PRIORITY_NORMAL,
	};

	memcpy(stream->resumed_at, stream->last_time, sizeof(stream->resumed_at));
	stream->err = (struct err)ERR_INIT;
	stream->started = true;
	put_path(&path, stream);
	request.path = buf_cstr(&path);
	stream->call = transport_start(session_transport(stream->session), &request, &HANDLERS,
				       stream);
	buf_release(&path);
}

struct log_stream *log_stream_new(struct session *session, const char *pod, const char *source,
				  int color, const struct log_wish *wish, struct log_lines *lines,
				  void (*arrived)(void *arg), void *arg)
{
	struct log_stream *stream = x_calloc(1, sizeof(*stream));

	list_init(&stream->node);
	stream->session = session;
	stream->pod = x_strdup(pod);
	stream->source = x_strdup(source);
	stream->color = color;
	stream->wish = wish;
	stream->lines = lines;
	stream->arrived = arrived;
	stream->arg = arg;
	buf_init(&stream->rest, LIMIT_STRING);
	return stream;
}

void log_stream_free(struct log_stream *stream)
{
	list_remove(&stream->node);
	if (stream->call)
		transport_cancel(session_transport(stream->session), stream->call);
	buf_release(&stream->rest);
	free(stream->pod);
	free(stream->source);
	free(stream);
}
