/* render: the objects that the controller makes of a Formation, without a cluster. */
#include <string.h>

#include "cli.h"
#include "formation/inspect.h"
#include "formation/model.h"
#include "formation/render.h"
#include "input.h"
#include "shipped_sizes.h"
#include "verbs.h"

static const struct flag FLAGS[] = {
	{ "filename", 'f', FLAG_TEXT, offsetof(struct options, file), "FILE",
	  "file with Formations, - for standard input" },
	{ "sizes", 0, FLAG_TEXT, offsetof(struct options, sizes), "FILE",
	  "file with DynoSizes, in place of shipped ones of the same name" },
	FLAG_ROW_FORMAT,
	{ 0 },
};

struct render {
	struct cli *cli;
	struct manifests
		manifests;      /* of the Formations' file, of --sizes, shipped, in this order */
	size_t formation_count; /* of the first */
	struct dyno_size *table;
	struct dyno_sizes sizes;
	const struct manifest *manifest; /* that is rendered */
	size_t printed;                  /* objects */
	size_t skipped;                  /* processes, and whole Formations */
	size_t found;                    /* Formations */
};

static bool is_kind(const struct manifest *manifest, const char *kind)
{
	return strcmp(json_string_or(json_get(manifest->value, "apiVersion"), ""), "dyno.dev/v1") ==
	               0 &&
	       strcmp(json_string_or(json_get(manifest->value, "kind"), ""), kind) == 0;
}

/* --- sizes --------------------------------------------------------- */

static int read_sizes(struct render *render, struct err *err)
{
	struct cli *cli = render->cli;
	struct manifests *manifests = &render->manifests;

	if (cli->options.sizes && manifests_add(manifests, cli->options.sizes, err) != 0)
		return -1;
	if (manifests_add_text(manifests, "shipped sizes", SHIPPED_SIZES, strlen(SHIPPED_SIZES),
	                       err) != 0)
		return -1;
	render->table = arena_array(&cli->arena, struct dyno_size, manifests->count);
	render->sizes.items = render->table;
	for (size_t i = 0; i < manifests->count; i++) {
		struct dyno_size *size = &render->table[render->sizes.count];
		struct err ignored = ERR_INIT;

		if (is_kind(&manifests->items[i], "DynoSize") &&
		    dyno_size_decode(&cli->arena, manifests->items[i].value, size, &ignored) == 0 &&
		    !dyno_sizes_find(&render->sizes, size->name))
			render->sizes.count++;
	}
	return 0;
}

/* --- Formations ---------------------------------------------------- */

static void on_remark(void *arg, const char *remark)
{
	const struct render *render = arg;
	struct place at = manifest_place(&render->manifests, render->manifest, remark);

	cli_complain("%s:%zu:%zu: %s%s", render->manifest->file, at.line, at.column,
	             render->manifest->prefix, remark);
}

static void print_objects(struct render *render, const struct json *objects)
{
	struct output *out = &render->cli->out;

	json_for_each (object, objects) {
		switch (render->cli->options.format) {
		case FORMAT_NAME:
			output_printf(
				out, "%s/%s\n", json_string_or(json_get(object, "kind"), ""),
				json_string_or(json_path(object, "metadata", "name", NULL), ""));
			break;
		case FORMAT_JSON:
			output_printf(out, "%s\n", json_text(&render->cli->arena, object));
			break;
		default:
			if (render->printed)
				output_puts(out, "---\n");
			output_yaml(out, object);
		}
		render->printed++;
	}
}

/* What the controller has to be able to tell apart: who it is, and what it runs. */
static int render_one(struct render *render, struct err *err)
{
	struct arena *arena = &render->cli->arena;
	const char *ns = render->cli->options.ns ? render->cli->options.ns : "default";
	const struct json *value = inspect_complete(arena, render->manifest->value, ns);
	struct formation formation;
	size_t skipped = 0;

	render->found++;
	if (formation_decode(arena, value, &formation, err) != 0)
		return -1;
	if (formation.problem) {
		on_remark(render, formation.problem);
		render->skipped++;
		return 0;
	}
	print_objects(render, render_formation(arena, &formation, &render->sizes, on_remark, render,
	                                       &skipped));
	render->skipped += skipped;
	return 0;
}

static int run_render(struct cli *cli, struct err *err)
{
	struct render render = { .cli = cli };

	if (!cli->options.file || cli->arg_count)
		return cli_usage(err, "-f FILE says what to render; it is missing");
	manifests_init(&render.manifests, &cli->arena);
	if (manifests_add(&render.manifests, cli->options.file, err) != 0)
		return EXIT_FAILED;
	render.formation_count = render.manifests.count;
	if (read_sizes(&render, err) != 0)
		return EXIT_FAILED;
	for (size_t i = 0; i < render.formation_count; i++) {
		render.manifest = &render.manifests.items[i];
		if (is_kind(render.manifest, "Formation") && render_one(&render, err) != 0)
			return EXIT_FAILED;
	}
	if (!render.found) {
		err_set(err, ERR_INVALID, "%s: there is no Formation of dyno.dev/v1 in it",
		        input_name(cli->options.file));
		return EXIT_FAILED;
	}
	return render.skipped ? EXIT_FAILED : EXIT_DONE;
}

const struct verb VERB_RENDER = {
	.name = "render",
	.usage = "-f FILE [--sizes=FILE]",
	.summary = "Print the objects that the controller makes, without a cluster",
	.help = "Deployments, Services and PodDisruptionBudgets as the controller applies them: "
	        "as\n"
		"YAML, or with -o json each as one line, which are the bytes that it sends. Sizes\n"
		"are those of the same file, then of --sizes, then those that come with "
	        "Formation.\n"
		"ownerReferences and the digest dyno.dev/applied need the Formation's uid: they "
	        "are\n"
		"there when it is read from the cluster.\n\nExamples:\n"
		"  kubectl formation render -f shop.yaml\n"
		"  kubectl get formation shop -o yaml | kubectl formation render -f -\n",
	.flags = FLAGS,
	.run = run_render,
};
