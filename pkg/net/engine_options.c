#include "net/engine_options.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum {
	CONNECT_TIMEOUT_MS = 20000, /* name, TCP, proxy and TLS */
	READ_BUFFER = 16384,        /* one TLS record */
};

void engine_must(int code)
{
	if (code == CURLE_OK)
		return;
	log_error("http", "libcurl: %s", curl_easy_strerror((CURLcode)code));
	exit(1);
}

static void must(CURLcode code)
{
	engine_must((int)code);
}

static void set_blob(CURL *easy, CURLoption option, char *pem)
{
	struct curl_blob blob = { .data = pem, .flags = CURL_BLOB_NOCOPY };

	blob.len = pem ? strlen(pem) : 0;
	must(curl_easy_setopt(easy, option, pem ? &blob : NULL));
}

void engine_set_identity(void *easy, const struct identity *identity)
{
	if (identity->ca_pem) { /* a given CA counts alone */
		must(curl_easy_setopt(easy, CURLOPT_CAINFO, NULL));
		must(curl_easy_setopt(easy, CURLOPT_CAPATH, NULL));
		set_blob(easy, CURLOPT_CAINFO_BLOB, identity->ca_pem);
	}
	set_blob(easy, CURLOPT_SSLCERT_BLOB, identity->cert_pem);
	set_blob(easy, CURLOPT_SSLKEY_BLOB, identity->key_pem);
}

/* Verified always, unless the settings say otherwise. */
static void set_tls(const struct settings *settings, CURL *easy)
{
	must(curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2));
	must(curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER,
	                      settings->insecure_skip_verify ? 0L : 1L));
	must(curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST,
	                      settings->insecure_skip_verify ? 0L : 2L));
}

/* Nothing that libcurl does of its own accord: no redirects, cookies, netrc, … */
static void set_limits(const struct settings *settings, CURL *easy)
{
	must(curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, settings->url.tls ? "https" : "http"));
	must(curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L));
	must(curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED));
	must(curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L));
	must(curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
	must(curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L));
	must(curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L));
	must(curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS));
	must(curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)READ_BUFFER));
}

/* As whom and by which way. An explicit proxy beats the environment's NO_PROXY too. */
static void set_route(const struct settings *settings, CURL *easy)
{
	must(curl_easy_setopt(easy, CURLOPT_USERAGENT, settings->user_agent));
	if (settings->username) {
		must(curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC));
		must(curl_easy_setopt(easy, CURLOPT_USERNAME, settings->username));
		must(curl_easy_setopt(easy, CURLOPT_PASSWORD, settings->password));
	}
	if (settings->proxy_url) {
		must(curl_easy_setopt(easy, CURLOPT_PROXY, settings->proxy_url));
		must(curl_easy_setopt(easy, CURLOPT_NOPROXY, ""));
	}
}

void engine_set_options(void *easy, const struct settings *settings)
{
	set_limits(settings, easy);
	set_tls(settings, easy);
	set_route(settings, easy);
}
