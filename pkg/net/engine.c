#include "net/engine.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/engine_options.h"
#include "net/headers.h"
#include "net/sockets.h"

enum {
	CONNECTIONS_KEPT = 8,       /* idle ones; HTTP/2 needs one */
	SPARE_TRANSFERS = 16,       /* ended ones kept for the next */
};

/*
 * An easy handle and what belongs to it; used again after its end. In
 * engine->held until libcurl gets it, in engine->running until its end, in
 * engine->aborted when it is over but libcurl, which is calling us, may
 * still look at it, in engine->spare after that.
 */
struct transfer {
	struct list node;
	struct engine *engine;
	CURL *easy;                 /* owned */
	void *arg;                  /* of the handlers */
	char *body;                 /* owned, or NULL */
	struct header_set *headers; /* one reference, or NULL */
	struct identity *identity;  /* one reference: libcurl points to it */
	int64_t added_ms;           /* when libcurl got it; -1 while held */
	bool aborted;
	bool head_too_large;
	char detail[CURL_ERROR_SIZE]; /* written by libcurl */
};

struct engine {
	struct loop *loop; /* borrowed */
	struct transfer_handlers handlers;
	CURLM *multi;                /* owned */
	struct loop_timer *timer;    /* owned: when libcurl wants to be called */
	struct socket_set sockets;   /* those libcurl waits for */
	struct list held;            /* transfers, in the order started */
	struct transfer *connecting; /* in running: the latest, until it has a connection */
	bool http1;                  /* the latest answer was: connections aren't shared */
	struct list running;         /* transfers */
	struct list aborted;         /* transfers */
	struct list spare;           /* transfers */
	int spares;                  /* how many */
	int inside;                  /* > 0 while libcurl runs */
	uint64_t connections;
	const struct settings *settings; /* borrowed */
	struct header_cache headers;
	struct curl_slist *connect_to; /* owned: settings->connect_to, or NULL */
};

static void must(CURLcode code)
{
	engine_must((int)code);
}

static void must_multi(CURLMcode code)
{
	must(code == CURLM_OK ? CURLE_OK : CURLE_OUT_OF_MEMORY);
}

static void must_have(const void *p)
{
	must(p ? CURLE_OK : CURLE_OUT_OF_MEMORY);
}

/* --- what libcurl calls ------------------------------------------------ */

static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	size_t len = size * count;

	if (t->aborted)
		return CURL_WRITEFUNC_ERROR;
	if (len > 5 && memcmp(line, "HTTP/", 5) == 0)
		t->engine->http1 = line[5] == '1';
	if (t->engine->handlers.on_head_line(t->arg, line, len) == 0)
		return t->aborted ? CURL_WRITEFUNC_ERROR : len;
	t->head_too_large = true;
	return CURL_WRITEFUNC_ERROR;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	size_t len = size * count;

	if (t->aborted || t->engine->handlers.on_data(t->arg, data, len) < 0 || t->aborted)
		return CURL_WRITEFUNC_ERROR;
	return len;
}

static void has_connection(struct transfer *t)
{
	if (t->engine->connecting == t)
		t->engine->connecting = NULL;
}

/* The transfer has its connection, new or shared, and is about to be sent. */
static int on_connected(void *arg, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
	struct transfer *t = arg;

	(void)remote_ip;
	(void)local_ip;
	(void)remote_port;
	(void)local_port;
	has_connection(t);
	if (t->aborted || t->engine->handlers.on_send(t->arg) < 0)
		return CURL_PREREQFUNC_ABORT;
	return CURL_PREREQFUNC_OK;
}

static int on_socket_made(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	struct engine *engine = arg;

	(void)purpose;
	engine->connections++;
	socket_notice_death(fd);
	return CURL_SOCKOPT_OK;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct engine *engine = arg;
	struct net_socket *sock = socket_arg;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		net_socket_free(sock);
		return 0;
	}
	if (!sock) {
		sock = socket_set_add(&engine->sockets, fd);
		must_multi(curl_multi_assign(engine->multi, fd, sock));
	}
	loop_io_watch(sock->io, (what & CURL_POLL_IN ? LOOP_READ : 0) |
	                                (what & CURL_POLL_OUT ? LOOP_WRITE : 0));
	return 0;
}

