#include "controller/cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cache_private.h"
#include "controller/gathering.h"
#include "controller/size_users.h"

/* What differs from kind to kind. */
struct kind_rules {
	const struct resource *resource;
	const struct json_keep *keep;
	const char *selector;
	struct object *(*decode)(struct source *source, struct arena *arena,
				 const struct json *value, struct err *err);
	enum change (*compare)(const struct object *old, const struct object *now);
	void (*changed)(struct source *source, const struct object *old, const struct object *now,
			enum change change);
};

static const struct kind_rules RULES[KINDS];

/* --- what arrives -------------------------------------------------- */

static struct object *decode_formation(struct source *source, struct arena *arena,
				       const struct json *value, struct err *err)
{
	struct stored_formation *stored = stored_formation_new(value, err);

	(void)source;
	(void)arena;
	return stored ? &stored->object : NULL;
}

static struct object *decode_size(struct source *source, struct arena *arena,
				  const struct json *value, struct err *err)
{
	struct stored_size *stored = stored_size_new(value, err);

	(void)source;
	(void)arena;
	return stored ? &stored->object : NULL;
}

static void compare_child(struct source *source, struct arena *arena, const struct json *value,
			  struct observed_child *child)
{
	struct cache *cache = source->cache;

	projection_compare(&cache->projector, arena, cache->stores[source->kind],
			   RULES[source->kind].resource, value, child);
}

static struct object *decode_child(struct source *source, struct arena *arena,
				   const struct json *value, struct err *err)
{
	struct observed_child *child = observed_child_new(value, err);

	if (!child)
		return NULL;
	compare_child(source, arena, value, child);
	return &child->object;
}

static struct object *decode_deployment(struct source *source, struct arena *arena,
					const struct json *value, struct err *err)
{
	struct observed_deployment *deployment = observed_deployment_new(value, err);

	if (!deployment)
		return NULL;
	compare_child(source, arena, value, &deployment->child);
	return &deployment->child.object;
}

/* The pod as the store has it, or NULL. */
static const struct observed_pod *stored_pod(const struct source *source,
					     const struct object *object)
{
	const struct object *stored =
		store_get(source->cache->stores[KIND_POD], object->ns, object->name);

	return stored && strcmp(stored->uid, object->uid) == 0
		       ? (const struct observed_pod *)stored
		       : NULL;
}

static struct object *decode_pod(struct source *source, struct arena *arena,
				 const struct json *value, struct err *err)
{
	struct observed_pod *pod = observed_pod_new(value, err);
	const struct observed_pod *before = pod ? stored_pod(source, &pod->object) : NULL;

	(void)arena;
	if (before)
		pod_runs_follow(&pod->runs, &before->runs);
	return pod ? &pod->object : NULL;
}

/* --- who has to look at it ----------------------------------------- */

/* What is left of a Formation that is gone wakes nobody: the garbage collector has it. */
static void wake(struct cache *cache, const char *ns, const char *name, enum change change)
{
	bool known = store_get(cache->stores[KIND_FORMATION], ns, name) != NULL;

	if (known && !same_text(cache->quiet, name))
		cache->events.wake(cache->events.arg, ns, name, change);
}

/*
 * What a person asked for may be seen first in the answer to our own write of
 * the status. It wakes even who is quiet: the watch tells nothing newer.
 */
static bool is_asked(const struct object *old, const struct object *now)
{
	return !old || old->generation != now->generation || old->deleting != now->deleting ||
	       strcmp(old->uid, now->uid) != 0;
}

static void formation_changed(struct source *source, const struct object *old,
			      const struct object *now, enum change change)
{
	struct cache *cache = source->cache;

	if (!now)
		cache->events.gone(cache->events.arg, old->ns, old->name);
	else if (is_asked(old, now))
		cache->events.wake(cache->events.arg, now->ns, now->name, change);
	else
		wake(cache, now->ns, now->name, change);
}

static void wake_user(void *arg, const struct object *formation)
{
	wake(arg, formation->ns, formation->name, CHANGE_NOW);
}

static void size_changed(struct source *source, const struct object *old, const struct object *now,
			 enum change change)
{
	struct cache *cache = source->cache;

	cache->events.counted(cache->events.arg);
	if (change == CHANGE_STATUS)
		return;
	sizes_changed(&cache->sizes);
	if (cache->synced)
		size_users_each(cache->stores[KIND_FORMATION], now ? now->name : old->name,
				wake_user, cache);
}

