/* scale and resize: read, decide, one write, and wait until it runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "change.h"
#include "guard.h"
#include "preview.h"
#include "scale_wait.h"
#include "target.h"
#include "verbs.h"

enum { TRIES_MAX = 500, PAUSE_MAX_MS = 60 };

#define MANAGER "kubectl-formation"

static const struct resource RESOURCE_HPA = {
	.group = "autoscaling",
	.version = "v2",
	.plural = "horizontalpodautoscalers",
	.kind = "HorizontalPodAutoscaler",
	.api_version = "autoscaling/v2",
	.namespaced = true,
};

static const struct resource RESOURCE_SCALED_OBJECT = {
	.group = "keda.sh",
	.version = "v1alpha1",
	.plural = "scaledobjects",
	.kind = "ScaledObject",
	.api_version = "keda.sh/v1alpha1",
	.namespaced = true,
};

/* One run of scale or resize. */
struct scale {
	struct cli *cli;
	struct session *session;
	bool resize;
	struct target target;
	struct session_call autoscalers, scaled_objects, sizes, deployments;
	struct dyno_sizes size_table;
	bool sizes_known;
	struct scale_word *words;
	size_t word_count;
	struct changes changes;
	bool warned;
};

static void start_list(struct scale *scale, struct session_call *call,
		       const struct resource *resource, const char *query)
{
	*call = (struct session_call){
		.arena = &scale->cli->arena,
		.request = {.verb = "list", .resource = resource, .query = query},
	};
	if (resource->namespaced)
		call->request.ns = session_ns(scale->session);
	session_start(scale->session, call);
}

/* --- what is known before ------------------------------------------ */

static int replicas_of(void *arg, const struct process *process)
{
	struct scale *scale = arg;
	const char *name = process_object_name(&scale->cli->arena, &scale->target.formation,
					       process->type);

	if (process->singleton)
		return 1;
	json_for_each (item, json_get(scale->deployments.answer, "items")) {
		if (strcmp(json_string_or(json_path(item, "metadata", "name", NULL), ""), name) == 0)
			return (int)json_int_or(json_path(item, "spec", "replicas", NULL), 1);
	}
	return -1;
}

static bool names_a_size(const struct scale *scale)
{
	for (int i = 0; i < scale->cli->arg_count; i++) {
		if (strchr(scale->cli->args[i], ':'))
			return true;
	}
	return scale->resize;
}

static bool lacks_a_quantity(const struct formation *formation)
{
	for (size_t i = 0; i < formation->process_count; i++) {
		if (formation->processes[i].quantity == QUANTITY_UNSET)
			return true;
	}
	return false;
}

/* A list that may not be read, or isn't served, is an empty one. */
static int tolerate(const struct session_call *call, struct err *err)
{
	if (call->answer || call->err.code == ERR_NOT_FOUND || call->err.code == ERR_FORBIDDEN)
		return 0;
	*err = call->err;
	return -1;
}

static void decode_sizes(struct scale *scale)
{
	struct arena *arena = &scale->cli->arena;
	const struct json *items = json_get(scale->sizes.answer, "items");
	struct dyno_size *table = arena_array(arena, struct dyno_size, json_count(items) + 1);
	struct err err = ERR_INIT;
	size_t count = 0;

	json_for_each (item, items)
		count += dyno_size_decode(arena, item, &table[count], &err) == 0;
	scale->size_table = (struct dyno_sizes){.items = table, .count = count};
	scale->sizes_known = scale->sizes.answer != NULL;
}

/* The Formation, and what else decides; the first time, all at once. */
static int read_world(struct scale *scale, bool again, struct err *err)
{
	struct session *session = scale->session;

	target_start(scale->cli, session, &scale->target);
	if (!again) {
		start_list(scale, &scale->autoscalers, &RESOURCE_HPA, NULL);
		start_list(scale, &scale->scaled_objects, &RESOURCE_SCALED_OBJECT, NULL);
		if (names_a_size(scale))
			start_list(scale, &scale->sizes, &RESOURCE_DYNO_SIZE, NULL);
	}
	if (session_wait(session, err) != 0 ||
	    target_resolve(scale->cli, &scale->target, err) != 0)
		return -1;
	if (!again) {
		if (tolerate(&scale->autoscalers, err) != 0 ||
		    tolerate(&scale->scaled_objects, err) != 0 ||
		    (names_a_size(scale) && tolerate(&scale->sizes, err) != 0))
			return -1;
		decode_sizes(scale);
	}
	if (!lacks_a_quantity(&scale->target.formation))
		return 0;
	start_list(scale, &scale->deployments, &RESOURCE_DEPLOYMENT,
		   target_query(&scale->cli->arena, scale->target.formation.name));
	if (session_wait(session, err) != 0)
		return -1;
	return tolerate(&scale->deployments, err);
}

