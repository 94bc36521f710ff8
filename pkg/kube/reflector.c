#include "kube/reflector.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/object.h"
#include "api/status.h"
#include "base/limits.h"
#include "base/log.h"
#include "kube/backoff.h"
#include "kube/client.h"
#include "kube/keep.h"
#include "kube/refusal.h"
#include "kube/escape.h"

enum {
	PAGE_ITEMS = 500,             /* of a list, as client-go asks for */
	LIST_TIMEOUT_MS = 60 * 1000,  /* of one page; the server's own is as long */
	WATCH_SHORTEST_S = 270,       /* timeoutSeconds is random between these two: under */
	WATCH_LONGEST_S = 295,        /* what proxies allow, and not all at the same time */
	WATCH_MARGIN_MS = 15 * 1000,  /* how much later we give up ourselves */
	WATCH_HEALTHY_MS = 1000,      /* a watch that ends before, without an event, failed */
	BACKOFF_FIRST_MS = 800,       /* waits are doubled and up to doubled again by jitter */
	BACKOFF_LAST_MS = 30 * 1000,
	BACKOFF_LAST_MISSING_MS = 5 * 1000, /* a CRD that is missing is about to be installed */
	BACKOFF_RESET_MS = 120 * 1000,      /* without failure, after which the first comes next */
	WATCH_FAILURES_TO_LIST = 5,         /* in a row without an event: the version is in doubt */
};

struct reflector {
	struct loop *loop;
	struct transport *transport;
	const struct resource *resource;
	struct reflector_handlers handlers;
	struct credentials *credentials;     /* or NULL */
	struct arena arena;                  /* of the strings and tables below */
	const char *name;                    /* "watch pods", for the log */
	const char *ns;                      /* or NULL */
	const char *selector;                /* escaped query "labelSelector=…&", or "" */
	const struct json_keep *keep_list;   /* of a list with its items */
	const struct json_keep *keep_event;  /* of a watch event */

	enum reflector_state state;
	struct loop_task *next;              /* does what the state says */
	struct loop_timer *timer;            /* ends a WAITING state */
	struct http_call *call;              /* of LISTING and WATCHING, NULL in between */
	struct json_stream *stream;          /* reads its answer while it is a success */
	int status;                          /* of its answer, 0 before the head */
	struct buf refusal;                  /* its body while it is none */
	size_t received;                     /* bytes of the whole list so far */
	bool whole;                          /* the page's document was complete */

	char *page;                          /* escaped token of the next page, or NULL */
	bool unpaged;                        /* the next list is asked for in one piece */
	uint64_t list_version;               /* of the list under way, 0 unknown */
	uint64_t version;                    /* handed on; where the next watch begins */
	int64_t watch_began_ms;              /* when the stream was asked for */
	uint64_t watch_events;               /* that it brought */

	unsigned gone_in_row;                /* 410s since a watch last was healthy */
	unsigned watch_failures;             /* failed watches since then */
	struct backoff backoff;
	struct err error;                    /* the last failure, or ERR_NONE */
	struct credentials_waiter waiter;    /* after a 401 */
	uint64_t generation;                 /* of the credentials the call was made with */
	uint64_t lists;
	uint64_t watches;
};

/* --- states ----------------------------------------------------------- */

static const char *const STATE_NAMES[] = {
	[REFLECTOR_STOPPED] = "stopped",
	[REFLECTOR_LISTING] = "listing",
	[REFLECTOR_WATCHING] = "watching",
	[REFLECTOR_WAITING_TO_LIST] = "waiting to list",
	[REFLECTOR_WAITING_TO_WATCH] = "waiting to watch",
};

#define TO(state) (1U << REFLECTOR_##state)

/* Where each state may go. */
static const unsigned ALLOWED[] = {
	[REFLECTOR_STOPPED] = TO(LISTING),
	[REFLECTOR_LISTING] = TO(LISTING) | TO(WATCHING) | TO(WAITING_TO_LIST) | TO(STOPPED),
	[REFLECTOR_WATCHING] = TO(LISTING) | TO(WATCHING) | TO(WAITING_TO_LIST) |
			       TO(WAITING_TO_WATCH) | TO(STOPPED),
	[REFLECTOR_WAITING_TO_LIST] = TO(LISTING) | TO(STOPPED),
	[REFLECTOR_WAITING_TO_WATCH] = TO(WATCHING) | TO(STOPPED),
};

