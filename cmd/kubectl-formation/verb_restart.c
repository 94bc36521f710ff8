/* restart: all dynos, those of a type, or one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/timestamp.h"
#include "formation/restart.h"
#include "kube/escape.h"
#include "target.h"
#include "verbs.h"

#define MANAGER "kubectl-formation"

struct restart {
	struct cli *cli;
	struct session *session;
	struct target target;
};

static const struct process *find_process(const struct formation *formation, const char *type)
{
	for (size_t i = 0; i < formation->process_count; i++) {
		if (strcmp(formation->processes[i].type, type) == 0)
			return &formation->processes[i];
	}
	return NULL;
}

/* --- by the annotation --------------------------------------------- */

/* A merge patch; what others restarted at the same moment is kept by the version. */
static const struct json *annotation_patch(struct restart *restart, const char *type)
{
	struct arena *arena = &restart->cli->arena;
	const struct json *metadata = json_get(restart->target.value, "metadata");
	struct json *patch = json_new_object(arena);
	struct json *head = json_set_object(arena, patch, "metadata");
	const char *old = json_string_or(
		json_path(metadata, "annotations", ANNOTATION_RESTARTED, NULL), NULL);
	char now[TIMESTAMP_MAX];

	timestamp_format(loop_wall_ms(session_loop(restart->session)), now);
	json_set_string(arena, head, "resourceVersion",
			json_string_or(json_get(metadata, "resourceVersion"), ""));
	json_set_string(arena, json_set_object(arena, head, "annotations"), ANNOTATION_RESTARTED,
			restart_add(arena, old, type, now));
	return patch;
}

static int annotate(struct restart *restart, const char *type, struct err *err)
{
	struct cli *cli = restart->cli;
	struct client_request request = {
		.verb = "patch",
		.resource = &RESOURCE_FORMATION,
		.ns = restart->target.formation.ns,
		.name = restart->target.formation.name,
		.manager = MANAGER,
		.dry_run = cli->options.dry_run == DRY_RUN_SERVER,
	};

	for (int tries = 0; tries < 100; tries++) {
		*err = (struct err)ERR_INIT;
		if (tries > 0 && target_find(cli, restart->session, &restart->target, err) != 0)
			return -1;
		request.body = annotation_patch(restart, type);
		if (cli->options.dry_run == DRY_RUN_CLIENT ||
		    session_request(restart->session, &cli->arena, &request, err))
			return 0;
		if (err->code != ERR_CONFLICT)
			return -1;
	}
	return -1;
}

/* --- one dyno ------------------------------------------------------ */

static const char *dyno_query(struct arena *arena, const char *formation, const char *dyno)
{
	struct buf query = BUF_INIT(4096);
	const char *text;

	buf_printf(&query, "%s%%2C", target_query(arena, formation));
	escape_url(&query, LABEL_DYNO "=");
	escape_url(&query, dyno);
	text = arena_strdup(arena, buf_cstr(&query));
	buf_release(&query);
	return text;
}

/* The pod of that dyno which isn't on its way out, or NULL. */
static const struct json *find_pod(struct restart *restart, const char *dyno, struct err *err)
{
	struct arena *arena = &restart->cli->arena;
	const struct client_request request = {
		.verb = "list",
		.resource = &RESOURCE_POD,
		.ns = restart->target.formation.ns,
		.query = dyno_query(arena, restart->target.formation.name, dyno),
	};
	const struct json *list = session_request(restart->session, arena, &request, err);

	json_for_each (item, json_get(list, "items")) {
		if (!json_path(item, "metadata", "deletionTimestamp", NULL))
			return item;
	}
	if (list)
		err_set(err, ERR_NOT_FOUND, "%s has no dyno %s: see `kubectl formation ps`",
			restart->target.formation.name, dyno);
	return NULL;
}

static int delete_dyno(struct restart *restart, const char *dyno, struct err *err)
{
	struct cli *cli = restart->cli;
	const struct json *pod = find_pod(restart, dyno, err);
	const struct client_request request = {
		.verb = "delete",
		.resource = &RESOURCE_POD,
		.ns = restart->target.formation.ns,
		.name = json_string_or(json_path(pod, "metadata", "name", NULL), ""),
		.delete_uid = json_string_or(json_path(pod, "metadata", "uid", NULL), ""),
		.dry_run = cli->options.dry_run == DRY_RUN_SERVER,
	};

	if (!pod)
		return -1;
	if (cli->options.dry_run == DRY_RUN_CLIENT ||
	    session_request(restart->session, &cli->arena, &request, err))
		return 0;
	return -1;
}

/* --- the verb ------------------------------------------------------ */

static int restart_word(struct restart *restart, const char *word, struct err *err)
{
	const struct formation *formation = &restart->target.formation;
	struct output *out = &restart->cli->out;
	bool dry = restart->cli->options.dry_run != DRY_RUN_NONE;
	bool one = word && strchr(word, '.');
	const char *type = word ? arena_strndup(&restart->cli->arena, word, strcspn(word, "."))
				: NULL;

	if (type && !find_process(formation, type))
		return err_set(err, ERR_NOT_FOUND,
			       "%s has no process type %s: see `kubectl formation ps`",
			       formation->name, type);
	if ((one ? delete_dyno(restart, word, err) : annotate(restart, type, err)) != 0)
		return -1;
	output_puts(out, "Restarting ");
	if (one)
		output_printf(out, "dyno %s", word);
	else
		output_printf(out, "%s%sdynos", word ? word : "", word ? " " : "");
	output_printf(out, " on %s... done%s\n", formation->name, dry ? " (dry run)" : "");
	return 0;
}

static int verb_restart(struct cli *cli, struct err *err)
{
	struct restart restart = {.cli = cli};
	int from;

	restart.session = cli_session(cli, err);
	if (!restart.session || target_find(cli, restart.session, &restart.target, err) != 0)
		return EXIT_FAILED;
	from = restart.target.used;
	if (from == cli->arg_count)
		return restart_word(&restart, NULL, err) == 0 ? EXIT_DONE : EXIT_FAILED;
	if (cli->arg_count - from > 1)
		return cli_usage(err, "one process type or dyno at most");
	return restart_word(&restart, cli->args[from], err) == 0 ? EXIT_DONE : EXIT_FAILED;
}

static const struct flag FLAGS[] = {FLAG_ROW_DRY_RUN, {0}};

const struct verb VERB_RESTART = {
	.name = "restart",
	.alias = "ps:restart",
	.usage = "[NAME] [TYPE|DYNO]",
	.summary = "Restart all dynos, those of a type, or one",
	.help = "All dynos, or those of a type, restart as in a rollout: no fewer run meanwhile. The time\n"
		"is stored as an annotation of the Formation. One dyno is ended, and replaced.\n\n"
		"Examples:\n"
		"  kubectl formation restart\n"
		"  kubectl formation restart worker\n"
		"  kubectl formation restart web.1\n",
	.flags = FLAGS,
	.run = verb_restart,
};