/* --- deciding ------------------------------------------------------ */

/* Every word, before a request is sent where the first can be no name. */
static int parse_words(struct scale *scale, int from, struct err *err)
{
	struct cli *cli = scale->cli;
	char **args = cli->args + from;
	int count = cli->arg_count - from;

	return scale->resize ? resize_words_parse(&cli->arena, args, count, &scale->words,
						  &scale->word_count, err)
			     : scale_words_parse(&cli->arena, args, count, &scale->words,
						 &scale->word_count, err);
}

/* Warn of a GitOps tool once; refuse where nobody reads the warning. */
static int check_gitops(struct scale *scale, struct err *err)
{
	const struct change *change = NULL;
	const char *tool = guard_gitops(&scale->cli->arena, scale->target.value, &scale->changes,
					&change);

	if (!tool || scale->warned)
		return 0;
	scale->warned = true;
	if (scale->cli->options.force || isatty(STDIN_FILENO)) {
		cli_complain("warning: %s: %s owns this and will revert it: change it in its "
			     "repository too",
			     change->word->text, tool);
		return 0;
	}
	return err_set(err, ERR_INVALID,
		       "%s: %s owns this and will revert it: change it in its repository, or say "
		       "--force",
		       change->word->text, tool);
}

static int decide(struct scale *scale, struct err *err)
{
	struct arena *arena = &scale->cli->arena;
	const struct formation *formation = &scale->target.formation;

	if (changes_decide(arena, formation, scale->sizes_known ? &scale->size_table : NULL,
			   scale->words, scale->word_count, replicas_of, scale, &scale->changes,
			   err) != 0 ||
	    guard_autoscalers(arena, formation, &scale->changes, scale->autoscalers.answer,
			      scale->scaled_objects.answer, err) != 0)
		return -1;
	changes_complete(scale->target.value, &scale->changes);
	return check_gitops(scale, err);
}

/* --- writing ------------------------------------------------------- */

/* Somebody else wrote first: the version or a test of the patch did not hold. */
static bool lost_the_race(const struct err *err)
{
	return err->code == ERR_CONFLICT ||
	       (err->http_status == 422 && strstr(err->msg, "due to an error in our request"));
}

/* One write. Returns the Formation as stored, or NULL. */
static const struct json *write_changes(struct scale *scale, struct err *err)
{
	struct cli *cli = scale->cli;
	const struct client_request request = {
		.verb = "json-patch",
		.resource = &RESOURCE_FORMATION,
		.ns = scale->target.formation.ns,
		.name = scale->target.formation.name,
		.manager = MANAGER,
		.dry_run = cli->options.dry_run == DRY_RUN_SERVER,
		.body = changes_patch(&cli->arena, scale->target.value, &scale->changes),
	};

	if (!scale->changes.any)
		return scale->target.value;
	return session_request(scale->session, &cli->arena, &request, err);
}

/* Read, decide, write; again from a fresh read when somebody else was first. */
static const struct json *change_formation(struct scale *scale, struct err *err)
{
	unsigned int seed = (unsigned int)getpid();

	for (int tries = 0; tries < TRIES_MAX; tries++) {
		const struct json *stored;

		*err = (struct err)ERR_INIT;
		if (tries > 0 && read_world(scale, true, err) != 0)
			return NULL;
		if (decide(scale, err) != 0)
			return NULL;
		stored = write_changes(scale, err);
		if (stored || !lost_the_race(err))
			return stored;
		if (session_pause(scale->session, 1 + rand_r(&seed) % PAUSE_MAX_MS, err) != 0)
			return NULL;
	}
	err_wrap(err, "others changed the Formation all the time: try again");
	return NULL;
}

/* --- telling ------------------------------------------------------- */

static int print_formation(struct scale *scale)
{
	struct cli *cli = scale->cli;
	struct output *out = &cli->out;

	switch (cli->options.format) {
	case FORMAT_JSON:
		output_json(out, scale->target.value);
		break;
	case FORMAT_YAML:
		output_yaml(out, scale->target.value);
		break;
	case FORMAT_NAME:
		output_printf(out, "formation.dyno.dev/%s\n", scale->target.formation.name);
		break;
	default:
		output_printf(out, "%s\n",
			      formation_words(&cli->arena, &scale->target.formation, replicas_of,
					      scale));
	}
	return EXIT_DONE;
}

static const char *words_text(struct scale *scale)
{
	const char *text = "";

	for (size_t i = 0; i < scale->changes.count; i++) {
		const struct change *change = &scale->changes.items[i];

		text = arena_printf(&scale->cli->arena, "%s%s%s=%s", text, *text ? " " : "",
				    change->process->type,
				    change_text(&scale->cli->arena, change->after, change->size));
	}
	return text;
}

