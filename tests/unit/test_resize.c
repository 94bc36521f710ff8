#include "unit.h"

#include "formation/desired.h"
#include "formation/resize.h"
#include "formation/sized.h"

static const struct dyno_size SIZES[] = {
	{ .name = "1X", .memory_bytes = 512LL << 20, .cpu_milli = 100 },
	{ .name = "2X", .memory_bytes = 1LL << 30, .cpu_milli = 200 },
	{ .name = "PX", .memory_bytes = 6LL << 30, .cpu_milli = 4000, .dedicated = true },
	{ .name = "FX",
	  .memory_bytes = 1LL << 30,
	  .cpu_milli = 100,
	  .cpu_limit_milli = 100 }, /* Guaranteed, and nothing else */
};
static const struct formation SHOP = { .ns = "default", .name = "shop", .uid = "u" };
static const int64_t NOW_MS = 1795435200000; /* 2026-11-23T12:00:00Z */

enum { PODS = 2 };

/* A process of two dynos whose Deployment, ReplicaSet and pods are of some size. */
struct stage {
	struct arena arena;
	struct resize_view view;
	const struct json *sets[2], *pods[PODS];
	struct resize_decision decision;
};

static struct json *member(const struct json *value, const char *key)
{
	return (struct json *)(uintptr_t)json_get(value, key);
}

static struct json *meta(const struct json *value)
{
	return member(value, "metadata");
}

static struct json *body_of(struct stage *stage, const char *name, const char *image)
{
	const struct dyno_sizes sizes = { SIZES, ARRAY_SIZE(SIZES) };
	const struct process process = { .type = "worker",
		                         .image = image,
		                         .quantity = PODS,
		                         .size = name,
		                         .grace_s = GRACE_DEFAULT_S };
	struct json *body =
		desired_deployment(&stage->arena, &SHOP, &process, dyno_sizes_find(&sizes, name),
	                           TEMPLATE_VERSION);

	json_set_string(&stage->arena, meta(body), "uid", "d");
	return body;
}

static void set_owner(struct stage *stage, struct json *object, const char *uid)
{
	struct json *list = json_set_array(&stage->arena, meta(object), "ownerReferences");
	struct json *owner = json_add(list, json_new_object(&stage->arena));

	json_set_string(&stage->arena, owner, "uid", uid);
	json_set_bool(&stage->arena, owner, "controller", true);
}

static struct json *template_of(const struct json *object)
{
	return member(member(object, "spec"), "template");
}

static const struct json *set_of(struct stage *stage, const struct json *deployment, const char *uid)
{
	struct json *set = unit_json(&stage->arena, "{\"metadata\":{\"name\":\"rs\"},\"spec\":{"
	                                            "\"replicas\":2},\"status\":{\"replicas\":2}}");

	json_set_string(&stage->arena, meta(set), "uid", uid);
	set_owner(stage, set, "d");
	json_set(&stage->arena, member(set, "spec"), "template",
	         json_clone(&stage->arena, template_of(deployment)));
	return set;
}

/* A running pod, with what its container has. */
static struct json *pod_of(struct stage *stage, const struct json *deployment, int index)
{
	struct json *pod = json_clone(&stage->arena, template_of(deployment));
	size_t at = 0;
	struct json *status =
		unit_json(&stage->arena, "{\"phase\":\"Running\",\"containerStatuses\":[{\"name\":"
	                                 "\"dyno\",\"state\":{\"running\":{}}}]}");
	struct json *container = member(status, "containerStatuses")->first;

	json_set(&stage->arena, meta(pod), "name",
	         json_new_printf(&stage->arena, "pod-%d", index));
	json_set(&stage->arena, meta(pod), "uid", json_new_printf(&stage->arena, "p%d", index));
	json_set_int(&stage->arena, meta(pod), "generation", 2);
	set_owner(stage, pod, "s");
	json_set(&stage->arena, container, "resources",
	         json_clone(&stage->arena, json_get(sized_container(pod, &at), "resources")));
	json_set(&stage->arena, pod, "status", status);
	return pod;
}

static struct json *deployment_of(struct stage *stage, const struct json *body)
{
	struct json *deployment = json_clone(&stage->arena, body);

	json_set_int(&stage->arena, meta(deployment), "generation", 4);
	json_set(&stage->arena, deployment, "status",
	         unit_json(&stage->arena, "{\"observedGeneration\":4,\"replicas\":2,"
	                                  "\"updatedReplicas\":2}"));
	return deployment;
}

