#include "kube/reflector.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/object.h"
#include "base/limits.h"
#include "base/log.h"
#include "kube/client.h"
#include "kube/escape.h"
#include "kube/keep.h"
#include "kube/reflector_private.h"
#include "kube/refusal.h"

enum {
	BACKOFF_FIRST_MS = 800,       /* waits are doubled and up to doubled again by jitter */
	BACKOFF_LAST_MS = 30 * 1000,
	BACKOFF_LAST_MISSING_MS = 5 * 1000, /* a CRD that is missing is about to be installed */
	BACKOFF_RESET_MS = 120 * 1000,      /* without failure, after which the first comes next */
};

/* --- states ----------------------------------------------------------- */

static const char *const STATE_NAMES[] = {
	[REFLECTOR_STOPPED] = "stopped",
	[REFLECTOR_STREAMING] = "streaming a list",
	[REFLECTOR_LISTING] = "listing",
	[REFLECTOR_WATCHING] = "watching",
	[REFLECTOR_WAITING_TO_LIST] = "waiting to list",
	[REFLECTOR_WAITING_TO_WATCH] = "waiting to watch",
};

#define TO(state) (1U << REFLECTOR_##state)

/* Where each state may go. */
static const unsigned ALLOWED[] = {
	[REFLECTOR_STOPPED] = TO(STREAMING) | TO(LISTING),
	[REFLECTOR_STREAMING] = TO(WATCHING) | TO(LISTING) | TO(WAITING_TO_LIST) | TO(STOPPED),
	[REFLECTOR_LISTING] = TO(STREAMING) | TO(LISTING) | TO(WATCHING) | TO(WAITING_TO_LIST) | TO(STOPPED),
	[REFLECTOR_WATCHING] = TO(STREAMING) | TO(LISTING) | TO(WATCHING) | TO(WAITING_TO_LIST) |
			       TO(WAITING_TO_WATCH) | TO(STOPPED),
	[REFLECTOR_WAITING_TO_LIST] = TO(STREAMING) | TO(LISTING) | TO(STOPPED),
	[REFLECTOR_WAITING_TO_WATCH] = TO(WATCHING) | TO(STOPPED),
};

const char *reflector_state_name(enum reflector_state state)
{
	return STATE_NAMES[state];
}

void reflector_enter(struct reflector *reflector, enum reflector_state state)
{
	assert(ALLOWED[reflector->state] & (1U << state));
	log_debug(reflector->name, "%s -> %s at version %" PRIu64, STATE_NAMES[reflector->state],
		  STATE_NAMES[state], reflector->version);
	reflector->state = state;
}

void reflector_proceed(struct reflector *reflector, enum reflector_state state)
{
	reflector_enter(reflector, state);
	loop_task_post(reflector->next);
}

void reflector_relist(struct reflector *reflector)
{
	bool by_pages = !reflector->stream_lists || reflector->page_next;

	reflector_proceed(reflector, by_pages ? REFLECTOR_LISTING : REFLECTOR_STREAMING);
}

/* --- failures --------------------------------------------------------- */

/* Whether it is worth a line of its own is decided by who asks for the state. */
static void note_failure(struct reflector *reflector, const struct err *err, int64_t delay_ms)
{
	log_debug(reflector->name, "%s; again in %" PRId64 " ms", err->msg, delay_ms);
	reflector->error = *err;
}

void reflector_wait(struct reflector *reflector, enum reflector_state state,
		       const struct err *err)
{
	int64_t most_ms = err->code == ERR_NOT_FOUND ? BACKOFF_LAST_MISSING_MS : BACKOFF_LAST_MS;
	int64_t delay_ms =
		backoff_next(&reflector->backoff, loop_mono_ms(reflector->loop), most_ms);

	if (delay_ms < err->retry_after_ms)
		delay_ms = err->retry_after_ms;
	note_failure(reflector, err, delay_ms);
	reflector_enter(reflector, state);
	loop_timer_start(reflector->timer, delay_ms);
	if (err->code == ERR_UNAUTHORIZED && reflector->credentials) {
		reflector->waiter.generation = reflector->generation;
		credentials_renew(reflector->credentials, &reflector->waiter);
	}
}

