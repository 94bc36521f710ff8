/* The HTTP client over TLS: whom it trusts, HTTP/2, dead connections. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support_http.h"

#include "base/limits.h"
#include "base/mem.h"

/* Made once: two authorities, servers of the first, a client. */
static struct {
	struct test_cert ca, other_ca, server, expired, elsewhere, client, client_expired, self;
} certs;

static int make_certs(void **state)
{
	const char *san = "IP:127.0.0.1,DNS:localhost";

	(void)state;
	certs.ca = test_cert_new(&(struct test_cert_options){ .name = "kubernetes", .ca = true });
	certs.other_ca =
		test_cert_new(&(struct test_cert_options){ .name = "kubernetes", .ca = true });
	certs.server = test_cert_new(
		&(struct test_cert_options){ .name = "server", .san = san, .issuer = &certs.ca });
	certs.expired = test_cert_new(&(struct test_cert_options){
		.name = "old", .san = san, .issuer = &certs.ca, .not_after_s = -1000 });
	certs.elsewhere = test_cert_new(&(struct test_cert_options){
		.name = "else", .san = "DNS:api.example.com", .issuer = &certs.ca });
	certs.self = test_cert_new(&(struct test_cert_options){ .name = "self", .san = san });
	certs.client =
		test_cert_new(&(struct test_cert_options){ .name = "jane", .issuer = &certs.ca });
	certs.client_expired = test_cert_new(&(struct test_cert_options){
		.name = "joe", .issuer = &certs.ca, .not_after_s = -86400 });
	return 0;
}

static int free_certs(void **state)
{
	struct test_cert *all = &certs.ca;

	(void)state;
	for (size_t i = 0; i < sizeof(certs) / sizeof(*all); i++)
		test_cert_release(&all[i]);
	return 0;
}

/* --- scripts ----------------------------------------------------------- */

static void h1_ok(struct peer_conn *conn, void *arg)
{
	struct peer_request request;

	(void)arg;
	while (peer_read_request(conn, &request)) {
		if (strcmp(request.path, "/together") == 0)
			peer_wait_connections(conn, 5);
		peer_answer(conn, 200, "", request.head, strlen(request.head));
	}
}

/* Answers with the name in the client's certificate. */
static void h1_who(struct peer_conn *conn, void *arg)
{
	struct peer_request request;
	char name[64];

	(void)arg;
	peer_client_name(conn, name, sizeof(name));
	while (peer_read_request(conn, &request))
		peer_answer(conn, 200, "", name, strlen(name));
}

static void h2_answer(struct peer_conn *conn, uint32_t stream, const char *body)
{
	h2_head(conn, stream, 200, NULL, NULL);
	h2_data(conn, stream, body, strlen(body), true);
}

static void h2_ok(struct peer_conn *conn, void *arg)
{
	uint32_t stream;
	size_t body_len;
	char text[64];

	(void)arg;
	h2_open(conn);
	while (h2_next_request(conn, &stream, &body_len)) {
		snprintf(text, sizeof(text), "%zu", body_len);
		h2_answer(conn, stream, text);
	}
}

/* Answers when `*arg` requests are open, the last one first. */
static void h2_backwards(struct peer_conn *conn, void *arg)
{
	int count = *(int *)arg;
	uint32_t streams[256];
	size_t body_len;

	h2_open(conn);
	for (int i = 0; i < count; i++) {
		if (!h2_next_request(conn, &streams[i], &body_len))
			return;
	}
	while (count > 0)
		h2_answer(conn, streams[--count], "back");
	peer_wait_closed(conn);
}

static void serve_with(struct http_fixture *f, const struct test_cert *cert, bool h2, peer_fn *fn,
                       void *arg, struct http_client_config *config)
{
	struct peer_options options = { .cert = cert, .h2 = h2 };
	struct http_client_config plain = { .ca_pem = certs.ca.cert };

	http_serve(f, &options, fn, arg, config ? config : &plain);
}

static void serve_h2(struct http_fixture *f, peer_fn *fn, void *arg)
{
	serve_with(f, &certs.server, true, fn, arg, NULL);
}

/* --- trust ------------------------------------------------------------- */

