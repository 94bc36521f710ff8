#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "kube/client.h"
#include "scripted_transport.h"
#include "unit.h"
#include "virtual_loop.h"

/* How a request ended. */
struct outcome {
	int dones;
	struct err err;
	char *object; /* JSON text of the answer, or NULL */
};

struct fixture {
	struct loop *loop;
	struct script script;
	struct client *client;
	struct arena arena;
	struct outcome outcome;
};

static int setup(void **state)
{
	struct fixture *f = x_calloc(1, sizeof(*f));
	struct err err;

	f->loop = loop_new(NULL, &err);
	script_init(&f->script);
	f->client = client_new(f->loop, &f->script.transport, NULL);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	client_free(f->client);
	script_release(&f->script);
	arena_release(&f->arena);
	loop_free(f->loop);
	free(f->outcome.object);
	free(f);
	return 0;
}

static void on_done(void *arg, struct arena *arena, struct json *object, const struct err *err)
{
	struct outcome *outcome = arg;

	outcome->dones++;
	outcome->err = *err;
	assert_true((object == NULL) == (err->code != ERR_NONE));
	free(outcome->object);
	outcome->object = object ? x_strdup(json_text(arena, object)) : NULL;
}

static struct client_call *start(struct fixture *f, const struct client_request *request)
{
	struct client_call *call = client_start(f->client, request, on_done, &f->outcome);

	assert_non_null(call);
	assert_int_equal(f->outcome.dones, 0);
	return call;
}

static struct client_call *get_deployment(struct fixture *f)
{
	const struct client_request request = { .verb = "get",
						.resource = &RESOURCE_DEPLOYMENT,
						.ns = "shop",
						.name = "web",
						.priority = HTTP_PRIORITY_NORMAL };

	return start(f, &request);
}

static void assert_failed(struct fixture *f, enum err_code code, const char *text)
{
	assert_int_equal(f->outcome.dones, 1);
	assert_string_equal(err_code_name(f->outcome.err.code), err_code_name(code));
	assert_string_equal(f->outcome.err.msg, text);
}

static void assert_answered(struct fixture *f, const char *object)
{
	assert_int_equal(f->outcome.dones, 1);
	if (f->outcome.err.code != ERR_NONE)
		fail_msg("%s", f->outcome.err.msg);
	assert_string_equal(f->outcome.object, object);
}

/* --- requests --------------------------------------------------------- */