const char *reflector_state_name(enum reflector_state state)
{
	return STATE_NAMES[state];
}

static void enter(struct reflector *reflector, enum reflector_state state)
{
	assert(ALLOWED[reflector->state] & (1U << state));
	log_debug(reflector->name, "%s -> %s at version %" PRIu64, STATE_NAMES[reflector->state],
		  STATE_NAMES[state], reflector->version);
	reflector->state = state;
}

/* Enter a state that has something to do, which is done in the next turn. */
static void proceed(struct reflector *reflector, enum reflector_state state)
{
	enter(reflector, state);
	loop_task_post(reflector->next);
}

/* --- failures --------------------------------------------------------- */

/* Whether it is worth a line of its own is decided by who asks for the state. */
static void note_failure(struct reflector *reflector, const struct err *err, int64_t delay_ms)
{
	log_debug(reflector->name, "%s; again in %" PRId64 " ms", err->msg, delay_ms);
	reflector->error = *err;
}

/* Wait in `state`; a 401 ends the wait when there are new credentials. */
static void wait_after(struct reflector *reflector, enum reflector_state state,
		       const struct err *err)
{
	int64_t most_ms = err->code == ERR_NOT_FOUND ? BACKOFF_LAST_MISSING_MS : BACKOFF_LAST_MS;
	int64_t delay_ms =
		backoff_next(&reflector->backoff, loop_mono_ms(reflector->loop), most_ms);

	if (delay_ms < err->retry_after_ms)
		delay_ms = err->retry_after_ms;
	note_failure(reflector, err, delay_ms);
	enter(reflector, state);
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
	proceed(reflector, reflector->state == REFLECTOR_WAITING_TO_LIST ? REFLECTOR_LISTING :
									     REFLECTOR_WATCHING);
}

/* The version is too old: list at once, but not twice in a row. */
static void list_again(struct reflector *reflector, const struct err *err)
{
	if (reflector->gone_in_row++ == 0) {
		log_debug(reflector->name, "%s; listing again", err->msg);
		proceed(reflector, REFLECTOR_LISTING);
	} else {
		wait_after(reflector, REFLECTOR_WAITING_TO_LIST, err);
	}
}

/* --- requests --------------------------------------------------------- */

static void close_call(struct reflector *reflector)
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
	if (reflector->state == REFLECTOR_LISTING && reflector->received > LIMIT_LIST)
		return err_set(err, ERR_LIMIT, "the list is larger than %lu bytes", LIMIT_LIST);
	return json_stream_feed(reflector->stream, data, len, err);
}

static void list_done(struct reflector *reflector, const struct http_result *result,
		      struct err *err);
static void watch_done(struct reflector *reflector, struct err *err);

static void on_done(void *arg, const struct http_result *result, const struct err *why)
{
	struct reflector *reflector = arg;
	struct err err = *why;

	if (is_refusal(result))
		refusal_error(result, &reflector->refusal, &err);
	if (reflector->state == REFLECTOR_LISTING)
		list_done(reflector, result, &err);
	else
		watch_done(reflector, &err);
}

static const struct http_handlers HANDLERS = {
	.on_head = on_head,
	.on_data = on_data,
	.on_done = on_done,
};

