#include "support_peer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

enum { CONNS_MAX = 64, STREAMS_MAX = 1024 };

struct peer_conn {
	struct peer *peer;
	int number;
	int fd;
	SSL *ssl; /* NULL without TLS */
	pthread_t thread;
	uint8_t *data;              /* of the last request or frame */
	size_t bodies[STREAMS_MAX]; /* HTTP/2: bytes of request bodies by stream */
};

struct peer {
	SSL_CTX *tls; /* NULL without TLS */
	bool h2;
	peer_fn *fn;
	void *arg;
	int listener;
	int port;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	struct peer_conn *conns[CONNS_MAX];
	int count;
	bool closing;
};

/* --- connections ------------------------------------------------------- */

static void *conn_main(void *arg)
{
	struct peer_conn *conn = arg;

	if (!conn->ssl || SSL_accept(conn->ssl) == 1)
		conn->peer->fn(conn, conn->peer->arg);
	ERR_clear_error();
	shutdown(conn->fd, SHUT_RDWR);
	return NULL;
}

static void conn_start(struct peer *peer, int fd)
{
	struct peer_conn *conn = x_calloc(1, sizeof(*conn));
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	conn->peer = peer;
	conn->fd = fd;
	if (peer->tls) {
		conn->ssl = SSL_new(peer->tls);
		SSL_set_fd(conn->ssl, fd);
	}
	pthread_mutex_lock(&peer->lock);
	assert(peer->count < CONNS_MAX);
	peer->conns[peer->count++] = conn;
	conn->number = peer->count;
	if (peer->closing)
		shutdown(fd, SHUT_RDWR);
	assert(pthread_create(&conn->thread, NULL, conn_main, conn) == 0);
	pthread_mutex_unlock(&peer->lock);
}

static void conn_free(struct peer_conn *conn)
{
	pthread_join(conn->thread, NULL);
	SSL_free(conn->ssl);
	close(conn->fd);
	free(conn->data);
	free(conn);
}

static void *accept_main(void *arg)
{
	struct peer *peer = arg;
	int fd;

	while ((fd = accept(peer->listener, NULL, NULL)) >= 0)
		conn_start(peer, fd);
	return NULL;
}

static int choose_h2(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                     const unsigned char *in, unsigned int in_len, void *arg)
{
	static const unsigned char h2[] = "\x02h2";

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto((unsigned char **)out, out_len, h2, 3, in, in_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	return SSL_TLSEXT_ERR_OK;
}

/* Any client certificate is taken, as is none. */
static int take_any(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

static SSL_CTX *tls_new(const struct test_cert *cert, bool h2)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	BIO *bio = BIO_new_mem_buf(cert->cert, -1);
	X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	EVP_PKEY *key;

	BIO_free(bio);
	bio = BIO_new_mem_buf(cert->key, -1);
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	assert(SSL_CTX_use_certificate(tls, x509) == 1 && SSL_CTX_use_PrivateKey(tls, key) == 1);
	X509_free(x509);
	EVP_PKEY_free(key);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, take_any);
	SSL_CTX_set_session_id_context(tls, (const unsigned char *)"peer", 4);
	if (h2)
		SSL_CTX_set_alpn_select_cb(tls, choose_h2, NULL);
	return tls;
}

struct peer *peer_new(const struct peer_options *options, peer_fn *fn, void *arg)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	struct peer *peer = x_calloc(1, sizeof(*peer));
	int one = 1;

	signal(SIGPIPE, SIG_IGN);
	peer->fn = fn;
	peer->arg = arg;
	peer->tls = options->cert ? tls_new(options->cert, options->h2) : NULL;
	pthread_mutex_init(&peer->lock, NULL);
	peer->listener = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(peer->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons((uint16_t)options->port);
	assert(bind(peer->listener, (struct sockaddr *)&address, sizeof(address)) == 0);
	assert(listen(peer->listener, 64) == 0);
	getsockname(peer->listener, (struct sockaddr *)&address, &len);
	peer->port = ntohs(address.sin_port);
	assert(pthread_create(&peer->thread, NULL, accept_main, peer) == 0);
	return peer;
}

