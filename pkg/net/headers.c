#include "net/headers.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/tls.h"

enum {
	SETS_KEPT = 8, /* more kinds than the program has */
	OWN_LINES = 5, /* at most: those of set_new */
};

void header_set_unref(struct header_set *set)
{
	if (!set || --set->refs > 0)
		return;
	for (size_t i = 0; i < set->count; i++)
		tls_wipe_free(set->lines[i]);
	free(set->lines);
	free(set->native);
	free(set->content_type);
	free(set->accept);
	free(set);
}

static void drop_oldest(struct header_cache *cache)
{
	struct header_set *set = list_entry(cache->sets.next, struct header_set, node);

	list_remove(&set->node);
	cache->count--;
	header_set_unref(set);
}

static void drop_all(struct header_cache *cache)
{
	while (!list_empty(&cache->sets))
		drop_oldest(cache);
}

void header_cache_init(struct header_cache *cache, const char *host, char **further,
                       const char *token)
{
	list_init(&cache->sets);
	cache->count = 0;
	cache->host = host;
	cache->further = further;
	cache->token = token ? x_strdup(token) : NULL;
}

void header_cache_release(struct header_cache *cache)
{
	drop_all(cache);
	tls_wipe_free(cache->token);
}

void header_cache_set_token(struct header_cache *cache, const char *token)
{
	char *copy = token && *token ? x_strdup(token) : NULL;

	drop_all(cache);
	tls_wipe_free(cache->token);
	cache->token = copy;
}

static void add(struct header_set *set, const char *name, const char *value)
{
	set->lines[set->count++] = x_asprintf("%s%s", name, value);
}

static struct header_set *set_new(const struct header_cache *cache, const char *content_type,
                                  const char *accept)
{
	struct header_set *set = x_calloc(1, sizeof(*set));
	size_t further = 0;

	while (cache->further[further])
		further++;
	list_init(&set->node);
	set->refs = 1;
	set->content_type = content_type ? x_strdup(content_type) : NULL;
	set->accept = x_strdup(accept);
	set->lines = x_calloc(further + OWN_LINES, sizeof(*set->lines));
	if (cache->host)
		add(set, "Host: ", cache->host);
	add(set, "Accept: ", accept);
	if (content_type)
		add(set, "Content-Type: ", content_type);
	if (cache->token)
		add(set, "Authorization: Bearer ", cache->token);
	for (size_t i = 0; i < further; i++)
		add(set, cache->further[i], "");
	add(set, "Expect:", ""); /* none: no round trip before a large body */
	return set;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

struct header_set *header_cache_get(struct header_cache *cache, const char *content_type,
                                    const char *accept)
{
	struct header_set *set;

	list_for_each (node, &cache->sets) {
		set = list_entry(node, struct header_set, node);
		if (same_text(set->content_type, content_type) && same_text(set->accept, accept)) {
			set->refs++;
			return set;
		}
	}
	if (cache->count == SETS_KEPT)
		drop_oldest(cache);
	set = set_new(cache, content_type, accept);
	list_add_tail(&cache->sets, &set->node);
	cache->count++;
	set->refs++;
	return set;
}
