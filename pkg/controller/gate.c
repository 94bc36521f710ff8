#include "controller/gate.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "controller/changes.h"
#include "formation/singleton.h"
#include "kube/escape.h"

struct gate {
	struct gate_config config;
	gate_done_fn *done;
	void *arg;
	struct permit_protocol protocol;
	struct client_call *call;      /* the request under way */
	const struct json *formation;  /* as read, for the record's write */
	const struct observed_pod **observed; /* pods of the list, freed at the end */
	size_t observed_count;
};

static void send_next(struct gate *gate);

/* --- the end ------------------------------------------------------- */

static void release(struct gate *gate)
{
	for (size_t i = 0; i < gate->observed_count; i++)
		free((void *)(uintptr_t)gate->observed[i]);
	gate->observed_count = 0;
}

void gate_cancel(struct gate *gate)
{
	if (!gate)
		return;
	if (gate->call)
		client_cancel(gate->call);
	release(gate);
}

static void finish(struct gate *gate, const struct err *err)
{
	struct err copy = *err;

	release(gate);
	gate->done(gate->arg, &copy);
}

static int64_t deletion_of(const struct gate *gate, const struct permit_pod *pod)
{
	for (size_t i = 0; i < gate->observed_count; i++) {
		if (strcmp(gate->observed[i]->object.uid, pod->uid) == 0)
			return gate->observed[i]->deleting_ms;
	}
	return 0;
}

/* It ended by its own word, not by a failure. */
static void finish_decided(struct gate *gate)
{
	const struct permit_decision *decision = &gate->protocol.decision;
	struct err err = ERR_INIT;

	if (gate->protocol.opened)
		metrics_gate_opened(gate->config.metrics, loop_wall_ms(gate->config.loop) -
								  decision->pod->created_ms);
	else if (decision->verdict == PERMIT_WAIT)
		err_set(&err, ERR_ALREADY_EXISTS, "%s",
			singleton_wait_text(gate->config.arena, decision->pod,
					    deletion_of(gate, decision->pod)));
	else
		err_set(&err, ERR_CONFLICT, "the dynos of %s changed meanwhile", gate->config.type);
	finish(gate, &err);
}

/* --- what is read -------------------------------------------------- */

static void observe(struct gate *gate, const struct resource *resource, const char *name,
		    const char *uid, struct arena *arena, const struct json *object)
{
	const struct formation *formation = gate->config.formation;

	cache_observe(gate->config.cache,
		      &(struct cache_answer){
			      .resource = resource,
			      .ns = formation->ns,
			      .name = name,
			      .uid = uid,
			      .formation = formation->name,
		      },
		      arena, object);
}

/* Project a pod; it is kept until the end, since the permit's pods point into it. */
static int take_pod(struct gate *gate, struct arena *arena, const struct json *value,
		    struct permit_pod *ret_pod, struct err *err)
{
	const struct observed_pod *pod = observed_pod_new(value, err);

	if (!pod)
		return -1;
	gate->observed[gate->observed_count++] = pod;
	*ret_pod = permit_pod_of(pod);
	if (same_text(pod->object.formation, gate->config.formation->name))
		observe(gate, &RESOURCE_POD, ret_pod->name, ret_pod->uid, arena, value);
	return 0;
}

static int take_formation(struct gate *gate, const struct json *object,
			  struct permit_answer *answer, struct err *err)
{
	const struct json *copy = json_clone(gate->config.arena, object);
	const struct json *metadata = json_get(copy, "metadata");

	if (!same_text(json_string_or(json_get(metadata, "uid"), NULL),
		       gate->config.formation->uid) ||
	    json_get(metadata, "deletionTimestamp"))
		return err_set(err, ERR_CONFLICT, "Formation \"%s\" is another one by now",
			       gate->config.formation->name);
	if (version_parse(json_string_or(json_get(metadata, "resourceVersion"), ""),
			  &answer->version) < 0)
		return err_set(err, ERR_PARSE, "bad answer: a Formation without a version");
	gate->formation = copy;
	answer->record = permit_of(json_get(copy, "status"), gate->config.type);
	return 0;
}