void peer_free(struct peer *peer)
{
	if (!peer)
		return;
	pthread_mutex_lock(&peer->lock);
	peer->closing = true;
	for (int i = 0; i < peer->count; i++)
		shutdown(peer->conns[i]->fd, SHUT_RDWR);
	pthread_mutex_unlock(&peer->lock);
	shutdown(peer->listener, SHUT_RDWR);
	pthread_join(peer->thread, NULL);
	close(peer->listener);
	for (int i = 0; i < peer->count; i++)
		conn_free(peer->conns[i]);
	SSL_CTX_free(peer->tls);
	pthread_mutex_destroy(&peer->lock);
	free(peer);
}

int peer_port(const struct peer *peer)
{
	return peer->port;
}

int peer_connections(struct peer *peer)
{
	int count;

	pthread_mutex_lock(&peer->lock);
	count = peer->count;
	pthread_mutex_unlock(&peer->lock);
	return count;
}

void peer_wait_connections(struct peer_conn *conn, int count)
{
	for (int i = 0; i < 5000 && peer_connections(conn->peer) < count; i++)
		usleep(1000);
}

int peer_number(const struct peer_conn *conn)
{
	return conn->number;
}

void peer_client_name(const struct peer_conn *conn, char *name, size_t size)
{
	X509 *cert = conn->ssl ? SSL_get1_peer_certificate(conn->ssl) : NULL;

	snprintf(name, size, "nobody");
	if (cert)
		X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name,
		                          (int)size);
	X509_free(cert);
}

bool peer_read(struct peer_conn *conn, void *data, size_t len)
{
	char *p = data;
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n) {
		n = conn->ssl ? SSL_read(conn->ssl, p, (int)len) : recv(conn->fd, p, len, 0);
		if (n <= 0)
			return false;
	}
	return true;
}

bool peer_write(struct peer_conn *conn, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n) {
		n = conn->ssl ? SSL_write(conn->ssl, p, (int)len)
		              : send(conn->fd, p, len, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
	}
	return true;
}

bool peer_puts(struct peer_conn *conn, const char *text)
{
	return peer_write(conn, text, strlen(text));
}

void peer_wait_closed(struct peer_conn *conn)
{
	char byte;

	while (peer_read(conn, &byte, 1))
		;
}

/* --- HTTP/1.1 ---------------------------------------------------------- */

bool peer_read_request(struct peer_conn *conn, struct peer_request *request)
{
	size_t len = 0;
	const char *length;

	memset(request, 0, sizeof(*request));
	while (len < 4 || memcmp(request->head + len - 4, "\r\n\r\n", 4) != 0) {
		if (len + 1 >= sizeof(request->head) || !peer_read(conn, request->head + len, 1))
			return false;
		len++;
	}
	if (sscanf(request->head, "%15s %255s", request->method, request->path) != 2)
		return false;
	length = strcasestr(request->head, "\r\ncontent-length:");
	if (length)
		request->body_len = strtoul(length + 17, NULL, 10);
	free(conn->data);
	conn->data = x_calloc(1, request->body_len + 1);
	request->body = (char *)conn->data;
	return peer_read(conn, request->body, request->body_len);
}

bool peer_answer(struct peer_conn *conn, int status, const char *more_headers, const void *body,
                 size_t len)
{
	char head[1024];

	snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n", status, len,
	         more_headers);
	return peer_puts(conn, head) && peer_write(conn, body, len);
}

/* --- HTTP/2 ------------------------------------------------------------ */

enum { H2_SETTINGS = 4, H2_PING = 6, H2_WINDOW_UPDATE = 8, H2_CONTINUATION = 9 };
enum { H2_FLAG_END = 1, H2_FLAG_ACK = 1, H2_FLAG_END_HEADERS = 4 };

static bool send_frame(struct peer_conn *conn, int type, int flags, uint32_t stream,
                       const void *data, size_t len)
{
	size_t total = 9 + len;
	uint8_t *frame = x_malloc(total);
	bool ok;

	frame[0] = (uint8_t)(len >> 16);
	frame[1] = (uint8_t)(len >> 8);
	frame[2] = (uint8_t)len;
	frame[3] = (uint8_t)type;
	frame[4] = (uint8_t)flags;
	stream = htonl(stream);
	memcpy(frame + 5, &stream, 4);
	if (len)
		memcpy(frame + 9, data, len);
	ok = peer_write(conn, frame, total);
	free(frame);
	return ok;
}

