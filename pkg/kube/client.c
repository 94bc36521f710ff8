#include "kube/client.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/list.h"
#include "kube/refusal.h"

enum { DEFAULT_TIMEOUT_MS = 30 * 1000 };

/* What a verb is in HTTP. */
struct verb {
	const char *name;
	const char *method;
	const char *content_type; /* of the body, NULL without one */
};

static const struct verb VERBS[] = {
	{ "get", "GET", NULL },
	{ "list", "GET", NULL },
	{ "create", "POST", "application/json" },
	{ "update", "PUT", "application/json" },
	{ "apply", "PATCH", "application/apply-patch+yaml" },
	{ "patch", "PATCH", "application/merge-patch+json" },
	{ "json-patch", "PATCH", "application/json-patch+json" },
	{ "delete", "DELETE", "application/json" },
};

struct client {
	struct loop *loop;
	struct transport *transport;
	const struct client_observer *observer; /* or NULL */
	struct credentials *credentials;        /* or NULL */
	struct list calls;                      /* under way: every struct client_call */
	struct list refused;                    /* calls that could not even be sent */
	struct loop_task *refuse;               /* ends those */
	struct arena scratch;                   /* while a request is made */
	struct arena answer;                    /* while `done` runs */
	size_t in_flight;                       /* calls in both lists */
};

/*
 * In one list of its client at any time. It is on its way (`http` set),
 * waits for new credentials (`waiter` in a list), or was refused.
 */
struct client_call {
	struct list node;
	struct client *client;
	const struct verb *verb;
	const struct resource *resource;
	const struct json_keep *keep;
	char *path;
	char *object;              /* "shop/web", for messages */
	struct buf body;           /* kept while it may have to be sent again */
	struct buf answer;
	int status;                /* of the answer that arrives, 0 before its head */
	enum http_priority priority;
	int64_t timeout_ms;
	int64_t started_ms;
	struct http_call *http;    /* NULL while not on its way */
	bool again;                /* was sent again after a 401 */
	uint64_t generation;       /* of the credentials it was sent with */
	struct credentials_waiter waiter;
	struct err err;            /* why it failed */
	client_done_fn *done;
	void *arg;
};

/* --- the end of a call ------------------------------------------------ */

static void call_free(struct client_call *call)
{
	list_remove(&call->node);
	list_remove(&call->waiter.node);
	call->client->in_flight--;
	buf_release(&call->body);
	buf_release(&call->answer);
	free(call->path);
	free(call->object);
	free(call);
}

/* The one place where `done` is called: with `call->err`, or the answer. */
static void call_end(struct client_call *call, struct json *object)
{
	struct client *client = call->client;
	const struct client_observer *observer = client->observer;

	if (call->err.code != ERR_NONE) {
		object = NULL;
		err_wrap(&call->err, "%s %s%s%s", call->verb->name, call->resource->plural,
			 *call->object ? " " : "", call->object);
	}
	if (observer)
		observer->request_done(observer->arg, call->verb->name, call->resource,
				       call->status,
				       loop_mono_ms(client->loop) - call->started_ms);
	call->done(call->arg, &client->answer, object, &call->err);
	arena_reset(&client->answer);
	call_free(call);
}

/* A success has to be one whole JSON object. */
static struct json *parse_answer(struct client_call *call, const struct http_result *result)
{
	struct json *object = NULL;

	if (!result->complete)
		err_set(&call->err, ERR_PARSE, "the answer was cut off after %zu bytes",
			call->answer.len);
	else if (json_parse(&call->client->answer, buf_cstr(&call->answer), call->answer.len,
			    call->keep, &object, &call->err) < 0)
		err_wrap(&call->err, "bad answer");
	else if (object->type != JSON_OBJECT)
		err_set(&call->err, ERR_PARSE, "bad answer: no JSON object");
	if (call->err.code != ERR_NONE)
		call->err.http_status = result->status;
	return object;
}

static bool is_success(int status)
{
	return status >= 200 && status < 300;
}

/* --- the transport's callbacks ---------------------------------------- */

static void on_head(void *arg, int status)
{
	struct client_call *call = arg;

	call->status = status;
	buf_release(&call->answer);
	buf_init(&call->answer, is_success(status) ? LIMIT_DOCUMENT : LIMIT_ERROR_BODY);
}

static int on_data(void *arg, const char *data, size_t len, struct err *err)
{
	struct client_call *call = arg;

	if (buf_append(&call->answer, data, len) == 0 || !is_success(call->status))
		return 0; /* an error's text may be cut */
	return err_set(err, ERR_LIMIT, "the answer is larger than %lu bytes", LIMIT_DOCUMENT);
}

static bool wants_renewal(const struct client_call *call, const struct http_result *result)
{
	return result->status == 401 && call->client->credentials && !call->again;
}

static void on_done(void *arg, const struct http_result *result, const struct err *err)
{
	struct client_call *call = arg;
	struct json *object = NULL;

	call->http = NULL;
	call->status = result->status;
	if (is_refusal(result)) {
		refusal_error(result, &call->answer, &call->err);
		if (wants_renewal(call, result)) {
			call->waiter.generation = call->generation;
			credentials_renew(call->client->credentials, &call->waiter);
			return;
		}
	} else if (err->code != ERR_NONE) {
		call->err = *err;
	} else {
		object = parse_answer(call, result);
	}
	call_end(call, object);
}

static const struct http_handlers HANDLERS = {
	.on_head = on_head,
	.on_data = on_data,
	.on_done = on_done,
};

/* --- the start of a call ---------------------------------------------- */

