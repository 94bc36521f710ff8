#include "actors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/resource.h"
#include "kubelet.h"
#include "tree.h"

/* --- the garbage collector -------------------------------------------- */

static struct object *by_uid(const struct cluster *cluster, const char *uid)
{
	for (size_t i = 0; i < cluster->count; i++) {
		if (strcmp(cluster->objects[i]->uid, uid) == 0)
			return cluster->objects[i];
	}
	return NULL;
}

static bool has_dependents(const struct cluster *cluster, const struct object *object)
{
	for (size_t i = 0; i < cluster->count; i++) {
		if (strcmp(object_owner(cluster->objects[i]), object->uid) == 0)
			return true;
	}
	return false;
}

static void delete_it(struct cluster *cluster, const struct object *object, bool foreground)
{
	struct json *options = json_new_object(&cluster->arena);

	json_set_string(&cluster->arena, options, "propagationPolicy",
	                foreground ? "Foreground" : "Background");
	cluster_delete(cluster, object->kind, object->ns, object->name, options);
}

/* Remove what has no owner any more, finish what was deleted in the foreground. */
static bool collect(struct cluster *cluster, struct object *object)
{
	const char *uid = object_owner(object);
	const struct object *owner = *uid ? by_uid(cluster, uid) : NULL;

	if (object->kind != KIND_POD && object_is_deleting(object)) {
		if (!has_dependents(cluster, object))
			cluster_remove(cluster, object);
		return true;
	}
	if (!*uid || object_is_deleting(object) || (owner && !object_is_deleting(owner)))
		return false;
	delete_it(cluster, object, owner != NULL);
	return true;
}

/* --- pods ------------------------------------------------------------- */

static bool is_running(const struct object *pod)
{
	return strcmp(json_string_or(json_path(pod->value, "status", "phase", NULL), ""),
	              "Running") == 0;
}

static bool is_gated(const struct object *pod)
{
	return json_count(json_path(pod->value, "spec", "schedulingGates", NULL)) > 0;
}

static struct json *parsed(struct cluster *cluster, const char *text)
{
	struct json *value = NULL;
	struct err err = ERR_INIT;

	if (json_parse(&cluster->arena, text, strlen(text), NULL, &value, &err) < 0) {
		fprintf(stderr, "%s: %s\n", err.msg, text);
		abort();
	}
	return value;
}

/* The kubelet. Returns whether it has something to do, sooner or later. */
static bool run_pod(struct cluster *cluster, struct object *pod)
{
	int64_t age_ms = loop_mono_ms(cluster->loop) - pod->changed_ms;

	if (object_is_deleting(pod)) {
		if (age_ms < POD_END_MS)
			return true;
		if (is_running(pod))
			kubelet_end(cluster, pod);
		else
			cluster_remove(cluster, pod);
		return true;
	}
	if (is_running(pod))
		return kubelet_resize(cluster, pod);
	if (is_gated(pod))
		return false;
	if (loop_mono_ms(cluster->loop) - pod->made_ms < POD_START_MS)
		return true;
	kubelet_start(cluster, pod);
	return true;
}

/* --- ReplicaSets ------------------------------------------------------ */

static int64_t replicas_of(const struct object *object)
{
	return json_int_or(json_path(object->value, "spec", "replicas", NULL), 1);
}

static bool is_pod_of(const struct object *pod, const struct object *set)
{
	return pod->kind == KIND_POD && strcmp(object_owner(pod), set->uid) == 0;
}

static struct json *owner_list(struct cluster *cluster, const struct object *owner)
{
	struct arena *arena = &cluster->arena;
	struct json *list = json_new_array(arena);
	struct json *entry = json_add(list, json_new_object(arena));

	json_set_string(arena, entry, "apiVersion", KIND_VERSIONS[owner->kind]);
	json_set_string(arena, entry, "kind", KIND_NAMES[owner->kind]);
	json_set_string(arena, entry, "name", owner->name);
	json_set_string(arena, entry, "uid", owner->uid);
	json_set_bool(arena, entry, "controller", true);
	json_set_bool(arena, entry, "blockOwnerDeletion", true);
	return list;
}

