/* The HTTP client over plain HTTP/1.1: order, limits, deadlines, cancelling. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support_http.h"

#include "base/limits.h"
#include "base/mem.h"

/*
 * The server of most tests, by path:
 *   /hang        no answer        /echo       the body, /head the head
 *   /status/N    that status      /wait       an answer after 100 ms
 *   /short       breaks off in the middle of the body
 *   /hold        an answer 200 ms after a second connection was made
 *   /silent      a head and a few bytes, then nothing
 *   /drip        two bytes every 10 ms, 60 times
 */
static void drip(struct peer_conn *conn)
{
	peer_puts(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 60; i++) {
		if (!peer_puts(conn, "2\r\n.\n\r\n"))
			return;
		usleep(10000);
	}
	peer_puts(conn, "0\r\n\r\n");
}

static bool answer(struct peer_conn *conn, const struct peer_request *r)
{
	const char *path = r->path;

	if (strncmp(path, "/status/", 8) == 0)
		return peer_answer(conn, atoi(path + 8), "", "said", 4);
	if (strcmp(path, "/echo") == 0)
		return peer_answer(conn, 200, "", r->body, r->body_len);
	if (strcmp(path, "/head") == 0)
		return peer_answer(conn, 200, "", r->head, strlen(r->head));
	if (strcmp(path, "/wait") == 0)
		usleep(100000);
	if (strcmp(path, "/hold") == 0) {
		peer_wait_connections(conn, 2);
		usleep(200000);
	}
	if (strcmp(path, "/silent") == 0)
		peer_puts(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
	if (strcmp(path, "/silent") == 0 || strcmp(path, "/hang") == 0) {
		peer_wait_closed(conn);
		return false;
	}
	if (strcmp(path, "/short") == 0) {
		peer_puts(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
		return false;
	}
	if (strcmp(path, "/drip") == 0) {
		drip(conn);
		return true;
	}
	return peer_answer(conn, 200, "", path, strlen(path));
}

static void app(struct peer_conn *conn, void *arg)
{
	struct peer_request request;

	(void)arg;
	while (peer_read_request(conn, &request) && answer(conn, &request))
		;
}

static const struct peer_options plain = { 0 };

static void serve_app(struct http_fixture *f, const struct http_client_config *config)
{
	http_serve(f, &plain, app, NULL, config);
}

static struct seen *get_at(struct http_fixture *f, const char *path, enum http_priority priority)
{
	struct http_request request = { .method = "GET", .path = path, .priority = priority };

	return http_request(f, &request);
}

/* --- answers ----------------------------------------------------------- */

static void an_answer_arrives_whole_and_done_comes_once(void **state)
{
	struct http_fixture *f = *state;
	struct seen *seen;

	serve_app(f, NULL);
	seen = http_get(f, "/a/b?c=d%20e");
	assert_int_equal(http_client_in_flight(f->client), 1);
	http_run(f, 1);
	http_pass(f, 20);
	assert_answer(seen, 200, "/a/b?c=d%20e");
	assert_int_equal(http_client_in_flight(f->client), 0);
}

static void an_error_status_is_an_answer(void **state)
{
	struct http_fixture *f = *state;
	struct seen *seen;

	serve_app(f, NULL);
	seen = http_get(f, "/status/404");
	http_run(f, 1);
	assert_answer(seen, 404, "said");
	assert_int_equal(seen->err.http_status, 404);
}

static void a_redirect_is_not_followed(void **state)
{
	struct http_fixture *f = *state;
	struct seen *seen;

	serve_app(f, NULL);
	seen = http_get(f, "/status/307");
	http_run(f, 1);
	assert_answer(seen, 307, "said");
}

static void a_body_and_its_type_are_sent(void **state)
{
	struct http_fixture *f = *state;
	struct http_request request = {
		.method = "PATCH",
		.path = "/echo",
		.content_type = "application/apply-patch+yaml",
		.body = "{\"a\":1}",
		.body_len = 7,
		.priority = HTTP_PRIORITY_NORMAL,
	};
	struct seen *echo, *head;

	serve_app(f, NULL);
	echo = http_request(f, &request);
	request.path = "/head";
	head = http_request(f, &request);
	http_run(f, 2);
	assert_answer(echo, 200, "{\"a\":1}");
	assert_non_null(strstr(buf_cstr(&head->body), "PATCH /head HTTP/1.1\r\n"));
	assert_non_null(strstr(buf_cstr(&head->body),
	                       "\r\nContent-Type: application/apply-patch+yaml\r\n"));
	assert_non_null(strstr(buf_cstr(&head->body), "\r\nAccept: application/json\r\n"));
}

static void methods_follow_each_other_on_the_same_handle(void **state)
{
	struct http_fixture *f = *state;
	static const char *const methods[] = { "PATCH", "GET", "DELETE", "PUT",
		                               "HEAD",  "GET", "POST",   "DELETE" };
	struct http_request request = { .path = "/head", .priority = HTTP_PRIORITY_HIGH };
	char first[64];

	serve_app(f, NULL);
	for (int i = 0; i < 8; i++) {
		struct seen *seen;
		bool body = methods[i][0] == 'P';

		request.method = methods[i];
		request.body = body ? "xy" : NULL;
		request.body_len = body ? 2 : 0;
		if (strcmp(methods[i], "HEAD") == 0)
			continue; /* the peer sends a body to it: see the server's tests */
		seen = http_request(f, &request);
		http_run(f, f->dones + 1);
		snprintf(first, sizeof(first), "%s /head HTTP/1.1\r\n", methods[i]);
		assert_answer(seen, 200, NULL);
		assert_memory_equal(buf_cstr(&seen->body), first, strlen(first));
		assert_int_equal(strstr(buf_cstr(&seen->body), "Content-Length: 2") != NULL, body);
	}
	assert_int_equal(peer_connections(f->peer), 1);
}

static void a_large_body_goes_out_without_waiting_for_100_continue(void **state)
{
	struct http_fixture *f = *state;
	struct http_request request = { .method = "PATCH",
		                        .path = "/echo",
		                        .priority = HTTP_PRIORITY_NORMAL };
	size_t len = 3 << 20;
	char *body = x_malloc(len);
	struct seen *seen;

	for (size_t i = 0; i < len; i++)
		body[i] = (char)(i * 31 % 251);
	request.body = body;
	request.body_len = len;
	serve_app(f, NULL);
	seen = http_request(f, &request);
	memset(body, 'x', 1000); /* it was copied */
	body[0] = 0;
	http_run(f, 1);
	assert_answer(seen, 200, NULL);
	assert_int_equal(seen->body.len, len);
	assert_memory_equal(seen->body.data + 1000, body + 1000, len - 1000);
	assert_int_equal(seen->body.data[1], 31);
	free(body);
}

static void credentials_and_further_headers_are_sent(void **state)
{
	struct http_fixture *f = *state;
	static const char *const lines[] = { "Impersonate-User: jane", "Impersonate-Group: a",
		                             "Impersonate-Group: b", NULL };
	struct http_client_config config = { .bearer_token = "first",
		                             .user_agent = "formation/1",
		                             .headers = lines };
	struct seen *a, *b;

	serve_app(f, &config);
	a = http_get(f, "/head");
	http_run(f, 1);
	http_client_set_token(f->client, "second");
	b = http_get(f, "/head");
	http_run(f, 2);
	assert_non_null(strstr(buf_cstr(&a->body), "\r\nAuthorization: Bearer first\r\n"));
	assert_non_null(strstr(buf_cstr(&a->body), "\r\nUser-Agent: formation/1\r\n"));
	assert_non_null(strstr(buf_cstr(&a->body), "\r\nImpersonate-Group: a\r\n"));
	assert_non_null(strstr(buf_cstr(&a->body), "\r\nImpersonate-Group: b\r\n"));
	assert_non_null(strstr(buf_cstr(&b->body), "\r\nAuthorization: Bearer second\r\n"));
	assert_null(strstr(buf_cstr(&b->body), "first"));
	assert_null(strstr(buf_cstr(&b->body), "Accept-Encoding"));
}

static void a_waiting_request_takes_the_token_of_its_turn(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_config config = { .bearer_token = "first", .max_in_flight = 1 };
	struct seen *b;

	serve_app(f, &config);
	http_get(f, "/wait");
	b = http_get(f, "/head");
	http_pass(f, 10);
	http_client_set_token(f->client, "second");
	http_run(f, 2);
	assert_non_null(strstr(buf_cstr(&b->body), "\r\nAuthorization: Bearer second\r\n"));
}

static void basic_authentication_is_sent(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_config config = { .username = "jane", .password = "secret" };
	struct seen *seen;

	serve_app(f, &config);
	seen = http_get(f, "/head");
	http_run(f, 1);
	assert_non_null(
		strstr(buf_cstr(&seen->body), "\r\nAuthorization: Basic amFuZTpzZWNyZXQ=\r\n"));
}

static void a_prefix_stands_before_every_path(void **state)
{
	struct http_fixture *f = *state;
	struct peer *other = peer_new(&plain, app, NULL);
	char server[64];
	struct http_client_config config = { .server = server };
	struct seen *seen;

	snprintf(server, sizeof(server), "http://127.0.0.1:%d/k8s/c-1//", peer_port(other));
	serve_app(f, &config);
	seen = http_get(f, "/api/../v1");
	http_run(f, 1);
	assert_answer(seen, 200, "/k8s/c-1/api/../v1");
	http_client_free(f->client);
	f->client = NULL;
	peer_free(other);
}

static void a_path_with_a_line_break_is_refused(void **state)
{
	struct http_fixture *f = *state;
	struct seen *seen;

	serve_app(f, NULL);
	seen = http_get(f, "/a\r\nHost: evil");
	http_run(f, 1);
	assert_failed(seen, ERR_INVALID, "path");
	assert_int_equal(peer_connections(f->peer), 0);
}

/* --- order and cap ----------------------------------------------------- */

static void normal_requests_wait_under_the_cap(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_config config = { .max_in_flight = 2 };
	struct seen *seen[8];

	serve_app(f, &config);
	for (int i = 0; i < 8; i++)
		seen[i] = http_get(f, i < 2 ? "/hang" : "/x");
	http_pass(f, 20);
	assert_int_equal(http_client_stats(f->client).requests, 2);
	assert_int_equal(http_client_in_flight(f->client), 8);
	http_cancel(seen[0]);
	http_cancel(seen[1]);
	http_run(f, 6);
	for (int i = 2; i < 8; i++)
		assert_answer(seen[i], 200, "/x");
	assert_in_range(peer_connections(f->peer), 3, 4);
}

static void normal_requests_begin_in_the_order_started(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_config config = { .max_in_flight = 1 };

	serve_app(f, &config);
	for (int i = 0; i < 8; i++)
		http_get(f, "/x");
	http_run(f, 8);
	for (int i = 0; i < 8; i++)
		assert_int_equal(f->seen[i].order, i + 1);
	assert_int_equal(peer_connections(f->peer), 1);
}

static void high_priority_overtakes_what_waits(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_config config = { .max_in_flight = 1 };
	struct seen *high;

	serve_app(f, &config);
	http_get(f, "/hold");
	for (int i = 0; i < 4; i++)
		http_get(f, "/x");
	http_pass(f, 20);
	high = get_at(f, "/lease", HTTP_PRIORITY_HIGH);
	http_run(f, 5);
	assert_int_equal(high->order, 1);
}

struct gate {
	bool open;
	int asked;
};

static bool ask_gate(void *arg)
{
	struct gate *gate = arg;

	gate->asked++;
	return gate->open;
}

static struct seen *send_write(struct http_fixture *f, enum http_priority priority)
{
	const struct http_request request = {
		.method = "PUT", .path = "/echo", .body = "x", .body_len = 1, .priority = priority
	};

	return http_request(f, &request);
}

static void writes_are_not_sent_through_a_closed_gate(void **state)
{
	struct http_fixture *f = *state;
	struct gate gate = { .open = true };
	struct seen *first, *second, *lease, *read;

	serve_app(f, NULL);
	http_client_set_gate(f->client, ask_gate, &gate);
	first = send_write(f, HTTP_PRIORITY_NORMAL);
	http_run(f, 1);
	assert_answer(first, 200, "x");
	gate.open = false;
	second = send_write(f, HTTP_PRIORITY_NORMAL);
	lease = send_write(f, HTTP_PRIORITY_HIGH);
	read = http_get(f, "/x");
	http_run(f, 4);
	assert_failed(second, ERR_CANCELED, "not sent");
	assert_int_equal(second->result.status, 0);
	assert_answer(lease, 200, "x");
	assert_answer(read, 200, "/x");
	assert_int_equal(gate.asked, 2);
}

static void writes_that_have_waited_are_not_sent_through_a_closed_gate(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_config config = { .max_in_flight = 1 };
	struct gate gate = { .open = true };
	struct seen *waits;

	serve_app(f, &config);
	http_client_set_gate(f->client, ask_gate, &gate);
	http_get(f, "/wait");
	waits = send_write(f, HTTP_PRIORITY_NORMAL);
	http_pass(f, 20);
	gate.open = false;
	http_run(f, 2);
	assert_failed(waits, ERR_CANCELED, "not sent");
	gate.open = true;
	waits = send_write(f, HTTP_PRIORITY_NORMAL);
	http_run(f, 3);
	assert_answer(waits, 200, "x");
}

static void streams_count_neither_under_the_cap_nor_as_in_flight(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_config config = { .max_in_flight = 1 };
	struct seen *a, *b;

	serve_app(f, &config);
	a = get_at(f, "/silent", HTTP_PRIORITY_STREAM);
	b = get_at(f, "/silent", HTTP_PRIORITY_STREAM);
	http_await(a, 3);
	http_await(b, 3);
	assert_int_equal(http_client_in_flight(f->client), 0);
	http_get(f, "/x");
	http_run(f, 1);
}

/* --- streaming --------------------------------------------------------- */

static void a_stream_is_passed_on_as_it_arrives(void **state)
{
	struct http_fixture *f = *state;
	struct seen *seen;

	serve_app(f, NULL);
	seen = get_at(f, "/drip", HTTP_PRIORITY_STREAM);
	http_await(seen, 2);
	assert_int_equal(seen->heads, 1);
	assert_in_range(seen->body.len, 2, 118);
	http_run(f, 1);
	assert_answer(seen, 200, NULL);
	assert_int_equal(seen->body.len, 120);
}

static void an_error_of_on_data_ends_the_request_with_that_error(void **state)
{
	struct http_fixture *f = *state;
	struct seen *seen;

	serve_app(f, NULL);
	seen = get_at(f, "/drip", HTTP_PRIORITY_STREAM);
	seen->refuse = true;
	http_run(f, 1);
	http_pass(f, 50);
	assert_failed(seen, ERR_PARSE, "that is not what was asked for");
	assert_int_equal(seen->chunks, 1);
	assert_int_equal(seen->result.status, 200);
}

static void a_body_that_breaks_off_is_not_complete(void **state)
{
	struct http_fixture *f = *state;
	struct seen *seen;

	serve_app(f, NULL);
	seen = http_get(f, "/short");
	http_run(f, 1);
	assert_failed(seen, ERR_UNAVAILABLE, "connection broke off");
	assert_int_equal(seen->result.status, 200);
	assert_string_equal(buf_cstr(&seen->body), "abc");
}

/* --- heads ------------------------------------------------------------- */

static void with_retry_after(struct peer_conn *conn, void *arg)
{
	struct peer_request request;
	char line[128];

	snprintf(line, sizeof(line), "Retry-After: %s\r\n", (const char *)arg);
	while (peer_read_request(conn, &request))
		peer_answer(conn, 429, line, "", 0);
}

static void retry_after_is_read_from_the_head(void **state)
{
	struct http_fixture *f = *state;
	char value[] = "7";
	struct seen *seen;

	http_serve(f, &plain, with_retry_after, value, NULL);
	seen = http_get(f, "/");
	http_run(f, 1);
	assert_answer(seen, 429, "");
	assert_int_equal(seen->result.retry_after_ms, 7000);
	assert_int_equal(seen->err.retry_after_ms, 7000);
}

static void interim_then_trailers(struct peer_conn *conn, void *arg)
{
	struct peer_request request;

	(void)arg;
	while (peer_read_request(conn, &request))
		peer_puts(conn, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
		                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		                "2\r\nhi\r\n0\r\nRetry-After: 9\r\n\r\n");
}

static void interim_answers_and_trailers_do_not_count(void **state)
{
	struct http_fixture *f = *state;
	struct seen *seen;

	http_serve(f, &plain, interim_then_trailers, NULL, NULL);
	seen = http_get(f, "/");
	http_run(f, 1);
	assert_answer(seen, 200, "hi");
	assert_int_equal(seen->result.retry_after_ms, 0);
}

static void many_header_lines(struct peer_conn *conn, void *arg)
{
	(void)arg;
	peer_puts(conn, "HTTP/1.1 200 OK\r\n");
	while (peer_puts(conn, "X-Line: again and again\r\n"))
		;
}

static void an_endless_head_is_given_up(void **state)
{
	struct http_fixture *f = *state;
	struct seen *seen;

	http_serve(f, &plain, many_header_lines, NULL, NULL);
	seen = http_get(f, "/");
	http_run(f, 1);
	assert_failed(seen, ERR_LIMIT, "head is too large");
	assert_int_equal(seen->heads, 0);
}

static void garbage(struct peer_conn *conn, void *arg)
{
	(void)arg;
	peer_puts(conn, "SSH-2.0-OpenSSH_9.2\r\n");
	peer_wait_closed(conn);
}

static void an_answer_that_is_not_http_is_named_so(void **state)
{
	struct http_fixture *f = *state;
	struct seen *seen;

	http_serve(f, &plain, garbage, NULL, NULL);
	seen = http_get(f, "/");
	http_run(f, 1);
	assert_failed(seen, ERR_UNAVAILABLE, "the answer is not HTTP");
}

/* --- deadlines --------------------------------------------------------- */

static void a_request_without_an_answer_times_out(void **state)
{
	struct http_fixture *f = *state;
	struct http_request request = {
		.method = "GET", .path = "/hang", .timeout_ms = 50, .priority = HTTP_PRIORITY_HIGH
	};
	struct seen *seen;

	serve_app(f, NULL);
	seen = http_request(f, &request);
	http_run(f, 1);
	assert_failed(seen, ERR_TIMEOUT, "no whole answer within 0.05 s");
	assert_int_equal(seen->result.status, 0);
}

static void the_time_limit_counts_from_a_requests_turn(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_config config = { .max_in_flight = 1 };
	struct http_request request = { .method = "GET",
		                        .path = "/wait",
		                        .timeout_ms = 350,
		                        .priority = HTTP_PRIORITY_NORMAL };

	serve_app(f, &config);
	for (int i = 0; i < 4; i++)
		http_request(f, &request);
	http_run(f, 4);
	for (int i = 0; i < 4; i++)
		assert_answer(&f->seen[i], 200, "/wait");
}

static void a_time_limit_ends_a_stream_that_still_flows(void **state)
{
	struct http_fixture *f = *state;
	struct http_request request = {
		.method = "GET",
		.path = "/drip",
		.timeout_ms = 300,
		.idle_timeout_ms = 301,
		.priority = HTTP_PRIORITY_STREAM,
	};
	struct seen *seen;

	serve_app(f, NULL);
	seen = http_request(f, &request);
	http_run(f, 1);
	assert_failed(seen, ERR_TIMEOUT, "no whole answer within 0.3 s");
	assert_true(seen->chunks > 0);
}

static void an_idle_limit_spares_a_stream_that_flows(void **state)
{
	struct http_fixture *f = *state;
	struct http_request request = {
		.method = "GET",
		.path = "/drip",
		.idle_timeout_ms = 400,
		.priority = HTTP_PRIORITY_STREAM,
	};
	struct seen *seen;

	serve_app(f, NULL);
	seen = http_request(f, &request);
	http_run(f, 1);
	assert_answer(seen, 200, NULL);
}

static void an_idle_limit_ends_a_silent_stream(void **state)
{
	struct http_fixture *f = *state;
	struct http_request request = {
		.method = "GET",
		.path = "/silent",
		.idle_timeout_ms = 200,
		.priority = HTTP_PRIORITY_STREAM,
	};
	struct seen *seen;

	serve_app(f, NULL);
	seen = http_request(f, &request);
	http_run(f, 1);
	assert_failed(seen, ERR_TIMEOUT, "nothing arrived within 0.2 s");
	assert_int_equal(seen->result.status, 200);
	http_get(f, "/x");
	http_run(f, 2);
	assert_answer(&f->seen[1], 200, "/x");
	assert_int_equal(peer_connections(f->peer), 2);
}

/* --- cancelling -------------------------------------------------------- */

static void nothing_comes_after_cancelling_before_its_turn(void **state)
{
	struct http_fixture *f = *state;
	struct seen *seen;

	serve_app(f, NULL);
	seen = http_get(f, "/x");
	http_cancel(seen);
	http_pass(f, 30);
	assert_int_equal(seen->dones + seen->heads, 0);
	assert_int_equal(peer_connections(f->peer), 0);
	assert_int_equal(http_client_in_flight(f->client), 0);
}

static void nothing_comes_after_cancelling_under_way(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_config config = { .max_in_flight = 1 };
	struct seen *seen, *next;

	serve_app(f, &config);
	seen = http_get(f, "/hang");
	next = http_get(f, "/x");
	http_pass(f, 20);
	http_cancel(seen);
	http_run(f, 1);
	assert_int_equal(seen->dones + seen->heads, 0);
	assert_answer(next, 200, "/x");
}

static void nothing_comes_after_cancelling_an_open_stream(void **state)
{
	struct http_fixture *f = *state;
	struct seen *seen;
	int chunks;

	serve_app(f, NULL);
	seen = get_at(f, "/drip", HTTP_PRIORITY_STREAM);
	http_await(seen, 2);
	chunks = seen->chunks;
	assert_true(chunks > 0);
	http_cancel(seen);
	http_pass(f, 40);
	assert_int_equal(seen->chunks, chunks);
	assert_int_equal(seen->dones, 0);
}

static void cancel_self(struct seen *seen)
{
	if (seen->call && seen->chunks == 1)
		http_cancel(seen);
}

static void a_call_may_cancel_itself_in_on_data(void **state)
{
	struct http_fixture *f = *state;
	struct seen *seen;

	serve_app(f, NULL);
	seen = get_at(f, "/drip", HTTP_PRIORITY_STREAM);
	seen->then = cancel_self;
	http_await(seen, 2);
	http_pass(f, 50);
	assert_int_equal(seen->chunks, 1);
	assert_int_equal(seen->dones, 0);
}

static void cancel_self_at_head(struct seen *seen)
{
	if (seen->call)
		http_cancel(seen);
}

static void a_call_may_cancel_itself_in_on_head(void **state)
{
	struct http_fixture *f = *state;
	struct seen *seen;

	serve_app(f, NULL);
	seen = http_get(f, "/x");
	seen->then = cancel_self_at_head;
	while (seen->call)
		http_pass(f, 2);
	http_pass(f, 30);
	assert_int_equal(seen->heads, 1);
	assert_int_equal(seen->chunks + seen->dones, 0);
}

static void cancel_the_first(struct seen *seen)
{
	if (seen->f->seen[0].call)
		http_cancel(&seen->f->seen[0]);
}

static void a_call_may_cancel_another_in_on_data(void **state)
{
	struct http_fixture *f = *state;
	struct seen *other, *seen;

	serve_app(f, NULL);
	other = get_at(f, "/silent", HTTP_PRIORITY_STREAM);
	http_await(other, 3);
	seen = http_get(f, "/x");
	seen->then = cancel_the_first;
	http_run(f, 1);
	http_pass(f, 20);
	assert_answer(seen, 200, "/x");
	assert_int_equal(other->dones, 0);
}

static void a_call_that_has_ended_can_still_be_cancelled_by_anothers_end(void **state)
{
	struct http_fixture *f = *state;
	struct seen *a, *b;

	serve_app(f, NULL);
	a = http_get(f, "not a path");
	b = http_get(f, "nor this");
	a->at_end = NULL;
	b->at_end = NULL;
	a->at_end = cancel_the_first; /* itself: has no call any more */
	f->seen[2] = (struct seen){ 0 };
	http_cancel(b);
	http_run(f, 1);
	http_pass(f, 10);
	assert_int_equal(a->dones, 1);
	assert_int_equal(b->dones, 0);
}

static void get_next(struct seen *seen)
{
	if (seen->f->count < 20)
		http_get(seen->f, "/next")->at_end = get_next;
}

static void a_call_may_start_another_in_on_done(void **state)
{
	struct http_fixture *f = *state;

	serve_app(f, NULL);
	http_get(f, "/next")->at_end = get_next;
	http_run(f, 20);
	for (int i = 0; i < 20; i++)
		assert_answer(&f->seen[i], 200, "/next");
	assert_int_equal(peer_connections(f->peer), 1);
}

static void get_another_once(struct seen *seen)
{
	if (seen->f->count == 1)
		http_get(seen->f, "/other");
}

static void a_call_may_start_another_in_on_data(void **state)
{
	struct http_fixture *f = *state;

	serve_app(f, NULL);
	http_get(f, "/x")->then = get_another_once;
	http_run(f, 2);
	assert_answer(&f->seen[1], 200, "/other");
}

static void freeing_the_client_ends_everything_in_silence(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_config config = { .max_in_flight = 1 };

	serve_app(f, &config);
	http_get(f, "/hang");
	http_get(f, "/x");
	http_await(get_at(f, "/drip", HTTP_PRIORITY_STREAM), 2);
	http_get(f, "no path");
	http_client_free(f->client);
	f->client = NULL;
	http_pass(f, 20);
	assert_int_equal(f->dones, 0);
}

/* --- faults ------------------------------------------------------------ */

static void a_refused_connection_is_named_so(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_config config = { .server = "https://127.0.0.1:1" };
	struct seen *seen;

	serve_app(f, &config);
	seen = http_get(f, "/");
	http_run(f, 1);
	assert_failed(seen, ERR_UNAVAILABLE,
	              "cannot connect to https://127.0.0.1:1: connection refused");
}

/* No resolver has to be asked. */
#define LABEL_TOO_LONG "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void an_unknown_host_is_named_so(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_config config = { .server = "https://" LABEL_TOO_LONG ":6443" };
	struct seen *seen;

	serve_app(f, &config);
	seen = http_get(f, "/");
	http_run(f, 1);
	assert_failed(seen, ERR_UNAVAILABLE, "its host name cannot be resolved");
}

static void a_server_that_restarts_is_found_again(void **state)
{
	struct http_fixture *f = *state;
	struct peer_options again = { 0 };
	struct seen *stream, *refused, *after;

	serve_app(f, NULL);
	stream = get_at(f, "/drip", HTTP_PRIORITY_STREAM);
	http_await(stream, 2);
	again.port = peer_port(f->peer);
	peer_free(f->peer);
	f->peer = NULL;
	http_run(f, 1);
	assert_failed(stream, ERR_UNAVAILABLE, "connection broke off");
	refused = http_get(f, "/x");
	http_run(f, 2);
	assert_failed(refused, ERR_UNAVAILABLE, "connection refused");
	f->peer = peer_new(&again, app, NULL);
	after = http_get(f, "/x");
	http_run(f, 3);
	assert_answer(after, 200, "/x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		http_test(an_answer_arrives_whole_and_done_comes_once),
		http_test(an_error_status_is_an_answer),
		http_test(a_redirect_is_not_followed),
		http_test(a_body_and_its_type_are_sent),
		http_test(methods_follow_each_other_on_the_same_handle),
		http_test(a_large_body_goes_out_without_waiting_for_100_continue),
		http_test(credentials_and_further_headers_are_sent),
		http_test(a_waiting_request_takes_the_token_of_its_turn),
		http_test(basic_authentication_is_sent),
		http_test(a_prefix_stands_before_every_path),
		http_test(a_path_with_a_line_break_is_refused),
		http_test(normal_requests_wait_under_the_cap),
		http_test(normal_requests_begin_in_the_order_started),
		http_test(high_priority_overtakes_what_waits),
		http_test(writes_are_not_sent_through_a_closed_gate),
		http_test(writes_that_have_waited_are_not_sent_through_a_closed_gate),
		http_test(streams_count_neither_under_the_cap_nor_as_in_flight),
		http_test(a_stream_is_passed_on_as_it_arrives),
		http_test(an_error_of_on_data_ends_the_request_with_that_error),
		http_test(a_body_that_breaks_off_is_not_complete),
		http_test(retry_after_is_read_from_the_head),
		http_test(interim_answers_and_trailers_do_not_count),
		http_test(an_endless_head_is_given_up),
		http_test(an_answer_that_is_not_http_is_named_so),
		http_test(a_request_without_an_answer_times_out),
		http_test(the_time_limit_counts_from_a_requests_turn),
		http_test(a_time_limit_ends_a_stream_that_still_flows),
		http_test(an_idle_limit_spares_a_stream_that_flows),
		http_test(an_idle_limit_ends_a_silent_stream),
		http_test(nothing_comes_after_cancelling_before_its_turn),
		http_test(nothing_comes_after_cancelling_under_way),
		http_test(nothing_comes_after_cancelling_an_open_stream),
		http_test(a_call_may_cancel_itself_in_on_data),
		http_test(a_call_may_cancel_itself_in_on_head),
		http_test(a_call_may_cancel_another_in_on_data),
		http_test(a_call_that_has_ended_can_still_be_cancelled_by_anothers_end),
		http_test(a_call_may_start_another_in_on_done),
		http_test(a_call_may_start_another_in_on_data),
		http_test(freeing_the_client_ends_everything_in_silence),
		http_test(a_refused_connection_is_named_so),
		http_test(an_unknown_host_is_named_so),
		http_test(a_server_that_restarts_is_found_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
