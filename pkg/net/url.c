#include "net/url.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char host_name_chars[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
static const char v6_chars[] = "0123456789abcdefABCDEF:.";

/* Visible ASCII, without what ends a path or could start a new line or header. */
static bool visible(const char *s)
{
	for (; *s; s++) {
		if (*s <= ' ' || *s > '~' || *s == '#' || *s == '\\')
			return false;
	}
	return true;
}

bool url_path_valid(const char *path)
{
	return path[0] == '/' && visible(path);
}

bool url_host_name_valid(const char *name)
{
	return name[0] && name[strspn(name, host_name_chars)] == '\0';
}

/* The length of the host at the start of `s`, 0 when there is none. */
static size_t host_length(const char *s)
{
	size_t len;

	if (*s != '[')
		return strspn(s, host_name_chars);
	len = 1 + strspn(s + 1, v6_chars);
	return len > 1 && s[len] == ']' ? len + 1 : 0;
}

static bool port_valid(const char *digits, size_t len)
{
	unsigned long port = 0;

	if (len == 0 || len > 5 || strspn(digits, "0123456789") < len)
		return false;
	for (size_t i = 0; i < len; i++)
		port = port * 10 + (unsigned long)(digits[i] - '0');
	return port >= 1 && port <= 65535;
}

/* `s` stands behind the host: ":port", "/prefix", both or nothing. */
static int parse_port(struct server_url *url, const char **s, struct err *err)
{
	size_t len;

	if (**s != ':') {
		url->port = x_strdup(url->tls ? "443" : "80");
		return 0;
	}
	len = strcspn(++*s, "/");
	if (!port_valid(*s, len))
		return err_set(err, ERR_INVALID, "port \"%.*s\" is not a number from 1 to 65535",
		               len < 32 ? (int)len : 32, *s);
	url->port = x_strndup(*s, len);
	*s += len;
	return 0;
}

static int parse_prefix(struct server_url *url, const char *s, struct err *err)
{
	size_t len = strlen(s);

	if (*s && !url_path_valid(s))
		return err_set(err, ERR_INVALID, "unexpected text behind the host");
	if (strchr(s, '?'))
		return err_set(err, ERR_INVALID, "a query has no place in it");
	while (len > 0 && s[len - 1] == '/')
		len--;
	url->prefix = x_strndup(s, len);
	return 0;
}

static int parse(struct server_url *url, const char *s, struct err *err)
{
	size_t len;

	if (strncmp(s, "https://", 8) == 0) {
		url->tls = true;
		s += 8;
	} else if (strncmp(s, "http://", 7) == 0) {
		s += 7;
	} else {
		return err_set(err, ERR_INVALID, "it starts neither with https:// nor http://");
	}
	if (memchr(s, '@', strcspn(s, "/")))
		return err_set(err, ERR_INVALID, "user information has no place in it");
	len = host_length(s);
	if (len == 0)
		return err_set(err, ERR_INVALID, "it names no host");
	url->host = x_strndup(s, len);
	s += len;
	if (parse_port(url, &s, err) < 0 || parse_prefix(url, s, err) < 0)
		return -1;
	url->text = x_asprintf("%s://%s:%s%s", url->tls ? "https" : "http", url->host, url->port,
	                       url->prefix);
	return 0;
}

int server_url_parse(struct server_url *ret_url, const char *text, struct err *err)
{
	struct server_url url = { 0 };

	if (parse(&url, text, err) < 0) {
		server_url_release(&url);
		return err_wrap(err, "server URL");
	}
	*ret_url = url;
	return 0;
}

void server_url_release(struct server_url *url)
{
	free(url->host);
	free(url->port);
	free(url->prefix);
	free(url->text);
	*url = (struct server_url){ 0 };
}