static void call_send(struct client_call *call)
{
	struct client *client = call->client;
	struct http_request request = {
		.method = call->verb->method,
		.path = call->path,
		.content_type = call->body.len ? call->verb->content_type : NULL,
		.body = call->body.len ? call->body.data : NULL,
		.body_len = call->body.len,
		.timeout_ms = call->timeout_ms,
		.priority = call->priority,
	};

	call->status = 0;
	call->err = (struct err)ERR_INIT;
	if (client->credentials)
		call->generation = credentials_generation(client->credentials);
	call->http = transport_start(client->transport, &request, &HANDLERS, call);
	if (!client->credentials || call->again)
		buf_release(&call->body);
}

/* The credentials were read again: once more, or it was a refusal. */
static void on_renewed(void *arg, bool renewed)
{
	struct client_call *call = arg;

	if (!renewed) {
		call_end(call, NULL);
		return;
	}
	call->again = true;
	call_send(call);
}

/* DeleteOptions. */
static const struct json *delete_body(struct arena *arena, const struct client_request *request)
{
	struct json *options = json_new_object(arena), *preconditions;

	json_set_string(arena, options, "kind", "DeleteOptions");
	json_set_string(arena, options, "apiVersion", "v1");
	json_set_string(arena, options, "propagationPolicy",
			request->delete_foreground ? "Foreground" : "Background");
	if (request->dry_run)
		json_add(json_set_array(arena, options, "dryRun"), json_new_string(arena, "All"));
	if (!request->delete_uid && !request->delete_version)
		return options;
	preconditions = json_set_object(arena, options, "preconditions");
	if (request->delete_uid)
		json_set_string(arena, preconditions, "uid", request->delete_uid);
	if (request->delete_version)
		json_set(arena, preconditions, "resourceVersion",
			 json_new_printf(arena, "%" PRIu64, request->delete_version));
	return options;
}

static const struct verb *verb_of(const char *name)
{
	for (size_t i = 0; i < sizeof(VERBS) / sizeof(*VERBS); i++)
		if (strcmp(VERBS[i].name, name) == 0)
			return &VERBS[i];
	assert(!"a verb of client.h");
	return NULL;
}

/* Path and body. Returns -1 with call->err when they are too large. */
static int call_write(struct client_call *call, const struct client_request *request)
{
	struct arena *scratch = &call->client->scratch;
	const struct json *body = request->body;
	const char *path = client_path(scratch, request);

	if (strcmp(call->verb->name, "delete") == 0)
		body = delete_body(scratch, request);
	buf_init(&call->body, LIMIT_REQUEST);
	if (body)
		json_write(&call->body, body);
	call->path = path ? x_strdup(path) : NULL;
	arena_reset(scratch);
	if (!path)
		return err_set(&call->err, ERR_LIMIT, "the path is longer than %lu bytes",
			       LIMIT_HTTP_HEAD);
	if (call->body.overflow)
		return err_set(&call->err, ERR_LIMIT, "the body is larger than %lu bytes",
			       LIMIT_REQUEST);
	return 0;
}

static char *object_text(const struct client_request *request)
{
	bool has_ns = request->ns && *request->ns;

	return x_asprintf("%s%s%s", has_ns ? request->ns : "", has_ns && request->name ? "/" : "",
			  request->name ? request->name : "");
}

struct client_call *client_start(struct client *client, const struct client_request *request,
				 client_done_fn *done, void *arg)
{
	struct client_call *call = x_calloc(1, sizeof(*call));

	call->client = client;
	call->verb = verb_of(request->verb);
	call->resource = request->resource;
	call->keep = request->keep;
	call->object = object_text(request);
	call->priority = request->priority;
	call->timeout_ms = request->timeout_ms ? request->timeout_ms : DEFAULT_TIMEOUT_MS;
	call->started_ms = loop_mono_ms(client->loop);
	call->done = done;
	call->arg = arg;
	buf_init(&call->answer, LIMIT_ERROR_BODY);
	list_init(&call->waiter.node);
	call->waiter.done = on_renewed;
	call->waiter.arg = call;
	client->in_flight++;
	if (call_write(call, request) < 0) {
		list_add_tail(&client->refused, &call->node);
		loop_task_post(client->refuse);
		return call;
	}
	list_add_tail(&client->calls, &call->node);
	call_send(call);
	return call;
}

void client_cancel(struct client_call *call)
{
	if (call->http)
		transport_cancel(call->client->transport, call->http);
	call_free(call);
}

/* --- the client ------------------------------------------------------- */

/* End the calls that were refused before now. */
static void on_refuse(void *arg)
{
	struct client *client = arg;

	if (list_empty(&client->refused))
		return;
	call_end(list_entry(client->refused.next, struct client_call, node), NULL);
	if (!list_empty(&client->refused))
		loop_task_post(client->refuse);
}

struct client *client_new(struct loop *loop, struct transport *transport,
			  const struct client_observer *observer)
{
	struct client *client = x_calloc(1, sizeof(*client));

	client->loop = loop;
	client->transport = transport;
	client->observer = observer;
	list_init(&client->calls);
	list_init(&client->refused);
	client->refuse = loop_task_new(loop, on_refuse, client);
	arena_init(&client->scratch);
	arena_init(&client->answer);
	return client;
}

void client_free(struct client *client)
{
	if (!client)
		return;
	while (!list_empty(&client->calls))
		client_cancel(list_entry(client->calls.next, struct client_call, node));
	while (!list_empty(&client->refused))
		client_cancel(list_entry(client->refused.next, struct client_call, node));
	loop_task_free(client->refuse);
	arena_release(&client->scratch);
	arena_release(&client->answer);
	free(client);
}

void client_set_credentials(struct client *client, struct credentials *credentials)
{
	client->credentials = credentials;
}

size_t client_in_flight(const struct client *client)
{
	return client->in_flight;
}