static void a_server_of_the_given_authority_is_trusted(void **state)
{
	struct http_fixture *f = *state;
	struct seen *seen;

	serve_with(f, &certs.server, false, h1_ok, NULL, NULL);
	seen = http_get(f, "/x");
	http_run(f, 1);
	assert_answer(seen, 200, NULL);
	assert_false(seen->result.untrusted);
}

static void expect_untrusted(struct http_fixture *f, const struct test_cert *server,
                             struct http_client_config *config, const char *text)
{
	struct seen *seen;

	serve_with(f, server, true, h2_ok, NULL, config);
	seen = http_get(f, "/x");
	http_run(f, 1);
	assert_failed(seen, ERR_UNAVAILABLE, text);
	assert_true(seen->result.untrusted);
}

static void a_server_of_another_authority_of_the_same_name_is_refused(void **state)
{
	struct http_client_config config = { .ca_pem = certs.other_ca.cert };

	expect_untrusted(*state, &certs.server, &config,
	                 "server certificate is not signed by the given certificate authority");
}

static void a_self_signed_server_is_refused(void **state)
{
	struct http_client_config config = { .ca_pem = certs.ca.cert };

	expect_untrusted(*state, &certs.self, &config,
	                 "not signed by the given certificate authority (self-signed certificate)");
}

static void without_a_given_authority_the_systems_count(void **state)
{
	struct http_client_config config = { 0 };

	expect_untrusted(*state, &certs.server, &config,
	                 "is not signed by an authority this system trusts");
}

static void a_server_whose_certificate_has_expired_is_refused(void **state)
{
	expect_untrusted(*state, &certs.expired, NULL, "server certificate has expired");
}

static void a_server_with_a_certificate_for_another_host_is_refused(void **state)
{
	expect_untrusted(*state, &certs.elsewhere, NULL,
	                 "server certificate is for another host name");
}

static void a_given_authority_shuts_out_those_of_the_system(void **state)
{
	struct http_client_config config = { .ca_pem = certs.ca.cert };
	char folder[] = "/tmp/formation-test-XXXXXX";
	char *path;
	FILE *out;

	assert_non_null(mkdtemp(folder));
	path = x_asprintf("%s/ca.pem", folder);
	out = fopen(path, "w");
	fputs(certs.self.cert, out);
	fclose(out);
	setenv("SSL_CERT_FILE", path, 1);
	setenv("SSL_CERT_DIR", folder, 1);
	expect_untrusted(*state, &certs.self, &config, "given certificate authority");
	unsetenv("SSL_CERT_FILE");
	unsetenv("SSL_CERT_DIR");
	unlink(path);
	rmdir(folder);
	free(path);
}

static void verification_can_be_switched_off_by_the_settings_only(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_config config = { .insecure_skip_verify = true };
	struct seen *seen;

	serve_with(f, &certs.elsewhere, false, h1_ok, NULL, &config);
	seen = http_get(f, "/x");
	http_run(f, 1);
	assert_answer(seen, 200, NULL);
}

static void a_tls_server_name_is_verified_in_place_of_the_hosts(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_config config = { .ca_pem = certs.ca.cert,
		                             .tls_server_name = "api.example.com" };
	char host[64];
	struct seen *seen;

	serve_with(f, &certs.elsewhere, false, h1_ok, NULL, &config);
	seen = http_get(f, "/x");
	http_run(f, 1);
	assert_answer(seen, 200, NULL);
	snprintf(host, sizeof(host), "\r\nHost: 127.0.0.1:%d\r\n", peer_port(f->peer));
	assert_non_null(strstr(buf_cstr(&seen->body), host));
}

static void plain_close(struct peer_conn *conn, void *arg)
{
	(void)arg;
	peer_puts(conn, "HTTP/1.1 400 Bad Request\r\n\r\n");
}

