#include "support_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void hang(void *arg)
{
	(void)arg;
	fail_msg("the loop went on for 10 s");
}

int http_setup(void **state)
{
	struct http_fixture *f = x_calloc(1, sizeof(*f));
	struct err err;

	f->loop = loop_new(clock_system(), &err);
	assert_non_null(f->loop);
	f->limit = loop_timer_new(f->loop, hang, f);
	loop_timer_start(f->limit, 10000);
	*state = f;
	return 0;
}

int http_teardown(void **state)
{
	struct http_fixture *f = *state;

	http_client_free(f->client);
	peer_free(f->peer);
	for (int i = 0; i < f->count; i++)
		buf_release(&f->seen[i].body);
	loop_timer_free(f->limit);
	loop_free(f->loop);
	free(f);
	return 0;
}

void http_serve(struct http_fixture *f, const struct peer_options *options, peer_fn *fn, void *arg,
                const struct http_client_config *given)
{
	struct http_client_config config = { 0 };
	char server[64];
	struct err err;

	f->peer = peer_new(options, fn, arg);
	snprintf(server, sizeof(server), "%s://127.0.0.1:%d", options->cert ? "https" : "http",
	         peer_port(f->peer));
	if (given)
		config = *given;
	if (!config.server)
		config.server = server;
	f->client = http_client_new(f->loop, &config, &err);
	if (!f->client)
		fail_msg("%s", err.msg);
}

static void on_head(void *arg, int status)
{
	struct seen *seen = arg;

	seen->heads++;
	seen->status = status;
	if (seen->then)
		seen->then(seen);
}

static int on_data(void *arg, const char *data, size_t len, struct err *err)
{
	struct seen *seen = arg;

	assert_true(len > 0);
	assert_int_equal(seen->dones, 0);
	seen->chunks++;
	buf_append(&seen->body, data, len);
	if (seen->then)
		seen->then(seen);
	return seen->refuse ? err_set(err, ERR_PARSE, "that is not what was asked for") : 0;
}

static void on_done(void *arg, const struct http_result *result, const struct err *err)
{
	struct seen *seen = arg;

	assert_non_null(seen->call);
	seen->dones++;
	seen->result = *result;
	seen->err = *err;
	seen->order = ++seen->f->dones;
	seen->call = NULL;
	if (seen->at_end)
		seen->at_end(seen);
	if (seen->f->dones == seen->f->wanted)
		loop_stop(seen->f->loop);
}

struct seen *http_request(struct http_fixture *f, const struct http_request *request)
{
	static const struct http_handlers handlers = { on_head, on_data, on_done };
	struct seen *seen = &f->seen[f->count++];

	assert_true(f->count <= SEEN_MAX);
	seen->f = f;
	buf_init(&seen->body, 8 << 20);
	seen->call = transport_start(http_client_transport(f->client), request, &handlers, seen);
	assert_non_null(seen->call);
	assert_int_equal(seen->dones, 0);
	return seen;
}

struct seen *http_get(struct http_fixture *f, const char *path)
{
	struct http_request request = { .method = "GET",
		                        .path = path,
		                        .priority = HTTP_PRIORITY_NORMAL };

	return http_request(f, &request);
}

void http_cancel(struct seen *seen)
{
	struct http_call *call = seen->call;

	seen->call = NULL;
	transport_cancel(http_client_transport(seen->f->client), call);
}

void http_run(struct http_fixture *f, int dones)
{
	struct err err;

	f->wanted = dones;
	if (f->dones < dones)
		assert_int_equal(loop_run(f->loop, &err), 0);
	assert_true(f->dones >= dones);
}

static void stop(void *arg)
{
	loop_stop(arg);
}

void http_pass(struct http_fixture *f, int64_t ms)
{
	struct loop_timer *timer = loop_timer_new(f->loop, stop, f->loop);
	struct err err;

	f->wanted = -1;
	loop_timer_start(timer, ms);
	assert_int_equal(loop_run(f->loop, &err), 0);
	loop_timer_free(timer);
}

void http_await(struct seen *seen, size_t bytes)
{
	while (seen->body.len < bytes)
		http_pass(seen->f, 2);
}

void assert_answer(const struct seen *seen, int status, const char *body)
{
	assert_int_equal(seen->dones, 1);
	if (seen->err.code != ERR_NONE)
		fail_msg("%s", seen->err.msg);
	assert_int_equal(seen->result.status, status);
	assert_int_equal(seen->heads, 1);
	assert_int_equal(seen->status, status);
	assert_true(seen->result.complete);
	if (body)
		assert_string_equal(buf_cstr(&seen->body), body);
}

void assert_failed(const struct seen *seen, enum err_code code, const char *text)
{
	assert_int_equal(seen->dones, 1);
	assert_false(seen->result.complete);
	if (!strstr(seen->err.msg, text))
		fail_msg("\"%s\" is not in \"%s\"", text, seen->err.msg);
	assert_string_equal(err_code_name(seen->err.code), err_code_name(code));
}
