/* The HTTP server for health and metrics, asked over real sockets. */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "net/http_server.h"

enum { ANSWER_MAX = 1 << 20 };

struct fixture {
	struct loop *loop;
	struct loop_timer *limit;
	struct http_server *server;
	int fd;
	struct loop_io *io;
	char *answer; /* all that came back */
	size_t len;
	bool whole; /* the server closed */
	int calls;  /* of the page */
};

static void hang(void *arg)
{
	(void)arg;
	fail_msg("the loop went on");
}

static int setup(void **state)
{
	struct fixture *f = x_calloc(1, sizeof(*f));
	struct err err;

	f->loop = loop_new(clock_system(), &err);
	f->limit = loop_timer_new(f->loop, hang, f);
	f->fd = -1;
	f->answer = x_calloc(1, ANSWER_MAX);
	loop_timer_start(f->limit, 5000);
	f->server = http_server_new(f->loop, "127.0.0.1:0", &err);
	assert_non_null(f->server);
	*state = f;
	return 0;
}

static void hang_up(struct fixture *f)
{
	loop_io_free(f->io);
	f->io = NULL;
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	hang_up(f);
	http_server_free(f->server);
	loop_timer_free(f->limit);
	loop_free(f->loop);
	free(f->answer);
	free(f);
	return 0;
}

static void on_readable(void *arg, int fd, int events)
{
	struct fixture *f = arg;
	ssize_t n = recv(fd, f->answer + f->len, ANSWER_MAX - 1 - f->len, 0);

	(void)events;
	if (n > 0) {
		f->len += (size_t)n;
		f->answer[f->len] = '\0';
		return;
	}
	f->whole = true;
	loop_stop(f->loop);
}

