/* A small HTTP server (libevent) for health and metrics. */
#ifndef NET_HTTP_SERVER_H
#define NET_HTTP_SERVER_H

#include "base/buf.h"
#include "loop/loop.h"

struct http_server;

/*
 * Answer a GET of one path: append the body to `body`, return the status
 * (200, 500 …). Content type is text/plain; version=0.0.4; charset=utf-8.
 */
typedef int http_server_fn(void *arg, const char *query, struct buf *body);

/*
 * Listen on "host:port", ":port" (all addresses) or "[v6]:port"; port 0
 * takes a free one.
 * Errors: ERR_INVALID (address), ERR_SYSTEM (cannot listen; names it).
 */
struct http_server *http_server_new(struct loop *loop, const char *address, struct err *err);
void http_server_free(struct http_server *server);

/* Serve GET and HEAD of `path` (exact). Other paths 404, other methods 405. */
void http_server_handle(struct http_server *server, const char *path, http_server_fn *fn,
                        void *arg);

/* The port it listens on. */
int http_server_port(const struct http_server *server);

#endif
