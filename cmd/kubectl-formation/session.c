#include "session.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "kube/config.h"
#include "kube/escape.h"

enum { PAGE_ITEMS = 250, HEADERS_MAX = 40 };

struct session {
	const struct options *options;
	struct kube_config *config;
	struct loop *loop;
	struct http_client *http;
	struct credentials *credentials;
	struct client *client;
	struct loop_signal *interrupt;
	struct loop_signal *terminate;
	struct loop_timer *timer;
	struct arena arena;
	struct session_call *waiting[16]; /* started and not done */
	size_t pending;
	bool signalled;
	bool timed_out;
	bool stopped;
};

/* --- connecting ---------------------------------------------------- */

static void on_signal(void *arg)
{
	struct session *session = arg;

	session->signalled = true;
	loop_stop(session->loop);
}

static void on_timer(void *arg)
{
	struct session *session = arg;

	session->timed_out = true;
	loop_stop(session->loop);
}

static void on_token(void *arg, const char *token)
{
	http_client_set_token(arg, token);
}

static void on_request(void *arg, const char *verb, const struct resource *resource,
		       int http_status, int64_t duration_ms)
{
	(void)arg;
	log_info(verb, "%s: HTTP %d after %lld ms", resource->plural, http_status,
		 (long long)duration_ms);
}

/* Impersonation by flags takes the place of that in the kubeconfig. */
static void impersonate(struct session *session)
{
	static const char *const NAMES[] = {"Impersonate-User", "Impersonate-Group",
					    "Impersonate-Uid"};
	const struct options *options = session->options;
	const char *const values[] = {options->as, options->as_group, options->as_uid};
	const char *const *old = session->config->http.headers;
	const char **lines = arena_array(&session->arena, const char *, HEADERS_MAX + 4);
	size_t count = 0;

	if (!options->as)
		return;
	for (; old && *old && count < HEADERS_MAX; old++) {
		if (strncmp(*old, "Impersonate-", 12) != 0)
			lines[count++] = *old;
	}
	for (size_t i = 0; i < 3; i++) {
		if (values[i])
			lines[count++] =
				arena_printf(&session->arena, "%s: %s", NAMES[i], values[i]);
	}
	session->config->http.headers = lines;
}

static int session_connect(struct session *session, struct err *err)
{
	static const struct client_observer OBSERVER = {.request_done = on_request};
	const struct options *options = session->options;
	const struct kube_config_options wanted = {
		.kubeconfig = options->kubeconfig,
		.context = options->context,
		.cluster = options->cluster,
		.user = options->user,
		.ns = options->ns,
		.user_agent = "kubectl-formation/" FORMATION_VERSION,
	};

	session->config = kube_config_load(&wanted, err);
	if (!session->config)
		return -1;
	impersonate(session);
	session->loop = loop_new(clock_system(), err);
	if (!session->loop)
		return -1;
	session->http = kube_config_connect(session->config, session->loop, err);
	if (!session->http)
		return -1;
	session->credentials =
		credentials_new(session->loop, session->config->token_file,
				session->config->http.bearer_token, on_token, session->http);
	session->client = client_new(session->loop, http_client_transport(session->http),
				     options->verbosity >= 6 ? &OBSERVER : NULL);
	client_set_credentials(session->client, session->credentials);
	session->interrupt = loop_signal_new(session->loop, SIGINT, on_signal, session);
	session->terminate = loop_signal_new(session->loop, SIGTERM, on_signal, session);
	session->timer = loop_timer_new(session->loop, on_timer, session);
	return 0;
}

struct session *session_new(const struct options *options, struct err *err)
{
	struct session *session = x_calloc(1, sizeof(*session));

	session->options = options;
	if (session_connect(session, err) == 0)
		return session;
	session_free(session);
	return NULL;
}

void session_free(struct session *session)
{
	if (!session)
		return;
	loop_timer_free(session->timer);
	loop_signal_free(session->terminate);
	loop_signal_free(session->interrupt);
	client_free(session->client);
	credentials_free(session->credentials);
	http_client_free(session->http);
	loop_free(session->loop);
	if (session->config)
		kube_config_free(session->config);
	arena_release(&session->arena);
	free(session);
}

const char *session_ns(const struct session *session)
{
	return session->config->ns;
}

const char *session_server(const struct session *session)
{
	return session->config->http.server;
}

struct loop *session_loop(struct session *session)
{
	return session->loop;
}

struct transport *session_transport(struct session *session)
{
	return http_client_transport(session->http);
}

struct credentials *session_credentials(struct session *session)
{
	return session->credentials;
}

/* --- requests ------------------------------------------------------ */

static void send_call(struct session_call *call);

