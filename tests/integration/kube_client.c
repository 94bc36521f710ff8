/*
 * pkg/kube against a real API server: the cluster of $KUBECONFIG, called
 * $CLUSTER_NAME, whose API server one test restarts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "kube/config.h"
#include "kube/informer.h"
#include "kube/recorder.h"

enum { DEADLINE_MS = 60 * 1000, POLL_MS = 20, MANY = 620 };

static const struct resource NAMESPACE = { "", "v1", "namespaces", "Namespace", "v1", false };
static const struct resource CONFIG_MAP = { "", "v1", "configmaps", "ConfigMap", "v1", true };
static const struct resource NOWHERE = { "no.such.group", "v1", "things", "Thing",
					 "no.such.group/v1", true };
static const struct resource REVIEW = { "authentication.k8s.io", "v1", "selfsubjectreviews",
					"SelfSubjectReview", "authentication.k8s.io/v1", false };

/* A transport that asks its first watch for a version long gone, once `age` is set. */
struct aging {
	struct transport transport;
	struct transport *real;
	bool age;
};

struct fixture {
	struct loop *loop;
	struct kube_config *config;
	struct http_client *http;
	struct client *client;
	struct aging aging;
	struct arena arena;
	struct loop_timer *poll;
	bool (*until)(struct fixture *f); /* what loop_until waits for */
	int64_t deadline_ms;
	/* the last request */
	bool done;
	struct err err;
	struct json *object; /* in `arena`, or NULL */
	/* the informer of configmaps in our namespace */
	struct store *store;
	struct informer *informer;
	size_t added, changed, removed;
	char wanted[64]; /* for `until` */
	pid_t child;
};

static char ns[64];

/* --- waiting ---------------------------------------------------------- */

static void on_poll(void *arg)
{
	struct fixture *f = arg;

	if (f->until(f) || loop_mono_ms(f->loop) > f->deadline_ms)
		loop_stop(f->loop);
	else
		loop_timer_start(f->poll, POLL_MS);
}

/* Run the loop until `until` holds. */
static void loop_until(struct fixture *f, bool (*until)(struct fixture *f), const char *what)
{
	struct err err;

	f->until = until;
	f->deadline_ms = loop_mono_ms(f->loop) + DEADLINE_MS;
	loop_timer_start(f->poll, 0);
	assert_int_equal(loop_run(f->loop, &err), 0);
	if (!until(f))
		fail_msg("not within %d s: %s", DEADLINE_MS / 1000, what);
}

#define wait_for(f, until) loop_until((f), (until), #until)

static bool is_done(struct fixture *f)
{
	return f->done;
}

static void on_done(void *arg, struct arena *arena, struct json *object, const struct err *err)
{
	struct fixture *f = arg;

	(void)arena;
	f->done = true;
	f->err = *err;
	f->object = object ? json_clone(&f->arena, object) : NULL;
	loop_stop(f->loop);
}

/* One request and its answer, NULL when it failed. */
static const struct json *request(struct fixture *f, const struct client_request *what)
{
	struct client_request full = *what;

	full.priority = HTTP_PRIORITY_NORMAL;
	f->done = false;
	client_start(f->client, &full, on_done, f);
	wait_for(f, is_done);
	return f->object;
}

static void assert_ok(const struct fixture *f)
{
	if (f->err.code != ERR_NONE)
		fail_msg("%s", f->err.msg);
}

static void assert_code(const struct fixture *f, enum err_code code)
{
	if (f->err.code != code)
		fail_msg("%s, not %s: %s", err_code_name(f->err.code), err_code_name(code),
			 f->err.msg);
}

/* --- objects ---------------------------------------------------------- */

static struct json *config_map(struct arena *arena, const char *name, const char *uid,
			       const char *value)
{
	struct json *object = json_new_object(arena), *metadata;

	json_set_string(arena, object, "apiVersion", "v1");
	json_set_string(arena, object, "kind", "ConfigMap");
	metadata = json_set_object(arena, object, "metadata");
	json_set_string(arena, metadata, "name", name);
	if (uid)
		json_set_string(arena, metadata, "uid", uid);
	json_set_string(arena, json_set_object(arena, object, "data"), "value", value);
	return object;
}

