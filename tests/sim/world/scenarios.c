#include "scenarios.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kubelet.h"

#define NS "default"

#define SPEC(json)          { ACTION_SPEC, KIND_FORMATION, "shop", json, 0 }
#define SPEC_SOON(ms, json) { ACTION_SPEC, KIND_FORMATION, "shop", json, ms }
#define SIZE(name, json)    { ACTION_SIZE, KIND_SIZE, name, json, 0 }
#define PUT(kind, name, json)  { ACTION_PUT, kind, name, json, 0 }
#define EDIT(kind, name, json) { ACTION_EDIT, kind, name, json, 0 }
#define EDIT_SOON(ms, kind, name, json) { ACTION_EDIT, kind, name, json, ms }
#define DELETE_SOON(ms, kind, name)     { ACTION_DELETE, kind, name, "{}", ms }
#define KEEP(sets)             { ACTION_KEEP, KIND_REPLICA_SET, "", sets, 0 }
#define OLD()                  { ACTION_OLD, KIND_POD, "", "", 0 }
#define DELETE(kind, name)     { ACTION_DELETE, kind, name, "{}", 0 }
#define FOREGROUND(kind, name) { ACTION_FOREGROUND, kind, name, "{}", 0 }

#define CRASH(ms)              { ACTION_CRASH, KIND_POD, "", "", ms }

#define APP \
	"{\"image\":\"shop:1\",\"processes\":[{\"type\":\"web\",\"command\":\"serve\"," \
	"\"quantity\":2},{\"type\":\"worker\",\"quantity\":1}]}"
#define ONE(rest) "{\"image\":\"shop:1\",\"processes\":[{\"type\":\"worker\"" rest "}]}"

#define SMALL(n) ONE(",\"quantity\":" #n ",\"size\":\"1X\"")
#define LARGE(n) ONE(",\"quantity\":" #n ",\"size\":\"2X\"")