static bool is_listed(const struct permit_answer *answer, const struct observed_pod *pod)
{
	for (size_t i = 0; i < answer->pod_count; i++) {
		if (strcmp(answer->pods[i].uid, pod->object.uid) == 0)
			return true;
	}
	return false;
}

/*
 * Pods that the list has no more, though the cache has: their watch is yet
 * to say so. One that is newer than the list was made after it.
 */
static void forget_unlisted(struct gate *gate, struct arena *arena, const struct json *list,
			    const struct permit_answer *answer)
{
	struct reconcile_input input = {.formation = gate->config.formation};
	uint64_t version;

	if (version_parse(json_string_or(json_path(list, "metadata", "resourceVersion", NULL), ""),
			  &version) != 0)
		return;

	cache_gather(gate->config.cache, gate->config.arena, &input);
	for (size_t i = 0; i < input.pod_count; i++) {
		const struct observed_pod *pod = input.pods[i];
		const char *name, *uid;

		if (!same_text(pod->type, gate->config.type) || pod->object.version > version || is_listed(answer, pod))
			continue;
		name = arena_strdup(gate->config.arena, pod->object.name);
		uid = arena_strdup(gate->config.arena, pod->object.uid);
		observe(gate, &RESOURCE_POD, name, uid, arena, NULL);
	}
}

static int take_pods(struct gate *gate, struct arena *arena, const struct json *items, size_t count,
		     struct permit_answer *answer, struct err *err)
{
	struct permit_pod *pods = arena_array(gate->config.arena, struct permit_pod, count);
	const struct observed_pod **observed = arena_array(
		gate->config.arena, const struct observed_pod *, gate->observed_count + count);

	if (gate->observed_count)
		memcpy(observed, gate->observed, gate->observed_count * sizeof(*observed));
	gate->observed = observed;
	answer->pods = pods;
	for (const struct json *item = items; item && answer->pod_count < count;
	     item = item->next) {
		if (take_pod(gate, arena, item, &pods[answer->pod_count], err) != 0)
			return -1;
		answer->pod_count++;
	}
	return 0;
}

/* Turn the answer of the present request into the protocol's terms. */
static int take_answer(struct gate *gate, struct arena *arena, const struct json *object,
		       struct permit_answer *answer, struct err *err)
{
	const struct json *items = json_get(object, "items");

	switch (gate->protocol.request) {
	case PERMIT_GET_RECORD:
		return take_formation(gate, object, answer, err);
	case PERMIT_LIST_PODS:
		if (take_pods(gate, arena, items ? items->first : NULL, json_count(items), answer,
			      err) != 0)
			return -1;
		forget_unlisted(gate, arena, object, answer);
		return 0;
	case PERMIT_GET_POD:
		return object ? take_pods(gate, arena, object, 1, answer, err) : 0;
	case PERMIT_WRITE_RECORD:
		observe(gate, &RESOURCE_FORMATION, gate->config.formation->name,
			gate->config.formation->uid, arena, object);
		return 0;
	case PERMIT_OPEN_GATE:
		observe(gate, &RESOURCE_POD, gate->protocol.decision.pod->name,
			gate->protocol.decision.pod->uid, arena, object);
		return 0;
	case PERMIT_END:
		break;
	}
	return 0;
}

/* The API server said no. Returns whether that is an answer like another. */
static bool take_refusal(struct gate *gate, struct arena *arena, struct err *err)
{
	const struct permit_protocol *protocol = &gate->protocol;

	switch (protocol->request) {
	case PERMIT_GET_POD:
		if (err->code != ERR_NOT_FOUND)
			return false;
		observe(gate, &RESOURCE_POD, protocol->view.record.pod, protocol->view.record.uid,
			arena, NULL);
		return true;
	case PERMIT_OPEN_GATE:
		if (err->code == ERR_NOT_FOUND)
			observe(gate, &RESOURCE_POD, protocol->decision.pod->name,
				protocol->decision.pod->uid, arena, NULL);
		/* A test of the patch that fails is a pod that has changed. */
		if (err->code == ERR_NOT_FOUND || err->code == ERR_INVALID)
			err->code = ERR_CONFLICT;
		return false;
	default:
		return false;
	}
}

