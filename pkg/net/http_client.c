#include "net/http_client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/engine.h"
#include "net/head.h"
#include "net/settings.h"
#include "net/url.h"

enum { PRIORITIES = HTTP_PRIORITY_STREAM + 1 };

enum call_state {
	CALL_NEW,     /* being made */
	CALL_WAITING, /* for its turn */
	CALL_ACTIVE,  /* with the engine */
	CALL_ENDED,   /* result known, on_done not yet run */
	CALL_DONE,    /* on_done runs, or cancelled: about to be freed */
};

static const char *const call_state_names[] = { "new", "waiting", "active", "ended", "done" };

struct http_call {
	struct list node; /* in client->waiting[priority], active or ended */
	struct http_client *client;
	enum call_state state;
	struct http_handlers handlers;
	void *arg;                 /* of the handlers */
	struct transfer *transfer; /* while active */
	struct loop_timer *timer;  /* owned: the nearer of both deadlines, while active */
	int64_t began_ms;          /* when its turn came */
	int64_t heard_ms;          /* when something last arrived for it, or its turn came */
	struct answer_head head;
	bool complete;
	bool untrusted;
	struct err err;              /* how it ended */
	struct http_request request; /* its strings point into `text`, its body to the heap */
	char text[];                 /* owned with the call */
};

struct http_client {
	struct transport transport; /* first: a transport is its client */
	struct loop *loop;          /* borrowed */
	struct settings settings;
	struct engine *engine;           /* owned */
	struct loop_task *work;          /* owned: deliver what ended, begin what waits */
	struct list waiting[PRIORITIES]; /* calls, in the order started */
	struct list active;
	struct list ended; /* in the order they ended */
	http_gate_fn *gate; /* or NULL */
	void *gate_arg;
	int active_normal; /* how many NORMAL calls are active */
	int max_normal;
	int unfinished[PRIORITIES]; /* calls between start and on_done or cancel */
	bool delivering;            /* inside on_done: `work` goes on by itself */
	struct http_client_stats stats;
};

static bool call_may(enum call_state from, enum call_state to)
{
	switch (to) {
	case CALL_WAITING:
		return from == CALL_NEW;
	case CALL_ACTIVE:
		return from == CALL_WAITING;
	case CALL_ENDED:
		return from == CALL_WAITING || from == CALL_ACTIVE;
	case CALL_DONE:
		return from == CALL_WAITING || from == CALL_ACTIVE || from == CALL_ENDED;
	case CALL_NEW:
		break;
	}
	return false;
}

/* The one place where a call's state and list change. */
static void call_set_state(struct http_call *call, enum call_state state)
{
	struct http_client *client = call->client;
	bool normal = call->request.priority == HTTP_PRIORITY_NORMAL;

	assert(call_may(call->state, state));
	log_debug("http", "%s %s: %s -> %s", call->request.method, call->request.path,
	          call_state_names[call->state], call_state_names[state]);
	if (normal && call->state == CALL_ACTIVE)
		client->active_normal--;
	if (normal && state == CALL_ACTIVE)
		client->active_normal++;
	list_remove(&call->node);
	if (state == CALL_WAITING)
		list_add_tail(&client->waiting[call->request.priority], &call->node);
	else if (state == CALL_ACTIVE)
		list_add_tail(&client->active, &call->node);
	else if (state == CALL_ENDED)
		list_add_tail(&client->ended, &call->node);
	call->state = state;
}

static void want_work(struct http_client *client)
{
	if (!client->delivering)
		loop_task_post(client->work);
}

static void call_free(struct http_call *call)
{
	call->client->unfinished[call->request.priority]--;
	loop_timer_free(call->timer);
	free((char *)call->request.body);
	free(call);
}

/* Nothing happens to the caller now: on_done comes from the loop. */
static void call_end(struct http_call *call)
{
	loop_timer_stop(call->timer);
	call->transfer = NULL;
	call_set_state(call, CALL_ENDED);
	want_work(call->client);
}

/* --- deadlines --------------------------------------------------------- */

/* One timer, set late: bytes that arrive only note the time. */
static void call_set_timer(struct http_call *call, int64_t now_ms)
{
	const struct http_request *request = &call->request;
	int64_t due_ms = INT64_MAX, idle_due_ms;

	if (request->timeout_ms > 0)
		due_ms = call->began_ms + request->timeout_ms;
	idle_due_ms = call->heard_ms + request->idle_timeout_ms;
	if (request->idle_timeout_ms > 0 && idle_due_ms < due_ms)
		due_ms = idle_due_ms;
	if (due_ms < INT64_MAX)
		loop_timer_start(call->timer, due_ms - now_ms);
}

/*
 * Silence for all of the time on all of its connection means that the
 * connection is dead, whatever the kernel still hopes for.
 */