static void test_paths_follow_group_namespace_name_and_subresource(void **state)
{
	struct fixture *f = *state;
	struct {
		struct client_request request;
		const char *path;
	} cases[] = {
		{ { .resource = &RESOURCE_POD, .ns = "shop", .name = "web-1" },
		  "/api/v1/namespaces/shop/pods/web-1" },
		{ { .resource = &RESOURCE_POD }, "/api/v1/pods" },
		{ { .resource = &RESOURCE_POD, .ns = "" }, "/api/v1/pods" },
		{ { .resource = &RESOURCE_DEPLOYMENT, .ns = "shop" },
		  "/apis/apps/v1/namespaces/shop/deployments" },
		{ { .resource = &RESOURCE_DEPLOYMENT, .ns = "shop", .name = "web",
		    .subresource = "scale" },
		  "/apis/apps/v1/namespaces/shop/deployments/web/scale" },
		{ { .resource = &RESOURCE_DYNO_SIZE, .ns = "shop", .name = "1x" },
		  "/apis/dyno.dev/v1/dynosizes/1x" },
		{ { .resource = &RESOURCE_POD, .ns = "a/b", .name = "c?d e%" },
		  "/api/v1/namespaces/a%2Fb/pods/c%3Fd%20e%25" },
		{ { .resource = &RESOURCE_POD, .ns = "a", .name = "b", .manager = "me&you",
		    .force = true, .dry_run = true, .query = "x=1&y=2" },
		  "/api/v1/namespaces/a/pods/b?fieldManager=me%26you&force=true&dryRun=All&x=1&y=2" },
		{ { .resource = &RESOURCE_POD, .query = "limit=5" }, "/api/v1/pods?limit=5" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cases[i].request.verb = "apply";
		assert_string_equal(client_path(&f->arena, &cases[i].request), cases[i].path);
	}
}

static void test_every_verb_has_its_method_and_content_type(void **state)
{
	struct fixture *f = *state;
	const struct {
		const char *verb, *method, *content_type;
	} cases[] = {
		{ "get", "GET", NULL },
		{ "list", "GET", NULL },
		{ "create", "POST", "application/json" },
		{ "update", "PUT", "application/json" },
		{ "apply", "PATCH", "application/apply-patch+yaml" },
		{ "patch", "PATCH", "application/merge-patch+json" },
		{ "json-patch", "PATCH", "application/json-patch+json" },
		{ "delete", "DELETE", "application/json" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct client_request request = {
			.verb = cases[i].verb,
			.resource = &RESOURCE_POD,
			.ns = "a",
			.name = "b",
			.body = cases[i].content_type ? unit_json(&f->arena, "{\"a\":1}") : NULL,
		};
		const struct http_call *call;

		start(f, &request);
		call = script_last(&f->script);
		assert_string_equal(call->method, cases[i].method);
		if (!cases[i].content_type) {
			assert_null(call->body);
			assert_null(call->content_type);
			continue;
		}
		assert_string_equal(call->content_type, cases[i].content_type);
		if (strcmp(cases[i].verb, "delete") != 0)
			assert_string_equal(call->body, "{\"a\":1}");
	}
	assert_int_equal(client_in_flight(f->client), ARRAY_SIZE(cases));
}

static void test_a_delete_sends_its_preconditions_and_dry_run_in_the_body(void **state)
{
	struct fixture *f = *state;
	struct client_request request = { .verb = "delete", .resource = &RESOURCE_POD,
					  .ns = "a", .name = "b" };

	start(f, &request);
	assert_string_equal(script_last(&f->script)->body,
			    "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\","
			    "\"propagationPolicy\":\"Background\"}");
	request.delete_uid = "u1";
	request.delete_version = 17;
	request.dry_run = true;
	start(f, &request);
	assert_string_equal(script_last(&f->script)->body,
			    "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\","
			    "\"propagationPolicy\":\"Background\",\"dryRun\":[\"All\"],"
			    "\"preconditions\":{\"uid\":\"u1\",\"resourceVersion\":\"17\"}}");
	assert_path(script_last(&f->script), "/api/v1/namespaces/a/pods/b");
}

static void test_a_request_has_its_priority_and_a_timeout(void **state)
{
	struct fixture *f = *state;
	struct client_request request = { .verb = "get", .resource = &RESOURCE_POD, .ns = "a",
					  .name = "b", .priority = HTTP_PRIORITY_HIGH };

	start(f, &request);
	assert_int_equal(script_last(&f->script)->priority, HTTP_PRIORITY_HIGH);
	assert_int_equal(script_last(&f->script)->timeout_ms, 30000);
	request.priority = HTTP_PRIORITY_NORMAL;
	request.timeout_ms = 1234;
	start(f, &request);
	assert_int_equal(script_last(&f->script)->priority, HTTP_PRIORITY_NORMAL);
	assert_int_equal(script_last(&f->script)->timeout_ms, 1234);
}

static void test_a_body_over_the_limit_is_refused_from_the_loop(void **state)
{
	struct fixture *f = *state;
	char *text = x_malloc(LIMIT_REQUEST + 1);
	struct client_request request = { .verb = "apply", .resource = &RESOURCE_POD, .ns = "a",
					  .name = "b" };
	struct json *body = json_new_object(&f->arena);

	memset(text, 'x', LIMIT_REQUEST);
	text[LIMIT_REQUEST] = '\0';
	json_set_string(&f->arena, body, "text", text);
	free(text);
	request.body = body;
	start(f, &request);
	assert_int_equal(f->script.count, 0);
	loop_settle(f->loop);
	assert_failed(f, ERR_LIMIT, "apply pods a/b: the body is larger than 2097152 bytes");
}

/* --- answers ---------------------------------------------------------- */

static void test_an_answer_in_pieces_is_one_object(void **state)
{
	struct fixture *f = *state;
	struct http_call *call;

	get_deployment(f);
	call = script_last(&f->script);
	call_head(call, 200);
	call_data(call, "{\"kind\":\"Depl");
	call_data(call, "oyment\"}");
	assert_int_equal(f->outcome.dones, 0);
	call_end(call, true);
	assert_answered(f, "{\"kind\":\"Deployment\"}");
	assert_int_equal(client_in_flight(f->client), 0);
}

static void test_an_answer_is_filtered_by_keep(void **state)
{
	static const struct json_keep keep[] = { { "kind", NULL }, { 0 } };
	struct fixture *f = *state;
	const struct client_request request = { .verb = "get", .resource = &RESOURCE_POD,
						.ns = "a", .name = "b", .keep = keep };

	start(f, &request);
	call_answer(script_last(&f->script), 200, "{\"metadata\":{},\"kind\":\"Pod\"}");
	assert_answered(f, "{\"kind\":\"Pod\"}");
}

static void test_a_refusal_is_the_error_of_its_status(void **state)
{
	struct fixture *f = *state;

	get_deployment(f);
	call_answer_later(script_last(&f->script), 429, 3000,
			  "{\"kind\":\"Status\",\"message\":\"slow down\",\"code\":429}");
	assert_failed(f, ERR_RATE_LIMITED, "get deployments shop/web: slow down");
	assert_int_equal(f->outcome.err.retry_after_ms, 3000);
	assert_int_equal(f->outcome.err.http_status, 429);
}

static void test_a_refusal_without_a_status_is_an_error_all_the_same(void **state)
{
	struct fixture *f = *state;

	get_deployment(f);
	call_answer(script_last(&f->script), 502, "<html>bad gateway</html>");
	assert_failed(f, ERR_UNAVAILABLE, "get deployments shop/web: HTTP 502");
}

static void test_a_refusal_counts_though_its_text_broke_off(void **state)
{
	struct fixture *f = *state;
	struct http_call *call;

	get_deployment(f);
	call = script_last(&f->script);
	call_head(call, 429);
	call_data(call, "{\"kind\":\"Status\",");
	call_fail(call, ERR_UNAVAILABLE, "connection broke off");
	assert_failed(f, ERR_RATE_LIMITED, "get deployments shop/web: HTTP 429");
}

static void test_an_endless_refusal_is_read_to_its_limit(void **state)
{
	struct fixture *f = *state;
	char block[1024];
	struct http_call *call;

	memset(block, 'x', sizeof(block));
	get_deployment(f);
	call = script_last(&f->script);
	call_head(call, 500);
	for (size_t i = 0; i < 4 * LIMIT_ERROR_BODY / sizeof(block); i++)
		assert_true(call_bytes(call, block, sizeof(block)));
	call_end(call, true);
	assert_failed(f, ERR_UNAVAILABLE, "get deployments shop/web: HTTP 500");
}

static void test_a_success_that_is_cut_off_is_no_success(void **state)
{
	struct fixture *f = *state;
	struct http_call *call;

	get_deployment(f);
	call = script_last(&f->script);
	call_head(call, 200);
	call_data(call, "{\"kind\":\"Deployment\"}");
	call_end(call, false);
	assert_failed(f, ERR_PARSE,
		      "get deployments shop/web: the answer was cut off after 21 bytes");
}

static void test_a_success_that_is_no_json_object_is_no_success(void **state)
{
	static const char *const bodies[] = { "", "{\"kind\":\"Depl", "[]", "<html></html>",
					      "{} {}" };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		f->outcome.dones = 0;
		get_deployment(f);
		call_answer(script_last(&f->script), 200, bodies[i]);
		assert_int_equal(f->outcome.dones, 1);
		assert_int_equal(f->outcome.err.code, ERR_PARSE);
		assert_int_equal(f->outcome.err.http_status, 200);
	}
}

static void test_a_success_over_the_limit_is_given_up(void **state)
{
	struct fixture *f = *state;
	char *block = x_calloc(1, MIB);
	struct http_call *call;
	size_t blocks = 0;

	memset(block, ' ', MIB);
	get_deployment(f);
	call = script_last(&f->script);
	call_head(call, 200);
	while (call_bytes(call, block, MIB))
		blocks++;
	free(block);
	assert_int_equal(blocks, LIMIT_DOCUMENT / MIB);
	assert_failed(f, ERR_LIMIT,
		      "get deployments shop/web: the answer is larger than 8388608 bytes");
}

static void test_a_lost_connection_is_told_as_the_transport_tells_it(void **state)
{
	struct fixture *f = *state;

	get_deployment(f);
	call_fail(script_last(&f->script), ERR_UNAVAILABLE, "connection refused");
	assert_failed(f, ERR_UNAVAILABLE, "get deployments shop/web: connection refused");
}

static void test_a_cancelled_request_ends_without_a_word(void **state)
{
	struct fixture *f = *state;

	client_cancel(get_deployment(f));
	assert_true(f->script.calls[0]->cancelled);
	assert_int_equal(client_in_flight(f->client), 0);
	loop_settle(f->loop);
	assert_int_equal(f->outcome.dones, 0);
}

static void test_free_cancels_what_is_under_way(void **state)
{
	struct fixture *f = *state;

	get_deployment(f);
	get_deployment(f);
	client_free(f->client);
	f->client = NULL;
	assert_true(f->script.calls[0]->cancelled && f->script.calls[1]->cancelled);
	assert_int_equal(f->outcome.dones, 0);
}

/* A completion may start the next request. */
struct chain {
	struct fixture *f;
	int left;
};

static void on_link(void *arg, struct arena *arena, struct json *object, const struct err *err)
{
	struct chain *chain = arg;
	const struct client_request request = { .verb = "get", .resource = &RESOURCE_POD,
						.ns = "a", .name = "b" };

	(void)arena;
	(void)object;
	assert_int_equal(err->code, ERR_NONE);
	if (--chain->left)
		client_start(chain->f->client, &request, on_link, chain);
}

static void test_a_completion_may_start_the_next_request(void **state)
{
	struct fixture *f = *state;
	struct chain chain = { f, 3 };
	const struct client_request request = { .verb = "get", .resource = &RESOURCE_POD,
						.ns = "a", .name = "b" };

	client_start(f->client, &request, on_link, &chain);
	for (int i = 0; i < 3; i++)
		call_answer(script_last(&f->script), 200, "{}");
	assert_int_equal(chain.left, 0);
	assert_int_equal(f->script.count, 3);
}

/* --- metrics ---------------------------------------------------------- */

struct seen {
	int count;
	int status;
	int64_t duration_ms;
};

static void on_request(void *arg, const char *verb, const struct resource *resource, int status,
		       int64_t duration_ms)
{
	struct seen *seen = arg;

	assert_string_equal(verb, "get");
	assert_ptr_equal(resource, &RESOURCE_DEPLOYMENT);
	*seen = (struct seen){ seen->count + 1, status, duration_ms };
}

static void test_the_observer_hears_of_status_and_duration(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };
	const struct client_observer observer = { on_request, &seen };

	client_free(f->client);
	f->client = client_new(f->loop, &f->script.transport, &observer);
	get_deployment(f);
	loop_pass(f->loop, 250);
	call_answer(script_last(&f->script), 404, "");
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.status, 404);
	assert_int_equal(seen.duration_ms, 250);
	f->outcome.dones = 0;
	get_deployment(f);
	call_fail(script_last(&f->script), ERR_UNAVAILABLE, "reset");
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.status, 0);
}

