#include "controller/resizer.h"

#include <string.h>

#include "base/log.h"
#include "codec/timestamp.h"
#include "controller/changes.h"
#include "formation/resize_plan.h"
#include "kube/escape.h"

/* Requests in this order; the last one as often as there is something to write. */
enum resizer_state { GET_DEPLOYMENT, LIST_SETS, LIST_PODS, WRITING };

enum { WRITES_MORE = 8 }; /* writes of one try, besides three for each pod */

struct resizer {
	struct resizer_config config;
	resizer_done_fn *done;
	void *arg;
	enum resizer_state state;
	struct resize_view view;
	struct resize_decision decision; /* under way, while WRITING */
	struct resizer_result result;
	size_t writes;
	struct client_call *call;        /* the request under way */
};

static void send_next(struct resizer *resizer);

void resizer_cancel(struct resizer *resizer)
{
	if (resizer && resizer->call)
		client_cancel(resizer->call);
}

static void finish(struct resizer *resizer, const struct err *err)
{
	struct err copy = *err;

	resizer->done(resizer->arg, &resizer->result, &copy);
}

/* --- what is read -------------------------------------------------- */

/* Into the cache, so that the next plan isn't made from less than this one knew. */
static void observe(struct resizer *resizer, const struct resource *resource, const char *name,
		    struct arena *arena, const struct json *object)
{
	const struct formation *formation = resizer->config.formation;

	cache_observe(resizer->config.cache,
		      &(struct cache_answer){
			      .resource = resource,
			      .ns = formation->ns,
			      .name = name,
			      .uid = json_string_or(json_path(object, "metadata", "uid", NULL), NULL),
			      .formation = formation->name,
		      },
		      arena, object);
}

static const char *name_of(const struct json *object)
{
	return json_string_or(json_path(object, "metadata", "name", NULL), "");
}

static const struct json **take_list(struct resizer *resizer, const struct json *list,
				     size_t *ret_count)
{
	const struct json *items = json_get(list, "items");
	const struct json **taken =
		arena_array(resizer->config.arena, const struct json *, json_count(items) + 1);

	*ret_count = 0;
	json_for_each(item, items)
		taken[(*ret_count)++] = json_clone(resizer->config.arena, item);
	return taken;
}

static void take_deployment(struct resizer *resizer, struct arena *arena, const struct json *object)
{
	const struct step *step = resizer->config.step;

	observe(resizer, &RESOURCE_DEPLOYMENT, step->name, arena, object);
	resizer->view.deployment = json_clone(resizer->config.arena, object);
}

static void take_pods(struct resizer *resizer, struct arena *arena, const struct json *list)
{
	json_for_each(pod, json_get(list, "items"))
		observe(resizer, &RESOURCE_POD, name_of(pod), arena, pod);
	resizer->view.pods = take_list(resizer, list, &resizer->view.pod_count);
}

/* The API server took a resize, and stored something else: somebody's admission did. */
static void take_pod(struct resizer *resizer, struct arena *arena, const struct json *pod)
{
	struct resize_view *view = &resizer->view;

	if (resizer->decision.action == RESIZE_POD && resize_is_ignored(view, pod))
		view->refusal = "the API server did not store the resources that were asked for";
	observe(resizer, &RESOURCE_POD, name_of(pod), arena, pod);
	view->pods[resizer->decision.index] = json_clone(resizer->config.arena, pod);
}

/* A write was answered: what it made is what is known now. */
static void take_write(struct resizer *resizer, struct arena *arena, const struct json *object)
{
	const struct resize_decision *decision = &resizer->decision;

	switch (decision->action) {
	case RESIZE_BEGIN:
	case RESIZE_POD:
	case RESIZE_MARK:
		take_pod(resizer, arena, object);
		break;
	case RESIZE_SET:
	case RESIZE_SUPERSEDE:
		resizer->view.sets[decision->index] = json_clone(resizer->config.arena, object);
		break;
	case RESIZE_SCALE:
		resizer->view.scaled = true;
		take_deployment(resizer, arena, object);
		break;
	case RESIZE_PAUSE:
		take_deployment(resizer, arena, object);
		break;
	case RESIZE_APPLY:
		resizer->result.in_place = !decision->why;
		take_deployment(resizer, arena, object);
		break;
	case RESIZE_END:
	case RESIZE_WAIT:
		break;
	}
}

