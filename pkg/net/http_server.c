#include "net/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/mem.h"

enum {
	IDLE_TIMEOUT_S = 30, /* a connection that says nothing, or not all of its request */
	BODY_MAX = 0,        /* GET and HEAD have none */
};

static const char content_type[] = "text/plain; version=0.0.4; charset=utf-8";

struct handler {
	struct list node; /* in server->handlers */
	char *path;       /* owned */
	http_server_fn *fn;
	void *arg;
};

struct http_server {
	struct evhttp *http;  /* owned; it owns the socket */
	struct list handlers; /* of paths */
	int port;
};

static void reply_text(struct evhttp_request *req, int status, const char *text)
{
	struct evbuffer *out = evhttp_request_get_output_buffer(req);

	evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type", content_type);
	evbuffer_add_printf(out, "%s\n", text);
	evhttp_send_reply(req, status, NULL, NULL);
}

static void free_body(const void *data, size_t len, void *arg)
{
	(void)len;
	(void)arg;
	free((void *)data);
}

/* evhttp leaves the length out for HEAD, since it sends no body. */
static void reply_page(struct evhttp_request *req, int status, struct buf *body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	char length[32];
	size_t len;
	char *data;

	evhttp_add_header(headers, "Content-Type", content_type);
	if (evhttp_request_get_command(req) == EVHTTP_REQ_HEAD) {
		snprintf(length, sizeof(length), "%zu", body->len);
		evhttp_add_header(headers, "Content-Length", length);
	} else if (body->len > 0) {
		data = buf_detach(body, &len);
		evbuffer_add_reference(evhttp_request_get_output_buffer(req), data, len, free_body,
		                       NULL);
	}
	evhttp_send_reply(req, status, NULL, NULL);
}

static void serve(struct evhttp_request *req, const struct handler *handler, const char *query)
{
	struct buf body = BUF_INIT(LIMIT_METRICS);
	int status = handler->fn(handler->arg, query ? query : "", &body);

	if (body.overflow)
		reply_text(req, 500, "the page is too large");
	else
		reply_page(req, status, &body);
	buf_release(&body);
}

static const struct handler *find(const struct http_server *server, const char *path)
{
	list_for_each (node, &server->handlers) {
		const struct handler *handler = list_entry(node, struct handler, node);

		if (path && strcmp(handler->path, path) == 0)
			return handler;
	}
	return NULL;
}

static void on_request(struct evhttp_request *req, void *arg)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const struct handler *handler = find(arg, uri ? evhttp_uri_get_path(uri) : NULL);
	enum evhttp_cmd_type method = evhttp_request_get_command(req);

	evhttp_add_header(evhttp_request_get_output_headers(req), "X-Content-Type-Options",
	                  "nosniff");
	if (!handler) {
		reply_text(req, 404, "not found");
	} else if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
		evhttp_add_header(evhttp_request_get_output_headers(req), "Allow", "GET, HEAD");
		reply_text(req, 405, "only GET and HEAD");
	} else {
		serve(req, handler, evhttp_uri_get_query(uri));
	}
}

/* --- listening --------------------------------------------------------- */

/* "host:port", ":port", "[v6]:port" → host ("" for all) and port. */
static int split_address(const char *address, char **ret_host, char **ret_port, struct err *err)
{
	const char *colon = strrchr(address, ':');
	const char *host = address;
	size_t len;

	if (!colon || !colon[1] || strlen(colon + 1) > 5 ||
	    colon[1 + strspn(colon + 1, "0123456789")] || strtol(colon + 1, NULL, 10) > 65535)
		return err_set(err, ERR_INVALID,
		               "address \"%s\" is not host:port, :port or [v6]:port", address);
	len = (size_t)(colon - host);
	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	} else if (memchr(host, ':', len)) {
		return err_set(err, ERR_INVALID,
		               "address \"%s\": write IPv6 addresses as [v6]:port", address);
	}
	*ret_host = x_strndup(host, len);
	*ret_port = x_strdup(colon + 1);
	return 0;
}

static int try_listen(const struct addrinfo *info)
{
	int one = 1, zero = 0, saved;
	int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (info->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* "All addresses" is one IPv6 socket that takes IPv4 too, where there is IPv6. */
static int listen_on(const char *host, const char *port, const char *address, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *list;
	int fd = -1, rc;

	if (!*host)
		host = NULL;
	for (int round = 0; round < 2 && fd < 0; round++) {
		hints.ai_family = host ? AF_UNSPEC : (round == 0 ? AF_INET6 : AF_INET);
		rc = getaddrinfo(host, port, &hints, &list);
		if (rc != 0)
			return err_set(err, ERR_INVALID, "cannot listen on %s: %s", address,
			               gai_strerror(rc));
		for (struct addrinfo *info = list; info && fd < 0; info = info->ai_next)
			fd = try_listen(info);
		freeaddrinfo(list);
		if (host || (fd < 0 && errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))
			break;
	}
	return fd >= 0 ? fd : err_errno(err, errno, "cannot listen on %s", address);
}

static int port_of(int fd)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = sizeof(address);

	getsockname(fd, (struct sockaddr *)&address, &len);
	if (address.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
	return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static int open_address(const char *address, struct err *err)
{
	char *host cleanup(free_charp) = NULL;
	char *port cleanup(free_charp) = NULL;

	if (split_address(address, &host, &port, err) < 0)
		return -1;
	return listen_on(host, port, address, err);
}

struct http_server *http_server_new(struct loop *loop, const char *address, struct err *err)
{
	struct http_server *server;
	int fd = open_address(address, err);

	if (fd < 0)
		return NULL;
	server = x_calloc(1, sizeof(*server));
	list_init(&server->handlers);
	server->port = port_of(fd);
	server->http = evhttp_new(loop_event_base(loop));
	if (!server->http || evhttp_accept_socket(server->http, fd) != 0) {
		err_set(err, ERR_SYSTEM, "cannot listen on %s: no memory", address);
		close(fd);
		http_server_free(server);
		return NULL;
	}
	evhttp_set_gencb(server->http, on_request, server);
	evhttp_set_timeout(server->http, IDLE_TIMEOUT_S);
	evhttp_set_max_headers_size(server->http, LIMIT_HTTP_HEAD);
	evhttp_set_max_body_size(server->http, BODY_MAX);
	/* All that evhttp knows, so that we answer 405 and not evhttp 501. */
	evhttp_set_allowed_methods(server->http, 0xffff);
	return server;
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;
	if (server->http)
		evhttp_free(server->http);
	while (!list_empty(&server->handlers)) {
		struct handler *handler = list_entry(server->handlers.next, struct handler, node);

		list_remove(&handler->node);
		free(handler->path);
		free(handler);
	}
	free(server);
}

void http_server_handle(struct http_server *server, const char *path, http_server_fn *fn, void *arg)
{
	struct handler *handler = x_calloc(1, sizeof(*handler));

	handler->path = x_strdup(path);
	handler->fn = fn;
	handler->arg = arg;
	list_add_tail(&server->handlers, &handler->node);
}

int http_server_port(const struct http_server *server)
{
	return server->port;
}
