#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/status.h"
#include "base/limits.h"
#include "base/log.h"
#include "kube/reflector_private.h"

enum {
	WATCH_SHORTEST_S = 270,       /* timeoutSeconds is random between these two: under */
	WATCH_LONGEST_S = 295,        /* what proxies allow, and not all at the same time */
	WATCH_MARGIN_MS = 15 * 1000,  /* how much later we give up ourselves */
	WATCH_HEALTHY_MS = 1000,      /* a watch that ends before, without an event, failed */
	WATCH_FAILURES_TO_LIST = 5,   /* in a row without an event: the version is in doubt */
};

/* Everything up to `version` was handed on. */
static void advance(struct reflector *reflector, uint64_t version)
{
	if (version > reflector->version)
		reflector->version = version;
}

static void on_object(struct reflector *reflector, struct arena *arena, const struct json *object,
		      bool gone)
{
	uint64_t version = reflector_version_of(object);

	if (!version) {
		log_warn(reflector->name, "an event without resourceVersion is left out");
		return;
	}
	reflector->watch_events++;
	reflector->handlers.event(reflector->handlers.arg, arena, object, version, gone);
	advance(reflector, version);
}

/* The mark after the last object that there was at first, or a version without news. */
static void on_bookmark(struct reflector *reflector, const struct json *object)
{
	const struct json *mark = json_path(object, "metadata", "annotations", "k8s.io/initial-events-end", NULL);
	uint64_t version = reflector_version_of(object);

	if (reflector->state == REFLECTOR_WATCHING) {
		advance(reflector, version);
	} else if (version && strcmp(json_string_or(mark, ""), "true") == 0) {
		loop_timer_stop(reflector->timer);
		reflector->error = (struct err)ERR_INIT;
		reflector->watches++;
		reflector->watch_events++; /* however soon it ends now, it lived */
		reflector_list_end(reflector, version);
		reflector_enter(reflector, REFLECTOR_WATCHING);
	}
}

/*
 * Before the mark: what is there comes in no order, so that no version is
 * reached; what goes meanwhile goes.
 */
static void on_listed(struct reflector *reflector, struct arena *arena, const struct json *object,
		      bool gone)
{
	if (gone)
		on_object(reflector, arena, object, true);
	else
		reflector->handlers.list_item(reflector->handlers.arg, arena, object);
}

static int on_watch_value(void *arg, struct arena *arena, struct json *value, bool element,
			  struct err *err)
{
	struct reflector *reflector = arg;
	const char *type = json_string_or(json_get(value, "type"), "");
	const struct json *object = json_get(value, "object");
	bool gone = strcmp(type, "DELETED") == 0;

	(void)element;
	if (strcmp(type, "ERROR") == 0)
		return status_error(err, 200, 0, object);
	if (!reflector_is_kind(reflector, object, "", false)) {
		log_warn(reflector->name, "an event of another kind is left out");
		return 0;
	}
	if (strcmp(type, "BOOKMARK") == 0)
		on_bookmark(reflector, object);
	else if (!gone && strcmp(type, "ADDED") != 0 && strcmp(type, "MODIFIED") != 0)
		log_warn(reflector->name, "an event of unknown type is left out");
	else if (reflector->state == REFLECTOR_STREAMING)
		on_listed(reflector, arena, object, gone);
	else
		on_object(reflector, arena, object, gone);
	return 0;
}

/* `from`: "resourceVersion=…" or what asks for a list first. */
static void open_events(struct reflector *reflector, const char *from)
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

	buf_printf(&query, "%swatch=1&allowWatchBookmarks=true&%s&timeoutSeconds=%" PRId64,
		   reflector->selector, from, seconds);
	reflector->watch_began_ms = loop_mono_ms(reflector->loop);
	reflector->watch_events = 0;
	reflector_open_call(reflector, buf_cstr(&query), seconds * 1000 + WATCH_MARGIN_MS, &config);
	buf_release(&query);
}

/* --- a list by a stream -------------------------------------------- */

/* Without a version: a consistent read, as of a page. Source: KEP-3157. */
void reflector_stream_open(struct reflector *reflector)
{
	reflector_list_begin(reflector);
	loop_timer_start(reflector->timer, LIST_TIMEOUT_MS);
	open_events(reflector, "sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
}

/*
 * It ended before the mark. A server that doesn't know how says so, and is
 * not asked again; one that says no to the list itself would say no to a
 * page, too. Whatever else broke it may break streams alone.
 */
static void stream_failed(struct reflector *reflector, struct err *err)
{
	if (err->code == ERR_NONE)
		err_set(err, ERR_UNAVAILABLE, "ended before it was complete");
	err_wrap(err, "list");
	if (err->code == ERR_INVALID) {
		log_debug(reflector->name, "%s; pages from now on", err->msg);
		reflector->stream_lists = false;
		reflector_relist(reflector);
	} else {
		reflector->page_next = err->http_status < 400;
		reflector_wait(reflector, REFLECTOR_WAITING_TO_LIST, err);
	}
}

void reflector_stream_done(struct reflector *reflector, struct err *err)
{
	loop_timer_stop(reflector->timer);
	reflector_close_call(reflector);
	stream_failed(reflector, err);
}

/* An old server, or something between us, that leaves out what it doesn't know. */
void reflector_stream_late(struct reflector *reflector)
{
	struct err err = ERR_INIT;

	transport_cancel(reflector->transport, reflector->call);
	reflector_close_call(reflector);
	err_set(&err, ERR_TIMEOUT, "incomplete after %d s", LIST_TIMEOUT_MS / 1000);
	stream_failed(reflector, &err);
}

/* --- a watch -------------------------------------------------------- */

void reflector_watch_open(struct reflector *reflector)
{
	char from[64];

	snprintf(from, sizeof(from), "resourceVersion=%" PRIu64, reflector->version);
	reflector->watches++;
	open_events(reflector, from);
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
void reflector_watch_done(struct reflector *reflector, struct err *err)
{
	int64_t lived_ms = loop_mono_ms(reflector->loop) - reflector->watch_began_ms;
	bool healthy = reflector->status == 200 &&
		       (reflector->watch_events || lived_ms >= WATCH_HEALTHY_MS);

	reflector_close_call(reflector);
	if (healthy) {
		reflector->gone_in_row = 0;
		reflector->watch_failures = 0;
	}
	if (healthy && is_ordinary_end(err)) {
		reflector_proceed(reflector, REFLECTOR_WATCHING);
		return;
	}
	if (err->code == ERR_NONE)
		err_set(err, ERR_UNAVAILABLE, "ended at once without an event");
	err_wrap(err, "watch");
	if (err->code == ERR_GONE)
		reflector_list_again(reflector, err);
	else if (may_resume(err->code) && ++reflector->watch_failures < WATCH_FAILURES_TO_LIST)
		reflector_wait(reflector, REFLECTOR_WAITING_TO_WATCH, err);
	else
		reflector_wait(reflector, REFLECTOR_WAITING_TO_LIST, err);
}