const struct scenario SCENARIOS[] = {
	{ "a-new-formation", "Running", { SPEC(APP) } },
	{ "scaled-up-and-down",
	  "Running",
	  { SPEC(ONE(",\"quantity\":1")), SPEC(ONE(",\"quantity\":3")),
	    SPEC(ONE(",\"quantity\":1")) } },
	{ "scaled-up-and-down-at-once",
	  "Running",
	  { SPEC(ONE(",\"quantity\":1")), SPEC(ONE(",\"quantity\":3")),
	    SPEC_SOON(1, ONE(",\"quantity\":1")) } },
	{ "scaled-again-while-the-status-is-written",
	  "Running",
	  { SPEC(ONE(",\"quantity\":1")), SPEC(ONE(",\"quantity\":3")),
	    SPEC_SOON(6, ONE(",\"quantity\":2")), SPEC_SOON(9, ONE(",\"quantity\":4")),
	    SPEC_SOON(12, ONE(",\"quantity\":1")) } },
	{ "scaled-to-zero", "ScaledToZero", { SPEC(APP), SPEC(ONE(",\"quantity\":0")) } },
	{ "a-new-release",
	  "Running",
	  { SPEC(APP), SPEC("{\"image\":\"shop:2\",\"processes\":[{\"type\":\"web\",\"command\":"
	                    "\"serve\",\"quantity\":2},{\"type\":\"worker\",\"quantity\":1}]}") } },
	{ "a-type-removed-and-added-again",
	  "Running",
	  { SPEC(APP), SPEC(ONE(",\"quantity\":1")), SPEC(APP) } },
	{ "replicas-handed-over",
	  "Running",
	  { SPEC(ONE(",\"quantity\":3")), SPEC(ONE("")), SPEC(ONE(",\"quantity\":2")) } },
	{ "became-a-singleton",
	  NULL,
	  { SPEC(ONE(",\"quantity\":1")),
	    SPEC(ONE(",\"quantity\":1,\"singleton\":true")), DELETE(KIND_FORMATION, "shop") } },
	{ "a-size-changed",
	  "Running",
	  { SPEC(APP), SIZE("1x", "{\"memory\":\"640Mi\",\"cpu\":\"100m\"}"), KEEP("2") } },
	{ "another-size", "Running", { SPEC(SMALL(2)), SPEC(LARGE(2)), KEEP("1") } },
	{ "another-size-where-pods-cannot-be-resized",
	  "Running",
	  { OLD(), SPEC(SMALL(2)), SPEC(LARGE(2)) } },
	{ "another-size-and-back-at-once",
	  "Running",
	  { SPEC(SMALL(2)), SPEC(LARGE(2)), SPEC_SOON(2, SMALL(2)), SPEC_SOON(8, LARGE(2)),
	    SPEC_SOON(3, SMALL(2)), SPEC_SOON(12, LARGE(2)), SPEC_SOON(5, SMALL(2)), KEEP("1") } },
	{ "another-size-and-scaled-meanwhile",
	  "Running",
	  { SPEC(SMALL(2)), SPEC(LARGE(2)), SPEC_SOON(4, LARGE(4)), SPEC_SOON(7, LARGE(3)), KEEP("1") } },
	{ "another-size-of-dynos-that-an-autoscaler-owns",
	  "Running",
	  { SPEC(ONE(",\"size\":\"1X\"")),
	    EDIT(KIND_DEPLOYMENT, "shop-worker", "{\"spec\":{\"replicas\":3}}"),
	    SPEC(ONE(",\"size\":\"2X\"")),
	    EDIT_SOON(5, KIND_DEPLOYMENT, "shop-worker", "{\"spec\":{\"replicas\":5}}"), KEEP("1") } },
	{ "another-size-and-a-release-meanwhile",
	  "Running",
	  { SPEC(SMALL(2)), SPEC(LARGE(2)),
	    SPEC_SOON(6, "{\"image\":\"shop:2\",\"processes\":[{\"type\":\"worker\","
	                 "\"quantity\":2,\"size\":\"2X\"}]}") } },
	{ "another-size-and-deleted-meanwhile",
	  "Running",
	  { SPEC(SMALL(2)), SPEC(LARGE(2)), DELETE_SOON(6, KIND_DEPLOYMENT, "shop-worker") } },
	{ "another-size-and-the-size-deleted-meanwhile",
	  "Running",
	  { SPEC(SMALL(2)), SPEC(LARGE(2)), DELETE_SOON(4, KIND_SIZE, "2x"),
	    SIZE("2x", "{\"memory\":\"2Gi\",\"cpu\":\"200m\"}") } },
	{ "another-size-while-a-person-has-paused-it",
	  "Running",
	  { SPEC(SMALL(2)), EDIT(KIND_DEPLOYMENT, "shop-worker", "{\"spec\":{\"paused\":true}}"),
	    SPEC(LARGE(2)),
	    EDIT(KIND_DEPLOYMENT, "shop-worker", "{\"spec\":{\"paused\":null}}") } },
	{ "a-deployment-deleted",
	  "Running",
	  { SPEC(APP), DELETE(KIND_DEPLOYMENT, "shop-web"), DELETE(KIND_SERVICE, "shop-web") } },
	{ "a-deployment-deleted-in-the-foreground",
	  "Running",
	  { SPEC(APP), FOREGROUND(KIND_DEPLOYMENT, "shop-web") } },
	{ "edited-by-hand",
	  "Running",
	  { SPEC(APP), EDIT(KIND_DEPLOYMENT, "shop-web", "{\"spec\":{\"replicas\":7}}"),
	    EDIT(KIND_DEPLOYMENT, "shop-web",
	         "{\"metadata\":{\"annotations\":{\"example.com/note\":\"kept\"}}}") } },
	{ "labels-stripped",
	  "Running",
	  { SPEC(APP), EDIT(KIND_DEPLOYMENT, "shop-web",
	                    "{\"metadata\":{\"labels\":{\"dyno.dev/type\":null}}}") } },
	{ "a-name-taken-and-freed",
	  "Running",
	  { PUT(KIND_SERVICE, "shop-web",
	        "{\"metadata\":{\"name\":\"shop-web\",\"namespace\":\"default\"},"
	        "\"spec\":{\"clusterIP\":\"10.0.0.1\"}}"),
	    SPEC(APP), DELETE(KIND_SERVICE, "shop-web"), SPEC(ONE(",\"quantity\":1")),
	    SPEC(APP) } },
	{ "deleted", NULL, { SPEC(APP), DELETE(KIND_FORMATION, "shop") } },
	{ "deleted-in-the-foreground", NULL, { SPEC(APP), FOREGROUND(KIND_FORMATION, "shop") } },
	{ "deleted-and-made-again",
	  "Running",
	  { SPEC(APP), DELETE(KIND_FORMATION, "shop"), SPEC(APP) } },
	{ "deleted-and-made-again-at-once",
	  "Running",
	  { SPEC(APP), DELETE(KIND_FORMATION, "shop"), SPEC_SOON(1, APP) } },
	{ "paused-and-resumed",
	  "Running",
	  { SPEC(ONE(",\"quantity\":1")),
	    SPEC("{\"image\":\"shop:2\",\"paused\":true,\"processes\":[{\"type\":\"worker\"}]}"),
	    SPEC("{\"image\":\"shop:2\",\"processes\":[{\"type\":\"worker\",\"quantity\":2}]}") } },
	{ "a-wrong-spec-put-right",
	  "Running",
	  { SPEC(ONE(",\"quantity\":1")), SPEC(ONE(",\"quantity\":-4,\"size\":7")),
	    SPEC(ONE(",\"quantity\":2")) } },
	{ "dynos-that-fail",
	  "Running",
	  { SPEC(ONE(",\"quantity\":3")), CRASH(0), CRASH(20), CRASH(20), CRASH(1100),
	    SPEC(ONE(",\"quantity\":2")), CRASH(10), SPEC_SOON(5, ONE(",\"quantity\":1")),
	    SPEC(ONE(",\"quantity\":2,\"size\":\"2X\"")), CRASH(0) } },
	{ 0 },
};