static void call_time_out(struct http_call *call, int64_t limit_ms, int64_t since_ms,
                          const char *what)
{
	const char *server = call->client->settings.url.text;
	struct transfer *transfer = call->transfer;

	err_set(&call->err, ERR_TIMEOUT, "%s: %s within %g s", server, what,
	        (double)limit_ms / 1000);
	call_end(call);
	engine_abort_unless_alive(transfer, since_ms);
}

static void on_timer(void *arg)
{
	struct http_call *call = arg;
	const struct http_request *request = &call->request;
	int64_t now_ms = loop_mono_ms(call->client->loop);

	if (request->timeout_ms > 0 && now_ms - call->began_ms >= request->timeout_ms)
		call_time_out(call, request->timeout_ms, call->began_ms, "no whole answer");
	else if (request->idle_timeout_ms > 0 &&
	         now_ms - call->heard_ms >= request->idle_timeout_ms)
		call_time_out(call, request->idle_timeout_ms, call->heard_ms, "nothing arrived");
	else
		call_set_timer(call, now_ms);
}

/* --- what the engine calls --------------------------------------------- */

static int on_head_line(void *arg, const char *line, size_t len)
{
	struct http_call *call = arg;

	call->heard_ms = loop_mono_ms(call->client->loop);
	switch (answer_head_line(&call->head, line, len)) {
	case HEAD_TOO_LARGE:
		return -1;
	case HEAD_ENDED:
		if (call->handlers.on_head)
			call->handlers.on_head(call->arg, call->head.status);
		return 0;
	case HEAD_MORE:
		break;
	}
	return 0;
}

/* The handler may cancel its own call, and then the call is gone. */
static int on_data(void *arg, const char *data, size_t len)
{
	struct http_call *call = arg;
	struct transfer *transfer = call->transfer;
	struct err err;

	call->heard_ms = loop_mono_ms(call->client->loop);
	call->client->stats.bytes_received += len;
	if (call->handlers.on_data(call->arg, data, len, &err) == 0)
		return 0;
	if (!transfer_aborted(transfer))
		call->err = err;
	return -1;
}

static void on_end(void *arg, const struct fault *fault)
{
	struct http_call *call = arg;

	call->complete = fault->kind == FAULT_NONE;
	call->untrusted = fault->kind == FAULT_CERTIFICATE;
	if (!call->complete && call->err.code == ERR_NONE)
		fault_to_err(fault, call->client->settings.url.text, &call->err);
	call_end(call);
}

static bool is_write(const struct http_request *request)
{
	return strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0;
}

/* The last moment at which it can be kept from having an effect. */
static int on_send(void *arg)
{
	struct http_call *call = arg;
	struct http_client *client = call->client;

	if (!client->gate || call->request.priority == HTTP_PRIORITY_HIGH ||
	    !is_write(&call->request) || client->gate(client->gate_arg))
		return 0;
	return err_set(&call->err, ERR_CANCELED, "%s: not sent: writing is no longer allowed",
	               client->settings.url.text);
}

static const struct transfer_handlers transfer_handlers = { on_send, on_head_line, on_data,
	                                                    on_end };

/* --- starting ---------------------------------------------------------- */

static void call_begin(struct http_call *call)
{
	struct http_client *client = call->client;
	struct transfer_request request = {
		.method = call->request.method,
		.path = call->request.path,
		.content_type = call->request.content_type,
		.accept = call->request.accept,
		.body = (char *)call->request.body,
		.body_len = call->request.body_len,
	};

	call->request.body = NULL; /* the engine's from here on */
	call->began_ms = call->heard_ms = loop_mono_ms(client->loop);
	client->stats.requests++;
	call_set_state(call, CALL_ACTIVE);
	call->transfer = engine_start(client->engine, &request, call);
	call_set_timer(call, call->began_ms);
}

static struct http_call *first(const struct list *calls)
{
	return list_entry(calls->next, struct http_call, node);
}

static bool begin_waiting(struct http_client *client)
{
	static const enum http_priority order[PRIORITIES] = {
		HTTP_PRIORITY_HIGH, HTTP_PRIORITY_NORMAL, HTTP_PRIORITY_STREAM
	};
	struct list *normal = &client->waiting[HTTP_PRIORITY_NORMAL];
	bool begun = false;

	for (int i = 0; i < PRIORITIES; i++) {
		struct list *queue = &client->waiting[order[i]];

		for (; !list_empty(queue); begun = true) {
			if (queue == normal && client->active_normal >= client->max_normal)
				break;
			call_begin(first(queue));
		}
	}
	return begun;
}

static void deliver(struct http_call *call)
{
	struct http_result result = {
		.status = call->head.status,
		.retry_after_ms = call->head.retry_after_ms,
		.complete = call->complete,
		.untrusted = call->untrusted,
	};

	call_set_state(call, CALL_DONE);
	call->err.http_status = call->head.status;
	call->err.retry_after_ms = call->head.retry_after_ms;
	call->handlers.on_done(call->arg, &result, &call->err);
	call_free(call);
}

