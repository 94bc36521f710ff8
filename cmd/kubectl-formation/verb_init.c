/* init: a Formation from a Procfile and an app.json. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli.h"
#include "formation/app_json.h"
#include "formation/inspect.h"
#include "formation/model.h"
#include "formation/procfile.h"
#include "formation/rules.h"
#include "input.h"
#include "verbs.h"

static const struct flag FLAGS[] = {
	{ "procfile", 'f', FLAG_TEXT, offsetof(struct options, procfile), "FILE",
	  "the Procfile, - for standard input; without it: Procfile" },
	{ "image", 0, FLAG_TEXT, offsetof(struct options, image), "IMAGE",
	  "the image that every process runs" },
	{ "app-json", 0, FLAG_TEXT, offsetof(struct options, app_json), "FILE",
	  "an app.json, whose formation section says quantities and sizes" },
	{ "name", 0, FLAG_TEXT, offsetof(struct options, name), "NAME",
	  "name of the Formation; without it: the Procfile's folder" },
	FLAG_ROW_FORMAT,
	{ 0 },
};

struct init {
	struct cli *cli;
	const char *path; /* of the Procfile */
	const char *app_path;
	struct procfile procfile;
	struct app_json app_json;
	const char *problem; /* the first that the Formation would have */
};

/* --- the name ------------------------------------------------------ */

/* "shop" of /home/me/shop/Procfile. */
static const char *folder_name(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? arena_strndup(arena, path, (size_t)(slash - path) + 1)
	                     : arena_strdup(arena, ".");
	char *full = realpath(folder, NULL);
	const char *name = full ? arena_strdup(arena, strrchr(full, '/') + 1) : "";

	free(full);
	return dns_name_near(arena, name, TYPE_MAX);
}

static const char *formation_name(const struct init *init)
{
	const struct cli *cli = init->cli;

	if (cli->options.name)
		return cli->options.name;
	if (cli->options.app)
		return cli->options.app;
	if (cli->arg_count)
		return cli->args[0];
	return folder_name(&init->cli->arena,
	                   strcmp(init->path, "-") == 0 ? "Procfile" : init->path);
}

/* --- reading ------------------------------------------------------- */

static int read_procfile(struct init *init, struct err *err)
{
	struct arena *arena = &init->cli->arena;
	size_t len;
	const char *text = input_read(arena, init->path, &len, err);

	if (!text)
		return -1;
	if (procfile_parse(arena, input_name(init->path), text, len, &init->procfile, err) != 0)
		return -1;
	if (init->procfile.release_line)
		cli_complain("%s:%zu: release is left out: it is no process, run it as a Job "
		             "before the new image is rolled out",
		             input_name(init->path), init->procfile.release_line);
	return 0;
}

static const struct procfile_entry *entry_of(const struct init *init, const char *type)
{
	for (size_t i = 0; i < init->procfile.count; i++) {
		if (strcmp(init->procfile.entries[i].type, type) == 0)
			return &init->procfile.entries[i];
	}
	return NULL;
}

/* What is said of a type that the Procfile does not have is an error: a misspelling, most likely.
 */
static int read_app_json(struct init *init, struct err *err)
{
	struct arena *arena = &init->cli->arena;
	const char *name = input_name(init->app_path);
	size_t len;
	const char *text = input_read(arena, init->app_path, &len, err);

	if (!text || app_json_parse(arena, name, text, len, &init->app_json, err) != 0)
		return -1;
	for (size_t i = 0; i < init->app_json.count; i++) {
		const struct app_json_entry *entry = &init->app_json.entries[i];

		if (!entry_of(init, entry->type) && strcmp(entry->type, "release") != 0)
			return err_set(err, ERR_INVALID,
			               "%s:%zu:%zu: formation.%s: %s has no such process type: add "
			               "it there, or take it out here",
			               name, entry->line, entry->column, entry->type,
			               input_name(init->path));
		if (entry->said && strcasecmp(entry->said, entry->size) != 0)
			cli_complain("%s:%zu:%zu: formation.%s.size: %s becomes %s", name,
			             entry->line, entry->column, entry->type, entry->said,
			             entry->size);
	}
	return 0;
}

