#include "controller/cache_private.h"

size_t cache_source_count(const struct cache *cache)
{
	return cache->source_count;
}

void cache_source(const struct cache *cache, size_t index, struct cache_source *ret_source)
{
	const struct source *source = &cache->sources[index];

	ret_source->resource = source->resource;
	ret_source->ns = source->ns;
	informer_state(source->informer, &ret_source->state);
}

void cache_counts(const struct cache *cache, struct metrics_cache ret_counts[CACHE_RESOURCES])
{
	_Static_assert((int)CACHE_RESOURCES == (int)KINDS, "one count a kind");
	for (int kind = 0; kind < KINDS; kind++)
		ret_counts[kind] = (struct metrics_cache){
			.objects = store_count(cache->stores[kind]),
		};
	for (size_t i = 0; i < cache->source_count; i++) {
		struct metrics_cache *count = &ret_counts[cache->sources[i].kind];
		struct informer_state state;

		informer_state(cache->sources[i].informer, &state);
		count->resource = cache->sources[i].resource;
		count->lists += state.lists;
		count->watches += state.watches;
		count->events += state.events;
		count->decode_errors += state.decode_errors;
	}
}