static void a_server_without_tls_is_named_so(void **state)
{
	struct http_fixture *f = *state;
	struct peer *peer = peer_new(&(struct peer_options){ 0 }, plain_close, NULL);
	char server[64];
	struct http_client_config config = { .server = server };
	struct seen *seen;

	snprintf(server, sizeof(server), "https://127.0.0.1:%d", peer_port(peer));
	serve_with(f, &certs.server, false, h1_ok, NULL, &config);
	seen = http_get(f, "/x");
	http_run(f, 1);
	assert_failed(seen, ERR_UNAVAILABLE, "the server does not speak TLS");
	peer_free(peer);
}

static void a_client_certificate_is_presented(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_config config = { .ca_pem = certs.ca.cert,
		                             .cert_pem = certs.client.cert,
		                             .key_pem = certs.client.key };
	struct seen *seen;

	serve_with(f, &certs.server, false, h1_who, NULL, &config);
	seen = http_get(f, "/x");
	http_run(f, 1);
	assert_answer(seen, 200, "jane");
	assert_true(http_client_cert_expires_ms(f->client) > loop_wall_ms(f->loop) + 3000000);
}

static void an_exchanged_certificate_is_used_from_the_next_request_on(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_config config = { .ca_pem = certs.ca.cert,
		                             .cert_pem = certs.client.cert,
		                             .key_pem = certs.client.key };
	struct test_cert other =
		test_cert_new(&(struct test_cert_options){ .name = "joan", .issuer = &certs.ca });
	const struct tls_identity identity = { certs.ca.cert, other.cert, other.key };
	const struct tls_identity mixed = { certs.ca.cert, other.cert, certs.client.key };
	struct seen *before, *after, *kept;
	struct err err;

	serve_with(f, &certs.server, false, h1_who, NULL, &config);
	before = http_get(f, "/x");
	http_run(f, 1);
	assert_answer(before, 200, "jane");
	assert_int_equal(http_client_set_identity(f->client, &identity, &err), 0);
	after = http_get(f, "/x");
	http_run(f, 2);
	assert_answer(after, 200, "joan");
	assert_int_equal(http_client_set_identity(f->client, &mixed, &err), -1);
	kept = http_get(f, "/x");
	http_run(f, 3);
	assert_answer(kept, 200, "joan");
	assert_int_equal(peer_connections(f->peer), 2);
	test_cert_release(&other);
}

static void an_exchanged_authority_decides_from_the_next_connection_on(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_config config = { .ca_pem = certs.other_ca.cert };
	const struct tls_identity right = { .ca_pem = certs.ca.cert };
	const struct tls_identity wrong = { .ca_pem = certs.other_ca.cert };
	struct seen *seen;
	struct err err;

	serve_with(f, &certs.server, false, h1_ok, NULL, &config);
	seen = http_get(f, "/x");
	http_run(f, 1);
	assert_true(seen->result.untrusted);
	assert_int_equal(http_client_set_identity(f->client, &right, &err), 0);
	seen = http_get(f, "/x");
	http_run(f, 2);
	assert_answer(seen, 200, NULL);
	assert_int_equal(http_client_set_identity(f->client, &wrong, &err), 0);
	seen = http_get(f, "/x");
	http_run(f, 3);
	assert_true(seen->result.untrusted);
}

static void a_stream_goes_on_while_the_certificate_is_exchanged(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_config config = { .ca_pem = certs.ca.cert,
		                             .cert_pem = certs.client.cert,
		                             .key_pem = certs.client.key };
	const struct tls_identity none = { .ca_pem = certs.ca.cert };
	int count = 2;
	struct seen *first, *second;
	struct err err;

	serve_with(f, &certs.server, true, h2_backwards, &count, &config);
	first = http_get(f, "/a");
	http_pass(f, 50);
	second = http_get(f, "/b");
	http_pass(f, 1);
	assert_int_equal(http_client_set_identity(f->client, &none, &err), 0);
	http_run(f, 2);
	assert_answer(first, 200, "back");
	assert_answer(second, 200, "back");
}

/* --- settings that cannot be right -------------------------------------- */

static void expect_refused(struct http_fixture *f, struct http_client_config *config,
                           const char *text)
{
	struct err err;

	if (!config->server)
		config->server = "https://127.0.0.1:6443";
	assert_null(http_client_new(f->loop, config, &err));
	assert_int_equal(err.code, ERR_INVALID);
	if (!strstr(err.msg, text))
		fail_msg("\"%s\" is not in \"%s\"", text, err.msg);
}

