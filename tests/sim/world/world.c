#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors.h"
#include "base/limits.h"
#include "base/log.h"

enum {
	LATENCY_MS = 3,        /* most of one way of a request, of an event */
	LATE_MS = 2000,        /* FAULT_DELAY */
	HELD_MS = 1000,        /* FAULT_MERGE */
	VERY_LATE_MS = 40000,  /* FAULT_DELAY_LONG */
};

const char *const FAULT_NAMES[FAULTS] = {
	[FAULT_NONE] = "none",
	[FAULT_CRASH_BEFORE] = "crash-before",
	[FAULT_CRASH_AFTER] = "crash-after",
	[FAULT_RESET_BEFORE] = "reset-before",
	[FAULT_RESET_AFTER] = "reset-after",
	[FAULT_LOST] = "lost",
	[FAULT_SILENT] = "silent",
	[FAULT_CUT] = "cut",
	[FAULT_401] = "401",
	[FAULT_403] = "403",
	[FAULT_409] = "409",
	[FAULT_410] = "410",
	[FAULT_422] = "422",
	[FAULT_429] = "429",
	[FAULT_500] = "500",
	[FAULT_500_AFTER] = "500-after",
	[FAULT_503_HTML] = "503-html",
	[FAULT_REQUESTS] = "",
	[FAULT_DROP_STREAM] = "drop-stream",
	[FAULT_CUT_EVENT] = "cut-event",
	[FAULT_DELAY] = "delay",
	[FAULT_DELAY_LONG] = "delay-long",
	[FAULT_TWICE] = "twice",
	[FAULT_MERGE] = "merge",
	[FAULT_BYTES] = "bytes",
	[FAULT_GONE] = "gone",
	[FAULT_COMPACT] = "compact",
	[FAULT_HANG] = "hang",
	[FAULT_CRASH_EVENT] = "crash-event",
};

/* A request of the controller. In the cluster's arena. */
struct http_call {
	struct http_call *next; /* in world->calls while open */
	struct world *world;
	const char *method;
	const char *content_type;
	const char *body;
	size_t body_len;
	struct http_handlers handlers;
	void *arg;
	int64_t timeout_ms;
	bool open;

	/* what the path says */
	enum kind kind;
	const char *ns, *name, *sub;
	const char *manager;
	const char *selector; /* of labels, unescaped, or "" */
	bool force, watch, initial;
	uint64_t since;
	int64_t seconds;

	/* an answer on its way, or a watch */
	int status;
	const char *answer;
	int retry_after_ms;
	bool cut;
	bool hangs;
	int64_t last_ms;   /* when the last event arrives */
	int64_t late_ms;   /* nothing arrives before this */
	struct delivery *first, **end; /* events on their way, in order */
	const char *held;  /* an event that comes with the next one */
};

/* --- calls ------------------------------------------------------------ */

static void close_call(struct http_call *call)
{
	struct http_call **place = &call->world->calls;

	while (*place != call)
		place = &(*place)->next;
	*place = call->next;
	call->open = false;
	if (!call->hangs)
		return;
	call->world->hung--;
	call->world->moved_ms = loop_mono_ms(call->world->loop);
}

unsigned world_open(const struct world *world)
{
	unsigned count = 0;

	for (const struct http_call *call = world->calls; call; call = call->next)
		count++;
	return count;
}

static void finish(struct http_call *call, bool complete, enum err_code code, const char *text)
{
	struct http_result result = { .status = call->status,
		                      .complete = complete,
		                      .retry_after_ms = call->retry_after_ms };
	struct err err = ERR_INIT;

	if (!call->open)
		return;
	if (code != ERR_NONE) {
		err_set(&err, code, "%s", text);
		err.http_status = call->status;
	}
	close_call(call);
	call->handlers.on_done(call->arg, &result, &err);
}

static void send_head(struct http_call *call, int status)
{
	call->status = status;
	if (call->handlers.on_head)
		call->handlers.on_head(call->arg, status);
}

/* False when the bytes were not wanted: then the call is over. */
static bool send_bytes(struct http_call *call, const char *text, size_t len)
{
	struct http_result result = { .status = call->status };
	struct err err = ERR_INIT;

	if (!call->open)
		return false;
	if (len == 0 || call->handlers.on_data(call->arg, text, len, &err) == 0)
		return call->open;
	close_call(call);
	call->handlers.on_done(call->arg, &result, &err);
	return false;
}

