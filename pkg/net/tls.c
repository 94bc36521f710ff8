#include "net/tls.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

static void bio_free(BIO **bio)
{
	BIO_free(*bio);
}

static void x509_free(X509 **cert)
{
	X509_free(*cert);
}

static void key_free(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static BIO *bio_of(const char *pem)
{
	size_t len = strlen(pem);

	return BIO_new_mem_buf(pem, len < INT_MAX ? (int)len : INT_MAX);
}

/* No terminal is asked for a passphrase. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	*(int *)arg = 1;
	return -1;
}

static int check_ca(const char *pem, struct err *err)
{
	BIO *bio cleanup(bio_free) = bio_of(pem);
	int count = 0;
	unsigned long why;

	for (;; count++) {
		X509 *cert cleanup(x509_free) = PEM_read_bio_X509(bio, NULL, NULL, NULL);

		if (!cert)
			break;
	}
	why = ERR_peek_last_error();
	ERR_clear_error();
	if (ERR_GET_LIB(why) != ERR_LIB_PEM || ERR_GET_REASON(why) != PEM_R_NO_START_LINE)
		return err_set(err, ERR_INVALID,
		               "certificate authority: PEM certificate %d cannot be read",
		               count + 1);
	if (count == 0)
		return err_set(err, ERR_INVALID, "certificate authority: holds no PEM certificate");
	return 0;
}

static int64_t expiry_ms(const X509 *cert)
{
	struct tm tm = { 0 };

	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm) * 1000;
}

static int check_expiry(const X509 *cert, int64_t now_ms, int64_t *ret_expires_ms, struct err *err)
{
	int64_t expires_ms = expiry_ms(cert);
	time_t seconds = (time_t)(expires_ms / 1000);
	struct tm tm;
	char day[32];

	if (expires_ms == 0)
		return err_set(err, ERR_INVALID, "client certificate: its end date cannot be read");
	if (expires_ms <= now_ms) {
		strftime(day, sizeof(day), "%Y-%m-%d", gmtime_r(&seconds, &tm));
		return err_set(err, ERR_INVALID, "client certificate expired on %s", day);
	}
	*ret_expires_ms = expires_ms;
	return 0;
}

static int check_key(X509 *cert, const char *pem, struct err *err)
{
	BIO *bio cleanup(bio_free) = bio_of(pem);
	int encrypted = 0;
	EVP_PKEY *key cleanup(key_free) =
		PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &encrypted);
	int matches = key && X509_check_private_key(cert, key) == 1;

	ERR_clear_error();
	if (encrypted)
		return err_set(err, ERR_INVALID,
		               "client key: is encrypted with a passphrase; give it without one");
	if (!key)
		return err_set(err, ERR_INVALID, "client key: is not a PEM private key");
	if (!matches)
		return err_set(err, ERR_INVALID,
		               "client key: does not belong to the client certificate");
	return 0;
}

static int check_client(const struct tls_identity *identity, int64_t now_ms,
                        int64_t *ret_expires_ms, struct err *err)
{
	BIO *bio cleanup(bio_free) = bio_of(identity->cert_pem);
	X509 *cert cleanup(x509_free) = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	ERR_clear_error();
	if (!cert)
		return err_set(err, ERR_INVALID, "client certificate: is not a PEM certificate");
	if (check_key(cert, identity->key_pem, err) < 0)
		return -1;
	return check_expiry(cert, now_ms, ret_expires_ms, err);
}

int tls_identity_check(const struct tls_identity *identity, int64_t now_ms, int64_t *ret_expires_ms,
                       struct err *err)
{
	int64_t expires_ms = 0;

	ERR_clear_error();
	if (identity->ca_pem && check_ca(identity->ca_pem, err) < 0)
		return -1;
	if (identity->cert_pem && !identity->key_pem)
		return err_set(err, ERR_INVALID, "client certificate: its key is missing");
	if (identity->key_pem && !identity->cert_pem)
		return err_set(err, ERR_INVALID, "client key: its certificate is missing");
	if (identity->cert_pem && check_client(identity, now_ms, &expires_ms, err) < 0)
		return -1;
	*ret_expires_ms = expires_ms;
	return 0;
}

_Static_assert(TLS_VERIFY_UNSPECIFIED == X509_V_ERR_UNSPECIFIED, "as OpenSSL has it");
_Static_assert(TLS_VERIFY_SIGNATURE == X509_V_ERR_CERT_SIGNATURE_FAILURE, "as OpenSSL has it");

const char *tls_verify_text(long verify_result, bool has_ca)
{
	switch (verify_result) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "server certificate has expired";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "server certificate is not valid yet (is this machine's clock right?)";
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
	case X509_V_ERR_AKID_SKID_MISMATCH:
		return has_ca ? "server certificate is not signed by the given certificate "
		                "authority"
		              : "server certificate is not signed by an authority this system "
		                "trusts";
	default:
		return "server certificate is not accepted";
	}
}

const char *tls_verify_detail(long verify_result)
{
	return X509_verify_cert_error_string(verify_result);
}

void tls_wipe_free(char *secret)
{
	if (!secret)
		return;
	explicit_bzero(secret, strlen(secret));
	free(secret);
}