/* --- credentials ------------------------------------------------------ */

struct tokens {
	char path[32];
	char sink[32]; /* what the transport would use */
	struct credentials *credentials;
};

static void write_token(const struct tokens *tokens, const char *token)
{
	FILE *file = fopen(tokens->path, "w");

	assert_non_null(file);
	fputs(token, file);
	fclose(file);
}

static void on_token(void *arg, const char *token)
{
	strcpy(((struct tokens *)arg)->sink, token);
}

static void tokens_init(struct fixture *f, struct tokens *tokens)
{
	int fd;

	*tokens = (struct tokens){ .path = "/tmp/token-XXXXXX", .sink = "old" };
	fd = mkstemp(tokens->path);
	assert_true(fd >= 0);
	close(fd);
	write_token(tokens, "old\n");
	tokens->credentials =
		credentials_new(f->loop, tokens->path, "old", on_token, tokens);
	client_set_credentials(f->client, tokens->credentials);
}

static void tokens_release(struct fixture *f, struct tokens *tokens)
{
	client_free(f->client);
	f->client = NULL;
	credentials_free(tokens->credentials);
	unlink(tokens->path);
}

static void test_a_401_reads_the_token_again_and_sends_the_request_again(void **state)
{
	struct fixture *f = *state;
	struct tokens tokens;
	const struct client_request request = { .verb = "apply", .resource = &RESOURCE_POD,
						.ns = "a", .name = "b",
						.body = unit_json(&f->arena, "{\"x\":1}") };

	tokens_init(f, &tokens);
	start(f, &request);
	write_token(&tokens, " new \n");
	call_answer(script_last(&f->script), 401, "");
	loop_settle(f->loop);
	assert_string_equal(tokens.sink, "new");
	assert_int_equal(f->script.count, 2);
	assert_string_equal(script_last(&f->script)->body, "{\"x\":1}");
	assert_string_equal(script_last(&f->script)->path, f->script.calls[0]->path);
	call_answer(script_last(&f->script), 200, "{}");
	assert_answered(f, "{}");
	tokens_release(f, &tokens);
}

