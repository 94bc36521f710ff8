/* HTTP/2 over TLS with libcurl's multi interface, in the event loop. */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include "loop/loop.h"
#include "net/tls.h"
#include "net/transport.h"

/* Where to and as whom. Everything is copied. */
struct http_client_config {
	const char *server; /* "https://host:port/prefix"; http:// only for tests */
	const char *user_agent;
	const char *ca_pem;       /* PEM bundle, or NULL for the system's */
	const char *cert_pem;     /* client certificate chain, or NULL */
	const char *key_pem;      /* its key, or NULL */
	const char *bearer_token; /* or NULL; http_client_set_token changes it */
	const char *username;     /* basic authentication, or NULL */
	const char *password;
	const char *tls_server_name; /* verify this name in place of the host's, or NULL */
	const char *proxy_url;       /* or NULL: the environment's */
	bool insecure_skip_verify;   /* only when the kubeconfig says so */
	const char *const *headers;  /* further header lines, ended by NULL, or NULL */
	int max_in_flight;           /* cap of NORMAL requests at once; 0: LIMIT_WRITES_IN_FLIGHT */
};

struct http_client;

/*
 * One client per API server: all requests share a connection where the
 * server speaks HTTP/2 (else a pool of HTTP/1.1 ones). Nothing is sent or
 * looked up before the first request.
 *
 * A request that times out while nothing at all has come from its
 * connection since it began proves the connection dead: it is closed, the
 * others on it end with ERR_UNAVAILABLE, the next ones open a new one. So
 * a probe of a silent connection is a HIGH request with a short timeout.
 *
 * Errors: ERR_INVALID, naming which setting and what is wrong with it: URL,
 * PEM that OpenSSL does not read, a key of another certificate, a client
 * certificate that has expired (by the loop's wall clock).
 */
struct http_client *http_client_new(struct loop *loop, const struct http_client_config *config,
                                    struct err *err);

/*
 * Cancels what is under way, without callbacks. NULL is taken.
 * Callbacks: not from one of this client's.
 */
void http_client_free(struct http_client *client);

/* The client as a transport; lives as long as the client. */
struct transport *http_client_transport(struct http_client *client);

/*
 * Use this token for requests whose turn comes from now on; copied; the
 * old one is wiped when its last request has ended. NULL: none.
 * Callbacks: from any.
 */
void http_client_set_token(struct http_client *client, const char *token);

/*
 * Use these certificates and this key for requests whose turn comes from
 * now on, which therefore go over a new connection; what is under way ends
 * on the old one. Copied. The authority can be exchanged, not taken away.
 * Errors: ERR_INVALID, as http_client_new; then the old ones stay in use.
 * Callbacks: from any but those of a transfer.
 */
int http_client_set_identity(struct http_client *client, const struct tls_identity *identity,
                             struct err *err);

/*
 * Ask `gate` right before a NORMAL request other than GET and HEAD is put
 * on the wire, however long it has waited before. false: nothing of it is sent, it
 * ends with ERR_CANCELED. This is where a leader that has slept through
 * the end of its lease is kept from writing.
 * Callbacks: called by libcurl: it may post a task and nothing more.
 */
typedef bool http_gate_fn(void *arg);
void http_client_set_gate(struct http_client *client, http_gate_fn *gate, void *arg);

/*
 * Requests whose on_done is still to come, streams apart: 0 when it may be
 * freed at leisure. The one whose on_done is running counts.
 */
int http_client_in_flight(const struct http_client *client);

/* When the client certificate ends, in Unix time; 0 without one. For a warning ahead of it. */
int64_t http_client_cert_expires_ms(const struct http_client *client);

/* Counted since http_client_new. */
struct http_client_stats {
	uint64_t requests;       /* begun, streams included */
	uint64_t connections;    /* sockets opened, tries that failed included */
	uint64_t bytes_received; /* of answers' bodies */
};

struct http_client_stats http_client_stats(const struct http_client *client);

#endif