static void an_expired_client_certificate_is_refused_with_its_date(void **state)
{
	struct http_client_config config = { .cert_pem = certs.client_expired.cert,
		                             .key_pem = certs.client_expired.key };

	expect_refused(*state, &config, "client certificate expired on 20");
}

static void a_key_of_another_certificate_is_refused(void **state)
{
	struct http_client_config config = { .cert_pem = certs.client.cert,
		                             .key_pem = certs.server.key };

	expect_refused(*state, &config, "does not belong to the client certificate");
}

static void pem_that_cannot_be_read_is_refused_by_name(void **state)
{
	struct http_client_config ca = { .ca_pem = "hello" };
	struct http_client_config bad_ca = { .ca_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n"
		                                       "-----END CERTIFICATE-----\n" };
	struct http_client_config cert = { .cert_pem = "hello", .key_pem = certs.client.key };
	struct http_client_config key = { .cert_pem = certs.client.cert, .key_pem = "hello" };
	struct http_client_config no_key = { .cert_pem = certs.client.cert };
	struct http_client_config no_cert = { .key_pem = certs.client.key };

	expect_refused(*state, &ca, "certificate authority: holds no PEM certificate");
	expect_refused(*state, &bad_ca, "certificate authority: PEM certificate 1 cannot be read");
	expect_refused(*state, &cert, "client certificate: is not a PEM certificate");
	expect_refused(*state, &key, "client key: is not a PEM private key");
	expect_refused(*state, &no_key, "client certificate: its key is missing");
	expect_refused(*state, &no_cert, "client key: its certificate is missing");
}

static void an_encrypted_key_is_refused_without_asking_anyone(void **state)
{
	char *encrypted = test_key_encrypted(certs.client.key);
	struct http_client_config config = { .cert_pem = certs.client.cert, .key_pem = encrypted };

	expect_refused(*state, &config, "encrypted with a passphrase");
	free(encrypted);
}

static void settings_that_would_break_a_header_are_refused(void **state)
{
	static const char *const lines[] = { "X-A: b\r\nX-C: d", NULL };
	struct http_client_config token = { .bearer_token = "a\nb" };
	struct http_client_config line = { .headers = lines };
	struct http_client_config name = { .tls_server_name = "a/b" };
	struct http_client_config proxy = { .proxy_url = "ftp://proxy" };
	struct http_client_config user = { .server = "https://jane@host" };

	expect_refused(*state, &token, "token: holds a line break");
	expect_refused(*state, &line, "header line 1");
	expect_refused(*state, &name, "TLS server name");
	expect_refused(*state, &proxy, "proxy URL");
	expect_refused(*state, &user, "user information");
}

/* --- HTTP/2 ------------------------------------------------------------ */

static void all_requests_share_one_connection(void **state)
{
	struct http_fixture *f = *state;
	int count = LIMIT_WRITES_IN_FLIGHT;

	serve_h2(f, h2_backwards, &count);
	for (int i = 0; i < count; i++)
		http_get(f, "/x");
	http_run(f, count);
	for (int i = 0; i < count; i++)
		assert_answer(&f->seen[i], 200, "back");
	assert_int_equal(peer_connections(f->peer), 1);
	assert_int_equal(http_client_stats(f->client).connections, 1);
}

static void a_server_without_http2_gets_a_connection_per_request(void **state)
{
	struct http_fixture *f = *state;

	serve_with(f, &certs.server, false, h1_ok, NULL, NULL);
	for (int i = 0; i < 5; i++)
		http_get(f, "/together");
	http_run(f, 5);
	for (int i = 0; i < 5; i++)
		assert_answer(&f->seen[i], 200, NULL);
	assert_int_equal(peer_connections(f->peer), 5);
	for (int i = 0; i < 3; i++)
		http_get(f, "/again");
	http_run(f, 8);
	assert_int_equal(peer_connections(f->peer), 5);
}

