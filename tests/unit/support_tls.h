/* Certificates made on the spot. */
#ifndef SUPPORT_TLS_H
#define SUPPORT_TLS_H

#include <stdbool.h>

/* PEM texts, owned. */
struct test_cert {
	char *cert;
	char *key;
};

struct test_cert_options {
	const char *name;               /* common name */
	const char *san;                /* "IP:127.0.0.1,DNS:x", or NULL */
	const struct test_cert *issuer; /* NULL: self-signed */
	bool ca;
	long not_after_s; /* seconds from now, negative for the past; 0: an hour */
};

struct test_cert test_cert_new(const struct test_cert_options *options);
void test_cert_release(struct test_cert *cert);

/* The key, encrypted with a passphrase; owned by the caller. */
char *test_key_encrypted(const char *key_pem);

#endif