/*
 * A resize that will not do however often it is tried: the API server
 * refuses it, or has no such subresource. A pod that is gone says its own name.
 */
static bool is_refusal(const struct resizer *resizer, const struct err *err)
{
	const struct json *pod;

	if (resizer->state != WRITING || resizer->decision.action != RESIZE_POD)
		return false;
	pod = resizer->view.pods[resizer->decision.index];
	if (err->code == ERR_NOT_FOUND)
		return !strstr(err->msg, arena_printf(resizer->config.arena, "\"%s\" not found",
						      name_of(pod)));
	return err->code == ERR_INVALID || err->code == ERR_FORBIDDEN || err->http_status == 405;
}

/* Objects that are gone or another by now: it begins anew, from what is there then. */
static void soften(struct err *err)
{
	if (err->code == ERR_NOT_FOUND || err->code == ERR_INVALID)
		err->code = ERR_CONFLICT;
}

static void take_answer(struct resizer *resizer, struct arena *arena, const struct json *object)
{
	switch (resizer->state) {
	case GET_DEPLOYMENT:
		take_deployment(resizer, arena, object);
		resizer->state = LIST_SETS;
		break;
	case LIST_SETS:
		resizer->view.sets = take_list(resizer, object, &resizer->view.set_count);
		resizer->state = LIST_PODS;
		break;
	case LIST_PODS:
		take_pods(resizer, arena, object);
		resizer->state = WRITING;
		break;
	case WRITING:
		take_write(resizer, arena, object);
		break;
	}
}

static void on_answer(void *arg, struct arena *arena, struct json *object, const struct err *err)
{
	struct resizer *resizer = arg;
	struct err why = *err;

	resizer->call = NULL;
	log_debug(resizer->config.formation->name, "resize of %s: %s%s%s", resizer->config.step->type,
		  resizer->state == WRITING ? resize_action_name(resizer->decision.action) : "look",
		  why.code == ERR_NONE ? "" : ": ", why.msg);
	if (why.code == ERR_NONE) {
		take_answer(resizer, arena, object);
	} else if (is_refusal(resizer, &why)) {
		resizer->view.refusal = arena_strdup(resizer->config.arena, why.msg);
	} else {
		if (why.code == ERR_NOT_FOUND && resizer->state == GET_DEPLOYMENT)
			observe(resizer, &RESOURCE_DEPLOYMENT, resizer->config.step->name, arena, NULL);
		if (resizer->state == WRITING)
			soften(&why);
		finish(resizer, &why);
		return;
	}
	send_next(resizer);
}

/* --- what is asked for --------------------------------------------- */

static const struct json_keep KEEP_SETS[] = {{"items", KEEP_RESIZE_SET}, {0}};
static const struct json_keep KEEP_PODS[] = {{"items", KEEP_RESIZE_POD}, {0}};

static const char *list_query(struct resizer *resizer)
{
	struct buf query = BUF_INIT(1024);
	const char *text;

	buf_puts(&query, "labelSelector=");
	escape_url(&query, arena_printf(resizer->config.arena, "%s=%s,%s=%s", LABEL_FORMATION,
					resizer->config.formation->name, LABEL_TYPE,
					resizer->config.step->type));
	text = arena_strdup(resizer->config.arena, buf_cstr(&query));
	buf_release(&query);
	return text;
}

static struct client_request read_request(struct resizer *resizer)
{
	struct client_request request = {
		.verb = "list",
		.ns = resizer->config.formation->ns,
		.priority = HTTP_PRIORITY_NORMAL,
	};

