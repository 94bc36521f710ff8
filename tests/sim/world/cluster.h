/* What a Kubernetes API server stores, as far as this controller can tell. */
#ifndef SIM_CLUSTER_H
#define SIM_CLUSTER_H

#include "codec/json.h"
#include "loop/loop.h"

enum kind {
	KIND_FORMATION,
	KIND_SIZE,
	KIND_DEPLOYMENT,
	KIND_SERVICE,
	KIND_BUDGET,
	KIND_REPLICA_SET,
	KIND_POD,
	KIND_EVENT,
	KIND_LEASE,
	KINDS,
};

extern const char *const KIND_PLURALS[KINDS];
extern const char *const KIND_NAMES[KINDS];
extern const char *const KIND_VERSIONS[KINDS];

enum { MANAGERS_MAX = 8 };

/* What one field manager owns of an object. */
struct managed {
	const char *manager;
	struct json *fields;
};

/* An object that exists. Everything is in the cluster's arena. */
struct object {
	enum kind kind;
	const char *ns; /* "" for cluster-scoped */
	const char *name;
	const char *uid;
	uint64_t version;
	struct json *value; /* as served */
	const char *text;
	bool labelled; /* has dyno.dev/formation: what the controller's selectors ask for */
	struct managed managed[MANAGERS_MAX];
	int64_t made_ms;
	int64_t changed_ms;
};

/* One entry of the history, as a watch tells it. */
struct change {
	enum kind kind;
	enum change_type { CHANGE_ADDED, CHANGE_MODIFIED, CHANGE_DELETED } type;
	const char *name;
	const char *text; /* of the object */
	uint64_t version;
	bool labelled;     /* afterwards */
	bool was_labelled; /* before */
};

/*
 * Objects and their history, in order of one counter of versions. No
 * admission, no defaults but `replicas`; server-side apply merges objects
 * member by member and takes lists whole, which is right for what this
 * controller sends. Generations follow the spec; what changes nothing is no
 * change.
 */
struct cluster {
	struct loop *loop;
	struct arena arena; /* of everything, until the end of the run */
	struct object **objects;
	size_t count, capacity;
	struct change *history;
	size_t history_count, history_capacity;
	uint64_t version;
	const char *broken; /* what no controller may do and this one did, or NULL */
	void (*changed)(void *arg, size_t index); /* after each entry of the history */
	void *arg;
};

void cluster_init(struct cluster *cluster, struct loop *loop);
void cluster_release(struct cluster *cluster);

struct object *cluster_find(const struct cluster *cluster, enum kind kind, const char *ns,
                            const char *name);

/* How a request ended: an HTTP status, and the object it is about or why it was refused. */
struct outcome {
	int status;
	const struct object *object; /* what is answered, or NULL */
	const char *text;            /* instead: a JSON document, or NULL */
	const char *message;         /* of a refusal */
	const char *reason;
};

/* Server-side apply. `sub`: "status" or NULL. */
struct outcome cluster_apply(struct cluster *cluster, enum kind kind, const char *ns,
                             const char *name, const char *sub, const char *manager, bool force,
                             const struct json *body);
struct outcome cluster_create(struct cluster *cluster, enum kind kind, const char *ns,
                              const struct json *body);
struct outcome cluster_replace(struct cluster *cluster, enum kind kind, const char *ns,
                               const char *name, const char *manager, const struct json *body);
enum patch_type { PATCH_MERGE, PATCH_JSON };
struct outcome cluster_patch(struct cluster *cluster, enum kind kind, const char *ns,
                             const char *name, const char *sub, const char *manager,
                             enum patch_type type, const struct json *body);
struct outcome cluster_delete(struct cluster *cluster, enum kind kind, const char *ns,
                              const char *name, const struct json *options);

/* For what runs in the cluster: a copy to change and then store under the same object. */
struct json *cluster_edit(struct cluster *cluster, const struct object *object);
void cluster_store(struct cluster *cluster, struct object *object, struct json *value,
                   const char *manager);
void cluster_remove(struct cluster *cluster, struct object *object);

/* Text of the object's metadata, "" where there is none. */
const char *object_meta(const struct object *object, const char *key);
bool object_is_deleting(const struct object *object);
const char *object_label(const struct object *object, const char *key);
/* uid of the owner with controller=true, or "". */
const char *object_owner(const struct object *object);

#endif