static void on_reset(void *arg)
{
	finish(arg, false, ERR_UNAVAILABLE, "connection reset");
}

static void on_timeout(void *arg)
{
	finish(arg, false, ERR_TIMEOUT, "no answer in time");
}

static void on_answer(void *arg)
{
	struct http_call *call = arg;
	size_t len = strlen(call->answer);

	if (!call->open)
		return;
	send_head(call, call->status);
	if (send_bytes(call, call->answer, call->cut ? len / 2 : len))
		finish(call, !call->cut, call->cut ? ERR_UNAVAILABLE : ERR_NONE, "cut off");
}

/* --- what goes wrong -------------------------------------------------- */

static enum fault pick(struct world *world, enum fault first, enum fault end, unsigned index)
{
	const struct harm *harm = &world->harm;
	enum fault fault = FAULT_NONE;

	if (world->calm)
		return FAULT_NONE;
	if (harm->fault > first && harm->fault < end && harm->at == index)
		fault = harm->fault;
	else if (harm->chance && sim_below(1000) < harm->chance)
		fault = (enum fault)((unsigned)first + 1 +
		                     sim_below((unsigned)end - (unsigned)first - 1));
	world->harmed += fault != FAULT_NONE;
	return fault;
}

static int code_of(enum fault fault)
{
	switch (fault) {
	case FAULT_401:
		return 401;
	case FAULT_403:
		return 403;
	case FAULT_409:
		return 409;
	case FAULT_410:
		return 410;
	case FAULT_422:
		return 422;
	case FAULT_429:
		return 429;
	case FAULT_500:
	case FAULT_500_AFTER:
		return 500;
	case FAULT_503_HTML:
		return 503;
	default:
		return 0;
	}
}

static bool is_carried_out(enum fault fault)
{
	return fault == FAULT_NONE || fault == FAULT_CRASH_AFTER || fault == FAULT_RESET_AFTER ||
	       fault == FAULT_SILENT || fault == FAULT_CUT || fault == FAULT_500_AFTER;
}

/* --- carrying requests out -------------------------------------------- */

static bool is_selected(const struct http_call *call, bool labelled)
{
	return labelled || !*call->selector;
}

/* "a,b=c": has a label a, and b with the value c. */
static bool is_listed(const struct http_call *call, const struct object *object)
{
	struct arena *arena = &call->world->cluster.arena;

	for (const char *term = call->selector; *term;) {
		size_t len = strcspn(term, ","), key_len;
		char *key = arena_strndup(arena, term, len);
		const char *value;

		key_len = strcspn(key, "=");
		value = key[key_len] ? key + key_len + 1 + (key[key_len + 1] == '=') : NULL;
		key[key_len] = '\0';
		if (value ? strcmp(object_label(object, key), value) != 0
		          : !*object_label(object, key))
			return false;
		term += len + (term[len] == ',');
	}
	return true;
}

static void answer_list(struct http_call *call)
{
	struct cluster *cluster = &call->world->cluster;
	struct buf body = BUF_INIT(LIMIT_DOCUMENT);
	const char *comma = "";

	buf_printf(&body,
	           "{\"kind\":\"%sList\",\"apiVersion\":\"%s\",\"metadata\":"
	           "{\"resourceVersion\":\"%" PRIu64 "\"},\"items\":[",
	           KIND_NAMES[call->kind], KIND_VERSIONS[call->kind], cluster->version);
	for (size_t i = 0; i < cluster->count; i++) {
		const struct object *object = cluster->objects[i];

		if (object->kind != call->kind || !is_listed(call, object) ||
		    (*call->ns && strcmp(call->ns, object->ns) != 0))
			continue;
		buf_puts(&body, comma);
		buf_puts(&body, object->text);
		comma = ",";
	}
	buf_puts(&body, "]}");
	call->status = 200;
	call->answer = arena_strdup(&cluster->arena, buf_cstr(&body));
	buf_release(&body);
}

static const char *status_text(struct arena *arena, int status, const char *reason,
                               const char *message)
{
	return arena_printf(arena,
	                    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\","
	                    "\"code\":%d,\"reason\":\"%s\",\"message\":\"%s\"}",
	                    status, reason, message);
}

static struct json *body_of(struct http_call *call)
{
	struct json *body = NULL;
	struct err err = ERR_INIT;

