#include "kube/recorder.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/utf8.h"
#include "codec/digest.h"
#include "codec/timestamp.h"
#include "kube/prng.h"

enum {
	WAITING_MAX = 1000,               /* events to be sent; more are dropped */
	SERIES_MAX = 2000,                /* events remembered; the one at rest longest goes first */
	REASON_MAX = 128,                 /* bytes of reason and action, as the API has it */
	NOTE_MAX = 1024,                  /* bytes of a note */
	NAME_MAX_BYTES = 253,             /* of an object's name */
	KEY_MAX = 33,                     /* hex of a digest with its NUL */
	TRIES = 12,                       /* of one request */
	RETRY_MS = 10 * 1000,             /* between them, and up to a quarter more */
	SWEEP_MS = 60 * 1000,             /* how often series are looked at, while there are any */
	SERIES_REFRESH_MS = 30 * 60 * 1000, /* a growing series is sent so often */
	SERIES_REST_MS = 6 * 60 * 1000,   /* a series without news for so long is over */
};

/* An event and the equal ones after it. In `all`, and in `waiting` while it has to be sent. */
struct series {
	struct list all;       /* in recorder.all, the one that rests longest first */
	struct list waiting;   /* in recorder.waiting, or nowhere */
	char key[KEY_MAX];     /* digest of what makes events equal */
	char *ns;
	char *name;            /* of the Event object */
	char *body;            /* of its create: JSON */
	bool created;          /* the server has it */
	uint64_t count;        /* events so far */
	uint64_t sent;         /* of which the server knows */
	int64_t last_wall_ms;  /* when the last one was */
	int64_t last_ms;       /* the same on the loop's clock */
	int64_t sent_ms;       /* when the server was told last */
	unsigned tries;        /* of the request that it needs now */
};

struct recorder {
	struct loop *loop;
	struct client *client;
	char *controller;
	char *instance;
	struct map series;         /* key → struct series */
	struct list all;           /* all of them, by last event */
	struct list waiting;       /* those to be sent, in order */
	size_t waiting_count;
	struct client_call *call;  /* for the first of `waiting`, one at a time */
	uint64_t call_count;       /* series.count that it tells */
	struct loop_task *next;    /* starts the next call */
	struct loop_timer *retry;  /* runs between two tries */
	struct loop_timer *sweep;  /* runs while there are series */
	struct prng prng;
	uint64_t serial;           /* tells names of the same millisecond apart */
	uint64_t sent;
	uint64_t dropped;
};

/* --- series ----------------------------------------------------------- */

static void series_free(struct recorder *recorder, struct series *series)
{
	if (!list_empty(&series->waiting))
		recorder->waiting_count--;
	list_remove(&series->waiting);
	list_remove(&series->all);
	map_remove(&recorder->series, series->key);
	free(series->ns);
	free(series->name);
	free(series->body);
	free(series);
}

/* Have it sent, unless it waits already. */
static void series_queue(struct recorder *recorder, struct series *series)
{
	if (!list_empty(&series->waiting))
		return;
	series->tries = 0;
	list_add_tail(&recorder->waiting, &series->waiting);
	recorder->waiting_count++;
	loop_task_post(recorder->next);
}

/* One more of a series that exists. */
static void series_count(struct recorder *recorder, struct series *series)
{
	series->count++;
	series->last_ms = loop_mono_ms(recorder->loop);
	series->last_wall_ms = loop_wall_ms(recorder->loop);
	list_remove(&series->all);
	list_add_tail(&recorder->all, &series->all);
	if (series->count == 2)
		series_queue(recorder, series);
}

/* Make room for one more by forgetting one that need not be sent. */
static bool make_room(struct recorder *recorder)
{
	if (recorder->series.count < SERIES_MAX)
		return true;
	list_for_each (node, &recorder->all) {
		struct series *series = list_entry(node, struct series, all);

		if (list_empty(&series->waiting)) {
			series_free(recorder, series);
			return true;
		}
	}
	return false;
}

/* Once a minute: tell of what has grown, forget what is over. */
static void on_sweep(void *arg)
{
	struct recorder *recorder = arg;
	int64_t now_ms = loop_mono_ms(recorder->loop);

	list_for_each_safe(node, next, &recorder->all) {
		struct series *series = list_entry(node, struct series, all);
		bool over = now_ms - series->last_ms >= SERIES_REST_MS;

		if (!list_empty(&series->waiting))
			continue;
		if (series->count > series->sent &&
		    (over || now_ms - series->sent_ms >= SERIES_REFRESH_MS))
			series_queue(recorder, series);
		else if (over)
			series_free(recorder, series);
	}
	if (!list_empty(&recorder->all))
		loop_timer_start(recorder->sweep, SWEEP_MS);
}

/* --- one event -------------------------------------------------------- */

static const char *cut(struct arena *arena, const char *text, size_t max, const char *fallback)
{
	if (!text || !*text)
		return fallback;
	return arena_strndup(arena, text, utf8_prefix(text, strlen(text), max));
}