static void wake_labelled(struct cache *cache, const struct object *old, const struct object *now,
			  enum change change)
{
	const char *before = old ? old->formation : NULL;
	const char *after = now ? now->formation : NULL;

	if (after)
		wake(cache, now->ns, after, change);
	if (before && !same_text(before, after))
		wake(cache, old->ns, before, change);
}

static void pod_changed(struct source *source, const struct object *old, const struct object *now,
			enum change change)
{
	struct cache *cache = source->cache;

	if (!now)
		departed_lost(&cache->departed, (const struct observed_pod *)old,
			      loop_wall_ms(cache->loop));
	wake_labelled(cache, old, now, change);
	if (size_counts_differ(old, now))
		cache->events.counted(cache->events.arg);
}

/*
 * Wake every Formation that could want an object of this name, whatever
 * its labels say: "a-b-c" is both a's "b-c" and a-b's "c", and who was
 * refused it waits for it to go.
 */
static void wake_namesakes(struct cache *cache, const struct object *object)
{
	char *name cleanup(free_charp) = x_strdup(object->name);

	for (char *dash = strrchr(name, '-'); dash; dash = strrchr(name, '-')) {
		*dash = '\0';
		wake(cache, object->ns, name, CHANGE_NOW);
	}
}

static void child_changed(struct source *source, const struct object *old,
			  const struct object *now, enum change change)
{
	wake_labelled(source->cache, old, now, change);
	if (!old || !now || !same_text(old->owner_uid, now->owner_uid))
		wake_namesakes(source->cache, now ? now : old);
}

static const struct kind_rules RULES[KINDS] = {
	[KIND_FORMATION] = {&RESOURCE_FORMATION, KEEP_FORMATION, NULL, decode_formation,
			    change_of_formation, formation_changed},
	[KIND_SIZE] = {&RESOURCE_DYNO_SIZE, KEEP_DYNO_SIZE, NULL, decode_size,
		       change_of_size, size_changed},
	[KIND_DEPLOYMENT] = {&RESOURCE_DEPLOYMENT, KEEP_DEPLOYMENT, LABEL_FORMATION,
			     decode_deployment, change_of_deployment, child_changed},
	[KIND_SERVICE] = {&RESOURCE_SERVICE, KEEP_CHILD, LABEL_FORMATION, decode_child,
			  change_of_child, child_changed},
	[KIND_BUDGET] = {&RESOURCE_BUDGET, KEEP_CHILD, LABEL_FORMATION, decode_child,
			 change_of_child, child_changed},
	[KIND_POD] = {&RESOURCE_POD, KEEP_POD, LABEL_FORMATION, decode_pod, change_of_pod,
		      pod_changed},
};

/* --- informers ----------------------------------------------------- */

static struct object *on_decode(void *arg, struct arena *arena, const struct json *value,
				struct err *err)
{
	struct source *source = arg;

	return RULES[source->kind].decode(source, arena, value, err);
}

static void on_changed(void *arg, const struct object *old, const struct object *now)
{
	struct source *source = arg;
	enum change change = RULES[source->kind].compare(old, now);

	if (change != CHANGE_NONE)
		RULES[source->kind].changed(source, old, now, change);
}

static bool all_synced(const struct cache *cache, enum kind from, enum kind to)
{
	for (size_t i = 0; i < cache->source_count; i++) {
		const struct source *source = &cache->sources[i];

		if (source->kind >= from && source->kind <= to && !source->synced)
			return false;
	}
	return true;
}

static void start_kinds(struct cache *cache, enum kind from, enum kind to)
{
	for (size_t i = 0; i < cache->source_count; i++) {
		struct source *source = &cache->sources[i];

		if (source->kind >= from && source->kind <= to)
			informer_start(source->informer);
	}
}

/* The pod's last word, of which nothing is left in the store. */
static void on_gone(void *arg, const struct json *value)
{
	struct source *source = arg;
	struct object *object;
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;

	if (source->kind != KIND_POD)
		return;
	object = decode_pod(source, &arena, value, &err);
	if (object)
		departed_said(&source->cache->departed, (const struct observed_pod *)object,
			      loop_wall_ms(source->cache->loop));
	free(object);
}

