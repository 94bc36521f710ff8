/* Header lines of requests, made once for each kind and shared. */
#ifndef NET_HEADERS_H
#define NET_HEADERS_H

#include "base/list.h"

/*
 * The lines of one kind of request: same content type and accept. They
 * hold the token, so a new token makes new sets, while transfers under
 * way keep theirs.
 */
struct header_set {
	struct list node;   /* in its cache while current */
	char *content_type; /* owned, or NULL */
	char *accept;       /* owned */
	char **lines;       /* owned, "Name: value", `count` of them */
	size_t count;
	void *native; /* owned block, for the HTTP library's own form; NULL at first */
	int refs;     /* one of the cache while current, one per user */
};

struct header_cache {
	struct list sets; /* latest last */
	int count;        /* of sets */
	const char *host; /* borrowed: value of Host when it isn't the URL's, or NULL */
	char **further;   /* borrowed: lines for every request, ended by NULL */
	char *token;      /* owned, wiped; or NULL */
};

void header_cache_init(struct header_cache *cache, const char *host, char **further,
                       const char *token);
void header_cache_release(struct header_cache *cache);

/* For sets from now on; copied; NULL for none. The old one is wiped. */
void header_cache_set_token(struct header_cache *cache, const char *token);

/* The set for this kind, with a reference for the caller. `content_type` may be NULL. */
struct header_set *header_cache_get(struct header_cache *cache, const char *content_type,
                                    const char *accept);

/* Give the reference back; NULL is taken. Lines are wiped with the last one. */
void header_set_unref(struct header_set *set);

#endif
