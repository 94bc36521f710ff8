/* How an exchange failed, and how that is told. */
#ifndef NET_FAULT_H
#define NET_FAULT_H

#include <stdbool.h>

#include "base/err.h"

enum fault_kind {
	FAULT_NONE,            /* an answer came, whole */
	FAULT_RESOLVE,         /* no address for the server's name */
	FAULT_RESOLVE_PROXY,   /* no address for the proxy's name */
	FAULT_CONNECT,         /* no TCP connection */
	FAULT_CONNECT_TIMEOUT, /* no connection in time, TLS included */
	FAULT_CERTIFICATE,     /* the server's certificate is refused */
	FAULT_TLS,             /* TLS could not be agreed upon */
	FAULT_BROKEN,          /* the connection, or this stream of it, broke off */
	FAULT_NOT_HTTP,        /* what came back is not HTTP */
	FAULT_HEAD_TOO_LARGE,  /* over LIMIT_ANSWER_HEAD or LIMIT_HEADER_LINES */
	FAULT_OTHER,           /* none of these: `detail` says what */
};

struct fault {
	enum fault_kind kind;
	int os_errno;       /* FAULT_CONNECT: errno, or 0 */
	long verify_result; /* FAULT_CERTIFICATE: OpenSSL's, up to 1 when it has no opinion */
	bool has_ca;        /* FAULT_CERTIFICATE: a CA bundle was given, not the system's */
	const char *detail; /* libcurl's words, or "" */
};

/* Tell apart what libcurl has one code for. */
void fault_refine(struct fault *fault);

/*
 * Put a fault into words for whoever runs the program; `server` is its
 * URL. Not for FAULT_NONE. Returns -1 always.
 * Errors: ERR_TIMEOUT for FAULT_CONNECT_TIMEOUT, ERR_LIMIT for
 * FAULT_HEAD_TOO_LARGE, else ERR_UNAVAILABLE.
 */
int fault_to_err(const struct fault *fault, const char *server, struct err *err);

#endif