	if (!call->body_len)
		return NULL;
	if (json_parse(&call->world->cluster.arena, call->body, call->body_len, NULL, &body,
	               &err) < 0) {
		fprintf(stderr, "a body that is not JSON: %s: %s\n", err.msg, call->body);
		abort();
	}
	return body;
}

static struct outcome carry_out(struct http_call *call)
{
	struct cluster *cluster = &call->world->cluster;
	const struct json *body = body_of(call);
	bool json_patch = call->content_type && strstr(call->content_type, "json-patch");
	const struct object *object;

	if (call->world->no_resize && call->sub && strcmp(call->sub, "resize") == 0)
		return (struct outcome){ .status = 404, .reason = "NotFound",
			                 .message = "the server could not find the requested resource" };
	if (strcmp(call->method, "POST") == 0)
		return cluster_create(cluster, call->kind, call->ns, body);
	if (strcmp(call->method, "PUT") == 0)
		return cluster_replace(cluster, call->kind, call->ns, call->name, call->manager,
		                       body);
	if (strcmp(call->method, "DELETE") == 0)
		return cluster_delete(cluster, call->kind, call->ns, call->name, body);
	if (strcmp(call->method, "PATCH") == 0 && strstr(call->content_type, "apply-patch"))
		return cluster_apply(cluster, call->kind, call->ns, call->name, call->sub,
		                     call->manager, call->force, body);
	if (strcmp(call->method, "PATCH") == 0)
		return cluster_patch(cluster, call->kind, call->ns, call->name, call->sub,
		                     call->manager, json_patch ? PATCH_JSON : PATCH_MERGE, body);
	object = cluster_find(cluster, call->kind, call->ns, call->name);
	if (!object)
		return (struct outcome){ .status = 404, .message = "not found",
			                 .reason = "NotFound" };
	return (struct outcome){ .status = 200, .object = object };
}

static void serve_object(struct http_call *call)
{
	struct outcome outcome = carry_out(call);

	log_debug("world", "%s %s/%s%s%s: %d %s", call->method, KIND_PLURALS[call->kind],
	          call->name, call->sub ? "/" : "", call->sub ? call->sub : "", outcome.status,
	          outcome.message ? outcome.message : "");

	call->status = outcome.status;
	if (outcome.object)
		call->answer = outcome.object->text;
	else if (outcome.text)
		call->answer = outcome.text;
	else
		call->answer = status_text(&call->world->cluster.arena, outcome.status,
		                           outcome.reason, outcome.message);
}

/* Spoil an answer that is ready, or would have been. */
static void spoil(struct http_call *call, enum fault fault)
{
	call->status = code_of(fault);
	call->answer = status_text(&call->world->cluster.arena, call->status, "",
	                           "said by the simulation");
	if (fault == FAULT_503_HTML)
		call->answer = "<html><body>Service Unavailable</body></html>";
	if (fault == FAULT_429)
		call->retry_after_ms = 3000;
}

static void serve(void *arg)
{
	struct http_call *call = arg;
	struct world *world = call->world;
	enum fault fault = FAULT_NONE;
	bool write = strcmp(call->method, "GET") != 0;

	if (!call->open && !write)
		return;
	world->requests++;
	if (call->open)
		fault = pick(world, FAULT_NONE, FAULT_REQUESTS, world->requests);
	if (write && call->kind != KIND_EVENT && call->kind != KIND_LEASE)
		world->writes++;
	if (fault != FAULT_NONE && !world->harm.chance)
		world->moved_ms = loop_mono_ms(world->loop);
	world->crash |= fault == FAULT_CRASH_BEFORE || fault == FAULT_CRASH_AFTER;
	if (is_carried_out(fault)) {
		if (!write && !*call->name)
			answer_list(call);
		else
			serve_object(call);
	}
	if (!call->open || world->crash)
		return;
	if (code_of(fault))
		spoil(call, fault);
	call->cut = fault == FAULT_CUT;
	if (fault == FAULT_LOST || fault == FAULT_SILENT) {
		call->status = 0;
		sim_after(world->loop, call->timeout_ms, on_timeout, call);
	} else if (fault == FAULT_RESET_AFTER || fault == FAULT_RESET_BEFORE) {
		call->status = 0;
		sim_after(world->loop, 1 + sim_below(LATENCY_MS), on_reset, call);
	} else {
		sim_after(world->loop, 1 + sim_below(LATENCY_MS), on_answer, call);
	}
}