/* --- writing ------------------------------------------------------- */

static struct json *process_json(struct init *init, const struct procfile_entry *entry)
{
	struct arena *arena = &init->cli->arena;
	struct json *process = json_new_object(arena);
	int quantity = strcmp(entry->type, "web") == 0;
	const char *size = NULL;

	for (size_t i = 0; i < init->app_json.count; i++) {
		const struct app_json_entry *said = &init->app_json.entries[i];

		if (strcmp(said->type, entry->type) != 0)
			continue;
		quantity = said->quantity == QUANTITY_UNSET ? quantity : said->quantity;
		size = said->size;
	}
	json_set_string(arena, process, "type", entry->type);
	json_set_string(arena, process, "command", entry->command);
	json_set_int(arena, process, "quantity", quantity);
	if (size)
		json_set_string(arena, process, "size", size);
	return process;
}

static struct json *formation_json(struct init *init)
{
	struct arena *arena = &init->cli->arena;
	struct json *value = json_new_object(arena), *metadata, *spec, *processes;

	json_set_string(arena, value, "apiVersion", "dyno.dev/v1");
	json_set_string(arena, value, "kind", "Formation");
	metadata = json_set_object(arena, value, "metadata");
	json_set_string(arena, metadata, "name", formation_name(init));
	if (init->cli->options.ns)
		json_set_string(arena, metadata, "namespace", init->cli->options.ns);
	spec = json_set_object(arena, value, "spec");
	json_set_string(arena, spec, "image", init->cli->options.image);
	processes = json_set_array(arena, spec, "processes");
	for (size_t i = 0; i < init->procfile.count; i++)
		json_add(processes, process_json(init, &init->procfile.entries[i]));
	return value;
}

static void keep_first(void *arg, const char *problem)
{
	struct init *init = arg;

	if (!init->problem)
		init->problem = problem;
}

static int run_init(struct cli *cli, struct err *err)
{
	struct init init = {
		.cli = cli,
		.path = cli->options.procfile ? cli->options.procfile : "Procfile",
		.app_path = cli->options.app_json,
	};
	struct json *value;

	if (!cli->options.image)
		return cli_usage(err, "--image says which image runs; it is missing");
	if (cli->arg_count > 1)
		return cli_usage(err, "%s: expected at most one NAME", cli->args[1]);
	if (read_procfile(&init, err) != 0 || (init.app_path && read_app_json(&init, err) != 0))
		return EXIT_FAILED;
	value = formation_json(&init);
	inspect(&cli->arena, value, keep_first, &init);
	if (init.problem) {
		err_set(err, ERR_INVALID, "%s", init.problem);
		return EXIT_FAILED;
	}
	if (cli->options.format == FORMAT_NAME)
		output_printf(&cli->out, "formation.dyno.dev/%s\n", formation_name(&init));
	else if (cli->options.format == FORMAT_JSON)
		output_json(&cli->out, value);
	else
		output_yaml(&cli->out, value);
	return EXIT_DONE;
}

const struct verb VERB_INIT = {
	.name = "init",
	.usage = "[NAME] --image=IMAGE [--procfile=FILE] [--app-json=FILE]",
	.summary = "Print a Formation made of a Procfile",
	.help = "Each line of the Procfile becomes a process: web with one dyno, others with none\n"
		"until you scale them; the formation section of an app.json says otherwise.\n"
		"`release` is left out. No cluster is asked.\n\nExamples:\n"
		"  kubectl formation init --image=registry.example.com/shop:v42 >shop.yaml\n"
		"  kubectl formation init shop --procfile=Procfile --image=shop:v42 "
		"--app-json=app.json | kubectl apply -f -\n",
	.flags = FLAGS,
	.run = run_init,
};