static void connect_to(struct fixture *f, int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	hang_up(f);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	f->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(f->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	f->io = loop_io_new(f->loop, f->fd, on_readable, f);
	loop_io_watch(f->io, LOOP_READ);
	f->len = 0;
	f->whole = false;
	f->answer[0] = '\0';
}

/* Send the request; run until the server closes; return all it said. */
static const char *ask(struct fixture *f, const char *request)
{
	struct err err;

	connect_to(f, http_server_port(f->server));
	assert_int_equal(send(f->fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	assert_int_equal(loop_run(f->loop, &err), 0);
	assert_true(f->whole);
	return f->answer;
}

static int page(void *arg, const char *query, struct buf *body)
{
	struct fixture *f = arg;

	f->calls++;
	buf_printf(body, "page of \"%s\"\n", query);
	return 200;
}

static int sick(void *arg, const char *query, struct buf *body)
{
	(void)arg;
	(void)query;
	buf_puts(body, "not well\n");
	return 500;
}

static int endless(void *arg, const char *query, struct buf *body)
{
	static char block[1 << 20];

	(void)arg;
	(void)query;
	for (int i = 0; i < 20; i++)
		buf_append(body, block, sizeof(block));
	return 200;
}

static int large(void *arg, const char *query, struct buf *body)
{
	(void)arg;
	(void)query;
	for (int i = 0; i < 50000; i++)
		buf_puts(body, "0123456789");
	return 200;
}

static void a_page_is_served_with_its_type_and_query(void **state)
{
	struct fixture *f = *state;
	const char *answer;

	http_server_handle(f->server, "/metrics", page, f);
	answer = ask(f, "GET /metrics?a=b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_non_null(strstr(answer, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(
		strstr(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	assert_non_null(strstr(answer, "\r\n\r\npage of \"a=b\"\n"));
}

static void a_large_page_arrives_whole(void **state)
{
	struct fixture *f = *state;
	const char *answer;

	http_server_handle(f->server, "/metrics", large, f);
	answer = ask(f, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_non_null(strstr(answer, "Content-Length: 500000\r\n"));
	assert_int_equal(strlen(strstr(answer, "\r\n\r\n")), 500004);
}

static void head_gets_the_length_and_no_body(void **state)
{
	struct fixture *f = *state;
	const char *answer;

	http_server_handle(f->server, "/metrics", page, f);
	answer = ask(f, "HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_non_null(strstr(answer, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(answer, "Content-Length: 11\r\n"));
	assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
}

static void a_status_of_the_page_is_passed_on(void **state)
{
	struct fixture *f = *state;
	const char *answer;

	http_server_handle(f->server, "/healthz", sick, f);
	answer = ask(f, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_non_null(strstr(answer, "HTTP/1.1 500 "));
	assert_non_null(strstr(answer, "\r\n\r\nnot well\n"));
}

static void a_page_over_its_limit_is_an_error_and_not_cut(void **state)
{
	struct fixture *f = *state;
	const char *answer;

	http_server_handle(f->server, "/metrics", endless, f);
	answer = ask(f, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_non_null(strstr(answer, "HTTP/1.1 500 "));
	assert_non_null(strstr(answer, "the page is too large"));
}

static void other_paths_are_404_and_not_echoed(void **state)
{
	struct fixture *f = *state;
	static const char *const paths[] = { "/",          "/metrics/", "/metricsx",
		                             "/%6detrics", "//metrics", "/<script>" };
	char request[128];

	http_server_handle(f->server, "/metrics", page, f);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		snprintf(request, sizeof(request),
		         "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", paths[i]);
		ask(f, request);
		if (!strstr(f->answer, "HTTP/1.1 404 ") && !strstr(f->answer, "HTTP/1.1 400 "))
			fail_msg("%s: %s", paths[i], f->answer);
		assert_null(strstr(f->answer, "script"));
	}
	assert_int_equal(f->calls, 0);
}

static void other_methods_are_405_and_run_nothing(void **state)
{
	struct fixture *f = *state;
	static const char *const methods[] = { "POST", "PUT", "DELETE", "PATCH", "OPTIONS" };
	char request[128];

	http_server_handle(f->server, "/metrics", page, f);
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		snprintf(request, sizeof(request),
		         "%s /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
		         "Connection: close\r\n\r\n",
		         methods[i]);
		if (!strstr(ask(f, request), "HTTP/1.1 405 "))
			fail_msg("%s: %s", methods[i], f->answer);
		assert_non_null(strstr(f->answer, "Allow: GET, HEAD\r\n"));
	}
	assert_int_equal(f->calls, 0);
}

static void a_body_is_refused_unread(void **state)
{
	struct fixture *f = *state;
	const char *answer;

	http_server_handle(f->server, "/metrics", page, f);
	answer = ask(f, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
	assert_non_null(strstr(answer, "HTTP/1.1 4"));
	assert_int_equal(f->calls, 0);
}

static void an_endless_request_head_is_refused(void **state)
{
	struct fixture *f = *state;
	size_t len = LIMIT_HTTP_HEAD + 4096;
	char *request = x_malloc(len + 1);

	http_server_handle(f->server, "/metrics", page, f);
	memset(request, 'a', len);
	memcpy(request, "GET /metrics HTTP/1.1\r\nX: ", 26);
	request[len] = '\0';
	assert_non_null(strstr(ask(f, request), "HTTP/1.1 4"));
	assert_int_equal(f->calls, 0);
	free(request);
}

static void garbage_is_refused(void **state)
{
	struct fixture *f = *state;

	http_server_handle(f->server, "/metrics", page, f);
	ask(f, "\x16\x03\x01\x02\x01\x01\r\n\r\n");
	assert_int_equal(f->calls, 0);
	ask(f, "GET  HTTP/9.9 \r\n\r\n");
	assert_int_equal(f->calls, 0);
}

static void a_connection_serves_one_request_after_another(void **state)
{
	struct fixture *f = *state;
	const char *answer;

	http_server_handle(f->server, "/metrics", page, f);
	answer = ask(f, "GET /metrics?1 HTTP/1.1\r\nHost: x\r\n\r\n"
	                "GET /metrics?2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_non_null(strstr(answer, "page of \"1\""));
	assert_non_null(strstr(answer, "page of \"2\""));
	assert_int_equal(f->calls, 2);
}

static void freeing_the_server_closes_open_connections(void **state)
{
	struct fixture *f = *state;
	struct err err;

	connect_to(f, http_server_port(f->server));
	assert_int_equal(send(f->fd, "GET /x", 6, 0), 6);
	loop_stop(f->loop);
	loop_run(f->loop, &err);
	http_server_free(f->server);
	f->server = NULL;
	loop_run(f->loop, &err);
	assert_true(f->whole);
}

static void expect_no_server(struct fixture *f, const char *address, enum err_code code,
                             const char *text)
{
	struct err err;

	assert_null(http_server_new(f->loop, address, &err));
	assert_string_equal(err_code_name(err.code), err_code_name(code));
	if (!strstr(err.msg, text))
		fail_msg("\"%s\" is not in \"%s\"", text, err.msg);
}

static void an_address_that_is_none_is_refused(void **state)
{
	expect_no_server(*state, "", ERR_INVALID, "address \"\"");
	expect_no_server(*state, "8080", ERR_INVALID, "address \"8080\"");
	expect_no_server(*state, "127.0.0.1:", ERR_INVALID, "address");
	expect_no_server(*state, "127.0.0.1:http", ERR_INVALID, "address");
	expect_no_server(*state, "127.0.0.1:65536", ERR_INVALID, "address");
	expect_no_server(*state, "::1:8080", ERR_INVALID, "[v6]:port");
	expect_no_server(*state, /* a label too long: no resolver is asked */
	                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:80",
	                 ERR_INVALID, "cannot listen on");
}

static void a_port_in_use_is_named(void **state)
{
	struct fixture *f = *state;
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%d", http_server_port(f->server));
	expect_no_server(f, address, ERR_SYSTEM, address);
	expect_no_server(f, address, ERR_SYSTEM, "in use");
}

static void all_addresses_include_ipv4(void **state)
{
	struct fixture *f = *state;
	struct err err;
	const char *answer;

	http_server_free(f->server);
	f->server = http_server_new(f->loop, ":0", &err);
	assert_non_null(f->server);
	http_server_handle(f->server, "/healthz", page, f);
	answer = ask(f, "GET /healthz HTTP/1.0\r\n\r\n");
	assert_non_null(strstr(answer, " 200 OK\r\n"));
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_page_is_served_with_its_type_and_query),
		test(a_large_page_arrives_whole),
		test(head_gets_the_length_and_no_body),
		test(a_status_of_the_page_is_passed_on),
		test(a_page_over_its_limit_is_an_error_and_not_cut),
		test(other_paths_are_404_and_not_echoed),
		test(other_methods_are_405_and_run_nothing),
		test(a_body_is_refused_unread),
		test(an_endless_request_head_is_refused),
		test(garbage_is_refused),
		test(a_connection_serves_one_request_after_another),
		test(freeing_the_server_closes_open_connections),
		test(an_address_that_is_none_is_refused),
		test(a_port_in_use_is_named),
		test(all_addresses_include_ipv4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