static void finish_call(struct session_call *call)
{
	struct session *session = call->session;

	free(call->page);
	call->page = NULL;
	call->request.query = call->query;
	call->done = true;
	call->call = NULL;
	for (size_t i = 0; i < session->pending; i++) {
		if (session->waiting[i] == call) {
			session->waiting[i] = session->waiting[--session->pending];
			break;
		}
	}
	if (session->pending == 0)
		loop_stop(session->loop);
}

static bool is_list(const struct session_call *call)
{
	return strcmp(call->request.verb, "list") == 0;
}

/* Keep what came; true when there is another page, which is asked for. */
static bool next_page(struct session_call *call, const struct json *object)
{
	const char *token = json_string_or(json_path(object, "metadata", "continue", NULL), "");
	struct buf query = BUF_INIT(LIMIT_HTTP_HEAD);
	struct json *items;

	if (!call->answer) {
		call->answer = json_clone(call->arena, object);
	} else {
		items = (struct json *)json_get(call->answer, "items");
		json_for_each (item, json_get(object, "items"))
			json_add(items, json_clone(call->arena, item));
	}
	if (!*token)
		return false;
	buf_printf(&query, "limit=%d%s%s&continue=", PAGE_ITEMS, call->query ? "&" : "",
		   call->query ? call->query : "");
	escape_url(&query, token);
	free(call->page);
	call->page = buf_detach(&query, NULL);
	return true;
}

static void on_done(void *arg, struct arena *arena, struct json *object, const struct err *err)
{
	struct session_call *call = arg;

	(void)arena;
	call->err = *err;
	if (err->code != ERR_NONE) {
		call->answer = NULL;
	} else if (!is_list(call)) {
		call->answer = json_clone(call->arena, object);
	} else if (next_page(call, object)) {
		send_call(call);
		return;
	}
	finish_call(call);
}

static void send_call(struct session_call *call)
{
	if (call->page)
		call->request.query = call->page;
	call->call = client_start(call->session->client, &call->request, on_done, call);
}

void session_start(struct session *session, struct session_call *call)
{
	call->session = session;
	call->query = call->request.query;
	call->answer = NULL;
	call->done = false;
	if (!call->request.timeout_ms)
		call->request.timeout_ms = session->options->request_timeout_ms;
	if (is_list(call))
		call->page = x_asprintf("limit=%d%s%s", PAGE_ITEMS, call->query ? "&" : "",
					call->query ? call->query : "");
	session->waiting[session->pending++] = call;
	send_call(call);
}

static void cancel_all(struct session *session)
{
	while (session->pending > 0) {
		struct session_call *call = session->waiting[session->pending - 1];

		client_cancel(call->call);
		err_set(&call->err, ERR_CANCELED, "interrupted");
		finish_call(call);
	}
}

int session_wait(struct session *session, struct err *err)
{
	while (session->pending > 0 && !session->signalled) {
		if (loop_run(session->loop, err) != 0)
			return -1;
	}
	if (!session->signalled)
		return 0;
	cancel_all(session);
	return err_set(err, ERR_CANCELED, "interrupted");
}

struct json *session_request(struct session *session, struct arena *arena,
			     const struct client_request *request, struct err *err)
{
	struct session_call call = {.request = *request, .arena = arena};

	session_start(session, &call);
	if (session_wait(session, err) != 0)
		return NULL;
	if (!call.answer)
		*err = call.err;
	return call.answer;
}

int session_run(struct session *session, int64_t deadline_ms, struct err *err)
{
	session->stopped = session->timed_out = false;
	if (deadline_ms > 0)
		loop_timer_start(session->timer, deadline_ms);
	while (!session->stopped && !session->signalled && !session->timed_out) {
		if (loop_run(session->loop, err) != 0)
			return -1;
	}
	loop_timer_stop(session->timer);
	if (session->stopped)
		return 0;
	if (session->signalled)
		return err_set(err, ERR_CANCELED, "interrupted");
	return err_set(err, ERR_TIMEOUT, "the time is up");
}

void session_stop(struct session *session)
{
	session->stopped = true;
	loop_stop(session->loop);
}

int session_pause(struct session *session, int64_t delay_ms, struct err *err)
{
	if (session_run(session, delay_ms > 0 ? delay_ms : 1, err) == 0 || err->code == ERR_TIMEOUT)
		return 0;
	return -1;
}

void session_explain(const struct session *session, struct err *err)
{
	switch (err->code) {
	case ERR_UNAVAILABLE:
	case ERR_TIMEOUT:
		err_wrap(err, "no answer from %s (is it the right --context? is the cluster up?)",
			 session_server(session));
		break;
	case ERR_UNAUTHORIZED:
		err_wrap(err, "%s does not accept the credentials of %s: log in again",
			 session_server(session), session->config->user_name);
		break;
	default:
		break;
	}
}
