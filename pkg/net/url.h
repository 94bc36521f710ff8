/* The server's URL, taken apart. */
#ifndef NET_URL_H
#define NET_URL_H

#include <stdbool.h>

#include "base/err.h"

/* All strings are owned. */
struct server_url {
	bool tls;     /* https */
	char *host;   /* as written: a name, an address, or "[v6]" */
	char *port;   /* digits, never empty */
	char *prefix; /* path before every request's path, "" or "/…" without a slash at its end */
	char *text;   /* "https://host:port/prefix", for messages */
};

/*
 * Take `url` apart.
 * Errors: ERR_INVALID, with what is wrong: no https:// or http://, no
 * host, a port that is none, user information, query, fragment, spaces.
 */
int server_url_parse(struct server_url *ret_url, const char *url, struct err *err);

/* Takes a zeroed one. */
void server_url_release(struct server_url *url);

/* Whether `path` may stand in a request line: starts with '/', no spaces or control characters. */
bool url_path_valid(const char *path);

/* Whether `name` can be a host in a URL: letters, digits, '.', '-', '_'. */
bool url_host_name_valid(const char *name);

#endif
