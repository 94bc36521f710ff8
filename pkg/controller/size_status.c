#include "controller/size_status.h"

#include <stdlib.h>

#include "base/log.h"
#include "kube/prng.h"

enum { BACKOFF_MOST_MS = 300 * 1000 };

struct size_status {
	struct loop *loop;
	struct client *client;
	struct cache *cache;
	struct loop_timer *timer;  /* the next pass */
	struct prng prng;
	bool open;                 /* between start and stop */
	struct client_call *call;  /* the request under way, or NULL */
	char *name;                /* of the size it is about, with the number */
	int dynos;
	size_t next;               /* where the pass goes on, in the order of names */
	bool failed;               /* something of this pass has */
	int64_t backoff_ms;        /* after the last pass that failed, or 0 */
	int64_t least_ms;          /* what the server asked for in this pass */
};

static void go_on(struct size_status *status);

static void on_timer(void *arg)
{
	struct size_status *status = arg;

	if (!status->open)
		return;
	if (status->call) { /* what changed may lie behind this pass */
		loop_timer_start(status->timer, SIZE_STATUS_DELAY_MS);
		return;
	}
	status->next = 0;
	status->failed = false;
	status->least_ms = 0;
	go_on(status);
}

struct size_status *size_status_new(struct loop *loop, struct client *client, struct cache *cache)
{
	struct size_status *status = x_calloc(1, sizeof(*status));

	status->loop = loop;
	status->client = client;
	status->cache = cache;
	status->timer = loop_timer_new(loop, on_timer, status);
	prng_init(&status->prng);
	return status;
}

void size_status_free(struct size_status *status)
{
	if (!status)
		return;
	if (status->call)
		client_cancel(status->call);
	loop_timer_free(status->timer);
	free(status->name);
	free(status);
}

void size_status_note(struct size_status *status)
{
	if (status->open && !loop_timer_running(status->timer))
		loop_timer_start(status->timer, SIZE_STATUS_DELAY_MS);
}

void size_status_start(struct size_status *status)
{
	status->open = true;
	size_status_note(status);
}

void size_status_stop(struct size_status *status)
{
	status->open = false;
	loop_timer_stop(status->timer);
}

bool size_status_is_idle(const struct size_status *status)
{
	return !status->call;
}

/* The next pass, when this one had a failure. */
static void back_off(struct size_status *status)
{
	int64_t delay_ms = status->backoff_ms ? 2 * status->backoff_ms : SIZE_STATUS_DELAY_MS;

	if (delay_ms > BACKOFF_MOST_MS)
		delay_ms = BACKOFF_MOST_MS;
	status->backoff_ms = delay_ms;
	if (delay_ms < status->least_ms)
		delay_ms = status->least_ms;
	loop_timer_start(status->timer, delay_ms + prng_upto(&status->prng, delay_ms / 4));
}

static void note_failure(struct size_status *status, const struct err *err)
{
	/* Once is enough: a right that is missing stays so. */
	log_write(status->backoff_ms || status->failed ? LOG_DEBUG : LOG_WARN, "sizes", "%s",
		  err->msg);
	status->failed = true;
	if (err->retry_after_ms > status->least_ms)
		status->least_ms = err->retry_after_ms;
}

static void on_answer(void *arg, struct arena *arena, struct json *object, const struct err *err)
{
	struct size_status *status = arg;
	const struct cache_answer answer = {
		.resource = &RESOURCE_DYNO_SIZE,
		.ns = "",
		.name = status->name,
	};

	status->call = NULL;
	if (err->code == ERR_NOT_FOUND)
		log_debug("sizes", "%s is gone", status->name); /* its watch will say so */
	else if (err->code != ERR_NONE)
		note_failure(status, err);
	else {
		log_info("sizes", "%d dynos have the size %s", status->dynos, status->name);
		cache_observe(status->cache, &answer, arena, object);
	}
	go_on(status);
}

static const struct json *body_of(struct arena *arena, const struct size_count *count)
{
	const struct object *size = &count->size->object;
	struct json *body = json_new_object(arena);
	struct json *metadata;

	json_set_string(arena, body, "apiVersion", RESOURCE_DYNO_SIZE.api_version);
	json_set_string(arena, body, "kind", RESOURCE_DYNO_SIZE.kind);
	metadata = json_set_object(arena, body, "metadata");
	json_set_string(arena, metadata, "name", size->name);
	json_set_string(arena, metadata, "uid", size->uid);
	json_set_int(arena, json_set_object(arena, body, "status"), "dynos", count->dynos);
	return body;
}

static void write_count(struct size_status *status, struct arena *arena,
			const struct size_count *count)
{
	const struct client_request request = {
		.verb = "apply",
		.resource = &RESOURCE_DYNO_SIZE,
		.name = count->size->object.name,
		.subresource = "status",
		.manager = FIELD_MANAGER,
		.force = true,
		.body = body_of(arena, count),
		.keep = cache_keep(&RESOURCE_DYNO_SIZE),
		.priority = HTTP_PRIORITY_NORMAL,
	};

	free(status->name);
	status->name = x_strdup(count->size->object.name);
	status->dynos = count->dynos;
	status->call = client_start(status->client, &request, on_answer, status);
}

/* Write the next number of this pass that is wrong; at the end of it say when to begin again. */
static void go_on(struct size_status *status)
{
	struct arena arena = ARENA_INIT;
	const struct size_count *counts;
	size_t count = 0;

	if (!status->open)
		return;
	counts = cache_size_counts(status->cache, &arena, &count);
	while (!status->call && status->next < count) {
		const struct size_count *size = &counts[status->next++];

		if (size->dynos != size->size->dynos)
			write_count(status, &arena, size);
	}
	arena_release(&arena);
	if (status->call)
		return;
	if (status->failed)
		back_off(status);
	else
		status->backoff_ms = 0;
}