/* Everything is `from`, and `to` is wanted. */
static void set_stage(struct stage *stage, const char *from, const char *to)
{
	const struct json *before;

	arena_release(&stage->arena);
	*stage = (struct stage){ .arena = ARENA_INIT };
	before = body_of(stage, from, "i");
	stage->view = (struct resize_view){
		.body = body_of(stage, to, "i"),
		.deployment = deployment_of(stage, before),
		.sets = stage->sets,
		.set_count = 1,
		.pods = stage->pods,
		.pod_count = PODS,
		.now_ms = NOW_MS,
		.deadline_ms = 60 * 1000,
	};
	stage->sets[0] = set_of(stage, before, "s");
	for (int i = 0; i < PODS; i++)
		stage->pods[i] = pod_of(stage, before, i);
}

static const char *decide(struct stage *stage)
{
	resize_decide(&stage->arena, &stage->view, &stage->decision);
	return resize_action_name(stage->decision.action);
}

static const char *body_text(struct stage *stage)
{
	return json_text(&stage->arena,
	                 resize_body(&stage->arena, &stage->view, &stage->decision));
}

/* --- what the world does -------------------------------------------- */

static void set_annotation(struct stage *stage, const struct json *object, const char *key,
                           const char *text)
{
	json_set_string(&stage->arena, member(meta(object), "annotations"), key, text);
}

/* The pod's spec has what is wanted. */
static void patch_pod(struct stage *stage, int index)
{
	sized_copy(&stage->arena,
	           (struct json *)(uintptr_t)stage->pods[index], template_of(stage->view.body));
	set_annotation(stage, stage->pods[index], ANNOTATION_RESOURCES, RESOURCES_CHANGING);
}

/* The kubelet has done it. */
static void carry_out(struct stage *stage, int index)
{
	size_t at = 0;
	struct json *status = member(member(stage->pods[index], "status"), "containerStatuses");

	json_set(&stage->arena, status->first, "resources",
	         json_clone(&stage->arena,
	                    json_get(sized_container(stage->pods[index], &at), "resources")));
}

static void mark(struct stage *stage, int index)
{
	set_annotation(stage, stage->pods[index], ANNOTATION_RESOURCES,
	               sized_of(template_of(stage->view.body)));
}

static void resize_all(struct stage *stage)
{
	for (int i = 0; i < PODS; i++) {
		patch_pod(stage, i);
		carry_out(stage, i);
		mark(stage, i);
	}
}

/* The paused body was applied; the Deployment controller has not looked yet. */
static void pause_it(struct stage *stage)
{
	struct resize_decision pause = { .action = RESIZE_PAUSE };
	struct json *deployment =
		deployment_of(stage, resize_body(&stage->arena, &stage->view, &pause));

	json_set_int(&stage->arena, meta(deployment), "generation", 5);
	json_set_int(&stage->arena, member(deployment, "status"), "updatedReplicas", 0);
	stage->view.deployment = deployment;
}

static void see_it(struct stage *stage, int observed, int updated)
{
	struct json *status = member(stage->view.deployment, "status");

	json_set_int(&stage->arena, status, "observedGeneration", observed);
	json_set_int(&stage->arena, status, "updatedReplicas", updated);
}

static void follow_with_set(struct stage *stage)
{
	stage->sets[0] = set_of(stage, stage->view.deployment, "s");
}

static void say_of_pod(struct stage *stage, int index, const char *type, const char *reason,
                       int64_t generation)
{
	json_set(&stage->arena, member(stage->pods[index], "status"), "conditions",
	         unit_json(&stage->arena,
	                   arena_printf(&stage->arena,
	                                "[{\"type\":\"%s\",\"status\":\"True\",\"reason\":\"%s\","
	                                "\"message\":\"no room\",\"observedGeneration\":%lld,"
	                                "\"lastTransitionTime\":\"2026-11-23T11:59:30Z\"}]",
	                                type, reason, (long long)generation)));
}

/* --- in place ------------------------------------------------------- */