static int on_timeout_wanted(CURLM *multi, long delay_ms, void *arg)
{
	struct engine *engine = arg;

	(void)multi;
	if (delay_ms < 0)
		loop_timer_stop(engine->timer);
	else
		loop_timer_start(engine->timer, delay_ms);
	return 0;
}

/* --- the end of a transfer --------------------------------------------- */

static void transfer_free(struct transfer *t)
{
	list_remove(&t->node);
	curl_easy_cleanup(t->easy);
	identity_unref(t->identity);
	header_set_unref(t->headers);
	free(t->body);
	free(t);
}

/* Out of libcurl's hands, and ready for the next request or freed. */
static void transfer_retire(struct transfer *t)
{
	struct engine *engine = t->engine;

	has_connection(t);
	if (t->added_ms >= 0) {
		engine->inside++;
		must_multi(curl_multi_remove_handle(engine->multi, t->easy));
		engine->inside--;
	}
	if (engine->spares == SPARE_TRANSFERS) {
		transfer_free(t);
		return;
	}
	list_remove(&t->node);
	header_set_unref(t->headers);
	t->headers = NULL;
	free(t->body);
	t->body = NULL;
	t->arg = NULL;
	list_add_tail(&engine->spare, &t->node);
	engine->spares++;
}

static enum fault_kind fault_of(CURLcode code)
{
	static const struct {
		CURLcode code;
		enum fault_kind kind;
	} table[] = {
		{ CURLE_OK, FAULT_NONE },
		{ CURLE_COULDNT_RESOLVE_HOST, FAULT_RESOLVE },
		{ CURLE_COULDNT_RESOLVE_PROXY, FAULT_RESOLVE_PROXY },
		{ CURLE_COULDNT_CONNECT, FAULT_CONNECT },
		{ CURLE_OPERATION_TIMEDOUT, FAULT_CONNECT_TIMEOUT },
		{ CURLE_PEER_FAILED_VERIFICATION, FAULT_CERTIFICATE },
		{ CURLE_SSL_CONNECT_ERROR, FAULT_TLS },
		{ CURLE_SSL_CERTPROBLEM, FAULT_TLS },
		{ CURLE_SSL_CIPHER, FAULT_TLS },
		{ CURLE_GOT_NOTHING, FAULT_BROKEN },
		{ CURLE_PARTIAL_FILE, FAULT_BROKEN },
		{ CURLE_RECV_ERROR, FAULT_BROKEN },
		{ CURLE_SEND_ERROR, FAULT_BROKEN },
		{ CURLE_HTTP2, FAULT_BROKEN },
		{ CURLE_HTTP2_STREAM, FAULT_BROKEN },
		{ CURLE_WEIRD_SERVER_REPLY, FAULT_NOT_HTTP },
		{ CURLE_UNSUPPORTED_PROTOCOL, FAULT_NOT_HTTP },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].code == code)
			return table[i].kind;
	}
	return FAULT_OTHER;
}

static struct fault fault_describe(struct transfer *t, CURLcode code)
{
	struct fault fault = {
		.kind = t->head_too_large ? FAULT_HEAD_TOO_LARGE : fault_of(code),
		.has_ca = t->identity->ca_pem != NULL,
		.detail = t->detail,
	};
	long os_errno = 0;

	if (fault.kind == FAULT_CONNECT) {
		curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os_errno);
		fault.os_errno = (int)os_errno;
	} else if (fault.kind == FAULT_CERTIFICATE) {
		curl_easy_getinfo(t->easy, CURLINFO_SSL_VERIFYRESULT, &fault.verify_result);
	}
	if (fault.kind != FAULT_NONE && !*t->detail)
		fault.detail = curl_easy_strerror(code);
	fault_refine(&fault);
	return fault;
}

static void transfer_end(struct transfer *t, CURLcode code)
{
	struct fault fault = fault_describe(t, code);

	if (!t->aborted)
		t->engine->handlers.on_end(t->arg, &fault);
	transfer_retire(t);
}

/* After each call of libcurl: note what has ended. */
static void collect(struct engine *engine)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(engine->multi, &left))) {
		CURLcode code = msg->data.result; /* msg goes with its transfer */
		struct transfer *t;

		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &t);
		transfer_end(t, code);
	}
	while (!list_empty(&engine->aborted))
		transfer_retire(list_entry(engine->aborted.next, struct transfer, node));
}

/* What socket_action returns is said again by the transfers it concerns. */
static void act(struct engine *engine, curl_socket_t fd, int events)
{
	int running;

	assert(!engine->inside);
	engine->inside++;
	curl_multi_socket_action(engine->multi, fd, events, &running);
	engine->inside--;
	collect(engine);
}