/* --- watches ---------------------------------------------------------- */

/* An event on its way. */
struct delivery {
	struct delivery *next;
	const char *text;
	bool late; /* has been harmed already */
};

/* {"type":"ADDED","object":…} with a newline. */
static const char *event_line(struct arena *arena, const char *type, const char *object)
{
	size_t type_len = strlen(type), len = strlen(object);
	char *text = arena_alloc(arena, type_len + len + 32), *to = text;

	to = mempcpy(to, "{\"type\":\"", 9);
	to = mempcpy(to, type, type_len);
	to = mempcpy(to, "\",\"object\":", 11);
	to = mempcpy(to, object, len);
	memcpy(to, "}\n", 3);
	return text;
}

/* The event as this watch sees it, or NULL when it doesn't. */
static const char *event_text(const struct http_call *call, const struct change *change)
{
	static const char *const names[] = { "ADDED", "MODIFIED", "DELETED" };
	enum change_type type = change->type;
	bool now = is_selected(call, change->labelled);
	bool before = is_selected(call, change->was_labelled);

	if (type == CHANGE_MODIFIED && now != before)
		type = now ? CHANGE_ADDED : CHANGE_DELETED;
	else if (!now)
		return NULL;
	return event_line(&call->world->cluster.arena, names[type], change->text);
}

static bool send_event(struct http_call *call, const char *text, enum fault fault)
{
	size_t len = strlen(text);

	if (call->held) {
		text = arena_printf(&call->world->cluster.arena, "%s%s", call->held, text);
		len = strlen(text);
		call->held = NULL;
	}
	if (fault != FAULT_BYTES)
		return send_bytes(call, text, len);
	for (size_t i = 0; i < len; i++) {
		if (!send_bytes(call, text + i, 1))
			return false;
	}
	return true;
}

static void on_hold_end(void *arg)
{
	struct http_call *call = arg;

	if (call->open && call->held && !call->hangs)
		send_event(call, "", FAULT_NONE);
}

/* Keep an event back until the next one, for a second at most. */
static void hold(struct http_call *call, const char *text)
{
	call->held = call->held ? arena_printf(&call->world->cluster.arena, "%s%s", call->held,
	                                       text)
	                        : text;
	sim_after(call->world->loop, HELD_MS, on_hold_end, call);
}

static void hang(struct http_call *call)
{
	if (!call->hangs)
		call->world->hung++;
	call->hangs = true;
}

static void end_stream(struct http_call *call, enum fault fault, const char *text)
{
	struct world *world = call->world;

	if (fault == FAULT_CUT_EVENT && !send_bytes(call, text, strlen(text) / 2))
		return;
	if (fault == FAULT_GONE) {
		text = arena_printf(&world->cluster.arena, "{\"type\":\"ERROR\",\"object\":%s}\n",
		                    status_text(&world->cluster.arena, 410, "Expired",
		                                "too old resource version"));
		if (!send_bytes(call, text, strlen(text)))
			return;
	}
	if (fault == FAULT_COMPACT)
		world->compacted[call->kind] = true;
	finish(call, fault != FAULT_CUT_EVENT, fault == FAULT_CUT_EVENT ? ERR_UNAVAILABLE : ERR_NONE,
	       "connection reset");
}

static void on_deliver(void *arg);

/* The first event that is on its way, and so all behind it, come later than they would have. */
static void deliver_late(struct http_call *call, int64_t delay_ms)
{
	call->first->late = true;
	call->late_ms = loop_mono_ms(call->world->loop) + delay_ms;
	sim_after(call->world->loop, delay_ms, on_deliver, call);
}

static void deliver(struct http_call *call, const struct delivery *delivery, enum fault fault)
{
	switch (fault) {
	case FAULT_DROP_STREAM:
	case FAULT_CUT_EVENT:
	case FAULT_GONE:
	case FAULT_COMPACT:
		end_stream(call, fault, delivery->text);
		return;
	case FAULT_MERGE:
		hold(call, delivery->text);
		return;
	case FAULT_HANG:
		hang(call);
		return;
	case FAULT_CRASH_EVENT:
		call->world->crash = true;
		return;
	default:
		if (send_event(call, delivery->text, fault) && fault == FAULT_TWICE)
			send_event(call, delivery->text, FAULT_NONE);
	}
}