static int finish(struct scale *scale, const struct json *stored, struct err *err)
{
	struct cli *cli = scale->cli;
	const char *verb = scale->resize ? "Resizing" : "Scaling";
	struct goal *goals = arena_array(&cli->arena, struct goal, scale->changes.count + 1);

	for (size_t i = 0; i < scale->changes.count; i++)
		goals[i] = (struct goal){
			.type = scale->changes.items[i].process->type,
			.quantity = scale->changes.items[i].after,
			.size = scale->changes.items[i].size,
			.generation =
				json_int_or(json_path(stored, "metadata", "generation", NULL), 0),
		};
	if (cli->options.format == FORMAT_JSON || cli->options.format == FORMAT_YAML ||
	    cli->options.format == FORMAT_NAME) {
		scale->target.value = stored;
		return print_formation(scale);
	}
	if (cli->options.dry_run == DRY_RUN_SERVER) {
		output_printf(&cli->out, "the API server accepts it (server dry run): %s\n",
			      words_text(scale));
		return EXIT_DONE;
	}
	if (cli->options.no_wait) {
		scale_accepted(cli, verb, goals, scale->changes.count);
		return EXIT_DONE;
	}
	return scale_wait(cli, scale->session, scale->target.formation.ns,
			  scale->target.formation.name, verb, goals, scale->changes.count,
			  words_text(scale), err);
}

static int run_scale(struct scale *scale, struct err *err)
{
	struct cli *cli = scale->cli;
	const struct json *stored;

	/* With -a no word can be a name, so a wrong one is told without asking anybody. */
	if (cli->options.app && parse_words(scale, 0, err) != 0)
		return EXIT_FAILED;
	scale->session = cli_session(cli, err);
	if (!scale->session || read_world(scale, false, err) != 0)
		return EXIT_FAILED;
	if (parse_words(scale, scale->target.used, err) != 0)
		return EXIT_FAILED;
	if (scale->word_count == 0)
		return scale->resize ? cli_usage(err, "resize what? expected TYPE=SIZE")
				     : print_formation(scale);
	if (cli->options.dry_run == DRY_RUN_CLIENT) {
		if (decide(scale, err) != 0)
			return EXIT_FAILED;
		return preview_print(cli, scale->session, scale->target.value, &scale->changes, err);
	}
	stored = change_formation(scale, err);
	return stored ? finish(scale, stored, err) : EXIT_FAILED;
}

static int verb_scale(struct cli *cli, struct err *err)
{
	struct scale scale = {.cli = cli};

	return run_scale(&scale, err);
}

static int verb_resize(struct cli *cli, struct err *err)
{
	struct scale scale = {.cli = cli, .resize = true};

	return run_scale(&scale, err);
}

static const struct flag FLAGS[] = {
	FLAG_ROW_DRY_RUN,
	FLAG_ROW_FORMAT,
	{"force", 0, FLAG_BOOL, offsetof(struct options, force), NULL,
	 "change what a GitOps tool owns, and will revert"},
	{"no-wait", 0, FLAG_BOOL, offsetof(struct options, no_wait), NULL,
	 "return once the change is accepted"},
	{"timeout", 0, FLAG_DURATION, offsetof(struct options, timeout_ms), "DURATION",
	 "give up waiting after that, such as 2m; the change stays"},
	{0},
};

const struct verb VERB_SCALE = {
	.name = "scale",
	.alias = "ps:scale",
	.usage = "[NAME] [TYPE=N|TYPE+N|TYPE-N][:SIZE]…",
	.summary = "Say how many dynos run, and how large they are; without words, print it",
	.help = "All words are one change: it happens whole, or not at all. Types that are not named\n"
		"stay as they are.\n\n"
		"Examples:\n"
		"  kubectl formation scale                          # web=2:2X worker=1:1X\n"
		"  kubectl formation scale web=4\n"
		"  kubectl formation scale web+1 worker-1\n"
		"  kubectl formation scale web=2:2X, worker=1:1X    # quantity and size\n"
		"  kubectl formation scale shop web=3 --no-wait\n"
		"  kubectl formation scale web=8 --dry-run          # what would change\n",
	.flags = FLAGS,
	.run = verb_scale,
};

const struct verb VERB_RESIZE = {
	.name = "resize",
	.alias = "ps:resize",
	.usage = "[NAME] TYPE=SIZE…",
	.summary = "Say how large the dynos of a type are",
	.help = "Examples:\n"
		"  kubectl formation resize web=2X\n"
		"  kubectl formation resize shop web=2X worker=1X --timeout 2m\n"
		"  kubectl formation resize web=PX --dry-run\n",
	.flags = FLAGS,
	.run = verb_resize,
};