/*
 * libcurl would open a connection for each transfer that comes while the
 * shared one is missing: a server that sends GOAWAY would get a storm of
 * them. So the next one goes in when the last one has its connection.
 */
static void release_held(struct engine *engine)
{
	while (!list_empty(&engine->held) && (!engine->connecting || engine->http1)) {
		struct transfer *t = list_entry(engine->held.next, struct transfer, node);

		list_remove(&t->node);
		list_add_tail(&engine->running, &t->node);
		t->added_ms = loop_mono_ms(engine->loop);
		engine->connecting = t;
		engine->inside++;
		must_multi(curl_multi_add_handle(engine->multi, t->easy));
		engine->inside--;
		act(engine, CURL_SOCKET_TIMEOUT, 0);
	}
}

static void drive(struct engine *engine, curl_socket_t fd, int events)
{
	act(engine, fd, events);
	release_held(engine);
}

static void on_ready(void *arg, int fd, int events)
{
	drive(arg, fd, events == LOOP_READ ? CURL_CSELECT_IN : CURL_CSELECT_OUT);
}

static void on_timer(void *arg)
{
	drive(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* --- transfers --------------------------------------------------------- */

/* All that is the same for every request is set once. */
static struct transfer *transfer_new(struct engine *engine)
{
	struct transfer *t = x_calloc(1, sizeof(*t));

	list_init(&t->node);
	t->engine = engine;
	t->easy = curl_easy_init();
	must_have(t->easy);
	engine_set_options(t->easy, engine->settings);
	must(curl_easy_setopt(t->easy, CURLOPT_CONNECT_TO, engine->connect_to));
	must(curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t));
	must(curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->detail));
	must(curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header));
	must(curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t));
	must(curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body));
	must(curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t));
	must(curl_easy_setopt(t->easy, CURLOPT_SOCKOPTFUNCTION, on_socket_made));
	must(curl_easy_setopt(t->easy, CURLOPT_SOCKOPTDATA, engine));
	must(curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS));
	must(curl_easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, on_connected));
	must(curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t));
	return t;
}

static struct transfer *transfer_spare(struct engine *engine)
{
	struct transfer *t;

	if (list_empty(&engine->spare))
		return transfer_new(engine);
	t = list_entry(engine->spare.next, struct transfer, node);
	list_remove(&t->node);
	engine->spares--;
	return t;
}

static struct transfer *transfer_take(struct engine *engine)
{
	struct transfer *t = transfer_spare(engine);
	struct identity *identity = engine->settings->identity;

	if (t->identity == identity)
		return t;
	engine_set_identity(t->easy, identity);
	identity_unref(t->identity);
	t->identity = identity_ref(identity);
	return t;
}

/* The set's lines as libcurl wants them; made once per set. */
static struct curl_slist *header_list(struct header_set *set)
{
	struct curl_slist *list = set->native;

	if (list)
		return list;
	list = set->native = x_calloc(set->count, sizeof(*list));
	for (size_t i = 0; i < set->count; i++) {
		list[i].data = set->lines[i];
		list[i].next = i + 1 < set->count ? &list[i + 1] : NULL;
	}
	return list;
}

/* All that differs from request to request is set each time, whatever the last one was. */
static void set_request(struct transfer *t, const struct transfer_request *request)
{
	char *url = x_asprintf("%s%s", t->engine->settings->base, request->path);
	bool head = strcmp(request->method, "HEAD") == 0;

	must(curl_easy_setopt(t->easy, CURLOPT_URL, url));
	free(url);
	must(curl_easy_setopt(t->easy, CURLOPT_NOBODY, head ? 1L : 0L));
	if (t->body) {
		must(curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->body));
		must(curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE,
		                      (curl_off_t)request->body_len));
	} else if (!head) {
		must(curl_easy_setopt(t->easy, CURLOPT_HTTPGET, 1L));
	}
	must(curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, head ? NULL : request->method));
	must(curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, header_list(t->headers)));
}