static const struct json *apply_as(struct fixture *f, const char *manager, bool force,
				   const char *name, const char *uid, const char *value)
{
	const struct client_request what = {
		.verb = "apply",
		.resource = &CONFIG_MAP,
		.ns = ns,
		.name = name,
		.manager = manager,
		.force = force,
		.body = config_map(&f->arena, name, uid, value),
	};

	return request(f, &what);
}

static const struct json *apply(struct fixture *f, const char *name, const char *value)
{
	return apply_as(f, "one", false, name, NULL, value);
}

static void remove_it(struct fixture *f, const char *name, const char *uid, uint64_t version)
{
	const struct client_request what = { .verb = "delete",
					     .resource = &CONFIG_MAP,
					     .ns = ns,
					     .name = name,
					     .delete_uid = uid,
					     .delete_version = version };

	request(f, &what);
}

static const char *uid_of(const struct json *object)
{
	return json_string_or(json_path(object, "metadata", "uid", NULL), "");
}

static uint64_t version_of(const struct json *object)
{
	uint64_t version = 0;

	version_parse(json_string_or(json_path(object, "metadata", "resourceVersion", NULL), ""),
		      &version);
	return version;
}

/* --- the informer ----------------------------------------------------- */

static struct object *decode(void *arg, struct arena *arena, const struct json *value,
			     struct err *err)
{
	(void)arg;
	(void)arena;
	return object_new(value, sizeof(struct object), 0, NULL, err);
}

static void on_changed(void *arg, const struct object *old, const struct object *now)
{
	struct fixture *f = arg;

	f->added += !old;
	f->changed += old && now;
	f->removed += !now;
}

static const struct json_keep KEEP[] = { { "metadata", KEEP_METADATA }, { 0 } };

static void watch(struct fixture *f, const struct resource *resource)
{
	const struct informer_config config = {
		.resource = resource,
		.ns = ns,
		.keep = KEEP,
		.store = f->store,
		.handlers = { decode, on_changed, NULL, f },
	};

	f->informer = informer_new(f->loop, &f->aging.transport, &config);
	informer_start(f->informer);
}

static struct informer_state state_of(const struct fixture *f)
{
	struct informer_state state;

	informer_state(f->informer, &state);
	return state;
}

static bool is_watching(struct fixture *f)
{
	struct informer_state state = state_of(f);

	return state.synced && !state.error && strcmp(state.phase, "watching") == 0;
}

static bool has_wanted(struct fixture *f)
{
	return store_get(f->store, ns, f->wanted) != NULL;
}

static bool lacks_wanted(struct fixture *f)
{
	return !has_wanted(f);
}

static struct http_call *aging_start(struct transport *transport,
				     const struct http_request *what,
				     const struct http_handlers *handlers, void *arg)
{
	struct aging *aging = (struct aging *)transport;
	struct http_request old = *what;
	const char *version = strstr(what->path, "resourceVersion=");
	struct http_call *call;
	char *path;

	if (!aging->age || !version)
		return transport_start(aging->real, what, handlers, arg);
	aging->age = false;
	path = x_asprintf("%.*sresourceVersion=1%s", (int)(version - what->path), what->path,
			  version + strcspn(version, "&"));
	old.path = path;
	call = transport_start(aging->real, &old, handlers, arg);
	free(path);
	return call;
}

static void aging_cancel(struct transport *transport, struct http_call *call)
{
	transport_cancel(((struct aging *)transport)->real, call);
}

/* --- setting up ------------------------------------------------------- */

static void connect_with(struct fixture *f, const char *kubeconfig)
{
	const struct kube_config_options options = { .kubeconfig = kubeconfig,
						     .user_agent = "kube-client-test" };

	f->config = kube_config_load(&options, &f->err);
	if (!f->config)
		fail_msg("%s", f->err.msg);
	f->http = kube_config_connect(f->config, f->loop, &f->err);
	if (!f->http)
		fail_msg("%s", f->err.msg);
	f->client = client_new(f->loop, http_client_transport(f->http), NULL);
	f->aging = (struct aging){ { aging_start, aging_cancel }, http_client_transport(f->http),
				   false };
}