static void test_a_401_with_the_same_token_is_a_refusal(void **state)
{
	struct fixture *f = *state;
	struct tokens tokens;

	tokens_init(f, &tokens);
	get_deployment(f);
	call_answer(script_last(&f->script), 401, "");
	loop_settle(f->loop);
	assert_int_equal(f->script.count, 1);
	assert_failed(f, ERR_UNAUTHORIZED, "get deployments shop/web: HTTP 401");
	tokens_release(f, &tokens);
}

static void test_a_second_401_is_a_refusal(void **state)
{
	struct fixture *f = *state;
	struct tokens tokens;

	tokens_init(f, &tokens);
	get_deployment(f);
	write_token(&tokens, "new");
	call_answer(script_last(&f->script), 401, "");
	loop_settle(f->loop);
	write_token(&tokens, "newer");
	call_answer(script_last(&f->script), 401, "");
	loop_settle(f->loop);
	assert_int_equal(f->script.count, 2);
	assert_failed(f, ERR_UNAUTHORIZED, "get deployments shop/web: HTTP 401");
	tokens_release(f, &tokens);
}

static void test_a_request_that_waits_for_credentials_can_be_cancelled(void **state)
{
	struct fixture *f = *state;
	struct client_call *call;
	struct tokens tokens;

	tokens_init(f, &tokens);
	call = get_deployment(f);
	call_answer(script_last(&f->script), 401, "");
	client_cancel(call);
	loop_settle(f->loop);
	assert_int_equal(f->outcome.dones, 0);
	tokens_release(f, &tokens);
}