static void on_renewed(void *arg, bool renewed)
{
	struct reflector *reflector = arg;

	if (renewed && loop_timer_running(reflector->timer))
		loop_timer_start(reflector->timer, 0);
}

static void on_timer(void *arg)
{
	struct reflector *reflector = arg;

	credentials_forget(&reflector->waiter);
	if (reflector->state == REFLECTOR_STREAMING)
		reflector_stream_late(reflector);
	else if (reflector->state == REFLECTOR_WAITING_TO_LIST)
		reflector_relist(reflector);
	else
		reflector_proceed(reflector, REFLECTOR_WATCHING);
}

void reflector_list_again(struct reflector *reflector, const struct err *err)
{
	if (reflector->gone_in_row++ == 0) {
		log_debug(reflector->name, "%s; listing again", err->msg);
		reflector_relist(reflector);
	} else {
		reflector_wait(reflector, REFLECTOR_WAITING_TO_LIST, err);
	}
}

/* --- requests --------------------------------------------------------- */

void reflector_close_call(struct reflector *reflector)
{
	reflector->call = NULL;
	json_stream_free(reflector->stream);
	reflector->stream = NULL;
	buf_release(&reflector->refusal);
}

static void on_head(void *arg, int status)
{
	struct reflector *reflector = arg;

	reflector->status = status;
	if (status == 200 && reflector->state == REFLECTOR_WATCHING)
		reflector->error = (struct err)ERR_INIT;
}

static int on_data(void *arg, const char *data, size_t len, struct err *err)
{
	struct reflector *reflector = arg;

	if (reflector->status != 200) {
		buf_append(&reflector->refusal, data, len); /* may be cut */
		return 0;
	}
	reflector->received += len;
	if (reflector->state != REFLECTOR_WATCHING && reflector->received > LIMIT_LIST)
		return err_set(err, ERR_LIMIT, "the list is larger than %lu bytes", LIMIT_LIST);
	return json_stream_feed(reflector->stream, data, len, err);
}

static void on_done(void *arg, const struct http_result *result, const struct err *why)
{
	struct reflector *reflector = arg;
	struct err err = *why;

	if (is_refusal(result))
		refusal_error(result, &reflector->refusal, &err);
	if (reflector->state == REFLECTOR_LISTING)
		reflector_list_done(reflector, result, &err);
	else if (reflector->state == REFLECTOR_STREAMING)
		reflector_stream_done(reflector, &err);
	else
		reflector_watch_done(reflector, &err);
}

static const struct http_handlers HANDLERS = {
	.on_head = on_head,
	.on_data = on_data,
	.on_done = on_done,
};

void reflector_open_call(struct reflector *reflector, const char *query, int64_t timeout_ms,
		      const struct json_stream_config *config)
{
	bool watch = reflector->state != REFLECTOR_LISTING;
	struct client_request resource = {
		.verb = watch ? "watch" : "list",
		.resource = reflector->resource,
		.ns = reflector->ns,
		.query = query,
	};
	struct arena scratch = ARENA_INIT;
	struct http_request request = {
		.method = "GET",
		.path = client_path(&scratch, &resource),
		.timeout_ms = timeout_ms,
		.priority = watch ? HTTP_PRIORITY_STREAM : HTTP_PRIORITY_NORMAL,
	};

	assert(!reflector->call && request.path);
	reflector->status = 0;
	reflector->stream = json_stream_new(config);
	buf_init(&reflector->refusal, LIMIT_ERROR_BODY);
	if (reflector->credentials)
		reflector->generation = credentials_generation(reflector->credentials);
	reflector->call = transport_start(reflector->transport, &request, &HANDLERS, reflector);
	arena_release(&scratch);
}

bool reflector_is_kind(const struct reflector *reflector, const struct json *object,
		    const char *suffix, bool optional)
{
	const char *kind = json_string_or(json_get(object, "kind"), NULL);
	const char *version = json_string_or(json_get(object, "apiVersion"), NULL);
	const struct resource *resource = reflector->resource;
	size_t len = strlen(resource->kind);

	if (optional && !kind && !version)
		return true;
	return kind && version && strcmp(version, resource->api_version) == 0 &&
	       strncmp(kind, resource->kind, len) == 0 && strcmp(kind + len, suffix) == 0;
}