static int setup(void **state)
{
	struct fixture *f = x_calloc(1, sizeof(*f));

	log_setup(LOG_ERROR, LOG_FORMAT_TEXT, 2);
	f->loop = loop_new(clock_system(), &f->err);
	f->poll = loop_timer_new(f->loop, on_poll, f);
	f->store = store_new();
	connect_with(f, NULL);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	informer_free(f->informer);
	store_free(f->store);
	client_free(f->client);
	http_client_free(f->http);
	kube_config_free(f->config);
	loop_timer_free(f->poll);
	loop_free(f->loop);
	arena_release(&f->arena);
	free(f);
	return 0;
}

static void with_namespace(const char *verb)
{
	struct fixture *f;
	void *state;

	setup(&state);
	f = state;
	const struct client_request what = {
		.verb = verb,
		.resource = &NAMESPACE,
		.name = strcmp(verb, "delete") == 0 ? ns : NULL,
		.body = config_map(&f->arena, ns, NULL, ""),
	};

	json_set_string(&f->arena, (struct json *)what.body, "kind", "Namespace");
	json_set(&f->arena, (struct json *)what.body, "data", json_new_string(&f->arena, NULL));
	request(f, &what);
	assert_ok(f);
	teardown(&state);
}

static int make_namespace(void **state)
{
	(void)state;
	snprintf(ns, sizeof(ns), "kube-client-%d", (int)getpid());
	with_namespace("create");
	return 0;
}

static int remove_namespace(void **state)
{
	(void)state;
	with_namespace("delete");
	return 0;
}

/* --- requests --------------------------------------------------------- */

static void test_apply_creates_and_applying_the_same_changes_no_version(void **state)
{
	struct fixture *f = *state;
	uint64_t version;

	version = version_of(apply(f, "same", "1"));
	assert_ok(f);
	assert_true(version > 0);
	assert_int_equal(version_of(apply(f, "same", "1")), version);
	assert_true(version_of(apply(f, "same", "2")) > version);
}

static void test_another_managers_field_is_a_conflict_unless_forced(void **state)
{
	struct fixture *f = *state;

	apply(f, "fought-over", "1");
	assert_null(apply_as(f, "two", false, "fought-over", NULL, "2"));
	assert_code(f, ERR_CONFLICT);
	assert_non_null(strstr(f->err.msg, "conflict with \"one\""));
	apply_as(f, "two", true, "fought-over", NULL, "2");
	assert_ok(f);
}

static void test_an_apply_with_a_uid_never_creates(void **state)
{
	static const char uid[] = "11111111-2222-3333-4444-555555555555";
	struct fixture *f = *state;
	const struct client_request get = { .verb = "get", .resource = &CONFIG_MAP, .ns = ns,
					    .name = "gone" };

	assert_null(apply_as(f, "one", true, "gone", uid, "1"));
	assert_code(f, ERR_CONFLICT);
	assert_null(request(f, &get));
	assert_code(f, ERR_NOT_FOUND);
}

static void test_preconditions_save_an_object_from_deletion(void **state)
{
	struct fixture *f = *state;
	const struct json *object = apply(f, "precious", "1");

	remove_it(f, "precious", "11111111-2222-3333-4444-555555555555", 0);
	assert_code(f, ERR_CONFLICT);
	remove_it(f, "precious", uid_of(object), version_of(object) - 1);
	assert_code(f, ERR_CONFLICT);
	remove_it(f, "precious", uid_of(object), version_of(object));
	assert_ok(f);
	remove_it(f, "precious", NULL, 0);
	assert_code(f, ERR_NOT_FOUND);
}