static void on_synced(void *arg)
{
	struct source *source = arg;
	struct cache *cache = source->cache;

	source->synced = true;
	if (!cache->started_children && all_synced(cache, KIND_FORMATION, KIND_SIZE)) {
		cache->started_children = true;
		start_kinds(cache, KIND_DEPLOYMENT, KIND_POD);
	}
	if (!cache->synced && all_synced(cache, KIND_FORMATION, KIND_POD)) {
		cache->synced = true;
		cache->events.synced(cache->events.arg);
	}
}

static void add_source(struct cache *cache, enum kind kind, const char *ns, bool stream_lists)
{
	struct source *source = &cache->sources[cache->source_count++];

	*source = (struct source){
		.cache = cache,
		.kind = kind,
		.resource = RULES[kind].resource,
		.ns = x_strdup(ns),
	};
	source->informer = informer_new(
		cache->loop, cache->transport,
		&(struct informer_config){
			.resource = RULES[kind].resource,
			.ns = ns,
			.label_selector = RULES[kind].selector,
			.keep = RULES[kind].keep,
			.store = cache->stores[kind],
			.credentials = cache->credentials,
			.stream_lists = stream_lists,
			.handlers = {on_decode, on_changed, on_synced, source, on_gone},
		});
}

struct cache *cache_new(const struct cache_config *config)
{
	static const char *const everywhere[] = {"", NULL};
	const char *const *namespaces = config->namespaces;
	struct cache *cache = x_calloc(1, sizeof(*cache));
	size_t count = 0;

	cache->loop = config->loop;
	cache->transport = config->transport;
	cache->credentials = config->credentials;
	cache->events = config->events;
	for (int kind = 0; kind < KINDS; kind++)
		cache->stores[kind] = store_new();
	sizes_init(&cache->sizes, cache->stores[KIND_SIZE]);
	projector_init(&cache->projector, cache->stores[KIND_FORMATION], &cache->sizes);
	departed_init(&cache->departed);

	if (!namespaces || !namespaces[0])
		namespaces = everywhere;
	while (namespaces[count])
		count++;
	/* Informers keep pointers to their sources: the array never moves. */
	cache->sources = x_calloc(KINDS * count, sizeof(*cache->sources));
	for (int kind = 0; kind < KINDS; kind++) {
		if (!RULES[kind].resource->namespaced) {
			add_source(cache, (enum kind)kind, "", config->stream_lists);
			continue;
		}
		for (size_t i = 0; i < count; i++)
			add_source(cache, (enum kind)kind, namespaces[i], config->stream_lists);
	}
	return cache;
}

void cache_free(struct cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < cache->source_count; i++) {
		informer_free(cache->sources[i].informer);
		free(cache->sources[i].ns);
	}
	free(cache->sources);
	projector_release(&cache->projector);
	departed_release(&cache->departed);
	sizes_release(&cache->sizes);
	for (int kind = 0; kind < KINDS; kind++)
		store_free(cache->stores[kind]);
	free(cache);
}

void cache_start(struct cache *cache)
{
	start_kinds(cache, KIND_FORMATION, KIND_SIZE);
}

void cache_stop(struct cache *cache)
{
	for (size_t i = 0; i < cache->source_count; i++)
		informer_stop(cache->sources[i].informer);
}

void cache_hurry(struct cache *cache)
{
	for (size_t i = 0; i < cache->source_count; i++)
		informer_hurry(cache->sources[i].informer);
}

bool cache_synced(const struct cache *cache)
{
	return cache->synced;
}

/* --- reading ------------------------------------------------------- */

const struct stored_formation *cache_formation(const struct cache *cache, const char *ns,
					       const char *name)
{
	return (const struct stored_formation *)store_get(cache->stores[KIND_FORMATION], ns, name);
}

int cache_decode(struct arena *arena, const struct stored_formation *stored,
		 struct formation *ret_formation, struct err *err)
{
	return projection_formation(arena, stored, ret_formation, err);
}

/* Objects of the Formation by label, and by the names its processes need. */
static struct gathering gather(struct cache *cache, enum kind kind, struct arena *arena,
			       const struct formation *formation)
{
	struct gathering list = {.arena = arena};
	const struct store *store = cache->stores[kind];

	store_each_of(store, formation->ns, formation->name, gathering_add, &list);
	for (size_t i = 0; kind != KIND_POD && i < formation->process_count; i++) {
		const struct object *object = NULL;
		const char *type = formation->processes[i].type;

		if (type)
			object = store_get(store, formation->ns,
					   process_object_name(arena, formation, type));
		if (object && !same_text(object->formation, formation->name))
			gathering_add(&list, object);
	}
	return list;
}