bool h2_open(struct peer_conn *conn)
{
	char preface[24];

	return peer_read(conn, preface, sizeof(preface)) &&
	       memcmp(preface, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24) == 0 &&
	       send_frame(conn, H2_SETTINGS, 0, 0, NULL, 0);
}

static bool read_frame(struct peer_conn *conn, struct h2_frame *frame, int *ret_flags)
{
	uint8_t head[9];

	if (!peer_read(conn, head, sizeof(head)))
		return false;
	frame->len = ((size_t)head[0] << 16) | ((size_t)head[1] << 8) | head[2];
	frame->type = head[3];
	*ret_flags = head[4];
	memcpy(&frame->stream, head + 5, 4);
	frame->stream = ntohl(frame->stream) & 0x7fffffff;
	frame->end = frame->type <= H2_HEADERS && (head[4] & H2_FLAG_END);
	free(conn->data);
	conn->data = x_malloc(frame->len);
	frame->data = conn->data;
	return peer_read(conn, frame->data, frame->len);
}

static bool give_window(struct peer_conn *conn, const struct h2_frame *frame)
{
	uint32_t size = htonl((uint32_t)frame->len);

	if (frame->len == 0)
		return true;
	return send_frame(conn, H2_WINDOW_UPDATE, 0, 0, &size, 4) &&
	       send_frame(conn, H2_WINDOW_UPDATE, 0, frame->stream, &size, 4);
}

bool h2_next(struct peer_conn *conn, struct h2_frame *frame)
{
	int flags;

	while (read_frame(conn, frame, &flags)) {
		bool ack = flags & H2_FLAG_ACK;

		if (frame->type == H2_SETTINGS && !ack)
			send_frame(conn, H2_SETTINGS, H2_FLAG_ACK, 0, NULL, 0);
		else if (frame->type == H2_PING && !ack)
			send_frame(conn, H2_PING, H2_FLAG_ACK, 0, frame->data, frame->len);
		else if (frame->type == H2_DATA)
			give_window(conn, frame);
		if (frame->type == H2_DATA || frame->type == H2_HEADERS || frame->type == H2_RST ||
		    frame->type == H2_GOAWAY)
			return true;
	}
	return false;
}

bool h2_next_request(struct peer_conn *conn, uint32_t *ret_stream, size_t *ret_body_len)
{
	struct h2_frame frame;

	while (h2_next(conn, &frame)) {
		if (frame.type > H2_HEADERS)
			continue;
		assert(frame.stream < STREAMS_MAX);
		if (frame.type == H2_DATA)
			conn->bodies[frame.stream] += frame.len;
		if (frame.end) {
			*ret_stream = frame.stream;
			*ret_body_len = conn->bodies[frame.stream];
			return true;
		}
	}
	return false;
}

/* HPACK without compression: a literal, never indexed. */
bool h2_head(struct peer_conn *conn, uint32_t stream, int status, const char *name,
             const char *value)
{
	char block[256];
	int len = snprintf(block, sizeof(block), "\x08\x03%03d", status);

	if (name) {
		block[len++] = 0x10;
		block[len++] = (char)strlen(name);
		len += snprintf(block + len, sizeof(block) - (size_t)len, "%s", name);
		block[len++] = (char)strlen(value);
		len += snprintf(block + len, sizeof(block) - (size_t)len, "%s", value);
	}
	return send_frame(conn, H2_HEADERS, H2_FLAG_END_HEADERS, stream, block, (size_t)len);
}

bool h2_data(struct peer_conn *conn, uint32_t stream, const void *data, size_t len, bool end)
{
	return send_frame(conn, H2_DATA, end ? H2_FLAG_END : 0, stream, data, len);
}

bool h2_rst(struct peer_conn *conn, uint32_t stream, uint32_t code)
{
	code = htonl(code);
	return send_frame(conn, H2_RST, 0, stream, &code, 4);
}

bool h2_goaway(struct peer_conn *conn, uint32_t last_stream, uint32_t code)
{
	uint32_t data[2] = { htonl(last_stream), htonl(code) };

	return send_frame(conn, H2_GOAWAY, 0, 0, data, sizeof(data));
}