static void test_a_dry_run_deletes_and_applies_nothing(void **state)
{
	struct fixture *f = *state;
	struct client_request what = { .verb = "delete", .resource = &CONFIG_MAP, .ns = ns,
				       .name = "rehearsal", .dry_run = true };

	apply(f, "rehearsal", "1");
	request(f, &what);
	assert_ok(f);
	what = (struct client_request){ .verb = "apply", .resource = &CONFIG_MAP, .ns = ns,
					.name = "rehearsal", .dry_run = true, .manager = "one",
					.body = config_map(&f->arena, "rehearsal", NULL, "2") };
	request(f, &what);
	assert_ok(f);
	what = (struct client_request){ .verb = "get", .resource = &CONFIG_MAP, .ns = ns,
					.name = "rehearsal" };
	assert_string_equal(json_string_or(json_path(request(f, &what), "data", "value", NULL), ""),
			    "1");
}

static void test_merge_and_json_patches_and_updates_work(void **state)
{
	struct fixture *f = *state;
	const char *operations = "[{\"op\":\"replace\",\"path\":\"/data/value\",\"value\":\"3\"}]";
	struct client_request what = { .verb = "patch", .resource = &CONFIG_MAP, .ns = ns,
				       .name = "patched" };
	struct json *body;

	apply(f, "patched", "1");
	assert_int_equal(json_parse(&f->arena, "{\"data\":{\"value\":\"2\"}}", 22, NULL, &body,
				    &f->err), 0);
	what.body = body;
	assert_string_equal(json_string_or(json_path(request(f, &what), "data", "value", NULL), ""),
			    "2");
	assert_int_equal(json_parse(&f->arena, operations, strlen(operations), NULL, &body, &f->err),
			 0);
	what.body = body;
	what.verb = "json-patch";
	assert_string_equal(json_string_or(json_path(request(f, &what), "data", "value", NULL), ""),
			    "3");
	what.verb = "update";
	what.body = config_map(&f->arena, "patched", NULL, "4");
	assert_string_equal(json_string_or(json_path(request(f, &what), "data", "value", NULL), ""),
			    "4");
}

static void test_an_invalid_object_is_refused_with_the_field(void **state)
{
	struct fixture *f = *state;

	assert_null(apply(f, "Not_A_Name", "1"));
	assert_code(f, ERR_INVALID);
	assert_non_null(strstr(f->err.msg, "metadata.name"));
}

/* --- the informer ----------------------------------------------------- */

static void test_changes_of_others_arrive_by_the_watch(void **state)
{
	struct fixture *f = *state;

	watch(f, &CONFIG_MAP);
	wait_for(f, is_watching);
	strcpy(f->wanted, "watched");
	f->added = f->changed = f->removed = 0;
	apply(f, "watched", "1");
	wait_for(f, has_wanted);
	remove_it(f, "watched", NULL, 0);
	wait_for(f, lacks_wanted);
	assert_int_equal(f->added, 1);
	assert_int_equal(f->removed, 1);
	assert_int_equal(state_of(f).lists, 1);
	assert_int_equal(state_of(f).watches, 1);
}

static void test_the_echo_of_an_own_write_is_silent(void **state)
{
	struct fixture *f = *state;

	watch(f, &CONFIG_MAP);
	wait_for(f, is_watching);
	f->added = f->changed = f->removed = 0;
	informer_observe(f->informer, &f->arena, apply(f, "own", "1"));
	informer_observe(f->informer, &f->arena, apply(f, "own", "2"));
	strcpy(f->wanted, "marker");
	apply(f, "marker", "1");
	wait_for(f, has_wanted);
	assert_int_equal(f->added, 2);
	assert_int_equal(f->changed, 1);
}

static void on_created(void *arg, struct arena *arena, struct json *object, const struct err *err)
{
	struct fixture *f = arg;

	(void)arena;
	(void)object;
	if (err->code != ERR_NONE)
		f->err = *err;
}

static bool nothing_in_flight(struct fixture *f)
{
	return client_in_flight(f->client) == 0;
}

