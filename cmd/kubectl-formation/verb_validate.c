/* validate: the checks of the controller and the CRDs, without a cluster. */
#include <string.h>

#include "cli.h"
#include "formation/inspect.h"
#include "input.h"
#include "verbs.h"

static const struct flag FLAGS[] = {
	{ "filename", 'f', FLAG_TEXT, offsetof(struct options, file), "FILE",
	  "a file to check, - for standard input" },
	FLAG_ROW_FORMAT,
	{ 0 },
};

struct check {
	struct cli *cli;
	struct manifests manifests;
	const struct manifest *manifest; /* that is looked at */
	struct json *problems;           /* of all, for -o json and yaml */
	size_t problem_count;            /* of this manifest */
	size_t checked;                  /* manifests that are ours, */
	size_t wrong;                    /* of which these have problems */
};

static bool is_data(const struct check *check)
{
	return check->cli->options.format == FORMAT_JSON ||
	       check->cli->options.format == FORMAT_YAML;
}

/* "spec.processes[1].quantity" of a message that begins with it; "" when it begins with none. */
static const char *path_of(struct arena *arena, const char *message)
{
	size_t len = strcspn(message, ": ");

	return message[len] == ':' ? arena_strndup(arena, message, len) : "";
}

static void add_problem(struct check *check, struct place at, const char *path, const char *message)
{
	struct arena *arena = &check->cli->arena;
	struct json *problem = json_add(check->problems, json_new_object(arena));

	json_set_string(arena, problem, "file", check->manifest->file);
	json_set_int(arena, problem, "line", (int64_t)at.line);
	json_set_int(arena, problem, "column", (int64_t)at.column);
	json_set_string(arena, problem, "path", path);
	json_set_string(arena, problem, "message", message);
}

static void on_problem(void *arg, const char *problem)
{
	struct check *check = arg;
	const char *message =
		*check->manifest->prefix
			? arena_printf(&check->cli->arena, "%s%s", check->manifest->prefix, problem)
			: problem;
	struct place at = manifest_place(&check->manifests, check->manifest, problem);

	check->problem_count++;
	if (is_data(check))
		add_problem(check, at, path_of(&check->cli->arena, message), message);
	else
		output_printf(&check->cli->out, "%s:%zu:%zu: ", check->manifest->file, at.line,
		              at.column);
	if (!is_data(check)) {
		output_plain(&check->cli->out, message);
		output_puts(&check->cli->out, "\n");
	}
}

static void check_manifest(struct check *check, const struct manifest *manifest)
{
	const struct json *value = manifest->value;
	enum inspected kind;
	const char *name;

	check->manifest = manifest;
	check->problem_count = 0;
	kind = inspect(&check->cli->arena, value, on_problem, check);
	if (kind == INSPECTED_OTHER)
		return;
	check->checked++;
	if (check->problem_count) {
		check->wrong++;
		return;
	}
	name = json_string_or(json_path(value, "metadata", "name", NULL), "(generated)");
	if (check->cli->options.format == FORMAT_NAME || !is_data(check))
		output_printf(&check->cli->out, "%s.dyno.dev/%s%s\n",
		              kind == INSPECTED_SIZE ? "dynosize" : "formation", name,
		              check->cli->options.format == FORMAT_NAME ? "" : " is valid");
}

static int read_files(struct check *check, struct err *err)
{
	struct cli *cli = check->cli;

	manifests_init(&check->manifests, &cli->arena);
	if (cli->options.file && manifests_add(&check->manifests, cli->options.file, err) != 0)
		return -1;
	for (int i = 0; i < cli->arg_count; i++) {
		if (manifests_add(&check->manifests, cli->args[i], err) != 0)
			return -1;
	}
	return 0;
}

static int run_validate(struct cli *cli, struct err *err)
{
	struct check check = { .cli = cli, .problems = json_new_array(&cli->arena) };

	if (!cli->options.file && !cli->arg_count)
		return cli_usage(err, "-f FILE says what to check; it is missing");
	if (read_files(&check, err) != 0)
		return EXIT_FAILED;
	for (size_t i = 0; i < check.manifests.count; i++)
		check_manifest(&check, &check.manifests.items[i]);
	if (cli->options.format == FORMAT_JSON)
		output_json(&cli->out, check.problems);
	else if (cli->options.format == FORMAT_YAML)
		output_yaml(&cli->out, check.problems);
	if (!check.checked) {
		err_set(err, ERR_INVALID,
		        "there is no Formation and no DynoSize in it: name a file that has one");
		return EXIT_FAILED;
	}
	return check.wrong ? EXIT_FAILED : EXIT_DONE;
}

const struct verb VERB_VALIDATE = {
	.name = "validate",
	.usage = "-f FILE [FILE…]",
	.summary = "Check manifests as the API server would, without it",
	.help = "Each problem is a line FILE:LINE:COLUMN: FIELD: what is wrong. Files are YAML, "
	        "of\n"
		"one document or more, or JSON. Objects of other API groups are passed over; "
	        "YAML's\n"
		"anchors and tags are refused. Ends with 1 when anything is wrong.\n\nExamples:\n"
		"  kubectl formation validate -f shop.yaml\n"
		"  kubectl kustomize deploy | kubectl formation validate -f -\n",
	.flags = FLAGS,
	.run = run_validate,
};
