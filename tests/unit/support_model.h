/* A little API server and Deployment controller, for plans to be carried out on. */
#ifndef SUPPORT_MODEL_H
#define SUPPORT_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "formation/reconcile.h"

enum { MODEL_OBJECTS_MAX = 64, MODEL_PODS_MAX = 512 };

/* One object, as the API server holds it. */
struct model_object {
	const struct resource *resource;
	struct json *value;
	struct digest satisfied;        /* as its projection has it, */
	struct digest satisfied_before; /* carried over by observed_child_follow */
	bool handed_over;               /* replicas have another owner besides us */
};

struct model {
	struct arena arena;
	struct json *formation;
	struct dyno_sizes sizes;
	struct model_object objects[MODEL_OBJECTS_MAX];
	size_t object_count;
	struct json *pods[MODEL_PODS_MAX];
	size_t pod_count;
	struct write_failure failures[MODEL_OBJECTS_MAX]; /* of the last round */
	size_t failure_count;
	int64_t next_uid;
	int64_t now_ms;
	int writes;     /* carried out since model_init, the status not counted */
	int violations; /* of what may never happen; each was printed */
};

void model_init(struct model *model);
void model_release(struct model *model);

/* Put a Formation's spec (JSON text), or change it: a new generation. */
void model_set_spec(struct model *model, const char *spec);

/* The object, or NULL. */
struct model_object *model_find(struct model *model, const struct resource *resource,
                                const char *name);

/* Put an object of someone else's there. */
void model_add_foreign(struct model *model, const struct resource *resource, const char *name);

void model_delete(struct model *model, struct model_object *object);

/*
 * Reconcile once, check the plan and carry it out; Deployments follow.
 * Returns how many steps succeeded, events not counted.
 */
int model_round(struct model *model);

/* Rounds until none changes anything. Returns how many, or -1 when it doesn't end. */
int model_converge(struct model *model);

/* The Formation, decoded now. */
struct formation model_formation(struct model *model);

#endif
