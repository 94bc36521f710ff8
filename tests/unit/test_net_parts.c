/* The small parts of the HTTP client: URLs, heads, header lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/log.h"
#include "net/fault.h"
#include "net/head.h"
#include "net/headers.h"
#include "net/url.h"

static void a_server_url_is_taken_apart(void **state)
{
	static const struct {
		const char *url, *host, *port, *prefix;
		bool tls;
	} good[] = {
		{ "https://10.0.0.1:6443", "10.0.0.1", "6443", "", true },
		{ "https://api.example.com", "api.example.com", "443", "", true },
		{ "http://localhost", "localhost", "80", "", false },
		{ "https://[fd00::1]:6443/", "[fd00::1]", "6443", "", true },
		{ "https://[::ffff:10.0.0.1]", "[::ffff:10.0.0.1]", "443", "", true },
		{ "https://r.example.com/k8s/clusters/c-1/", "r.example.com", "443",
		  "/k8s/clusters/c-1", true },
		{ "https://h:65535//", "h", "65535", "", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct server_url url;
		struct err err;

		if (server_url_parse(&url, good[i].url, &err) < 0)
			fail_msg("%s: %s", good[i].url, err.msg);
		assert_string_equal(url.host, good[i].host);
		assert_string_equal(url.port, good[i].port);
		assert_string_equal(url.prefix, good[i].prefix);
		assert_int_equal(url.tls, good[i].tls);
		server_url_release(&url);
	}
}

static void a_server_url_that_is_none_is_refused_with_the_reason(void **state)
{
	static const char *const bad[][2] = {
		{ "", "neither" },
		{ "10.0.0.1:6443", "neither" },
		{ "ftp://h", "neither" },
		{ "HTTPS//h", "neither" },
		{ "https://", "no host" },
		{ "https://:6443", "no host" },
		{ "https://[]:6443", "no host" },
		{ "https://[::1", "no host" },
		{ "https://h:0", "port" },
		{ "https://h:65536", "port" },
		{ "https://h:6443x", "port" },
		{ "https://h:", "port" },
		{ "https://h:123456", "port" },
		{ "https://jane:pw@h", "user information" },
		{ "https://h/a?b=c", "query" },
		{ "https://h/a#b", "unexpected" },
		{ "https://h/a b", "unexpected" },
		{ "https://h\r\nX: y", "unexpected" },
		{ "https://h/\xc3\xa4", "unexpected" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct server_url url;
		struct err err;

		assert_int_equal(server_url_parse(&url, bad[i][0], &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
		if (!strstr(err.msg, bad[i][1]))
			fail_msg("\"%s\": \"%s\" is not in \"%s\"", bad[i][0], bad[i][1], err.msg);
	}
}

static enum head_event feed(struct answer_head *head, const char *const *lines)
{
	enum head_event event = HEAD_MORE;

	for (; *lines && event == HEAD_MORE; lines++)
		event = answer_head_line(head, *lines, strlen(*lines));
	assert_true(*lines == NULL);
	return event;
}

static void retry_after_is_whole_seconds_up_to_a_minute(void **state)
{
	static const struct {
		const char *value;
		int ms;
	} cases[] = {
		{ "1", 1000 },
		{ " 7 ", 7000 },
		{ "0", 0 },
		{ "60", 60000 },
		{ "61", 60000 },
		{ "3600", 60000 },
		{ "abc", 0 },
		{ "1.5", 0 },
		{ "-1", 0 },
		{ "", 0 },
		{ "10s", 0 },
		{ "+1", 0 },
		{ "99999999999999999999", 60000 },
		{ "0x10", 0 },
		{ "Mon, 23 Nov 2026 10:00:00 GMT", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct answer_head head = { 0 };
		char line[128];
		const char *const lines[] = { "HTTP/2 429 \r\n", line, "\r\n", NULL };

		snprintf(line, sizeof(line), "Retry-after:%s\r\n", cases[i].value);
		assert_int_equal(feed(&head, lines), HEAD_ENDED);
		assert_int_equal(head.status, 429);
		assert_int_equal(head.retry_after_ms, cases[i].ms);
	}
}

static void the_status_is_that_of_the_final_head(void **state)
{
	const char *const lines[] = { "HTTP/1.1 100 Continue\r\n",
		                      "Retry-After: 5\r\n",
		                      "\r\n",
		                      "HTTP/1.1 503 Busy\r\n",
		                      "A: b\r\n",
		                      "\r\n",
		                      NULL };
	const char *const trailers[] = { "Retry-After: 9\r\n", "HTTP/1.1 200 OK\r\n", "\r\n",
		                         NULL };
	struct answer_head head = { 0 };

	(void)state;
	assert_int_equal(feed(&head, lines), HEAD_ENDED);
	assert_int_equal(head.status, 503);
	assert_int_equal(head.retry_after_ms, 0);
	assert_int_equal(feed(&head, trailers), HEAD_MORE);
	assert_int_equal(head.status, 503);
}

static void a_head_has_limits_of_lines_and_bytes(void **state)
{
	struct answer_head many = { 0 }, long_one = { 0 };
	static char line[LIMIT_ANSWER_HEAD + 1];

	(void)state;
	for (int i = 0; i < LIMIT_HEADER_LINES; i++)
		assert_int_equal(answer_head_line(&many, "A: b\r\n", 6), HEAD_MORE);
	assert_int_equal(answer_head_line(&many, "A: b\r\n", 6), HEAD_TOO_LARGE);
	memset(line, 'x', sizeof(line));
	assert_int_equal(answer_head_line(&long_one, line, sizeof(line)), HEAD_TOO_LARGE);
}

static void odd_lines_of_a_head_do_no_harm(void **state)
{
	const char *const lines[] = {
		"HTTP/2 2\r\n", "HTTP/1.1\r\n", "HTTP/x y z w\r\n", "x", "\r\n", NULL
	};
	struct answer_head head = { 0 };

	(void)state;
	assert_int_equal(feed(&head, lines), HEAD_MORE);
	assert_int_equal(answer_head_line(&head, "", 0), HEAD_MORE);
	assert_int_equal(head.status, 0);
}

static void header_lines_are_made_once_per_kind_and_token(void **state)
{
	static char impersonate[] = "Impersonate-User: jane";
	char *further[] = { impersonate, NULL };
	struct header_cache cache;
	struct header_set *a, *b, *c;

	(void)state;
	header_cache_init(&cache, "host:1", further, "first");
	a = header_cache_get(&cache, NULL, "application/json");
	b = header_cache_get(&cache, NULL, "application/json");
	c = header_cache_get(&cache, "application/json", "application/json");
	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, c);
	header_set_unref(b);
	header_cache_set_token(&cache, "second");
	b = header_cache_get(&cache, NULL, "application/json");
	assert_ptr_not_equal(a, b);
	assert_string_equal(a->lines[2], "Authorization: Bearer first");
	assert_string_equal(b->lines[2], "Authorization: Bearer second");
	for (int i = 0; i < 100; i++) {
		char accept[32];

		snprintf(accept, sizeof(accept), "text/%d", i);
		header_set_unref(header_cache_get(&cache, NULL, accept));
	}
	assert_true(cache.count < 20);
	header_set_unref(a);
	header_set_unref(b);
	header_set_unref(c);
	header_cache_release(&cache);
}

static void faults_are_told_in_plain_words(void **state)
{
	static const struct {
		struct fault fault;
		enum err_code code;
		const char *text;
	} cases[] = {
		{ { .kind = FAULT_CONNECT, .os_errno = 111, .detail = "" },
		  ERR_UNAVAILABLE,
		  "cannot connect to https://h:1: connection refused" },
		{ { .kind = FAULT_CONNECT_TIMEOUT, .detail = "" },
		  ERR_TIMEOUT,
		  "cannot connect to https://h:1: no answer in time" },
		{ { .kind = FAULT_RESOLVE_PROXY, .detail = "" },
		  ERR_UNAVAILABLE,
		  "cannot connect to https://h:1: the proxy's host name cannot be resolved" },
		{ { .kind = FAULT_CERTIFICATE, .verify_result = 10, .detail = "" },
		  ERR_UNAVAILABLE,
		  "https://h:1: server certificate has expired (certificate has expired)" },
		{ { .kind = FAULT_BROKEN, .detail = "" },
		  ERR_UNAVAILABLE,
		  "https://h:1: connection broke off" },
		{ { .kind = FAULT_OTHER, .detail = "odd" }, ERR_UNAVAILABLE, "https://h:1: odd" },
		{ { .kind = FAULT_BROKEN,
		    .detail = "OpenSSL SSL_read: error:0A000412:SSL routines::sslv3 alert bad "
		              "certificate" },
		  ERR_UNAVAILABLE,
		  "https://h:1: connection broke off: sslv3 alert bad certificate" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err;

		assert_int_equal(fault_to_err(&cases[i].fault, "https://h:1", &err), -1);
		assert_string_equal(err.msg, cases[i].text);
		assert_int_equal(err.code, cases[i].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_url_is_taken_apart),
		cmocka_unit_test(a_server_url_that_is_none_is_refused_with_the_reason),
		cmocka_unit_test(retry_after_is_whole_seconds_up_to_a_minute),
		cmocka_unit_test(the_status_is_that_of_the_final_head),
		cmocka_unit_test(a_head_has_limits_of_lines_and_bytes),
		cmocka_unit_test(odd_lines_of_a_head_do_no_harm),
		cmocka_unit_test(header_lines_are_made_once_per_kind_and_token),
		cmocka_unit_test(faults_are_told_in_plain_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