static void test_a_long_list_comes_in_pages(void **state)
{
	struct fixture *f = *state;

	f->err = (struct err)ERR_INIT;
	for (int i = 0; i < MANY; i++) {
		const char *name = arena_printf(&f->arena, "many-%d", i);
		const struct client_request what = {
			.verb = "create",
			.resource = &CONFIG_MAP,
			.ns = ns,
			.body = config_map(&f->arena, name, NULL, "1"),
			.priority = HTTP_PRIORITY_NORMAL,
		};

		client_start(f->client, &what, on_created, f);
	}
	wait_for(f, nothing_in_flight);
	assert_ok(f);
	watch(f, &CONFIG_MAP);
	wait_for(f, is_watching);
	assert_true(store_count(f->store) >= MANY);
	assert_non_null(store_get(f->store, ns, "many-0"));
	assert_non_null(store_get(f->store, ns, "many-619"));
	assert_int_equal(state_of(f).lists, 1);
	assert_int_equal(state_of(f).decode_errors, 0);
}

static bool has_listed_twice(struct fixture *f)
{
	return state_of(f).lists == 2 && is_watching(f);
}

static void test_a_version_that_is_too_old_costs_one_list(void **state)
{
	struct fixture *f = *state;

	f->aging.age = true;
	watch(f, &CONFIG_MAP);
	wait_for(f, has_listed_twice);
	strcpy(f->wanted, "after-410");
	apply(f, "after-410", "1");
	wait_for(f, has_wanted);
	assert_int_equal(state_of(f).lists, 2);
	assert_int_equal(f->removed, 0);
}

static bool has_error(struct fixture *f)
{
	return state_of(f).error != NULL;
}

static void test_a_resource_that_is_not_there_is_told_and_waited_for(void **state)
{
	struct fixture *f = *state;

	watch(f, &NOWHERE);
	wait_for(f, has_error);
	assert_int_equal(state_of(f).error->code, ERR_NOT_FOUND);
	assert_string_equal(state_of(f).phase, "waiting to list");
}

static bool child_has_ended(struct fixture *f)
{
	int status;

	if (!f->child)
		return true;
	if (waitpid(f->child, &status, WNOHANG) != f->child)
		return false;
	f->child = 0;
	assert_int_equal(status, 0);
	return true;
}

static void test_a_restart_of_the_api_server_loses_nothing(void **state)
{
	struct fixture *f = *state;
	const char *cluster = getenv("CLUSTER_NAME");
	uint64_t watches;

	if (!cluster)
		skip();
	watch(f, &CONFIG_MAP);
	wait_for(f, is_watching);
	f->removed = 0;
	watches = state_of(f).watches;
	f->child = fork();
	if (f->child == 0) {
		dup2(2, 1);
		execl("hack/cluster/component", "component", "--name", cluster, "restart",
		      "kube-apiserver", (char *)NULL);
		_exit(127);
	}
	wait_for(f, child_has_ended);
	wait_for(f, is_watching);
	strcpy(f->wanted, "after-restart");
	apply(f, "after-restart", "1");
	assert_ok(f);
	wait_for(f, has_wanted);
	assert_true(state_of(f).watches > watches);
	assert_true(state_of(f).lists <= 2);
	assert_int_equal(f->removed, 0);
}

/* --- events ----------------------------------------------------------- */

static struct recorder *the_recorder;

static bool is_recorded(struct fixture *f)
{
	(void)f;
	return recorder_pending(the_recorder) == 0;
}

static void test_equal_events_become_a_series(void **state)
{
	struct fixture *f = *state;
	const struct event_subject subject = { &CONFIG_MAP, ns, "some-map", "u1" };
	const struct client_request list = { .verb = "list", .resource = &RESOURCE_EVENT, .ns = ns };
	const struct json *event;
	uint64_t sent, dropped;
	char note[3000];

	memset(note, 'x', sizeof(note));
	note[sizeof(note) - 1] = '\0';
	the_recorder = recorder_new(f->loop, f->client, "dyno.dev/test", "here");
	recorder_event(the_recorder, &subject, true, "TooLong", "Test", note);
	recorder_event(the_recorder, &subject, true, "TooLong", "Test", note);
	wait_for(f, is_recorded);
	recorder_counts(the_recorder, &sent, &dropped);
	recorder_free(the_recorder);
	assert_int_equal(dropped, 0);
	assert_int_equal(sent, 2);
	event = json_get(request(f, &list), "items");
	assert_int_equal(json_count(event), 1);
	event = event->first;
	assert_int_equal(json_int_or(json_path(event, "series", "count", NULL), 0), 2);
	assert_string_equal(json_string_or(json_get(event, "type"), ""), "Warning");
}