static void test_a_token_is_read_every_minute_and_kept_when_the_file_is_bad(void **state)
{
	struct fixture *f = *state;
	struct tokens tokens;

	tokens_init(f, &tokens);
	write_token(&tokens, "second");
	loop_pass(f->loop, 59999);
	assert_string_equal(tokens.sink, "old");
	loop_pass(f->loop, 1);
	assert_string_equal(tokens.sink, "second");
	write_token(&tokens, " \n");
	loop_pass(f->loop, 60000);
	write_token(&tokens, "bad\nline");
	loop_pass(f->loop, 60000);
	unlink(tokens.path);
	loop_pass(f->loop, 60000);
	assert_string_equal(tokens.sink, "second");
	assert_int_equal(credentials_generation(tokens.credentials), 1);
	write_token(&tokens, "third");
	loop_pass(f->loop, 60000);
	assert_string_equal(tokens.sink, "third");
	tokens_release(f, &tokens);
}

#define client_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_paths_follow_group_namespace_name_and_subresource),
		client_test(test_every_verb_has_its_method_and_content_type),
		client_test(test_a_delete_sends_its_preconditions_and_dry_run_in_the_body),
		client_test(test_a_request_has_its_priority_and_a_timeout),
		client_test(test_a_body_over_the_limit_is_refused_from_the_loop),
		client_test(test_an_answer_in_pieces_is_one_object),
		client_test(test_an_answer_is_filtered_by_keep),
		client_test(test_a_refusal_is_the_error_of_its_status),
		client_test(test_a_refusal_without_a_status_is_an_error_all_the_same),
		client_test(test_a_refusal_counts_though_its_text_broke_off),
		client_test(test_an_endless_refusal_is_read_to_its_limit),
		client_test(test_a_success_that_is_cut_off_is_no_success),
		client_test(test_a_success_that_is_no_json_object_is_no_success),
		client_test(test_a_success_over_the_limit_is_given_up),
		client_test(test_a_lost_connection_is_told_as_the_transport_tells_it),
		client_test(test_a_cancelled_request_ends_without_a_word),
		client_test(test_free_cancels_what_is_under_way),
		client_test(test_a_completion_may_start_the_next_request),
		client_test(test_the_observer_hears_of_status_and_duration),
		client_test(test_a_401_reads_the_token_again_and_sends_the_request_again),
		client_test(test_a_401_with_the_same_token_is_a_refusal),
		client_test(test_a_second_401_is_a_refusal),
		client_test(test_a_request_that_waits_for_credentials_can_be_cancelled),
		client_test(test_a_token_is_read_every_minute_and_kept_when_the_file_is_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
