/* A server that does what a test's script says, right or wrong. */
#ifndef SUPPORT_PEER_H
#define SUPPORT_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support_tls.h"

struct peer;
struct peer_conn;

/* Runs in a thread of its own for each connection; the connection closes at its end. */
typedef void peer_fn(struct peer_conn *conn, void *arg);

struct peer_options {
	const struct test_cert *cert; /* NULL: no TLS */
	bool h2;                      /* offers HTTP/2 by ALPN */
	int port;                     /* 0: a free one */
};

struct peer *peer_new(const struct peer_options *options, peer_fn *fn, void *arg);

/* Breaks all connections, waits for all scripts. */
void peer_free(struct peer *peer);

int peer_port(const struct peer *peer);

/* Connections taken so far. */
int peer_connections(struct peer *peer);

/* --- in a script ------------------------------------------------------- */

/* False when the peer is gone. */
bool peer_read(struct peer_conn *conn, void *data, size_t len);
bool peer_write(struct peer_conn *conn, const void *data, size_t len);
bool peer_puts(struct peer_conn *conn, const char *text);

/* Wait until the other side has closed, reading nothing of worth. */
void peer_wait_closed(struct peer_conn *conn);

/* Wait until the server has taken so many connections. */
void peer_wait_connections(struct peer_conn *conn, int count);

/* The number of this connection, from 1. */
int peer_number(const struct peer_conn *conn);

/* The common name in the client's certificate, "nobody" without one. */
void peer_client_name(const struct peer_conn *conn, char *name, size_t size);

/* --- HTTP/1.1 ---------------------------------------------------------- */

struct peer_request {
	char method[16];
	char path[256];
	char head[8192]; /* all of it */
	char *body;      /* owned by the connection until the next request */
	size_t body_len;
};

bool peer_read_request(struct peer_conn *conn, struct peer_request *request);
bool peer_answer(struct peer_conn *conn, int status, const char *more_headers, const void *body,
                 size_t len);

/* --- HTTP/2 ------------------------------------------------------------ */

enum { H2_DATA = 0, H2_HEADERS = 1, H2_RST = 3, H2_GOAWAY = 7 };

struct h2_frame {
	int type;
	bool end; /* of the stream */
	uint32_t stream;
	uint8_t *data; /* owned by the connection until the next frame */
	size_t len;
};

/* Preface and settings. */
bool h2_open(struct peer_conn *conn);

/* The next frame of those above; settings, pings and windows are looked after. */
bool h2_next(struct peer_conn *conn, struct h2_frame *frame);

/* The next stream whose request has arrived whole; its body's size is counted. */
bool h2_next_request(struct peer_conn *conn, uint32_t *ret_stream, size_t *ret_body_len);

bool h2_head(struct peer_conn *conn, uint32_t stream, int status, const char *name,
             const char *value);
bool h2_data(struct peer_conn *conn, uint32_t stream, const void *data, size_t len, bool end);
bool h2_rst(struct peer_conn *conn, uint32_t stream, uint32_t code);
bool h2_goaway(struct peer_conn *conn, uint32_t last_stream, uint32_t code);

#endif