static void open_call(struct reflector *reflector, const char *query, int64_t timeout_ms,
		      const struct json_stream_config *config)
{
	bool watch = reflector->state == REFLECTOR_WATCHING;
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

/* Whether an object has the kind `kind`, or none when that is `optional`. */
static bool is_kind(const struct reflector *reflector, const struct json *object,
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

/* The version of an object or a list, or 0. */
static uint64_t version_of(const struct json *value)
{
	uint64_t version = 0;

	version_parse(json_string_or(json_path(value, "metadata", "resourceVersion", NULL), ""),
		      &version);
	return version;
}

/* --- listing ---------------------------------------------------------- */

static int on_list_value(void *arg, struct arena *arena, struct json *value, bool element,
			 struct err *err)
{
	struct reflector *reflector = arg;
	const char *page;

	if (element) {
		if (is_kind(reflector, value, "", true))
			reflector->handlers.list_item(reflector->handlers.arg, arena, value);
		else
			log_warn(reflector->name, "an item of another kind is left out");
		return 0;
	}
	if (!is_kind(reflector, value, "List", false))
		return err_set(err, ERR_PARSE, "the answer is no %sList", reflector->resource->kind);
	reflector->list_version = version_of(value);
	if (!reflector->list_version)
		return err_set(err, ERR_PARSE, "the list has no resourceVersion");
	page = json_string_or(json_path(value, "metadata", "continue", NULL), "");
	free(reflector->page);
	reflector->page = *page ? x_strdup(page) : NULL;
	reflector->whole = true;
	return 0;
}

static void list_begin(struct reflector *reflector)
{
	reflector->lists++;
	reflector->received = 0;
	reflector->handlers.list_begin(reflector->handlers.arg);
}

/*
 * Ask for a page. The first one names no version: a consistent read, so
 * that a restart never sees the past. The next ones name nothing but their
 * token. Source: KEP-2340, client-go/tools/pager.
 */
static void list_page(struct reflector *reflector)
{
	const struct json_stream_config config = {
		.keep = reflector->keep_list,
		.items = "items",
		.max_value_bytes = LIMIT_DOCUMENT,
		.on_value = on_list_value,
		.arg = reflector,
	};
	struct buf query = BUF_INIT(LIMIT_HTTP_HEAD);

	if (!reflector->page)
		list_begin(reflector);
	reflector->whole = false;
	buf_puts(&query, reflector->selector);
	if (!reflector->unpaged)
		buf_printf(&query, "limit=%d", PAGE_ITEMS);
	if (reflector->page) {
		buf_puts(&query, "&continue=");
		escape_url(&query, reflector->page);
	}
	open_call(reflector, buf_cstr(&query), LIST_TIMEOUT_MS, &config);
	buf_release(&query);
}

static void list_failed(struct reflector *reflector, const struct err *err)
{
	bool paging = reflector->page != NULL;

	free(reflector->page);
	reflector->page = NULL;
	if (err->code == ERR_GONE) {
		reflector->unpaged = paging;
		list_again(reflector, err);
	} else {
		wait_after(reflector, REFLECTOR_WAITING_TO_LIST, err);
	}
}

static void list_done(struct reflector *reflector, const struct http_result *result,
		      struct err *err)
{
	if (err->code == ERR_NONE && json_stream_finish(reflector->stream, err) == 0 &&
	    (!reflector->whole || !result->complete))
		err_set(err, ERR_PARSE, "the list was cut off after %zu bytes",
			reflector->received);
	close_call(reflector);
	if (err->code != ERR_NONE) {
		err_wrap(err, "list");
		list_failed(reflector, err);
	} else if (reflector->page) {
		loop_task_post(reflector->next);
	} else {
		reflector->unpaged = false;
		reflector->version = reflector->list_version;
		reflector->handlers.list_end(reflector->handlers.arg, reflector->version);
		proceed(reflector, REFLECTOR_WATCHING);
	}
}

/* --- watching --------------------------------------------------------- */

/* Everything up to `version` was handed on. */
static void advance(struct reflector *reflector, uint64_t version)
{
	if (version > reflector->version)
		reflector->version = version;
}

static void on_object(struct reflector *reflector, struct arena *arena, const struct json *object,
		      bool gone)
{
	uint64_t version = version_of(object);

	if (!version) {
		log_warn(reflector->name, "an event without resourceVersion is left out");
		return;
	}
	reflector->watch_events++;
	reflector->handlers.event(reflector->handlers.arg, arena, object, version, gone);
	advance(reflector, version);
}

static int on_watch_value(void *arg, struct arena *arena, struct json *value, bool element,
			  struct err *err)
{
	struct reflector *reflector = arg;
	const char *type = json_string_or(json_get(value, "type"), "");
	const struct json *object = json_get(value, "object");

	(void)element;
	if (strcmp(type, "ERROR") == 0)
		return status_error(err, 200, 0, object);
	if (!is_kind(reflector, object, "", false)) {
		log_warn(reflector->name, "an event of another kind is left out");
		return 0;
	}
	if (strcmp(type, "BOOKMARK") == 0)
		advance(reflector, version_of(object));
	else if (strcmp(type, "ADDED") == 0 || strcmp(type, "MODIFIED") == 0)
		on_object(reflector, arena, object, false);
	else if (strcmp(type, "DELETED") == 0)
		on_object(reflector, arena, object, true);
	else
		log_warn(reflector->name, "an event of unknown type is left out");
	return 0;
}

static void watch_open(struct reflector *reflector)
{
	const struct json_stream_config config = {
		.keep = reflector->keep_event,
		.max_value_bytes = LIMIT_DOCUMENT,
		.on_value = on_watch_value,
		.arg = reflector,
	};
	struct buf query = BUF_INIT(LIMIT_HTTP_HEAD);
	int64_t seconds = WATCH_SHORTEST_S +
			  prng_upto(&reflector->backoff.prng, WATCH_LONGEST_S - WATCH_SHORTEST_S);

	buf_printf(&query,
		   "%swatch=1&allowWatchBookmarks=true&resourceVersion=%" PRIu64
		   "&timeoutSeconds=%" PRId64,
		   reflector->selector, reflector->version, seconds);
	reflector->watches++;
	reflector->watch_began_ms = loop_mono_ms(reflector->loop);
	reflector->watch_events = 0;
	open_call(reflector, buf_cstr(&query), seconds * 1000 + WATCH_MARGIN_MS, &config);
	buf_release(&query);
}

/* Whether the watch from the same version has a point after this. */
static bool may_resume(enum err_code code)
{
	return code == ERR_NONE || code == ERR_RATE_LIMITED || code == ERR_UNAVAILABLE ||
	       code == ERR_TIMEOUT || code == ERR_UNAUTHORIZED || code == ERR_FORBIDDEN;
}

/* By the server's timeout, our own, or a lost connection; not by what the server said. */
static bool is_ordinary_end(const struct err *err)
{
	return err->code == ERR_NONE ||
	       (err->http_status < 400 && (err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT));
}

/*
 * A stream has ended. One that lived is just opened again, whether the
 * server ended it or the network did; half an event at its end is dropped.
 */
static void watch_done(struct reflector *reflector, struct err *err)
{
	int64_t lived_ms = loop_mono_ms(reflector->loop) - reflector->watch_began_ms;
	bool healthy = reflector->status == 200 &&
		       (reflector->watch_events || lived_ms >= WATCH_HEALTHY_MS);

	close_call(reflector);
	if (healthy) {
		reflector->gone_in_row = 0;
		reflector->watch_failures = 0;
	}
	if (healthy && is_ordinary_end(err)) {
		proceed(reflector, REFLECTOR_WATCHING);
		return;
	}
	if (err->code == ERR_NONE)
		err_set(err, ERR_UNAVAILABLE, "ended at once without an event");
	err_wrap(err, "watch");
	if (err->code == ERR_GONE)
		list_again(reflector, err);
	else if (may_resume(err->code) && ++reflector->watch_failures < WATCH_FAILURES_TO_LIST)
		wait_after(reflector, REFLECTOR_WAITING_TO_WATCH, err);
	else
		wait_after(reflector, REFLECTOR_WAITING_TO_LIST, err);
}

/* --- the reflector ---------------------------------------------------- */

static void on_next(void *arg)
{
	struct reflector *reflector = arg;

	if (reflector->state == REFLECTOR_LISTING)
		list_page(reflector);
	else if (reflector->state == REFLECTOR_WATCHING)
		watch_open(reflector);
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
		proceed(reflector, REFLECTOR_LISTING);
}

void reflector_stop(struct reflector *reflector)
{
	if (reflector->state == REFLECTOR_STOPPED)
		return;
	if (reflector->call)
		transport_cancel(reflector->transport, reflector->call);
	close_call(reflector);
	credentials_forget(&reflector->waiter);
	loop_timer_stop(reflector->timer);
	free(reflector->page);
	reflector->page = NULL;
	enter(reflector, REFLECTOR_STOPPED);
}

void reflector_hurry(struct reflector *reflector)
{
	if (loop_timer_running(reflector->timer))
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