static void large_bodies_arrive_side_by_side(void **state)
{
	struct http_fixture *f = *state;
	size_t sizes[] = { 10, 65535, 65536, 65537, 100000, 300000, 1000000 };
	char *body = x_calloc(1, 1000000);
	char text[32];

	serve_h2(f, h2_ok, NULL);
	for (int i = 0; i < 21; i++) {
		struct http_request request = {
			.method = "PATCH",
			.path = "/x",
			.body = body,
			.body_len = sizes[i % 7],
			.content_type = "application/json",
			.priority = HTTP_PRIORITY_NORMAL,
			.timeout_ms = 8000,
		};

		http_request(f, &request);
	}
	http_run(f, 21);
	for (int i = 0; i < 21; i++) {
		snprintf(text, sizeof(text), "%zu", sizes[i % 7]);
		assert_answer(&f->seen[i], 200, text);
	}
	assert_int_equal(peer_connections(f->peer), 1);
	free(body);
}

static void cancel_now(struct seen *seen)
{
	if (seen->call)
		http_cancel(seen);
}

static void cancelling_a_stream_leaves_the_connection_to_the_others(void **state)
{
	struct http_fixture *f = *state;

	serve_h2(f, h2_ok, NULL);
	for (int i = 0; i < 10; i++)
		http_get(f, "/x")->then = i % 2 ? cancel_now : NULL;
	http_run(f, 5);
	http_get(f, "/x");
	http_run(f, 6);
	for (int i = 0; i < 11; i++)
		assert_int_equal(f->seen[i].dones, i % 2 == 0);
	assert_int_equal(peer_connections(f->peer), 1);
}

/* Breaks the first stream in the middle of its body, answers the others. */
static void h2_break_first(struct peer_conn *conn, void *arg)
{
	uint32_t stream;
	size_t body_len;

	(void)arg;
	h2_open(conn);
	while (h2_next_request(conn, &stream, &body_len)) {
		if (stream > 1) {
			h2_answer(conn, stream, "ok");
			continue;
		}
		h2_head(conn, stream, 200, NULL, NULL);
		h2_data(conn, stream, "{\"half", 6, false);
		h2_rst(conn, stream, 2);
	}
}

static void a_stream_that_is_reset_is_not_complete(void **state)
{
	struct http_fixture *f = *state;

	serve_h2(f, h2_break_first, NULL);
	http_get(f, "/x");
	http_get(f, "/y");
	http_run(f, 2);
	assert_failed(&f->seen[0], ERR_UNAVAILABLE, "connection broke off");
	assert_answer(&f->seen[1], 200, "ok");
	assert_int_equal(peer_connections(f->peer), 1);
}

/* After two answers the connection says goodbye, having taken no more. */
static void h2_leave(struct peer_conn *conn, void *arg)
{
	uint32_t stream, open_stream = 0;
	size_t body_len;
	int count = 0;

	(void)arg;
	h2_open(conn);
	while (h2_next_request(conn, &stream, &body_len)) {
		if (stream == 1) {
			open_stream = stream;
			h2_head(conn, stream, 200, NULL, NULL);
			h2_data(conn, stream, "a", 1, false);
			continue;
		}
		h2_answer(conn, stream, "ok");
		if (++count == 2 && peer_number(conn) == 1) {
			h2_goaway(conn, stream, 0);
			usleep(300000);
			h2_data(conn, open_stream, "b", 1, true);
		}
	}
}

static void goaway_lets_streams_end_and_sends_new_ones_elsewhere(void **state)
{
	struct http_fixture *f = *state;

	serve_h2(f, h2_leave, NULL);
	http_await(http_get(f, "/stream"), 1);
	http_get(f, "/1");
	http_get(f, "/2");
	http_run(f, 2);
	http_pass(f, 50);
	http_get(f, "/3"); /* the first stream of its connection: stays open there */
	http_get(f, "/4");
	http_run(f, 4);
	assert_answer(&f->seen[0], 200, "ab");
	assert_answer(&f->seen[4], 200, "ok");
	assert_int_equal(peer_connections(f->peer), 2);
}

