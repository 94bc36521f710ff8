#include "kube/informer.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

struct informer {
	struct reflector *reflector;
	const struct resource *resource;
	char *ns; /* or NULL */
	struct store *store;
	struct informer_handlers handlers;
	bool synced;
	uint64_t events;
	uint64_t decode_errors;
};

static void tell(struct informer *informer, struct object *old, const struct object *now)
{
	informer->handlers.changed(informer->handlers.arg, old, now);
	free(old);
}

/* What the store needs to know before an object is worth decoding. */
struct identity {
	const char *ns;
	const char *name;
	const char *uid;
	uint64_t version;
};

static bool identify(const struct json *object, struct identity *ret_identity)
{
	const struct json *metadata = json_get(object, "metadata");

	ret_identity->ns = json_string_or(json_get(metadata, "namespace"), "");
	ret_identity->name = json_string_or(json_get(metadata, "name"), NULL);
	ret_identity->uid = json_string_or(json_get(metadata, "uid"), NULL);
	return ret_identity->name &&
	       version_parse(json_string_or(json_get(metadata, "resourceVersion"), ""),
			     &ret_identity->version) == 0;
}

static void skip(struct informer *informer, const struct err *err)
{
	informer->decode_errors++;
	log_warn(informer->resource->plural, "an object is left out: %s", err->msg);
}

/* An object as it is now, from a list, an event or an own write. */
static void take(struct informer *informer, struct arena *arena, const struct json *value)
{
	const struct object *stored;
	struct object *object, *old = NULL;
	struct identity identity;
	struct err err = ERR_INIT;

	if (identify(value, &identity)) {
		stored = store_get(informer->store, identity.ns, identity.name);
		if (stored && stored->version >= identity.version) {
			store_mark_seen(informer->store, identity.ns, identity.name);
			return;
		}
	}
	object = informer->handlers.decode(informer->handlers.arg, arena, value, &err);
	if (!object) {
		skip(informer, &err);
		return;
	}
	if (store_put(informer->store, object, &old))
		tell(informer, old, object);
	else
		free(object);
}

static void drop(struct informer *informer, const struct identity *identity)
{
	struct object *old = store_remove(informer->store, identity->ns, identity->name,
					  identity->uid, identity->version);

	if (old)
		tell(informer, old, NULL);
}

/* --- what the reflector brings ---------------------------------------- */

static void on_list_begin(void *arg)
{
	struct informer *informer = arg;

	store_sweep_begin(informer->store, informer->ns);
}

static void on_list_item(void *arg, struct arena *arena, const struct json *object)
{
	struct informer *informer = arg;

	informer->events++;
	take(informer, arena, object);
}

static void on_swept(void *arg, struct object *object)
{
	tell(arg, object, NULL);
}

static void on_list_end(void *arg, uint64_t version)
{
	struct informer *informer = arg;
	bool first = !informer->synced;

	store_sweep(informer->store, informer->ns, version, on_swept, informer);
	informer->synced = true;
	if (first && informer->handlers.synced)
		informer->handlers.synced(informer->handlers.arg);
}

static void on_event(void *arg, struct arena *arena, const struct json *object, uint64_t version,
		     bool gone)
{
	struct informer *informer = arg;
	struct identity identity;

	informer->events++;
	if (!gone) {
		take(informer, arena, object);
	} else if (identify(object, &identity)) {
		identity.version = version;
		if (informer->handlers.gone)
			informer->handlers.gone(informer->handlers.arg, object);
		drop(informer, &identity);
	}
}

/* --- the informer ----------------------------------------------------- */

struct informer *informer_new(struct loop *loop, struct transport *transport,
			      const struct informer_config *config)
{
	struct informer *informer = x_calloc(1, sizeof(*informer));
	const struct reflector_config reflector = {
		.resource = config->resource,
		.ns = config->ns,
		.label_selector = config->label_selector,
		.keep = config->keep,
		.credentials = config->credentials,
		.stream_lists = config->stream_lists,
		.handlers = { .list_begin = on_list_begin,
			      .list_item = on_list_item,
			      .list_end = on_list_end,
			      .event = on_event,
			      .arg = informer },
	};

	informer->resource = config->resource;
	informer->ns = config->ns && *config->ns ? x_strdup(config->ns) : NULL;
	informer->store = config->store;
	informer->handlers = config->handlers;
	informer->reflector = reflector_new(loop, transport, &reflector);
	return informer;
}

void informer_free(struct informer *informer)
{
	if (!informer)
		return;
	reflector_free(informer->reflector);
	free(informer->ns);
	free(informer);
}

void informer_start(struct informer *informer)
{
	reflector_start(informer->reflector);
}

void informer_stop(struct informer *informer)
{
	reflector_stop(informer->reflector);
}

void informer_hurry(struct informer *informer)
{
	reflector_hurry(informer->reflector);
}

void informer_state(const struct informer *informer, struct informer_state *ret_state)
{
	struct reflector_status status;

	reflector_status(informer->reflector, &status);
	*ret_state = (struct informer_state){
		.synced = informer->synced,
		.version = status.version,
		.phase = reflector_state_name(status.state),
		.lists = status.lists,
		.watches = status.watches,
		.events = informer->events,
		.decode_errors = informer->decode_errors,
		.error = status.error,
	};
}

void informer_observe(struct informer *informer, struct arena *arena, const struct json *value)
{
	const char *kind = json_string_or(json_get(value, "kind"), informer->resource->kind);

	if (strcmp(kind, informer->resource->kind) == 0)
		take(informer, arena, value);
}

void informer_observe_gone(struct informer *informer, const char *ns, const char *name,
			   const char *uid)
{
	const struct identity identity = { .ns = ns ? ns : "", .name = name, .uid = uid };

	drop(informer, &identity);
}
