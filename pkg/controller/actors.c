#include "controller/actors.h"

#include <stdlib.h>

#include "api/resource.h"
#include "base/log.h"

enum { ASK_AGAIN_MS = 5 * 60 * 1000, ASK_FAILED_MS = 10 * 1000 };

static const struct resource RESOURCE_BINDING = {
	.group = "admissionregistration.k8s.io",
	.version = "v1",
	.plural = "mutatingadmissionpolicybindings",
	.kind = "MutatingAdmissionPolicyBinding",
	.api_version = "admissionregistration.k8s.io/v1",
	.namespaced = false,
};

struct actors {
	struct client *client;
	struct loop_timer *timer;
	struct client_call *call; /* under way, or NULL */
	bool verified;
	bool told;                /* a first answer is in the log */
};

static void tell(struct actors *actors, bool verified)
{
	if (!actors->told || verified != actors->verified)
		log_info("actors", "%s",
			 verified ? "who changes a Formation is told by the API server"
				  : "no policy tells who changes a Formation: field managers "
				    "stand in, unverified (deploy/actor)");
	actors->told = true;
	actors->verified = verified;
}

static void on_answer(void *arg, struct arena *arena, struct json *object, const struct err *err)
{
	struct actors *actors = arg;
	bool known = err->code == ERR_NONE || err->code == ERR_NOT_FOUND ||
		     err->code == ERR_FORBIDDEN;

	(void)arena;
	(void)object;
	actors->call = NULL;
	if (known)
		tell(actors, err->code == ERR_NONE);
	loop_timer_start(actors->timer, known ? ASK_AGAIN_MS : ASK_FAILED_MS);
}

static void on_timer(void *arg)
{
	static const struct json_keep keep[] = {{"kind", NULL}, {0}};
	struct actors *actors = arg;
	const struct client_request request = {
		.verb = "get",
		.resource = &RESOURCE_BINDING,
		.name = "actor.dyno.dev",
		.keep = keep,
		.priority = HTTP_PRIORITY_NORMAL,
	};

	if (!actors->call)
		actors->call = client_start(actors->client, &request, on_answer, actors);
}

struct actors *actors_new(struct loop *loop, struct client *client)
{
	struct actors *actors = x_calloc(1, sizeof(*actors));

	actors->client = client;
	actors->timer = loop_timer_new(loop, on_timer, actors);
	return actors;
}

void actors_free(struct actors *actors)
{
	if (!actors)
		return;
	if (actors->call)
		client_cancel(actors->call);
	loop_timer_free(actors->timer);
	free(actors);
}

void actors_start(struct actors *actors)
{
	on_timer(actors);
}

bool actors_verified(const struct actors *actors)
{
	return actors && actors->verified;
}