/* One event's time has come: that of the first which is on its way. */
static void on_deliver(void *arg)
{
	struct http_call *call = arg;
	struct world *world = call->world;
	struct delivery *delivery = call->first;
	enum fault fault = FAULT_NONE;
	int64_t early_ms = call->late_ms - loop_mono_ms(world->loop);

	if (!call->open || call->hangs)
		return;
	if (early_ms > 0) {
		sim_after(world->loop, early_ms, on_deliver, call);
		return;
	}
	if (!delivery->late)
		fault = pick(world, FAULT_REQUESTS, FAULTS, ++world->events);
	world->moved_ms = loop_mono_ms(world->loop);
	log_debug("world", "event %u: %.160s%s%s", world->events, delivery->text,
	          fault == FAULT_NONE ? "" : "  harmed by ", FAULT_NAMES[fault]);
	if (fault == FAULT_DELAY || fault == FAULT_DELAY_LONG) {
		deliver_late(call, fault == FAULT_DELAY ? LATE_MS : VERY_LATE_MS);
		return;
	}
	call->first = delivery->next;
	if (!call->first)
		call->end = &call->first;
	deliver(call, delivery, fault);
}

static void send_later(struct http_call *call, const char *text)
{
	struct world *world = call->world;
	struct delivery *delivery = arena_new(&world->cluster.arena, struct delivery);
	int64_t now_ms = loop_mono_ms(world->loop);
	int64_t at_ms = now_ms + 1 + sim_below(LATENCY_MS);

	delivery->text = text;
	*call->end = delivery;
	call->end = &delivery->next;
	if (at_ms < call->last_ms)
		at_ms = call->last_ms;
	call->last_ms = at_ms;
	sim_after(world->loop, at_ms - now_ms, on_deliver, call);
}

static void tell(struct http_call *call, const struct change *change)
{
	const char *text;

	if (change->kind != call->kind || change->version <= call->since)
		return;
	text = event_text(call, change);
	if (text)
		send_later(call, text);
}

/* What a streaming list begins with: everything there is, and a mark at its end. */
static void tell_all(struct http_call *call)
{
	struct cluster *cluster = &call->world->cluster;

	for (size_t i = 0; i < cluster->count; i++) {
		const struct object *object = cluster->objects[i];

		if (object->kind == call->kind && is_selected(call, object->labelled))
			send_later(call, event_line(&cluster->arena, "ADDED", object->text));
	}
	send_later(call,
	           arena_printf(&cluster->arena,
	                        "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"%s\",\"apiVersion\":"
	                        "\"%s\",\"metadata\":{\"resourceVersion\":\"%" PRIu64
	                        "\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n",
	                        KIND_NAMES[call->kind], KIND_VERSIONS[call->kind],
	                        cluster->version));
	call->since = cluster->version;
}

static void on_stream_end(void *arg)
{
	struct http_call *call = arg;

	if (call->open && !call->hangs)
		finish(call, true, ERR_NONE, "");
}

static void open_watch(void *arg)
{
	struct http_call *call = arg;
	struct world *world = call->world;

	if (!call->open)
		return;
	sim_after(world->loop, call->seconds * 1000, on_stream_end, call);
	if (call->timeout_ms)
		sim_after(world->loop, call->timeout_ms, on_timeout, call);
	if (!call->initial && world->compacted[call->kind]) {
		world->compacted[call->kind] = false;
		call->status = 410;
		call->answer = status_text(&world->cluster.arena, 410, "Expired",
		                           "too old resource version");
		on_answer(call);
		return;
	}
	send_head(call, 200);
	call->watch = true;
	if (call->initial) {
		tell_all(call);
		return;
	}
	for (size_t i = 0; i < world->cluster.history_count; i++)
		tell(call, &world->cluster.history[i]);
}

static void on_pass(void *arg)
{
	struct world *world = arg;

	world->acting = false;
	if (actors_pass(&world->cluster))
		world_stir(world);
}

void world_stir(struct world *world)
{
	if (world->acting)
		return;
	world->acting = true;
	sim_after(world->loop, 1 + sim_below(2 * LATENCY_MS), on_pass, world);
}