static void test_every_step_follows_from_what_is_there(void **state)
{
	struct stage stage = { .arena = ARENA_INIT };

	(void)state;
	set_stage(&stage, "1X", "2X");
	assert_string_equal(decide(&stage), "begin pod");
	assert_non_null(strstr(body_text(&stage), "\"dyno.dev/resources\":\"changing\""));
	set_annotation(&stage, stage.pods[0], ANNOTATION_RESOURCES, RESOURCES_CHANGING);
	assert_string_equal(decide(&stage), "resize pod");
	assert_non_null(strstr(body_text(&stage),
	                       "{\"op\":\"add\",\"path\":\"/spec/containers/0/resources/limits/"
	                       "memory\",\"value\":\"1Gi\"}"));
	assert_non_null(strstr(body_text(&stage), "\"/metadata/uid\",\"value\":\"p0\""));
	for (int i = 0; i < PODS; i++)
		patch_pod(&stage, i);
	assert_string_equal(decide(&stage), "wait");
	assert_true(stage.decision.again_ms > 0);
	carry_out(&stage, 1);
	assert_string_equal(decide(&stage), "mark pod");
	assert_int_equal(stage.decision.index, 1);
	assert_non_null(strstr(body_text(&stage), "\"dyno.dev/size\":\"2X\""));
	resize_all(&stage);
	assert_string_equal(decide(&stage), "pause");
	assert_non_null(strstr(body_text(&stage), "\"paused\":true"));
	pause_it(&stage);
	assert_string_equal(decide(&stage), "patch ReplicaSet");
	follow_with_set(&stage);
	assert_string_equal(decide(&stage), "wait");
	see_it(&stage, 5, 0);
	assert_string_equal(decide(&stage), "wait");
	see_it(&stage, 4, 2);
	assert_string_equal(decide(&stage), "wait");
	see_it(&stage, 5, 2);
	assert_string_equal(decide(&stage), "apply");
	assert_null(stage.decision.why);
	assert_null(strstr(body_text(&stage), "paused"));
	stage.view.deployment = deployment_of(&stage, stage.view.body);
	assert_string_equal(decide(&stage), "end");
	arena_release(&stage.arena);
}

static void test_a_pod_that_waits_for_no_kubelet_is_done_at_once(void **state)
{
	struct stage stage = { .arena = ARENA_INIT };

	(void)state;
	set_stage(&stage, "1X", "2X");
	patch_pod(&stage, 0);
	json_set(&stage.arena, (struct json *)(uintptr_t)stage.pods[0], "status",
	         unit_json(&stage.arena, "{\"phase\":\"Pending\"}"));
	assert_string_equal(decide(&stage), "mark pod");
	arena_release(&stage.arena);
}

static void test_a_pod_made_meanwhile_is_resized_at_the_end(void **state)
{
	struct stage stage = { .arena = ARENA_INIT };

	(void)state;
	set_stage(&stage, "1X", "2X");
	resize_all(&stage);
	stage.pods[1] = pod_of(&stage, body_of(&stage, "1X", "i"), 1);
	stage.view.deployment = deployment_of(&stage, stage.view.body);
	follow_with_set(&stage);
	assert_string_equal(decide(&stage), "begin pod");
	assert_int_equal(stage.decision.index, 1);
	arena_release(&stage.arena);
}

static void test_back_again_before_the_first_is_through(void **state)
{
	struct stage stage = { .arena = ARENA_INIT };

	(void)state;
	set_stage(&stage, "1X", "2X");
	patch_pod(&stage, 0);
	stage.view.body = body_of(&stage, "1X", "i");
	assert_string_equal(decide(&stage), "resize pod");
	set_stage(&stage, "1X", "2X");
	resize_all(&stage);
	pause_it(&stage);
	stage.view.body = body_of(&stage, "1X", "i");
	for (int i = 0; i < PODS; i++)
		stage.pods[i] = pod_of(&stage, stage.view.body, i);
	assert_string_equal(decide(&stage), "pause");
	arena_release(&stage.arena);
}

static void test_replicas_do_not_wait_for_the_size(void **state)
{
	struct stage stage = { .arena = ARENA_INIT };

	(void)state;
	set_stage(&stage, "1X", "2X");
	json_set_int(&stage.arena, member(stage.view.body, "spec"), "replicas", 5);
	assert_string_equal(decide(&stage), "scale");
	assert_non_null(strstr(body_text(&stage), "\"replicas\":5"));
	assert_non_null(strstr(body_text(&stage), "1X cpu=100m memory=512Mi"));
	assert_null(strstr(body_text(&stage), "paused"));
	stage.view.scaled = true;
	assert_string_equal(decide(&stage), "begin pod");
	arena_release(&stage.arena);
}

