/* What tests of the HTTP client share: a loop, a client, and calls that remember. */
#ifndef SUPPORT_HTTP_H
#define SUPPORT_HTTP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "net/http_client.h"
#include "support_peer.h"

struct http_fixture;

/* A call of a test, and all that was heard of it. */
struct seen {
	struct http_fixture *f;
	struct http_call *call; /* NULL after on_done or cancel */
	int heads;              /* times on_head came */
	int status;             /* what it said */
	struct buf body;
	int chunks; /* times on_data came */
	int dones;  /* times on_done came */
	struct http_result result;
	struct err err;
	int order;                     /* the how-manieth on_done this was */
	void (*then)(struct seen *);   /* run by on_data, or by on_head */
	void (*at_end)(struct seen *); /* run by on_done */
	bool refuse;                   /* on_data returns an error */
};

enum { SEEN_MAX = 256 };

struct http_fixture {
	struct loop *loop;
	struct loop_timer *limit;
	struct http_client *client;
	struct peer *peer;
	struct seen seen[SEEN_MAX];
	int count;  /* of seen */
	int dones;  /* of all */
	int wanted; /* dones that end the loop */
};

int http_setup(void **state);
int http_teardown(void **state);

/* Start a script and a client for it; `config` may be NULL. */
void http_serve(struct http_fixture *f, const struct peer_options *options, peer_fn *fn, void *arg,
                const struct http_client_config *config);

/* Start a request; `body` may be NULL. */
struct seen *http_request(struct http_fixture *f, const struct http_request *request);
struct seen *http_get(struct http_fixture *f, const char *path);
void http_cancel(struct seen *seen);

/* Run until so many calls have ended, in all. */
void http_run(struct http_fixture *f, int dones);

/* Run until so many bytes of its body have come. */
void http_await(struct seen *seen, size_t bytes);

/* Run for so long. */
void http_pass(struct http_fixture *f, int64_t ms);

/* One whole request: it must have got this status and body. */
void assert_answer(const struct seen *seen, int status, const char *body);

/* It must have ended with this code, and its text must hold `text`. */
void assert_failed(const struct seen *seen, enum err_code code, const char *text);

#define http_test(name) cmocka_unit_test_setup_teardown(name, http_setup, http_teardown)

#endif
