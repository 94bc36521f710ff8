/* Certificates and key in use: shared by all that was begun with them. */
#ifndef NET_IDENTITY_H
#define NET_IDENTITY_H

#include "net/tls.h"

/*
 * Immutable. libcurl holds pointers into it, so each of its handles has a
 * reference; when the identity is exchanged the old one lives until the last
 * of them ends.
 */
struct identity {
	int references;
	char *ca_pem;       /* or NULL, as the others */
	char *cert_pem;
	char *key_pem;      /* wiped */
	int64_t expires_ms; /* of the client certificate, Unix time; 0 without one */
};

/*
 * One reference, the caller's; texts are copied, empty ones are none.
 * Errors: as tls_identity_check.
 */
struct identity *identity_new(const struct tls_identity *texts, int64_t now_ms, struct err *err);

struct identity *identity_ref(struct identity *identity);
void identity_unref(struct identity *identity); /* NULL is taken */

#endif