static void make_pod(struct cluster *cluster, struct object *set)
{
	struct arena *arena = &cluster->arena;
	const char *name = arena_printf(arena, "%s-%llu", set->name,
	                                (unsigned long long)cluster->version);
	struct json *pod =
		json_clone(arena, json_path(set->value, "spec", "template", NULL));
	struct json *metadata = tree_member(pod, "metadata");

	json_set_string(arena, metadata, "name", name);
	json_set(arena, metadata, "ownerReferences", owner_list(cluster, set));
	json_set(arena, pod, "status", parsed(cluster, "{\"phase\":\"Pending\"}"));
	cluster_create(cluster, KIND_POD, set->ns, pod);
}

static int cost_of(const struct object *pod)
{
	return atoi(json_string_or(json_path(pod->value, "metadata", "annotations",
	                                     ANNOTATION_DELETION_COST, NULL),
	                           "0"));
}

/* Whether `a` is ended before `b`: gated and pending ones, then the cheapest, then the youngest. */
static bool goes_first(const struct object *a, const struct object *b)
{
	if (is_running(a) != is_running(b))
		return !is_running(a);
	if (cost_of(a) != cost_of(b))
		return cost_of(a) < cost_of(b);
	return a->made_ms > b->made_ms;
}

static bool run_set(struct cluster *cluster, struct object *set)
{
	struct object *victim = NULL;
	int64_t live = 0;

	for (size_t i = 0; i < cluster->count; i++) {
		struct object *pod = cluster->objects[i];

		if (!is_pod_of(pod, set) || object_is_deleting(pod))
			continue;
		live++;
		if (!victim || goes_first(pod, victim))
			victim = pod;
	}
	if (object_is_deleting(set) || live == replicas_of(set))
		return false;
	if (live < replicas_of(set))
		make_pod(cluster, set);
	else
		delete_it(cluster, victim, false);
	return true;
}

/* --- Deployments ------------------------------------------------------ */

struct tally {
	int64_t all, ready; /* pods of a ReplicaSet, those that end included in `all` */
};

static struct tally count_pods(const struct cluster *cluster, const struct object *set)
{
	struct tally tally = { 0 };

	for (size_t i = 0; set && i < cluster->count; i++) {
		const struct object *pod = cluster->objects[i];

		if (!is_pod_of(pod, set))
			continue;
		tally.all++;
		tally.ready += is_running(pod) && !object_is_deleting(pod);
	}
	return tally;
}

static bool is_set_of(const struct object *set, const struct object *deployment)
{
	return set->kind == KIND_REPLICA_SET && strcmp(object_owner(set), deployment->uid) == 0;
}

/* The ReplicaSet with the Deployment's template, or NULL. */
static struct object *current_set(const struct cluster *cluster, const struct object *deployment)
{
	const struct json *template = json_path(deployment->value, "spec", "template", NULL);

	for (size_t i = 0; i < cluster->count; i++) {
		struct object *set = cluster->objects[i];

		if (is_set_of(set, deployment) &&
		    json_equal(json_path(set->value, "spec", "template", NULL), template))
			return set;
	}
	return NULL;
}

static void make_set(struct cluster *cluster, const struct object *deployment)
{
	struct arena *arena = &cluster->arena;
	struct json *set = json_new_object(arena), *metadata, *spec;
	const struct json *template = json_path(deployment->value, "spec", "template", NULL);

	metadata = json_set_object(arena, set, "metadata");
	json_set(arena, metadata, "name",
	         json_new_printf(arena, "%s-%llu", deployment->name,
	                         (unsigned long long)cluster->version));
	json_set(arena, metadata, "labels",
	         json_clone(arena, json_path(template, "metadata", "labels", NULL)));
	json_set(arena, metadata, "ownerReferences", owner_list(cluster, deployment));
	spec = json_set_object(arena, set, "spec");
	json_set_int(arena, spec, "replicas", 0);
	json_set(arena, spec, "template", json_clone(arena, template));
	cluster_create(cluster, KIND_REPLICA_SET, deployment->ns, set);
}