uint64_t reflector_version_of(const struct json *value)
{
	uint64_t version = 0;

	version_parse(json_string_or(json_path(value, "metadata", "resourceVersion", NULL), ""),
		      &version);
	return version;
}

/* --- lists --------------------------------------------------------- */

void reflector_list_begin(struct reflector *reflector)
{
	reflector->lists++;
	reflector->received = 0;
	reflector->handlers.list_begin(reflector->handlers.arg);
}

void reflector_list_end(struct reflector *reflector, uint64_t version)
{
	reflector->page_next = false;
	reflector->version = version;
	reflector->handlers.list_end(reflector->handlers.arg, version);
}

/* --- the reflector ---------------------------------------------------- */

static void on_next(void *arg)
{
	struct reflector *reflector = arg;

	if (reflector->state == REFLECTOR_STREAMING)
		reflector_stream_open(reflector);
	else if (reflector->state == REFLECTOR_LISTING)
		reflector_list_page(reflector);
	else if (reflector->state == REFLECTOR_WATCHING)
		reflector_watch_open(reflector);
}

static const char *make_selector(struct arena *arena, const char *label_selector)
{
	struct buf query = BUF_INIT(LIMIT_HTTP_HEAD / 2);
	const char *text;

	if (!label_selector)
		return "";
	buf_puts(&query, "labelSelector=");
	escape_url(&query, label_selector);
	buf_putc(&query, '&');
	assert(!query.overflow);
	text = arena_strdup(arena, buf_cstr(&query));
	buf_release(&query);
	return text;
}

struct reflector *reflector_new(struct loop *loop, struct transport *transport,
				const struct reflector_config *config)
{
	struct reflector *reflector = x_calloc(1, sizeof(*reflector));
	bool one = config->ns && *config->ns;

	arena_init(&reflector->arena);
	reflector->loop = loop;
	reflector->transport = transport;
	reflector->resource = config->resource;
	reflector->handlers = config->handlers;
	reflector->credentials = config->credentials;
	reflector->stream_lists = config->stream_lists;
	reflector->ns = one ? arena_strdup(&reflector->arena, config->ns) : NULL;
	reflector->name = arena_printf(&reflector->arena, "watch %s%s%s", config->resource->plural,
				       one ? " in " : "", one ? config->ns : "");
	reflector->selector = make_selector(&reflector->arena, config->label_selector);
	reflector->keep_list = keep_of_list(&reflector->arena, config->keep);
	reflector->keep_event = keep_of_event(&reflector->arena, config->keep);
	reflector->next = loop_task_new(loop, on_next, reflector);
	reflector->timer = loop_timer_new(loop, on_timer, reflector);
	list_init(&reflector->waiter.node);
	reflector->waiter.done = on_renewed;
	reflector->waiter.arg = reflector;
	backoff_init(&reflector->backoff, BACKOFF_FIRST_MS, BACKOFF_LAST_MS, BACKOFF_RESET_MS);
	return reflector;
}

void reflector_free(struct reflector *reflector)
{
	if (!reflector)
		return;
	reflector_stop(reflector);
	loop_task_free(reflector->next);
	loop_timer_free(reflector->timer);
	arena_release(&reflector->arena);
	free(reflector);
}

void reflector_start(struct reflector *reflector)
{
	if (reflector->state == REFLECTOR_STOPPED)
		reflector_relist(reflector);
}

void reflector_stop(struct reflector *reflector)
{
	if (reflector->state == REFLECTOR_STOPPED)
		return;
	if (reflector->call)
		transport_cancel(reflector->transport, reflector->call);
	reflector_close_call(reflector);
	credentials_forget(&reflector->waiter);
	loop_timer_stop(reflector->timer);
	free(reflector->page);
	reflector->page = NULL;
	reflector_enter(reflector, REFLECTOR_STOPPED);
}

void reflector_hurry(struct reflector *reflector)
{
	if (reflector->state != REFLECTOR_STREAMING && loop_timer_running(reflector->timer))
		loop_timer_start(reflector->timer, 0);
}

void reflector_status(const struct reflector *reflector, struct reflector_status *ret_status)
{
	*ret_status = (struct reflector_status){
		.state = reflector->state,
		.version = reflector->version,
		.lists = reflector->lists,
		.watches = reflector->watches,
		.error = reflector->error.code == ERR_NONE ? NULL : &reflector->error,
	};
}