static void test_a_persons_pause_is_left_alone(void **state)
{
	struct stage stage = { .arena = ARENA_INIT };

	(void)state;
	set_stage(&stage, "1X", "2X");
	json_set_bool(&stage.arena, member(stage.view.deployment, "spec"), "paused", true);
	assert_string_equal(decide(&stage), "end");
	arena_release(&stage.arena);
}

static void test_pods_of_other_templates_are_left_alone(void **state)
{
	struct stage stage = { .arena = ARENA_INIT };

	(void)state;
	set_stage(&stage, "1X", "2X");
	for (int i = 0; i < PODS; i++)
		json_set_object(&stage.arena, meta(stage.pods[i]), "annotations");
	assert_string_equal(decide(&stage), "pause");
	arena_release(&stage.arena);
}

static void test_a_pod_that_shrinks_slowly_keeps_nobody_waiting(void **state)
{
	struct stage stage = { .arena = ARENA_INIT };

	(void)state;
	set_stage(&stage, "2X", "1X");
	resize_all(&stage);
	set_annotation(&stage, stage.pods[0], ANNOTATION_RESOURCES, RESOURCES_CHANGING);
	say_of_pod(&stage, 0, "PodResizeInProgress", "Error", 2);
	assert_string_equal(decide(&stage), "wait");
	assert_int_equal(stage.decision.again_ms, 30 * 1000);
	stage.view.now_ms += 31 * 1000;
	assert_string_equal(decide(&stage), "pause");
	arena_release(&stage.arena);
}

/* --- by a rollout --------------------------------------------------- */

static void expect_rollout(struct stage *stage, const char *action, const char *why)
{
	assert_string_equal(decide(stage), action);
	assert_non_null(stage->decision.why);
	if (!strstr(stage->decision.why, why))
		fail_msg("why is: %s", stage->decision.why);
}

static void test_what_a_resize_cannot_do_is_a_rollout(void **state)
{
	struct stage stage = { .arena = ARENA_INIT };

	(void)state;
	set_stage(&stage, "1X", "2X");
	stage.view.body = body_of(&stage, "2X", "other");
	expect_rollout(&stage, "apply", "something else");
	set_stage(&stage, "1X", "PX");
	expect_rollout(&stage, "apply", "something else");
	set_stage(&stage, "2X", "FX");
	expect_rollout(&stage, "apply", "QoS class");
	set_stage(&stage, "1X", "2X");
	stage.view.refusal = "exceeded quota";
	expect_rollout(&stage, "apply", "exceeded quota");
	assert_null(strstr(body_text(&stage), "paused"));
	arena_release(&stage.arena);
}

static void test_two_replica_sets_are_a_rollout_that_goes_on(void **state)
{
	struct stage stage = { .arena = ARENA_INIT };

	(void)state;
	set_stage(&stage, "1X", "2X");
	stage.sets[1] = set_of(&stage, body_of(&stage, "1X", "older"), "s2");
	stage.view.set_count = 2;
	expect_rollout(&stage, "apply", "a rollout is under way");
	stage.view.deployment = deployment_of(&stage, stage.view.body);
	expect_rollout(&stage, "end", "a rollout is under way");
	set_stage(&stage, "1X", "2X");
	stage.sets[0] = set_of(&stage, body_of(&stage, "1X", "older"), "s");
	expect_rollout(&stage, "apply", "a rollout is under way");
	arena_release(&stage.arena);
}

static void test_no_dynos_need_no_resize(void **state)
{
	struct stage stage = { .arena = ARENA_INIT };

	(void)state;
	set_stage(&stage, "1X", "2X");
	stage.view.set_count = 0;
	assert_string_equal(decide(&stage), "apply");
	assert_null(stage.decision.why);
	arena_release(&stage.arena);
}

static void test_a_node_without_room_is_a_rollout(void **state)
{
	struct stage stage = { .arena = ARENA_INIT };

	(void)state;
	set_stage(&stage, "1X", "2X");
	patch_pod(&stage, 0);
	patch_pod(&stage, 1);
	say_of_pod(&stage, 0, "PodResizePending", "Infeasible", 2);
	expect_rollout(&stage, "apply", "pod-0 can't be resized on its node: no room");
	say_of_pod(&stage, 0, "PodResizePending", "Infeasible", 1); /* of what was asked before */
	assert_string_equal(decide(&stage), "wait");
	say_of_pod(&stage, 0, "PodResizePending", "Deferred", 2);
	assert_string_equal(decide(&stage), "wait");
	stage.view.now_ms += 31 * 1000;
	expect_rollout(&stage, "apply", "pod-0 has waited for room for 61 s: no room");
	arena_release(&stage.arena);
}