static void on_changed(void *arg, size_t index)
{
	struct world *world = arg;
	struct http_call *next;

	world->moved_ms = loop_mono_ms(world->loop);
	for (struct http_call *call = world->calls; call; call = next) {
		next = call->next;
		if (call->watch)
			tell(call, &world->cluster.history[index]);
	}
	if (world->cluster.history[index].kind != KIND_EVENT)
		world_stir(world);
}

/* --- the transport ---------------------------------------------------- */

static const char *token(struct arena *arena, const char **path)
{
	const char *from = *path + (**path == '/');
	size_t len = strcspn(from, "/?");

	*path = from + len;
	return arena_strndup(arena, from, len);
}

static char *parameter(struct arena *arena, const char *query, const char *name)
{
	size_t len = strlen(name);

	for (; query; query = strchr(query, '&')) {
		query++;
		if (strncmp(query, name, len) == 0 && query[len] == '=')
			return arena_strndup(arena, query + len + 1, strcspn(query + len + 1, "&"));
	}
	return arena_strdup(arena, "");
}

/* In place. */
static const char *unescaped(char *text)
{
	char *to = text;
	unsigned byte;

	for (const char *from = text; *from; from++) {
		if (*from == '%' && sscanf(from + 1, "%2x", &byte) == 1) {
			*to++ = (char)byte;
			from += 2;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
	return text;
}

static enum kind kind_of(const char *plural)
{
	int kind = 0;

	while (kind < KINDS && strcmp(KIND_PLURALS[kind], plural) != 0)
		kind++;
	if (kind == KINDS) {
		fprintf(stderr, "a request for %s\n", plural);
		abort();
	}
	return (enum kind)kind;
}

static void read_path(struct http_call *call, struct arena *arena, const char *path)
{
	const char *query = strchr(path, '?'), *plural;

	if (strcmp(token(arena, &path), "apis") == 0)
		token(arena, &path);
	token(arena, &path);
	plural = token(arena, &path);
	call->ns = "";
	if (strcmp(plural, "namespaces") == 0) {
		call->ns = token(arena, &path);
		plural = token(arena, &path);
	}
	/* No policy of deploy/actor here: the one name asked for is no size either, and so not found. */
	if (strcmp(plural, "mutatingadmissionpolicybindings") == 0)
		plural = KIND_PLURALS[KIND_SIZE];
	call->kind = kind_of(plural);
	call->name = token(arena, &path);
	call->sub = *path == '/' ? token(arena, &path) : NULL;
	call->manager = parameter(arena, query, "fieldManager");
	call->force = strcmp(parameter(arena, query, "force"), "true") == 0;
	call->initial = strcmp(parameter(arena, query, "sendInitialEvents"), "true") == 0;
	call->selector = unescaped(parameter(arena, query, "labelSelector"));
	call->since = strtoull(parameter(arena, query, "resourceVersion"), NULL, 10);
	call->seconds = strtol(parameter(arena, query, "timeoutSeconds"), NULL, 10);
}

static struct http_call *start(struct transport *transport, const struct http_request *request,
                               const struct http_handlers *handlers, void *arg)
{
	struct world *world = (struct world *)transport;
	struct arena *arena = &world->cluster.arena;
	struct http_call *call = arena_new(arena, struct http_call);

	call->world = world;
	call->method = arena_strdup(arena, request->method);
	call->content_type = arena_strdup(arena, request->content_type);
	call->body = request->body ? arena_strndup(arena, request->body, request->body_len) : NULL;
	call->body_len = request->body_len;
	call->handlers = *handlers;
	call->arg = arg;
	call->timeout_ms = request->timeout_ms;
	call->open = true;
	call->end = &call->first;
	read_path(call, arena, request->path);
	call->next = world->calls;
	world->calls = call;
	sim_after(world->loop, 1 + sim_below(LATENCY_MS),
	          strstr(request->path, "watch=1") ? open_watch : serve, call);
	return call;
}

static void cancel(struct transport *transport, struct http_call *call)
{
	(void)transport;
	close_call(call);
}

void world_init(struct world *world, struct loop *loop, struct harm harm)
{
	*world = (struct world){ .transport = { start, cancel }, .loop = loop, .harm = harm };
	cluster_init(&world->cluster, loop);
	world->cluster.changed = on_changed;
	world->cluster.arg = world;
}

void world_release(struct world *world)
{
	cluster_release(&world->cluster);
}
