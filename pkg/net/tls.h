/* Certificates and keys: checked before they are used, faults in plain words. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* PEM texts, each NULL when there is none. Borrowed. */
struct tls_identity {
	const char *ca_pem;   /* certificate authorities to trust */
	const char *cert_pem; /* client certificate, then its chain */
	const char *key_pem;  /* the client certificate's key */
};

/*
 * Check what can be known before connecting: every text can be read,
 * certificate and key belong together, the certificate has not expired by
 * `now_ms` (Unix time). `ret_expires_ms` becomes the end of the client
 * certificate's life in Unix time, 0 when there is no certificate.
 * Errors: ERR_INVALID, naming which text and what is wrong with it.
 */
int tls_identity_check(const struct tls_identity *identity, int64_t now_ms, int64_t *ret_expires_ms,
                       struct err *err);

/* Two of OpenSSL's results of a verification. */
enum {
	TLS_VERIFY_UNSPECIFIED = 1, /* not verified, or something else was wrong */
	TLS_VERIFY_SIGNATURE = 7,   /* the signature doesn't fit the authority's key */
};

/*
 * Why a server's certificate was refused: a clause such as "server
 * certificate has expired". `verify_result` is OpenSSL's, `has_ca` whether
 * an authority was given to verify by.
 */
const char *tls_verify_text(long verify_result, bool has_ca);

/* OpenSSL's own words for it, e.g. "self-signed certificate in certificate chain". */
const char *tls_verify_detail(long verify_result);

/* Overwrite and free; NULL is taken. */
void tls_wipe_free(char *secret);

#endif