static void test_a_late_pod_without_room_has_its_replica_set_superseded(void **state)
{
	struct stage stage = { .arena = ARENA_INIT };

	(void)state;
	set_stage(&stage, "1X", "2X");
	resize_all(&stage);
	stage.view.deployment = deployment_of(&stage, stage.view.body);
	follow_with_set(&stage);
	set_annotation(&stage, stage.pods[1], ANNOTATION_RESOURCES, RESOURCES_CHANGING);
	say_of_pod(&stage, 1, "PodResizePending", "Infeasible", 2);
	expect_rollout(&stage, "supersede", "can't be resized");
	assert_non_null(strstr(body_text(&stage), "dyno.dev~1superseded"));
	set_annotation(&stage, template_of(stage.sets[0]), ANNOTATION_SUPERSEDED, "why");
	expect_rollout(&stage, "end", "a rollout is under way");
	arena_release(&stage.arena);
}

static void test_an_older_replica_set_of_the_same_template_is_superseded(void **state)
{
	struct stage stage = { .arena = ARENA_INIT };

	(void)state;
	set_stage(&stage, "1X", "2X");
	resize_all(&stage);
	pause_it(&stage);
	stage.sets[1] = set_of(&stage, body_of(&stage, "2X", "i"), "older");
	json_set_int(&stage.arena, member(stage.sets[1], "spec"), "replicas", 0);
	json_set_int(&stage.arena, member(stage.sets[1], "status"), "replicas", 0);
	stage.view.set_count = 2;
	assert_string_equal(decide(&stage), "patch ReplicaSet");
	follow_with_set(&stage);
	assert_string_equal(decide(&stage), "supersede");
	assert_int_equal(stage.decision.index, 1);
	assert_null(stage.decision.why);
	assert_non_null(strstr(body_text(&stage), "a newer ReplicaSet"));
	set_annotation(&stage, template_of(stage.sets[1]), ANNOTATION_SUPERSEDED, "newer");
	see_it(&stage, 5, 2);
	assert_string_equal(decide(&stage), "apply");
	arena_release(&stage.arena);
}

static void test_our_pause_ends_whatever_happens(void **state)
{
	struct stage stage = { .arena = ARENA_INIT };

	(void)state;
	set_stage(&stage, "1X", "2X");
	resize_all(&stage);
	pause_it(&stage);
	stage.view.body = body_of(&stage, "2X", "other");
	expect_rollout(&stage, "apply", "something else");
	stage.view.body = body_of(&stage, "2X", "i");
	json_set_bool(&stage.arena, member(stage.view.deployment, "spec"), "paused", false);
	expect_rollout(&stage, "apply", "resumed by somebody else");
	stage.view.set_count = 0;
	assert_string_equal(decide(&stage), "apply");
	stage.view.deployment = NULL;
	assert_string_equal(decide(&stage), "end");
	arena_release(&stage.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_step_follows_from_what_is_there),
		cmocka_unit_test(test_a_pod_that_waits_for_no_kubelet_is_done_at_once),
		cmocka_unit_test(test_a_pod_made_meanwhile_is_resized_at_the_end),
		cmocka_unit_test(test_back_again_before_the_first_is_through),
		cmocka_unit_test(test_replicas_do_not_wait_for_the_size),
		cmocka_unit_test(test_a_persons_pause_is_left_alone),
		cmocka_unit_test(test_pods_of_other_templates_are_left_alone),
		cmocka_unit_test(test_a_pod_that_shrinks_slowly_keeps_nobody_waiting),
		cmocka_unit_test(test_what_a_resize_cannot_do_is_a_rollout),
		cmocka_unit_test(test_two_replica_sets_are_a_rollout_that_goes_on),
		cmocka_unit_test(test_no_dynos_need_no_resize),
		cmocka_unit_test(test_a_node_without_room_is_a_rollout),
		cmocka_unit_test(test_a_late_pod_without_room_has_its_replica_set_superseded),
		cmocka_unit_test(test_an_older_replica_set_of_the_same_template_is_superseded),
		cmocka_unit_test(test_our_pause_ends_whatever_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