/* A task of the loop: whoever starts a call has returned by now. */
static void work(void *arg)
{
	struct http_client *client = arg;

	client->delivering = true;
	while (!list_empty(&client->ended))
		deliver(first(&client->ended));
	client->delivering = false;
	if (begin_waiting(client))
		engine_kick(client->engine);
}

/* Copies `s` to *end and moves *end on; NULL stays NULL. */
static const char *pack(char **end, const char *s)
{
	char *copy = *end;

	if (!s)
		return NULL;
	*end = stpcpy(copy, s) + 1;
	return copy;
}

static size_t packed_size(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

static struct http_call *call_new(struct http_client *client, const struct http_request *request)
{
	const char *accept = request->accept ? request->accept : "application/json";
	struct http_call *call;
	char *end;

	call = x_calloc(1, sizeof(*call) + packed_size(request->method) +
	                           packed_size(request->path) + packed_size(accept) +
	                           packed_size(request->content_type));
	end = call->text;
	list_init(&call->node);
	call->client = client;
	call->request = *request;
	call->request.method = pack(&end, request->method);
	call->request.path = pack(&end, request->path);
	call->request.accept = pack(&end, accept);
	call->request.content_type = pack(&end, request->content_type);
	call->request.body = request->body ? x_strndup(request->body, request->body_len) : NULL;
	call->timer = loop_timer_new(client->loop, on_timer, call);
	client->unfinished[request->priority]++;
	return call;
}

static struct http_call *start(struct transport *transport, const struct http_request *request,
                               const struct http_handlers *handlers, void *arg)
{
	struct http_client *client = (struct http_client *)transport;
	struct http_call *call = call_new(client, request);

	call->handlers = *handlers;
	call->arg = arg;
	call_set_state(call, CALL_WAITING);
	if (!url_path_valid(request->path)) {
		err_set(&call->err, ERR_INVALID, "%s: path is not fit for a request: %s",
		        client->settings.url.text, request->path);
		call_end(call);
	}
	want_work(client);
	return call;
}

static void cancel(struct transport *transport, struct http_call *call)
{
	struct http_client *client = (struct http_client *)transport;

	assert(call->client == client);
	if (call->transfer)
		engine_abort(call->transfer);
	call_set_state(call, CALL_DONE);
	call_free(call);
	want_work(client);
}

/* --- the client -------------------------------------------------------- */

struct http_client *http_client_new(struct loop *loop, const struct http_client_config *config,
                                    struct err *err)
{
	struct settings settings;
	struct http_client *client;

	if (settings_init(&settings, config, loop_wall_ms(loop), err) < 0)
		return NULL;
	client = x_calloc(1, sizeof(*client));
	client->transport = (struct transport){ start, cancel };
	client->loop = loop;
	client->settings = settings;
	client->engine = engine_new(loop, &client->settings, &transfer_handlers);
	client->work = loop_task_new(loop, work, client);
	client->max_normal =
		config->max_in_flight > 0 ? config->max_in_flight : LIMIT_WRITES_IN_FLIGHT;
	for (int p = 0; p < PRIORITIES; p++)
		list_init(&client->waiting[p]);
	list_init(&client->active);
	list_init(&client->ended);
	return client;
}

static void cancel_all(struct http_client *client, const struct list *calls)
{
	while (!list_empty(calls))
		cancel(&client->transport, first(calls));
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	assert(!client->delivering);
	for (int p = 0; p < PRIORITIES; p++)
		cancel_all(client, &client->waiting[p]);
	cancel_all(client, &client->active);
	cancel_all(client, &client->ended);
	loop_task_free(client->work);
	engine_free(client->engine);
	settings_release(&client->settings);
	free(client);
}

struct transport *http_client_transport(struct http_client *client)
{
	return &client->transport;
}

void http_client_set_token(struct http_client *client, const char *token)
{
	engine_set_token(client->engine, token);
}

int http_client_set_identity(struct http_client *client, const struct tls_identity *texts,
                             struct err *err)
{
	struct identity *identity = identity_new(texts, loop_wall_ms(client->loop), err);

	if (!identity)
		return -1;
	identity_unref(client->settings.identity);
	client->settings.identity = identity;
	return 0;
}

void http_client_set_gate(struct http_client *client, http_gate_fn *gate, void *arg)
{
	client->gate = gate;
	client->gate_arg = arg;
}

int http_client_in_flight(const struct http_client *client)
{
	return client->unfinished[HTTP_PRIORITY_HIGH] + client->unfinished[HTTP_PRIORITY_NORMAL];
}

int64_t http_client_cert_expires_ms(const struct http_client *client)
{
	return client->settings.identity->expires_ms;
}

struct http_client_stats http_client_stats(const struct http_client *client)
{
	struct http_client_stats stats = client->stats;

	stats.connections = engine_connections(client->engine);
	return stats;
}
