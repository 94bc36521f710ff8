#include "net/identity.h"

#include <stdlib.h>

#include "base/mem.h"

static const char *some(const char *text)
{
	return text && *text ? text : NULL;
}

static char *copy(const char *text)
{
	return text ? x_strdup(text) : NULL;
}

struct identity *identity_new(const struct tls_identity *texts, int64_t now_ms, struct err *err)
{
	const struct tls_identity given = {
		.ca_pem = some(texts->ca_pem),
		.cert_pem = some(texts->cert_pem),
		.key_pem = some(texts->key_pem),
	};
	struct identity *identity;
	int64_t expires_ms = 0;

	if (tls_identity_check(&given, now_ms, &expires_ms, err) < 0)
		return NULL;
	identity = x_calloc(1, sizeof(*identity));
	identity->references = 1;
	identity->ca_pem = copy(given.ca_pem);
	identity->cert_pem = copy(given.cert_pem);
	identity->key_pem = copy(given.key_pem);
	identity->expires_ms = expires_ms;
	return identity;
}

struct identity *identity_ref(struct identity *identity)
{
	identity->references++;
	return identity;
}

void identity_unref(struct identity *identity)
{
	if (!identity || --identity->references > 0)
		return;
	free(identity->ca_pem);
	free(identity->cert_pem);
	tls_wipe_free(identity->key_pem);
	free(identity);
}