/* "<object>.<hex nanoseconds>", as client-go names them. */
static char *event_name(struct recorder *recorder, const char *object)
{
	char suffix[24];
	size_t len = strlen(object);
	uint64_t nanos = (uint64_t)loop_wall_ms(recorder->loop) * 1000000U +
			 recorder->serial++ % 1000000U;
	int n = snprintf(suffix, sizeof(suffix), ".%" PRIx64, nanos);

	if (len > NAME_MAX_BYTES - (size_t)n)
		len = NAME_MAX_BYTES - (size_t)n;
	while (len > 0 && !isalnum((unsigned char)object[len - 1]))
		len--;
	return x_asprintf("%.*s%s", (int)len, object, suffix);
}

static void put_regarding(struct arena *arena, struct json *event,
			  const struct event_subject *subject)
{
	struct json *regarding = json_set_object(arena, event, "regarding");

	json_set_string(arena, regarding, "apiVersion", subject->resource->api_version);
	json_set_string(arena, regarding, "kind", subject->resource->kind);
	if (subject->ns && *subject->ns)
		json_set_string(arena, regarding, "namespace", subject->ns);
	json_set_string(arena, regarding, "name", subject->name);
	if (subject->uid)
		json_set_string(arena, regarding, "uid", subject->uid);
}

/* What makes events equal, and all that does not depend on when one happens. */
static struct json *event_new(struct arena *arena, const struct recorder *recorder,
			      const struct event_subject *subject)
{
	struct json *event = json_new_object(arena);

	json_set_string(arena, event, "apiVersion", RESOURCE_EVENT.api_version);
	json_set_string(arena, event, "kind", RESOURCE_EVENT.kind);
	json_set_string(arena, event, "reportingController", recorder->controller);
	json_set_string(arena, event, "reportingInstance", recorder->instance);
	put_regarding(arena, event, subject);
	return event;
}

static void key_of(const struct json *event, char ret_key[KEY_MAX])
{
	struct buf text = BUF_INIT(LIMIT_DOCUMENT);

	json_write(&text, event);
	digest_hex(digest_of(buf_cstr(&text), text.len), 16, ret_key);
	buf_release(&text);
}

static void series_new(struct recorder *recorder, struct arena *arena, const char *key,
		       struct json *event, const struct event_subject *subject)
{
	struct series *series = x_calloc(1, sizeof(*series));
	bool has_ns = subject->ns && *subject->ns;
	struct json *metadata = json_set_object(arena, event, "metadata");
	char now[TIMESTAMP_MAX];

	memcpy(series->key, key, KEY_MAX);
	series->ns = x_strdup(has_ns ? subject->ns : "default");
	series->name = event_name(recorder, subject->name);
	series->count = 1;
	series->last_ms = loop_mono_ms(recorder->loop);
	series->last_wall_ms = loop_wall_ms(recorder->loop);
	json_set_string(arena, metadata, "name", series->name);
	json_set_string(arena, metadata, "namespace", series->ns);
	timestamp_format_micro(series->last_wall_ms, now);
	json_set_string(arena, event, "eventTime", now);
	series->body = x_strdup(json_text(arena, event));
	list_init(&series->waiting);
	list_add_tail(&recorder->all, &series->all);
	map_put(&recorder->series, series->key, series);
	series_queue(recorder, series);
	if (!loop_timer_running(recorder->sweep))
		loop_timer_start(recorder->sweep, SWEEP_MS);
}

void recorder_event(struct recorder *recorder, const struct event_subject *subject, bool warning,
		    const char *reason, const char *action, const char *note)
{
	struct arena arena = ARENA_INIT;
	struct json *event = event_new(&arena, recorder, subject);
	struct series *series;
	char key[KEY_MAX];

	json_set_string(&arena, event, "type", warning ? "Warning" : "Normal");
	json_set_string(&arena, event, "reason", cut(&arena, reason, REASON_MAX, "Unknown"));
	json_set_string(&arena, event, "action", cut(&arena, action, REASON_MAX, "Unknown"));
	json_set_string(&arena, event, "note", cut(&arena, note, NOTE_MAX, ""));
	key_of(event, key);
	series = map_get(&recorder->series, key);
	if (series)
		series_count(recorder, series);
	else if (recorder->waiting_count < WAITING_MAX && make_room(recorder))
		series_new(recorder, &arena, key, event, subject);
	else
		recorder->dropped++;
	arena_release(&arena);
}

/* --- sending ---------------------------------------------------------- */

static struct series *first_waiting(struct recorder *recorder)
{
	return list_entry(recorder->waiting.next, struct series, waiting);
}

static void stop_waiting(struct recorder *recorder, struct series *series)
{
	list_remove(&series->waiting);
	recorder->waiting_count--;
	series->tries = 0;
}

