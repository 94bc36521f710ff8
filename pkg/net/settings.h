/* An HTTP client's settings: checked, and copied. */
#ifndef NET_SETTINGS_H
#define NET_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/http_client.h"
#include "net/identity.h"
#include "net/url.h"

/* Strings are owned, and NULL where there is none unless the comment says never. */
struct settings {
	struct server_url url;
	char *base;       /* what stands before a request's path; never NULL */
	char *host;       /* value of Host when it is not the base's, else NULL */
	char *connect_to; /* "name:port:host:port" in that case, else NULL */
	char *user_agent;
	struct identity *identity; /* one reference; never NULL; may be exchanged */
	char *bearer_token; /* wiped */
	char *username;
	char *password;  /* wiped */
	char *proxy_url; /* wiped: may hold a password */
	char **headers;  /* wiped; ended by NULL; never NULL */
	bool insecure_skip_verify;
};

/*
 * `now_ms` is Unix time, for certificates. `ret_settings` is written on
 * success only.
 * Errors: ERR_INVALID, with which setting and what is wrong with it.
 */
int settings_init(struct settings *ret_settings, const struct http_client_config *config,
                  int64_t now_ms, struct err *err);

void settings_release(struct settings *settings);

#endif