	if (resizer->state == GET_DEPLOYMENT) {
		request.verb = "get";
		request.resource = &RESOURCE_DEPLOYMENT;
		request.name = resizer->config.step->name;
		request.keep = KEEP_DEPLOYMENT;
		return request;
	}
	request.query = list_query(resizer);
	request.resource = resizer->state == LIST_SETS ? &RESOURCE_REPLICA_SET : &RESOURCE_POD;
	request.keep = resizer->state == LIST_SETS ? KEEP_SETS : KEEP_PODS;
	return request;
}

static struct client_request write_request(struct resizer *resizer)
{
	const struct resize_decision *decision = &resizer->decision;
	struct client_request request = {
		.verb = "apply",
		.resource = &RESOURCE_DEPLOYMENT,
		.ns = resizer->config.formation->ns,
		.name = resizer->config.step->name,
		.manager = FIELD_MANAGER,
		.keep = KEEP_DEPLOYMENT,
		.body = resize_body(resizer->config.arena, &resizer->view, decision),
		.priority = HTTP_PRIORITY_NORMAL,
	};

	if (decision->action == RESIZE_POD || decision->action == RESIZE_MARK ||
	    decision->action == RESIZE_BEGIN) {
		request.resource = &RESOURCE_POD;
		request.name = name_of(resizer->view.pods[decision->index]);
		request.keep = KEEP_RESIZE_POD;
		request.verb = decision->action == RESIZE_POD ? "json-patch" : "patch";
		request.subresource = decision->action == RESIZE_POD ? "resize" : NULL;
	} else if (decision->action == RESIZE_SET || decision->action == RESIZE_SUPERSEDE) {
		request.resource = &RESOURCE_REPLICA_SET;
		request.name = name_of(resizer->view.sets[decision->index]);
		request.keep = KEEP_RESIZE_SET;
		request.verb = "json-patch";
	} else {
		request.force = true;
	}
	return request;
}

/* Returns whether there is something to write; else it is at its end. */
static bool decide(struct resizer *resizer)
{
	struct err err = ERR_INIT;

	resizer->view.now_ms = loop_wall_ms(resizer->config.loop);
	resize_decide(resizer->config.arena, &resizer->view, &resizer->decision);
	if (resizer->decision.why && !resizer->result.why)
		resizer->result.why = resizer->decision.why;
	if (resizer->decision.action == RESIZE_END || resizer->decision.action == RESIZE_WAIT) {
		resizer->result.again_ms = resizer->decision.again_ms;
		finish(resizer, &err);
		return false;
	}
	if (++resizer->writes > 3 * resizer->view.pod_count + WRITES_MORE) {
		err_set(&err, ERR_CONFLICT, "others change the size of %s as often as it is set",
			resizer->config.step->name);
		finish(resizer, &err);
		return false;
	}
	return true;
}

static void send_next(struct resizer *resizer)
{
	struct client_request request;

	if (resizer->state == WRITING && !decide(resizer))
		return;
	request = resizer->state == WRITING ? write_request(resizer) : read_request(resizer);
	resizer->call = client_start(resizer->config.client, &request, on_answer, resizer);
}

/* Since when the status says that dynos are being resized, 0 when it doesn't. */
static int64_t resizing_since(const struct formation *formation)
{
	json_for_each(condition, json_get(formation->status, "conditions")) {
		int64_t since_ms = timestamp_parse(
			json_string_or(json_get(condition, "lastTransitionTime"), ""));

		if (same_text(json_string_or(json_get(condition, "type"), NULL), RESIZING))
			return since_ms > 0 ? since_ms : 0;
	}
	return 0;
}

struct resizer *resizer_start(const struct resizer_config *config, resizer_done_fn *done, void *arg)
{
	struct resizer *resizer = arena_new(config->arena, struct resizer);

	resizer->config = *config;
	resizer->done = done;
	resizer->arg = arg;
	resizer->view.body = config->step->body;
	resizer->view.deadline_ms = config->deadline_ms;
	resizer->view.since_ms = resizing_since(config->formation);
	send_next(resizer);
	return resizer;
}