/* --- credentials ------------------------------------------------------ */

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void on_token(void *arg, const char *token)
{
	http_client_set_token(arg, token);
}

/* A token of our namespace's own account. */
static const char *make_token(struct fixture *f)
{
	static const struct resource accounts = { "", "v1", "serviceaccounts", "ServiceAccount",
						  "v1", true };
	static const char text[] = "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":"
				   "\"TokenRequest\",\"spec\":{\"expirationSeconds\":600}}";
	static const char account[] = "{\"apiVersion\":\"v1\",\"kind\":\"ServiceAccount\","
				      "\"metadata\":{\"name\":\"tester\"}}";
	struct client_request what = { .verb = "create", .resource = &accounts, .ns = ns };
	struct json *body;

	json_parse(&f->arena, account, strlen(account), NULL, &body, &f->err);
	what.body = body;
	request(f, &what);
	assert_ok(f);
	json_parse(&f->arena, text, strlen(text), NULL, &body, &f->err);
	what.body = body;
	what.name = "tester";
	what.subresource = "token";
	request(f, &what);
	assert_ok(f);
	return json_string_or(json_path(f->object, "status", "token", NULL), "");
}

static void test_a_token_that_was_replaced_is_read_again_on_a_401(void **state)
{
	struct fixture *f = *state;
	char token_file[] = "/tmp/kube-client-token-XXXXXX";
	struct http_client_config http = f->config->http;
	struct credentials *credentials;
	const char *token = make_token(f);
	struct client_request what = { .verb = "create", .resource = &REVIEW };
	struct json *review = json_new_object(&f->arena);

	close(mkstemp(token_file));
	write_text(token_file, token);
	client_free(f->client);
	http_client_free(f->http);
	http.cert_pem = http.key_pem = NULL;
	http.bearer_token = "no.such.token";
	f->http = http_client_new(f->loop, &http, &f->err);
	assert_non_null(f->http);
	f->client = client_new(f->loop, http_client_transport(f->http), NULL);
	credentials = credentials_new(f->loop, token_file, "no.such.token", on_token, f->http);
	json_set_string(&f->arena, review, "apiVersion", REVIEW.api_version);
	json_set_string(&f->arena, review, "kind", REVIEW.kind);
	what.body = review;
	request(f, &what);
	assert_code(f, ERR_UNAUTHORIZED);
	client_set_credentials(f->client, credentials);
	request(f, &what);
	assert_ok(f);
	assert_non_null(strstr(json_text(&f->arena, f->object), ":tester"));
	client_free(f->client);
	f->client = NULL;
	credentials_free(credentials);
	unlink(token_file);
}

#define cluster_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cluster_test(test_apply_creates_and_applying_the_same_changes_no_version),
		cluster_test(test_another_managers_field_is_a_conflict_unless_forced),
		cluster_test(test_an_apply_with_a_uid_never_creates),
		cluster_test(test_preconditions_save_an_object_from_deletion),
		cluster_test(test_a_dry_run_deletes_and_applies_nothing),
		cluster_test(test_merge_and_json_patches_and_updates_work),
		cluster_test(test_an_invalid_object_is_refused_with_the_field),
		cluster_test(test_changes_of_others_arrive_by_the_watch),
		cluster_test(test_the_echo_of_an_own_write_is_silent),
		cluster_test(test_a_long_list_comes_in_pages),
		cluster_test(test_a_version_that_is_too_old_costs_one_list),
		cluster_test(test_a_resource_that_is_not_there_is_told_and_waited_for),
		cluster_test(test_equal_events_become_a_series),
		cluster_test(test_a_token_that_was_replaced_is_read_again_on_a_401),
		cluster_test(test_a_restart_of_the_api_server_loses_nothing),
	};

	return cmocka_run_group_tests_name("kube_client", tests, make_namespace, remove_namespace);
}