static enum kind kind_of(const struct resource *resource)
{
	int kind = 0;

	while (kind < KINDS && RULES[kind].resource != resource)
		kind++;
	assert(kind < KINDS);
	return (enum kind)kind;
}

/* The source that is responsible for objects of `ns`, or NULL. */
static struct source *source_of(const struct cache *cache, const struct resource *resource,
				const char *ns)
{
	enum kind kind = kind_of(resource);

	for (size_t i = 0; i < cache->source_count; i++) {
		struct source *source = &cache->sources[i];

		if (source->kind == kind && (!*source->ns || strcmp(source->ns, ns) == 0))
			return source;
	}
	return NULL;
}

/* Up to where the pods of `ns` are known. */
static uint64_t pods_version(const struct cache *cache, const char *ns)
{
	const struct source *source = source_of(cache, &RESOURCE_POD, ns);
	struct informer_state state = {0};

	if (source)
		informer_state(source->informer, &state);
	return state.version;
}

void cache_gather(struct cache *cache, struct arena *arena, struct reconcile_input *input)
{
	const struct formation *formation = input->formation;
	struct gathering deployments = gather(cache, KIND_DEPLOYMENT, arena, formation);
	struct gathering services = gather(cache, KIND_SERVICE, arena, formation);
	struct gathering budgets = gather(cache, KIND_BUDGET, arena, formation);
	struct gathering pods = gather(cache, KIND_POD, arena, formation);

	/* Each projection begins with its struct object. */
	input->sizes = sizes_table(&cache->sizes);
	input->deployments = (const void *)deployments.items;
	input->deployment_count = deployments.count;
	input->services = (const void *)services.items;
	input->service_count = services.count;
	input->budgets = (const void *)budgets.items;
	input->budget_count = budgets.count;
	input->pods = (const void *)pods.items;
	input->pod_count = pods.count;
	input->pods_version = pods_version(cache, formation->ns);
	input->gone = departed_gather(&cache->departed, arena, formation, &input->gone_count);
}

const struct size_count *cache_size_counts(const struct cache *cache, struct arena *arena,
					   size_t *ret_count)
{
	return size_counts(arena, cache->stores[KIND_SIZE], cache->stores[KIND_POD], ret_count);
}

/* --- writing through ----------------------------------------------- */

const struct json_keep *cache_keep(const struct resource *resource)
{
	return RULES[kind_of(resource)].keep;
}

/*
 * An apply that changed nothing answers with the version that is stored
 * already. Then it is known now that this one satisfies what is wanted,
 * which wasn't when it arrived: the one case where a stored object changes.
 */
static void refresh_stored(struct source *source, struct arena *arena, const struct json *value)
{
	const struct store *store = source->cache->stores[source->kind];
	const struct json *metadata = json_get(value, "metadata");
	const char *name = json_string_or(json_get(metadata, "name"), "");
	const char *ns = json_string_or(json_get(metadata, "namespace"), "");
	struct observed_child *stored =
		(struct observed_child *)(uintptr_t)store_get(store, ns, name);
	struct observed_child *fresh;
	struct err err = ERR_INIT;

	if (!stored || !digest_is_none(stored->satisfied))
		return;
	fresh = (struct observed_child *)RULES[source->kind].decode(source, arena, value, &err);
	if (fresh && fresh->object.version == stored->object.version &&
	    strcmp(fresh->object.uid, stored->object.uid) == 0) {
		stored->satisfied = fresh->satisfied;
		stored->satisfied_key = fresh->satisfied_key;
	}
	free(fresh);
}

void cache_observe(struct cache *cache, const struct cache_answer *answer, struct arena *arena,
		   const struct json *object)
{
	struct source *source = source_of(cache, answer->resource, answer->ns);

	if (!source)
		return;
	cache->quiet = answer->formation;
	if (object)
		informer_observe(source->informer, arena, object);
	else
		informer_observe_gone(source->informer, answer->ns, answer->name, answer->uid);
	cache->quiet = NULL;
	if (object && source->kind >= KIND_DEPLOYMENT && source->kind <= KIND_BUDGET)
		refresh_stored(source, arena, object);
}
