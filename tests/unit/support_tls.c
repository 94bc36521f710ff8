#include "support_tls.h"

#include <assert.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static char *bio_text(BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	char *text = x_strndup(data, (size_t)len);

	BIO_free(bio);
	return text;
}

static EVP_PKEY *read_key(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert(key);
	return key;
}

static X509 *read_cert(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert(cert);
	return cert;
}

static void add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert(extension);
	X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
}

static void sign(X509 *cert, EVP_PKEY *own_key, const struct test_cert *issuer)
{
	X509 *by = issuer ? read_cert(issuer->cert) : cert;
	EVP_PKEY *key = issuer ? read_key(issuer->key) : own_key;

	X509_set_issuer_name(cert, X509_get_subject_name(by));
	assert(X509_sign(cert, key, EVP_sha256()) > 0);
	if (issuer) {
		X509_free(by);
		EVP_PKEY_free(key);
	}
}

struct test_cert test_cert_new(const struct test_cert_options *o)
{
	static long serial = 1000;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	BIO *out = BIO_new(BIO_s_mem());
	struct test_cert result;

	assert(key && cert && out);
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), -100000000);
	X509_gmtime_adj(X509_getm_notAfter(cert), o->not_after_s ? o->not_after_s : 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
	                           (const unsigned char *)o->name, -1, -1, 0);
	X509_set_pubkey(cert, key);
	add_extension(cert, NID_basic_constraints, o->ca ? "critical,CA:TRUE" : "CA:FALSE");
	if (o->san)
		add_extension(cert, NID_subject_alt_name, o->san);
	sign(cert, key, o->issuer);
	PEM_write_bio_X509(out, cert);
	result.cert = bio_text(out);
	out = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
	result.key = bio_text(out);
	X509_free(cert);
	EVP_PKEY_free(key);
	return result;
}

void test_cert_release(struct test_cert *cert)
{
	free(cert->cert);
	free(cert->key);
}

char *test_key_encrypted(const char *key_pem)
{
	EVP_PKEY *key = read_key(key_pem);
	BIO *out = BIO_new(BIO_s_mem());

	PEM_write_bio_PrivateKey(out, key, EVP_aes_128_cbc(), NULL, 0, NULL, (void *)"secret");
	EVP_PKEY_free(key);
	return bio_text(out);
}