static void new_requests_after_goaway_share_one_new_connection(void **state)
{
	struct http_fixture *f = *state;

	serve_h2(f, h2_leave, NULL);
	http_await(http_get(f, "/stream"), 1);
	http_get(f, "/1");
	http_get(f, "/2");
	http_run(f, 2);
	http_pass(f, 50);
	for (int i = 0; i < 21; i++)
		http_get(f, "/x"); /* the first of them stays open */
	http_run(f, 23);
	assert_int_equal(peer_connections(f->peer), 2);
}

/* --- dead connections -------------------------------------------------- */

/* The first connection falls silent after its first answer's head. */
static void h2_die_once(struct peer_conn *conn, void *arg)
{
	uint32_t stream;
	size_t body_len;

	if (peer_number(conn) > 1) {
		h2_ok(conn, arg);
		return;
	}
	h2_open(conn);
	h2_next_request(conn, &stream, &body_len);
	h2_head(conn, stream, 200, NULL, NULL);
	h2_data(conn, stream, "watching", 8, false);
	sleep(1);
}

static void a_timeout_on_a_silent_connection_gives_it_up_with_all_streams(void **state)
{
	struct http_fixture *f = *state;
	struct http_request watch = { .method = "GET",
		                      .path = "/watch",
		                      .priority = HTTP_PRIORITY_STREAM };
	struct http_request probe = {
		.method = "GET", .path = "/livez", .timeout_ms = 60, .priority = HTTP_PRIORITY_HIGH
	};

	serve_h2(f, h2_die_once, NULL);
	http_request(f, &watch);
	http_await(&f->seen[0], 8);
	assert_string_equal(buf_cstr(&f->seen[0].body), "watching");
	http_request(f, &watch);
	http_request(f, &probe);
	http_run(f, 3);
	assert_failed(&f->seen[0], ERR_UNAVAILABLE, "connection broke off");
	assert_failed(&f->seen[1], ERR_UNAVAILABLE, "connection broke off");
	assert_failed(&f->seen[2], ERR_TIMEOUT, "no whole answer within 0.06 s");
	probe.timeout_ms = 5000;
	http_request(f, &probe);
	http_run(f, 4);
	assert_answer(&f->seen[3], 200, "0");
	assert_int_equal(peer_connections(f->peer), 2);
}

/* Never answers the second stream, but goes on with the first. */
static void h2_one_slow(struct peer_conn *conn, void *arg)
{
	uint32_t first, second;
	size_t body_len;

	(void)arg;
	h2_open(conn);
	h2_next_request(conn, &first, &body_len);
	h2_head(conn, first, 200, NULL, NULL);
	h2_next_request(conn, &second, &body_len);
	for (int i = 0; i < 40; i++) {
		h2_data(conn, first, ".", 1, false);
		usleep(10000);
	}
	h2_data(conn, first, "!", 1, true);
	h2_ok(conn, arg);
}

static void a_timeout_on_a_live_connection_ends_its_own_stream_only(void **state)
{
	struct http_fixture *f = *state;
	struct http_request slow = {
		.method = "GET", .path = "/slow", .timeout_ms = 80, .priority = HTTP_PRIORITY_NORMAL
	};

	serve_h2(f, h2_one_slow, NULL);
	http_get(f, "/watch");
	while (!f->seen[0].heads)
		http_pass(f, 2);
	http_request(f, &slow);
	http_run(f, 2);
	assert_failed(&f->seen[1], ERR_TIMEOUT, "no whole answer");
	assert_answer(&f->seen[0], 200, NULL);
	assert_int_equal(peer_connections(f->peer), 1);
}

/* The first connection never gets to TLS. */
static void deaf_once(struct peer_conn *conn, void *arg)
{
	(void)arg;
	if (peer_number(conn) == 1)
		peer_wait_closed(conn);
	else
		peer_puts(conn, "HTTP/1.1 400 Bad Request\r\n\r\n");
}

