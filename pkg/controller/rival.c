#include "controller/rival.h"

#include <string.h>

#include "controller/changes.h"
#include "formation/verdict.h"

struct rival {
	struct rival_config config;
	rival_done_fn *done;
	void *arg;
	struct client_call *call;
	const char *manager; /* who owns spec.replicas, or NULL */
	const char *scaler;  /* a HorizontalPodAutoscaler of the Deployment, or NULL */
};

static const struct json_keep KEEP_MANAGERS[] = {{"managedFields", NULL}, {0}};
static const struct json_keep KEEP_MANAGED[] = {{"metadata", KEEP_MANAGERS}, {0}};

static const struct json_keep KEEP_NAME[] = {{"name", NULL}, {0}};
static const struct json_keep KEEP_TARGET[] = {{"scaleTargetRef", NULL}, {0}};
static const struct json_keep KEEP_SCALER[] = {
	{"metadata", KEEP_NAME}, {"spec", KEEP_TARGET}, {0}};
static const struct json_keep KEEP_SCALERS[] = {{"items", KEEP_SCALER}, {0}};

bool rival_is_met(const struct reconcile_input *input, const struct step *step)
{
	if ((step->kind != STEP_APPLY && step->kind != STEP_PATCH) || !step->uid ||
	    step->resource != &RESOURCE_DEPLOYMENT)
		return false;
	for (size_t i = 0; i < input->deployment_count; i++) {
		const struct observed_deployment *deployment = input->deployments[i];

		if (same_text(deployment->child.object.uid, step->uid))
			return deployment->singleton && deployment->replicas > 1;
	}
	return false;
}

/* --- what was found ------------------------------------------------ */

static const char *text_of(const struct rival *rival)
{
	const char *name = rival->config.step->name;
	struct arena *arena = rival->config.arena;
	const char *who = rival->manager ? arena_printf(arena, "field manager \"%s\"", rival->manager)
					 : "somebody";

	if (rival->scaler)
		return arena_printf(arena,
				    "Deployment %s was scaled up by %s, and is set back: a singleton "
				    "never runs more than one dyno. HorizontalPodAutoscaler %s scales "
				    "it; to end this: kubectl delete hpa %s",
				    name, who, rival->scaler, rival->scaler);
	return arena_printf(arena,
			    "Deployment %s was scaled up by %s, and is set back: a singleton never "
			    "runs more than one dyno; to end this see that nothing scales it",
			    name, who);
}

static void finish(struct rival *rival)
{
	const struct formation *formation = rival->config.formation;
	const struct event_subject subject = {
		.resource = &RESOURCE_FORMATION,
		.ns = formation->ns,
		.name = formation->name,
		.uid = formation->uid,
	};
	const char *text = NULL;

	if (rival->manager || rival->scaler) {
		text = text_of(rival);
		recorder_event(rival->config.recorder, &subject, true, REASON_CONTESTED,
			       "Reconcile",
			       arena_printf(rival->config.arena, "%s: %s", rival->config.step->type,
					    text));
	}
	rival->done(rival->arg, text);
}

/* --- autoscalers --------------------------------------------------- */

static bool is_target(const struct json *target, const char *name)
{
	return same_text(json_string_or(json_get(target, "kind"), NULL), RESOURCE_DEPLOYMENT.kind) &&
	       same_text(json_string_or(json_get(target, "name"), NULL), name);
}

static void on_scalers(void *arg, struct arena *arena, struct json *object, const struct err *err)
{
	struct rival *rival = arg;

	(void)arena;
	(void)err; /* without them the manager's name has to do */
	rival->call = NULL;
	json_for_each(scaler, json_get(object, "items")) {
		if (!rival->scaler && is_target(json_path(scaler, "spec", "scaleTargetRef", NULL),
						rival->config.step->name))
			rival->scaler = arena_strdup(
				rival->config.arena,
				json_string_or(json_path(scaler, "metadata", "name", NULL), "?"));
	}
	finish(rival);
}

static void ask_for_scalers(struct rival *rival)
{
	const struct client_request request = {
		.verb = "list",
		.resource = &RESOURCE_AUTOSCALER,
		.ns = rival->config.formation->ns,
		.keep = KEEP_SCALERS,
		.priority = HTTP_PRIORITY_NORMAL,
	};

	rival->call = client_start(rival->config.client, &request, on_scalers, rival);
}

/* --- managers ------------------------------------------------------ */

static bool is_other(const char *manager)
{
	return *manager && strcmp(manager, FIELD_MANAGER) != 0 &&
	       strcmp(manager, FIELD_MANAGER_HANDOVER) != 0;
}

/* Who of the others set replicas last; times of one form compare as texts. */
static void take_manager(struct rival *rival, const struct json *managed)
{
	const char *last = "";

	json_for_each(entry, managed) {
		const char *manager = json_string_or(json_get(entry, "manager"), "");
		const char *time = json_string_or(json_get(entry, "time"), "");

		if (!is_other(manager) || strcmp(time, last) < 0 ||
		    !json_path(entry, "fieldsV1", "f:spec", "f:replicas", NULL))
			continue;
		last = time;
		rival->manager = arena_strdup(rival->config.arena, manager);
	}
}

static void on_deployment(void *arg, struct arena *arena, struct json *object, const struct err *err)
{
	struct rival *rival = arg;

	(void)arena;
	rival->call = NULL;
	if (err->code == ERR_NONE)
		take_manager(rival, json_path(object, "metadata", "managedFields", NULL));
	ask_for_scalers(rival);
}

/* --- life ---------------------------------------------------------- */

struct rival *rival_start(const struct rival_config *config, rival_done_fn *done, void *arg)
{
	struct rival *rival = arena_new(config->arena, struct rival);
	struct client_request request = {
		.verb = "get",
		.resource = &RESOURCE_DEPLOYMENT,
		.ns = config->formation->ns,
		.name = config->step->name,
		.keep = KEEP_MANAGED,
		.priority = HTTP_PRIORITY_NORMAL,
	};

	*rival = (struct rival){.config = *config, .done = done, .arg = arg};
	rival->call = client_start(config->client, &request, on_deployment, rival);
	return rival;
}

void rival_cancel(struct rival *rival)
{
	if (rival && rival->call)
		client_cancel(rival->call);
}
