#include "net/settings.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/tls.h"

static char *copy(const char *s)
{
	return s && *s ? x_strdup(s) : NULL;
}

static bool one_line(const char *s)
{
	return !s || !s[strcspn(s, "\r\n")];
}

static int check_proxy(const char *url, struct err *err)
{
	static const char *const schemes[] = { "http://", "https://", "socks5://", "socks5h://" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (strncmp(url, schemes[i], strlen(schemes[i])) == 0)
			return 0;
	}
	return err_set(err, ERR_INVALID,
	               "proxy URL: it starts with none of http://, https://, "
	               "socks5:// and socks5h://");
}

/* Values that go into header lines must not start new ones. */
static int check_lines(const struct http_client_config *config, struct err *err)
{
	if (!one_line(config->bearer_token))
		return err_set(err, ERR_INVALID, "token: holds a line break");
	if (!one_line(config->user_agent))
		return err_set(err, ERR_INVALID, "user agent: holds a line break");
	for (size_t i = 0; config->headers && config->headers[i]; i++) {
		if (!one_line(config->headers[i]) || !strchr(config->headers[i], ':'))
			return err_set(err, ERR_INVALID, "header line %zu: is not \"Name: value\"",
			               i + 1);
	}
	return 0;
}

static int check(const struct http_client_config *config, struct err *err)
{
	const char *name = config->tls_server_name;

	if (name && *name && !url_host_name_valid(name))
		return err_set(err, ERR_INVALID, "TLS server name: is not a host name");
	if (config->proxy_url && *config->proxy_url && check_proxy(config->proxy_url, err) < 0)
		return -1;
	return check_lines(config, err);
}

static void copy_headers(struct settings *s, const char *const *lines)
{
	size_t count = 0;

	while (lines && lines[count])
		count++;
	s->headers = x_calloc(count + 1, sizeof(*s->headers));
	for (size_t i = 0; i < count; i++)
		s->headers[i] = x_strdup(lines[i]);
}

/*
 * The name that TLS verifies is the one in the URL; when that isn't the
 * server's, connection and Host header lead to the server nevertheless.
 */
static void set_address(struct settings *s, const char *tls_name)
{
	const struct server_url *url = &s->url;

	if (!url->tls || !tls_name || !*tls_name) {
		s->base = x_strdup(url->text);
		return;
	}
	s->base = x_asprintf("https://%s:%s%s", tls_name, url->port, url->prefix);
	s->host = x_asprintf("%s:%s", url->host, url->port);
	s->connect_to = x_asprintf("%s:%s:%s:%s", tls_name, url->port, url->host, url->port);
}

static struct identity *make_identity(const struct http_client_config *config, int64_t now_ms,
                                      struct err *err)
{
	const struct tls_identity texts = {
		.ca_pem = config->ca_pem,
		.cert_pem = config->cert_pem,
		.key_pem = config->key_pem,
	};

	return identity_new(&texts, now_ms, err);
}

int settings_init(struct settings *ret_settings, const struct http_client_config *config,
                  int64_t now_ms, struct err *err)
{
	struct settings s = { 0 };

	if (check(config, err) < 0 || server_url_parse(&s.url, config->server, err) < 0)
		return -1;
	set_address(&s, config->tls_server_name);
	copy_headers(&s, config->headers);
	s.user_agent = copy(config->user_agent);
	s.bearer_token = copy(config->bearer_token);
	s.username = copy(config->username);
	s.password = copy(config->password);
	s.proxy_url = copy(config->proxy_url);
	s.insecure_skip_verify = config->insecure_skip_verify;
	s.identity = make_identity(config, now_ms, err);
	if (!s.identity) {
		settings_release(&s);
		return -1;
	}
	*ret_settings = s;
	return 0;
}

void settings_release(struct settings *s)
{
	server_url_release(&s->url);
	free(s->base);
	free(s->host);
	free(s->connect_to);
	free(s->user_agent);
	identity_unref(s->identity);
	tls_wipe_free(s->bearer_token);
	free(s->username);
	tls_wipe_free(s->password);
	tls_wipe_free(s->proxy_url);
	for (char **line = s->headers; line && *line; line++)
		tls_wipe_free(*line);
	free(s->headers);
	*s = (struct settings){ 0 };
}