static void a_request_that_waits_in_vain_for_a_connection_ends_the_attempt(void **state)
{
	struct http_fixture *f = *state;
	struct peer *deaf = peer_new(&(struct peer_options){ 0 }, deaf_once, NULL);
	char server[64];
	struct http_client_config config = { .server = server };
	struct http_request stuck = { .method = "GET",
		                      .path = "/",
		                      .priority = HTTP_PRIORITY_NORMAL };
	struct http_request lease = {
		.method = "PUT", .path = "/", .timeout_ms = 60, .priority = HTTP_PRIORITY_HIGH
	};

	snprintf(server, sizeof(server), "https://127.0.0.1:%d", peer_port(deaf));
	serve_with(f, &certs.server, true, h2_ok, NULL, &config);
	http_request(f, &stuck);
	http_pass(f, 20);
	http_request(f, &lease);
	http_run(f, 2);
	assert_failed(&f->seen[0], ERR_TIMEOUT, "no answer in time");
	assert_failed(&f->seen[1], ERR_TIMEOUT, "no whole answer within 0.06 s");
	lease.timeout_ms = 5000;
	http_request(f, &lease);
	http_run(f, 3);
	assert_failed(&f->seen[2], ERR_UNAVAILABLE, "does not speak TLS"); /* it got through */
	assert_int_equal(peer_connections(deaf), 2);
	http_client_free(f->client);
	f->client = NULL;
	peer_free(deaf);
}

static void never(struct peer_conn *conn, void *arg)
{
	(void)arg;
	peer_wait_closed(conn);
}

static void a_request_whose_connection_is_never_made_times_out(void **state)
{
	struct http_fixture *f = *state;
	struct peer *mute = peer_new(&(struct peer_options){ 0 }, never, NULL);
	char server[64];
	struct http_client_config config = { .server = server };
	struct http_request request = {
		.method = "GET", .path = "/", .timeout_ms = 60, .priority = HTTP_PRIORITY_NORMAL
	};

	snprintf(server, sizeof(server), "https://127.0.0.1:%d", peer_port(mute));
	serve_with(f, &certs.server, true, h2_ok, NULL, &config);
	http_request(f, &request);
	http_request(f, &request); /* waits for the first one's connection */
	http_run(f, 2);
	assert_failed(&f->seen[0], ERR_TIMEOUT, "no whole answer");
	assert_failed(&f->seen[1], ERR_TIMEOUT, "no whole answer");
	http_client_free(f->client);
	f->client = NULL;
	peer_free(mute);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		http_test(a_server_of_the_given_authority_is_trusted),
		http_test(a_server_of_another_authority_of_the_same_name_is_refused),
		http_test(a_self_signed_server_is_refused),
		http_test(without_a_given_authority_the_systems_count),
		http_test(a_server_whose_certificate_has_expired_is_refused),
		http_test(a_server_with_a_certificate_for_another_host_is_refused),
		http_test(a_given_authority_shuts_out_those_of_the_system),
		http_test(verification_can_be_switched_off_by_the_settings_only),
		http_test(a_tls_server_name_is_verified_in_place_of_the_hosts),
		http_test(a_server_without_tls_is_named_so),
		http_test(a_client_certificate_is_presented),
		http_test(an_exchanged_certificate_is_used_from_the_next_request_on),
		http_test(an_exchanged_authority_decides_from_the_next_connection_on),
		http_test(a_stream_goes_on_while_the_certificate_is_exchanged),
		http_test(an_expired_client_certificate_is_refused_with_its_date),
		http_test(a_key_of_another_certificate_is_refused),
		http_test(pem_that_cannot_be_read_is_refused_by_name),
		http_test(an_encrypted_key_is_refused_without_asking_anyone),
		http_test(settings_that_would_break_a_header_are_refused),
		http_test(all_requests_share_one_connection),
		http_test(a_server_without_http2_gets_a_connection_per_request),
		http_test(large_bodies_arrive_side_by_side),
		http_test(cancelling_a_stream_leaves_the_connection_to_the_others),
		http_test(a_stream_that_is_reset_is_not_complete),
		http_test(goaway_lets_streams_end_and_sends_new_ones_elsewhere),
		http_test(new_requests_after_goaway_share_one_new_connection),
		http_test(a_request_that_waits_in_vain_for_a_connection_ends_the_attempt),
		http_test(a_timeout_on_a_silent_connection_gives_it_up_with_all_streams),
		http_test(a_timeout_on_a_live_connection_ends_its_own_stream_only),
		http_test(a_request_whose_connection_is_never_made_times_out),
	};

	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
