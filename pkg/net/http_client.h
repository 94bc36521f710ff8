/* HTTP/2 over TLS with libcurl's multi interface, in the event loop. */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include "loop/loop.h"
#include "net/transport.h"

/* Where to and as whom. Everything is copied. */
struct http_client_config {
	const char *server;          /* "https://host:port/prefix"; http:// only for tests */
	const char *user_agent;
	const char *ca_pem;          /* PEM bundle, or NULL for the system's */
	const char *cert_pem;        /* client certificate chain, or NULL */
	const char *key_pem;         /* its key, or NULL */
	const char *bearer_token;    /* or NULL; http_client_set_token changes it */
	const char *username;        /* basic authentication, or NULL */
	const char *password;
	const char *tls_server_name; /* verify this name in place of the host's, or NULL */
	const char *proxy_url;       /* or NULL: the environment's */
	bool insecure_skip_verify;   /* only when the kubeconfig says so */
	const char *const *headers;  /* further header lines, ended by NULL, or NULL */
	int max_in_flight;           /* cap of requests at once, streams apart */
};

struct http_client;

/*
 * One client per API server: all requests share a connection where the
 * server speaks HTTP/2 (else a pool of HTTP/1.1 ones).
 * Errors: ERR_INVALID (URL, PEM that OpenSSL does not read: names which).
 */
struct http_client *http_client_new(struct loop *loop, const struct http_client_config *config,
				    struct err *err);

/* Cancels what is under way, without callbacks. NULL is taken. */
void http_client_free(struct http_client *client);

/* The client as a transport; lives as long as the client. */
struct transport *http_client_transport(struct http_client *client);

/* Use this token from the next request on; copied; the old one is wiped. */
void http_client_set_token(struct http_client *client, const char *token);

/* Requests under way and waiting, streams apart: 0 when it may be freed at leisure. */
int http_client_in_flight(const struct http_client *client);

#endif