static void on_answer(void *arg, struct arena *arena, struct json *object, const struct err *err)
{
	struct gate *gate = arg;
	struct permit_answer answer = {0};
	struct err why = *err;

	gate->call = NULL;
	if (why.code != ERR_NONE && take_refusal(gate, arena, &why))
		why = (struct err)ERR_INIT;
	if (why.code == ERR_NONE && take_answer(gate, arena, object, &answer, &why) == 0)
		why = (struct err)ERR_INIT;
	answer.failed = why.code != ERR_NONE;
	log_debug(gate->config.formation->name, "gate of %s: %s%s%s", gate->config.type,
		  permit_request_name(gate->protocol.request), answer.failed ? ": " : "",
		  answer.failed ? why.msg : "");
	permit_protocol_answer(&gate->protocol, &answer);
	if (answer.failed)
		finish(gate, &why);
	else if (gate->protocol.request == PERMIT_END)
		finish_decided(gate);
	else
		send_next(gate);
}

/* --- what is asked for --------------------------------------------- */

static const char *list_query(struct gate *gate)
{
	struct buf query = BUF_INIT(1024);
	const char *text;

	buf_puts(&query, "labelSelector=");
	escape_url(&query, arena_printf(gate->config.arena, "%s=%s,%s=%s", LABEL_FORMATION,
					gate->config.formation->name, LABEL_TYPE,
					gate->config.type));
	text = arena_strdup(gate->config.arena, buf_cstr(&query));
	buf_release(&query);
	return text;
}

static const struct json_keep KEEP_VERSION[] = {{"resourceVersion", NULL}, {0}};
static const struct json_keep KEEP_LIST[] = {
	{"metadata", KEEP_VERSION}, {"items", KEEP_POD}, {0}};

static struct client_request request_of(struct gate *gate)
{
	const struct permit_protocol *protocol = &gate->protocol;
	struct arena *arena = gate->config.arena;
	struct client_request request = {
		.verb = "get",
		.resource = &RESOURCE_POD,
		.ns = gate->config.formation->ns,
		.keep = KEEP_POD,
		.priority = HTTP_PRIORITY_NORMAL,
	};

	switch (protocol->request) {
	case PERMIT_GET_RECORD:
		request.resource = &RESOURCE_FORMATION;
		request.name = gate->config.formation->name;
		request.keep = KEEP_FORMATION;
		break;
	case PERMIT_LIST_PODS:
		request.verb = "list";
		request.query = list_query(gate);
		request.keep = KEEP_LIST;
		break;
	case PERMIT_GET_POD:
		request.name = protocol->view.record.pod;
		break;
	case PERMIT_WRITE_RECORD:
		request.verb = "apply";
		request.resource = &RESOURCE_FORMATION;
		request.name = gate->config.formation->name;
		request.subresource = "status";
		request.manager = FIELD_MANAGER;
		request.force = true;
		request.keep = KEEP_FORMATION;
		request.body = permit_body(arena, gate->formation, gate->config.type,
					   protocol->decision.pod);
		break;
	case PERMIT_OPEN_GATE:
		request.verb = "json-patch";
		request.name = protocol->decision.pod->name;
		request.manager = FIELD_MANAGER;
		request.body = permit_patch(arena, protocol->decision.pod);
		break;
	case PERMIT_END:
		break;
	}
	return request;
}

static void send_next(struct gate *gate)
{
	struct client_request request = request_of(gate);
	struct err err = ERR_INIT;

	if (gate->protocol.request == PERMIT_WRITE_RECORD && !request.body) {
		err_set(&err, ERR_CONFLICT, "the status of %s is yet to be written",
			gate->config.type);
		finish(gate, &err);
		return;
	}
	gate->call = client_start(gate->config.client, &request, on_answer, gate);
}

struct gate *gate_start(const struct gate_config *config, gate_done_fn *done, void *arg)
{
	struct gate *gate = arena_new(config->arena, struct gate);

	gate->config = *config;
	gate->done = done;
	gate->arg = arg;
	permit_protocol_init(&gate->protocol);
	send_next(gate);
	return gate;
}