static bool scale_set(struct cluster *cluster, struct object *set, int64_t replicas)
{
	struct json *value;

	if (replicas_of(set) == replicas)
		return false;
	value = cluster_edit(cluster, set);
	json_set_int(&cluster->arena, tree_member(value, "spec"), "replicas", replicas);
	cluster_store(cluster, set, value, "kube-controller-manager");
	return true;
}

/* Old ReplicaSets go first where dynos may not overlap, else when the new one is ready. */
static bool roll(struct cluster *cluster, const struct object *deployment, struct object *now,
                 struct tally *ret_old)
{
	bool recreate = strcmp(json_string_or(json_path(deployment->value, "spec", "strategy",
	                                                "type", NULL),
	                                      ""),
	                       "Recreate") == 0;
	bool ready = count_pods(cluster, now).ready >= replicas_of(deployment);
	bool changed = false;

	for (size_t i = 0; i < cluster->count; i++) {
		struct object *set = cluster->objects[i];
		struct tally tally;

		if (!is_set_of(set, deployment) || set == now)
			continue;
		tally = count_pods(cluster, set);
		ret_old->all += tally.all;
		ret_old->ready += tally.ready;
		if (recreate || ready)
			changed |= scale_set(cluster, set, 0);
	}
	if (!changed && (!recreate || ret_old->all == 0))
		changed = scale_set(cluster, now, replicas_of(deployment));
	return changed;
}

/* A Deployment that is paused rolls nothing out, but scales what has pods. */
static bool scale_paused(struct cluster *cluster, const struct object *deployment,
                         const struct object *now, struct tally *ret_old)
{
	bool changed = false;

	for (size_t i = 0; i < cluster->count; i++) {
		struct object *set = cluster->objects[i];
		struct tally tally;

		if (!is_set_of(set, deployment) || replicas_of(set) == 0)
			continue;
		tally = count_pods(cluster, set);
		if (set != now) {
			ret_old->all += tally.all;
			ret_old->ready += tally.ready;
		}
		changed |= scale_set(cluster, set, replicas_of(deployment));
	}
	return changed;
}

static bool report(struct cluster *cluster, struct object *deployment, struct tally now,
                   struct tally old)
{
	struct arena *arena = &cluster->arena;
	struct json *value = cluster_edit(cluster, deployment);
	struct json *status = json_set_object(arena, value, "status");
	uint64_t version = deployment->version;

	json_set_int(arena, status, "observedGeneration",
	             json_int_or(json_path(value, "metadata", "generation", NULL), 0));
	json_set_int(arena, status, "replicas", now.all + old.all);
	json_set_int(arena, status, "updatedReplicas", now.all);
	json_set_int(arena, status, "readyReplicas", now.ready + old.ready);
	json_set_int(arena, status, "availableReplicas", now.ready + old.ready);
	cluster_store(cluster, deployment, value, "kube-controller-manager");
	return deployment->version != version;
}

static bool run_deployment(struct cluster *cluster, struct object *deployment)
{
	struct object *now = current_set(cluster, deployment);
	struct tally old = { 0 };
	bool paused = json_bool_or(json_path(deployment->value, "spec", "paused", NULL), false);
	bool changed = false;

	if (object_is_deleting(deployment))
		return false;
	if (!now && !paused) {
		make_set(cluster, deployment);
		return true;
	}
	changed = paused ? scale_paused(cluster, deployment, now, &old)
	                 : roll(cluster, deployment, now, &old);
	return report(cluster, deployment, count_pods(cluster, now), old) || changed;
}

bool actors_pass(struct cluster *cluster)
{
	bool more = false;

	/* What they make or remove moves the others: the rest waits for the next pass. */
	for (size_t i = 0; i < cluster->count; i++) {
		struct object *object = cluster->objects[i];
		size_t count = cluster->count;

		more |= collect(cluster, object);
		if (cluster->count != count)
			return true;
		if (object->kind == KIND_POD)
			more |= run_pod(cluster, object);
		else if (object->kind == KIND_REPLICA_SET)
			more |= run_set(cluster, object);
		else if (object->kind == KIND_DEPLOYMENT)
			more |= run_deployment(cluster, object);
		if (cluster->count != count)
			return true;
	}
	return more;
}