struct transfer *engine_start(struct engine *engine, const struct transfer_request *request,
                              void *arg)
{
	struct transfer *t = transfer_take(engine);

	assert(!engine->inside);
	t->arg = arg;
	t->aborted = false;
	t->head_too_large = false;
	t->detail[0] = '\0';
	t->body = request->body;
	t->headers = header_cache_get(&engine->headers, request->content_type, request->accept);
	set_request(t, request);
	t->added_ms = -1;
	list_add_tail(&engine->held, &t->node);
	return t;
}

void engine_kick(struct engine *engine)
{
	release_held(engine);
}

void engine_abort(struct transfer *transfer)
{
	struct engine *engine = transfer->engine;

	assert(!transfer->aborted);
	transfer->aborted = true;
	list_remove(&transfer->node);
	list_add_tail(&engine->aborted, &transfer->node);
	if (!engine->inside)
		transfer_retire(transfer);
}

bool transfer_aborted(const struct transfer *transfer)
{
	return transfer->aborted;
}

void engine_set_token(struct engine *engine, const char *token)
{
	header_cache_set_token(&engine->headers, token);
}

uint64_t engine_connections(const struct engine *engine)
{
	return engine->connections;
}

/* --- dead connections -------------------------------------------------- */

/*
 * libcurl doesn't tell the socket of a transfer that shares a connection,
 * but it tells the port. NULL when it has no connection yet.
 */
static struct net_socket *socket_of(struct transfer *t)
{
	long port = 0;

	if (t->added_ms >= 0)
		curl_easy_getinfo(t->easy, CURLINFO_LOCAL_PORT, &port);
	return port > 0 ? socket_set_by_port(&t->engine->sockets, port) : NULL;
}

void engine_abort_unless_alive(struct transfer *transfer, int64_t since_ms)
{
	struct engine *engine = transfer->engine;
	struct net_socket *sock = socket_of(transfer);
	bool held = transfer->added_ms < 0;
	int dead = sock && sock->last_read_ms <= since_ms ? sock->fd : -1;

	/* libcurl has no call for this: it shall find the end of the stream. */
	if (dead >= 0)
		socket_cut(dead);
	engine_abort(transfer);
	if (held && engine->connecting && engine->connecting->added_ms <= since_ms)
		transfer_end(engine->connecting, CURLE_OPERATION_TIMEDOUT);
	if (socket_set_by_fd(&engine->sockets, dead))
		act(engine, dead, CURL_CSELECT_IN);
	release_held(engine);
}

/* --- the engine -------------------------------------------------------- */

struct engine *engine_new(struct loop *loop, const struct settings *settings,
                          const struct transfer_handlers *handlers)
{
	struct engine *engine = x_calloc(1, sizeof(*engine));

	must(curl_global_init(CURL_GLOBAL_DEFAULT));
	engine->loop = loop;
	engine->handlers = *handlers;
	socket_set_init(&engine->sockets, loop, on_ready, engine);
	list_init(&engine->held);
	list_init(&engine->running);
	list_init(&engine->aborted);
	list_init(&engine->spare);
	engine->settings = settings;
	header_cache_init(&engine->headers, settings->host, settings->headers,
	                  settings->bearer_token);
	if (settings->connect_to) {
		engine->connect_to = curl_slist_append(NULL, settings->connect_to);
		must_have(engine->connect_to);
	}
	engine->timer = loop_timer_new(loop, on_timer, engine);
	engine->multi = curl_multi_init();
	must_have(engine->multi);
	must_multi(curl_multi_setopt(engine->multi, CURLMOPT_SOCKETFUNCTION, on_socket));
	must_multi(curl_multi_setopt(engine->multi, CURLMOPT_SOCKETDATA, engine));
	must_multi(curl_multi_setopt(engine->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted));
	must_multi(curl_multi_setopt(engine->multi, CURLMOPT_TIMERDATA, engine));
	must_multi(curl_multi_setopt(engine->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX));
	must_multi(curl_multi_setopt(engine->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT));
	return engine;
}

static void abort_all(const struct list *transfers)
{
	while (!list_empty(transfers))
		engine_abort(list_entry(transfers->next, struct transfer, node));
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	assert(!engine->inside);
	abort_all(&engine->held);
	abort_all(&engine->running);
	while (!list_empty(&engine->spare))
		transfer_free(list_entry(engine->spare.next, struct transfer, node));
	header_cache_release(&engine->headers);
	curl_multi_cleanup(engine->multi);
	socket_set_release(&engine->sockets);
	loop_timer_free(engine->timer);
	curl_slist_free_all(engine->connect_to);
	free(engine);
	curl_global_cleanup();
}
