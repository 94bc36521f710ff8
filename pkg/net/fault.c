#include "net/fault.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "net/tls.h"

enum { DETAIL_MAX = 200 };

/* strerror with a small first letter, as it stands behind a colon. */
static void errno_text(int errnum, char *text, size_t size)
{
	snprintf(text, size, "%s", strerror(errnum));
	text[0] = (char)tolower((unsigned char)text[0]);
}

static int connect_err(const struct fault *fault, const char *server, struct err *err)
{
	char why[DETAIL_MAX];

	if (fault->os_errno)
		errno_text(fault->os_errno, why, sizeof(why));
	else
		snprintf(why, sizeof(why), "%s", fault->detail);
	return err_set(err, ERR_UNAVAILABLE, "cannot connect to %s: %s", server, why);
}

/*
 * A signature that doesn't fit, of an authority that has the right name,
 * comes as an error of the cryptography below TLS: "error:06880006:asn1
 * encoding routines::EVP lib".
 */
void fault_refine(struct fault *fault)
{
	if (fault->kind == FAULT_TLS && strstr(fault->detail, "error:") &&
	    !strstr(fault->detail, "SSL routines")) {
		fault->kind = FAULT_CERTIFICATE;
		fault->verify_result = TLS_VERIFY_SIGNATURE;
	}
}

static int certificate_err(const struct fault *fault, const char *server, struct err *err)
{
	bool told = fault->verify_result > TLS_VERIFY_UNSPECIFIED;
	const char *text = tls_verify_text(fault->verify_result, fault->has_ca);

	if (!told && strstr(fault->detail, "subject name"))
		text = "server certificate is for another host name";
	return err_set(err, ERR_UNAVAILABLE, "%s: %s (%s)", server, text,
	               told ? tls_verify_detail(fault->verify_result) : fault->detail);
}

/*
 * OpenSSL's "error:0A00010B:SSL routines::wrong version number" without
 * its numbers; anything else as it is.
 */
static const char *plain(const char *detail)
{
	const char *last = strstr(detail, "::");

	return strstr(detail, "error:") && last ? last + 2 : detail;
}

static int tls_err(const struct fault *fault, const char *server, struct err *err)
{
	if (strstr(fault->detail, "wrong version number") ||
	    strstr(fault->detail, "packet length too long"))
		return err_set(err, ERR_UNAVAILABLE, "%s: the server does not speak TLS", server);
	return err_set(err, ERR_UNAVAILABLE, "%s: no TLS connection: %s", server,
	               plain(fault->detail));
}

int fault_to_err(const struct fault *fault, const char *server, struct err *err)
{
	const char *detail = plain(fault->detail);

	switch (fault->kind) {
	case FAULT_RESOLVE:
		return err_set(err, ERR_UNAVAILABLE,
		               "cannot connect to %s: its host name cannot be resolved", server);
	case FAULT_RESOLVE_PROXY:
		return err_set(err, ERR_UNAVAILABLE,
		               "cannot connect to %s: the proxy's host name cannot be resolved",
		               server);
	case FAULT_CONNECT:
		return connect_err(fault, server, err);
	case FAULT_CONNECT_TIMEOUT:
		return err_set(err, ERR_TIMEOUT, "cannot connect to %s: no answer in time", server);
	case FAULT_CERTIFICATE:
		return certificate_err(fault, server, err);
	case FAULT_TLS:
		return tls_err(fault, server, err);
	case FAULT_BROKEN:
		return err_set(err, ERR_UNAVAILABLE, "%s: connection broke off%s%s", server,
		               *detail ? ": " : "", detail);
	case FAULT_NOT_HTTP:
		return err_set(err, ERR_UNAVAILABLE, "%s: the answer is not HTTP", server);
	case FAULT_HEAD_TOO_LARGE:
		return err_set(err, ERR_LIMIT, "%s: the answer's head is too large", server);
	case FAULT_NONE:
	case FAULT_OTHER:
		break;
	}
	return err_set(err, ERR_UNAVAILABLE, "%s: %s", server,
	               *detail ? detail : "the request failed");
}