static struct json *parsed(struct world *world, const char *text)
{
	struct json *value = NULL;
	struct err err = ERR_INIT;

	if (json_parse(&world->cluster.arena, text, strlen(text), NULL, &value, &err) < 0) {
		fprintf(stderr, "%s: %s\n", err.msg, text);
		abort();
	}
	return value;
}

/* Apply a spec as `kubectl replace` would: nothing of the one before is left. */
static void set_spec(struct world *world, enum kind kind, const char *name, const char *text)
{
	struct cluster *cluster = &world->cluster;
	const char *ns = kind == KIND_SIZE ? "" : NS;
	struct object *object = cluster_find(cluster, kind, ns, name);
	struct json *value = object ? cluster_edit(cluster, object) : json_new_object(&cluster->arena);

	if (!object)
		json_set_string(&cluster->arena,
		                json_set_object(&cluster->arena, value, "metadata"), "name", name);
	json_set(&cluster->arena, value, "spec", parsed(world, text));
	if (object)
		cluster_store(cluster, object, value, "kubectl");
	else
		cluster_create(cluster, kind, ns, value);
}

static void crash_all(struct cluster *cluster)
{
	for (size_t i = 0; i < cluster->count; i++) {
		if (cluster->objects[i]->kind == KIND_POD)
			kubelet_crash(cluster, cluster->objects[i]);
	}
}

void scenario_act(struct world *world, const struct action *action)
{
	struct cluster *cluster = &world->cluster;
	struct json *options = json_new_object(&cluster->arena);

	switch (action->what) {
	case ACTION_SPEC:
	case ACTION_SIZE:
		set_spec(world, action->kind, action->name, action->text);
		break;
	case ACTION_PUT:
		cluster_create(cluster, action->kind, NS, parsed(world, action->text));
		break;
	case ACTION_EDIT:
		cluster_patch(cluster, action->kind, NS, action->name, NULL, "kubectl", PATCH_MERGE,
		              parsed(world, action->text));
		break;
	case ACTION_FOREGROUND:
		json_set_string(&cluster->arena, options, "propagationPolicy", "Foreground");
		cluster_delete(cluster, action->kind, NS, action->name, options);
		break;
	case ACTION_DELETE:
		cluster_delete(cluster, action->kind, action->kind == KIND_SIZE ? "" : NS,
		               action->name, options);
		break;
	case ACTION_CRASH:
		crash_all(cluster);
		break;
	case ACTION_OLD:
		world->no_resize = true;
		break;
	case ACTION_KEEP:
	case ACTION_END:
		break;
	}
	world_stir(world);
}

void scenario_prepare(struct world *world)
{
	set_spec(world, KIND_SIZE, "1x", "{\"memory\":\"512Mi\",\"cpu\":\"100m\"}");
	set_spec(world, KIND_SIZE, "2x", "{\"memory\":\"1Gi\",\"cpu\":\"200m\"}");
}
