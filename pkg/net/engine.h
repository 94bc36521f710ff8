/* libcurl, fenced in: exchanges on one multi handle, driven by the loop. */
#ifndef NET_ENGINE_H
#define NET_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"
#include "net/fault.h"
#include "net/settings.h"

/*
 * The engine knows one server and how to exchange one request for one
 * answer with it. When, how many at once and how long is its user's
 * business (http_client.c), and so is what to do about a fault.
 */
struct engine;
struct transfer;

struct transfer_request {
	const char *method;
	const char *path;         /* behind the server's prefix; valid (url_path_valid) */
	const char *content_type; /* of the body, or NULL */
	const char *accept;
	char *body; /* consumed, on the heap; or NULL */
	size_t body_len;
};

/*
 * All but the last are called by libcurl: they may not start a transfer or
 * drive the engine; aborting is fine (not in on_send). on_end comes once, from the loop or
 * from engine_kick, never from engine_start, and is for taking note only.
 * Nothing comes after engine_abort.
 */
struct transfer_handlers {
	int (*on_send)(void *arg); /* it has a connection, nothing was sent; -1: don't */
	int (*on_head_line)(void *arg, const char *line, size_t len); /* -1: give up */
	int (*on_data)(void *arg, const char *data, size_t len);      /* -1: give up */
	void (*on_end)(void *arg, const struct fault *fault);
};

/*
 * `settings` are borrowed, `handlers` copied.
 * Never fails: what libcurl may refuse here is memory, which ends the process.
 */
struct engine *engine_new(struct loop *loop, const struct settings *settings,
                          const struct transfer_handlers *handlers);

/* Aborts all transfers. Not from a handler. NULL is taken. */
void engine_free(struct engine *engine);

/* From the next transfer on; NULL for none. Copied; the old one is wiped. */
void engine_set_token(struct engine *engine, const char *token);

/*
 * Begin; it goes out with the next engine_kick, or, where a connection has
 * to be made first, when the ones before it have theirs.
 */
struct transfer *engine_start(struct engine *engine, const struct transfer_request *request,
                              void *arg);

/* Send now what was started. Not from a handler. */
void engine_kick(struct engine *engine);

/* End it without on_end. Of an HTTP/2 connection only this stream ends. */
void engine_abort(struct transfer *transfer);

/* Whether it was aborted, for use right after a handler: the transfer is not gone yet then. */
bool transfer_aborted(const struct transfer *transfer);

/*
 * Abort it, and if nothing at all has come from its connection after
 * `since_ms` (loop_mono_ms), give up the connection for dead: its other
 * transfers end as FAULT_BROKEN and none is started on it again. Likewise
 * the attempt to connect that it has waited for. Not from a handler.
 */
void engine_abort_unless_alive(struct transfer *transfer, int64_t since_ms);

/* Connections opened so far. */
uint64_t engine_connections(const struct engine *engine);

#endif