/* The server has it, with the count that was told. */
static void on_sent(struct recorder *recorder, struct series *series)
{
	bool second = recorder->call_count < 2 && series->count >= 2;

	recorder->sent++;
	series->created = true;
	series->sent = recorder->call_count;
	series->sent_ms = loop_mono_ms(recorder->loop);
	stop_waiting(recorder, series);
	if (second)
		series_queue(recorder, series);
}

static bool may_retry(enum err_code code)
{
	return code == ERR_UNAVAILABLE || code == ERR_TIMEOUT || code == ERR_RATE_LIMITED ||
	       code == ERR_UNAUTHORIZED;
}

static void on_failed(struct recorder *recorder, struct series *series, const struct err *err)
{
	int64_t delay_ms = RETRY_MS + prng_upto(&recorder->prng, RETRY_MS / 4);

	if (may_retry(err->code) && ++series->tries < TRIES) {
		if (delay_ms < err->retry_after_ms)
			delay_ms = err->retry_after_ms;
		loop_timer_start(recorder->retry, delay_ms);
		return;
	}
	/* The namespace goes away, the event is a duplicate, or we may not. */
	log_write(err->code == ERR_NOT_FOUND ? LOG_DEBUG : LOG_WARN, "events",
		  "an event is dropped: %s", err->msg);
	recorder->dropped++;
	series_free(recorder, series);
}

static void on_done(void *arg, struct arena *arena, struct json *object, const struct err *err)
{
	struct recorder *recorder = arg;
	struct series *series = first_waiting(recorder);

	(void)arena;
	(void)object;
	recorder->call = NULL;
	if (err->code == ERR_NONE || (!series->created && err->code == ERR_ALREADY_EXISTS))
		on_sent(recorder, series);
	else if (series->created && err->code == ERR_NOT_FOUND)
		series->created = false; /* the server forgot it: once more, as a new one */
	else
		on_failed(recorder, series, err);
	loop_task_post(recorder->next);
}

/* {"series":{"count":3,"lastObservedTime":"…"}} */
static struct json *series_patch(struct arena *arena, const struct series *series)
{
	struct json *patch = json_new_object(arena), *value;
	char last[TIMESTAMP_MAX];

	timestamp_format_micro(series->last_wall_ms, last);
	value = json_set_object(arena, patch, "series");
	json_set_int(arena, value, "count", (int64_t)series->count);
	json_set_string(arena, value, "lastObservedTime", last);
	return patch;
}

static void send_event(struct recorder *recorder, struct series *series)
{
	static const struct json_keep nothing[] = { { 0 } };
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	struct json *body = NULL;
	struct client_request request = {
		.verb = series->created ? "patch" : "create",
		.resource = &RESOURCE_EVENT,
		.ns = series->ns,
		.name = series->created ? series->name : NULL,
		.keep = nothing,
		.priority = HTTP_PRIORITY_NORMAL,
	};

	recorder->call_count = series->created ? series->count : 1;
	if (series->created)
		body = series_patch(&arena, series);
	else
		json_parse(&arena, series->body, strlen(series->body), NULL, &body, &err);
	request.body = body;
	recorder->call = client_start(recorder->client, &request, on_done, recorder);
	arena_release(&arena);
}

static void on_next(void *arg)
{
	struct recorder *recorder = arg;

	if (!recorder->call && !loop_timer_running(recorder->retry) &&
	    !list_empty(&recorder->waiting))
		send_event(recorder, first_waiting(recorder));
}

/* --- the recorder ----------------------------------------------------- */

struct recorder *recorder_new(struct loop *loop, struct client *client, const char *controller,
			      const char *instance)
{
	struct recorder *recorder = x_calloc(1, sizeof(*recorder));

	recorder->loop = loop;
	recorder->client = client;
	recorder->controller = x_strdup(controller);
	recorder->instance = x_strndup(instance, utf8_prefix(instance, strlen(instance),
							     REASON_MAX));
	map_init_borrow(&recorder->series);
	list_init(&recorder->all);
	list_init(&recorder->waiting);
	recorder->next = loop_task_new(loop, on_next, recorder);
	recorder->retry = loop_timer_new(loop, on_next, recorder);
	recorder->sweep = loop_timer_new(loop, on_sweep, recorder);
	prng_init(&recorder->prng);
	return recorder;
}

void recorder_free(struct recorder *recorder)
{
	if (!recorder)
		return;
	if (recorder->call)
		client_cancel(recorder->call);
	while (!list_empty(&recorder->all))
		series_free(recorder, list_entry(recorder->all.next, struct series, all));
	map_release(&recorder->series);
	loop_task_free(recorder->next);
	loop_timer_free(recorder->retry);
	loop_timer_free(recorder->sweep);
	free(recorder->controller);
	free(recorder->instance);
	free(recorder);
}

void recorder_counts(const struct recorder *recorder, uint64_t *ret_sent, uint64_t *ret_dropped)
{
	*ret_sent = recorder->sent;
	*ret_dropped = recorder->dropped;
}

size_t recorder_pending(const struct recorder *recorder)
{
	return recorder->waiting_count;
}
