/* ps: Heroku's listing, once or as it changes. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "kube/keep.h"
#include "listing.h"
#include "live.h"
#include "target.h"
#include "verbs.h"

enum { TICK_MS = 1000 };

struct ps {
	struct cli *cli;
	struct session *session;
	struct target target;
	struct session_call pods, sizes;
	struct dyno_sizes size_table;
	const char *type; /* only this one */
	struct live *live;
	struct loop_timer *tick; /* ages go on */
};

/* --- reading ------------------------------------------------------- */

static void start_reads(struct ps *ps)
{
	struct arena *arena = &ps->cli->arena;

	target_start(ps->cli, ps->session, &ps->target);
	if (!ps->cli->options.watch) {
		ps->pods = (struct session_call){
			.arena = arena,
			.request = {.verb = "list",
				    .resource = &RESOURCE_POD,
				    .ns = session_ns(ps->session),
				    .query = target_query(arena, ps->cli->options.app),
				    .keep = keep_of_list(arena, KEEP_POD)},
		};
		session_start(ps->session, &ps->pods);
	}
	if (ps->cli->options.format == FORMAT_TEXT)
		return;
	ps->sizes = (struct session_call){
		.arena = arena,
		.request = {.verb = "list", .resource = &RESOURCE_DYNO_SIZE},
	};
	session_start(ps->session, &ps->sizes);
}

static void decode_sizes(struct ps *ps)
{
	struct arena *arena = &ps->cli->arena;
	const struct json *items = json_get(ps->sizes.answer, "items");
	struct dyno_size *table = arena_array(arena, struct dyno_size, json_count(items) + 1);
	struct err err = ERR_INIT;
	size_t count = 0;

	json_for_each (item, items)
		count += dyno_size_decode(arena, item, &table[count], &err) == 0;
	ps->size_table = (struct dyno_sizes){.items = table, .count = count};
}

/* A second word, or a first that is no Formation, is a type. */
static int choose_type(struct ps *ps, struct err *err)
{
	struct cli *cli = ps->cli;
	const struct formation *formation = &ps->target.formation;
	const char *list = "";

	if (cli->arg_count - ps->target.used > 1)
		return cli_usage(err, "one process type at most");
	if (cli->arg_count == ps->target.used)
		return 0;
	ps->type = cli->args[ps->target.used];
	for (size_t i = 0; i < formation->process_count; i++) {
		if (strcmp(formation->processes[i].type, ps->type) == 0)
			return 0;
		list = arena_printf(&cli->arena, "%s%s%s", list, i ? ", " : "",
				    formation->processes[i].type);
	}
	err_set(err, ERR_NOT_FOUND, "%s has no process type %s: it has %s", formation->name,
		ps->type, list);
	return EXIT_FAILED;
}

/* The pods of this Formation, projected; for release_pods. */
static const struct observed_pod **project(struct ps *ps, size_t *ret_count)
{
	const struct json *items = json_get(ps->pods.answer, "items");
	const struct observed_pod **pods = arena_array(
		&ps->cli->arena, const struct observed_pod *, json_count(items) + 1);
	struct err err = ERR_INIT;
	size_t count = 0;

	json_for_each (item, items) {
		struct observed_pod *pod = observed_pod_new(item, &err);

		if (!pod)
			continue;
		if (pod->object.formation &&
		    strcmp(pod->object.formation, ps->target.formation.name) == 0)
			pods[count++] = pod;
		else
			free(pod);
	}
	*ret_count = count;
	return pods;
}

/* --- printing ------------------------------------------------------ */

static void print_names(struct ps *ps, struct arena *arena, const struct listing_input *input)
{
	for (size_t i = 0; i < input->formation->process_count; i++) {
		const char *type = input->formation->processes[i].type;
		size_t count;
		const struct observed_pod **dynos;

		if (input->type && strcmp(input->type, type) != 0)
			continue;
		dynos = listing_dynos(arena, input, type, &count);
		for (size_t at = 0; at < count; at++)
			output_printf(&ps->cli->out, "pod/%s\n", dynos[at]->object.name);
	}
}

/* `columns` 0: lines of any length. */
static void print_lines(struct output *out, const char **lines, size_t count, size_t columns)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(lines[i]);
		bool head = strncmp(lines[i], "===", 3) == 0;
		char *cut = x_strndup(lines[i], columns ? utf8_prefix(lines[i], len, columns) : len);

		if (head && out->color)
			output_puts(out, "\033[1m");
		output_plain(out, cut);
		if (head && out->color)
			output_puts(out, "\033[0m");
		output_puts(out, columns ? "\033[K\r\n" : "\n");
		free(cut);
	}
}

static void print_once(struct ps *ps, struct arena *arena, const struct listing_input *input)
{
	struct output *out = &ps->cli->out;
	size_t count;

	if (ps->cli->options.format == FORMAT_JSON)
		output_json(out, listing_json(arena, input));
	else if (ps->cli->options.format == FORMAT_YAML)
		output_yaml(out, listing_json(arena, input));
	else if (ps->cli->options.format == FORMAT_NAME)
		print_names(ps, arena, input);
	else {
		const char **lines = listing_lines(arena, input, &count);

		print_lines(out, lines, count, 0);
	}
}

static struct listing_input input_of(struct ps *ps, const struct formation *formation)
{
	return (struct listing_input){
		.formation = formation,
		.sizes = &ps->size_table,
		.type = ps->type,
		.now_ms = loop_wall_ms(session_loop(ps->session)),
		.wide = ps->cli->options.format == FORMAT_WIDE,
	};
}

static int list_once(struct ps *ps, struct err *err)
{
	struct listing_input input = input_of(ps, &ps->target.formation);

	if (!ps->pods.answer) {
		*err = ps->pods.err;
		return EXIT_FAILED;
	}
	input.pods = project(ps, &input.pod_count);
	print_once(ps, &ps->cli->arena, &input);
	for (size_t i = 0; i < input.pod_count; i++)
		free((void *)input.pods[i]);
	return EXIT_DONE;
}

/* --- watching ------------------------------------------------------ */

/* In place: home, each line overwritten, the rest of the screen cleared. */
static void redraw(struct ps *ps, struct arena *arena, const struct listing_input *input)
{
	struct output *out = &ps->cli->out;
	size_t count, rows = (size_t)output_lines();
	const char **lines = listing_lines(arena, input, &count);

	if (!out->terminal) {
		print_lines(out, lines, count, 0);
		output_puts(out, "\n");
		return;
	}
	output_puts(out, "\033[H");
	print_lines(out, lines, count < rows ? count : rows - 1, (size_t)output_columns());
	output_puts(out, "\033[J");
}

static void on_changed(void *arg)
{
	struct ps *ps = arg;
	const struct stored_formation *stored = live_formation(ps->live);
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	struct formation formation;
	struct json *value;

	if (stored && json_parse(&arena, stored->json, stored->json_len, NULL, &value, &err) == 0 &&
	    formation_decode(&arena, value, &formation, &err) == 0) {
		struct listing_input input = input_of(ps, &formation);

		input.pods = live_pods(ps->live, &arena, &input.pod_count);
		redraw(ps, &arena, &input);
	}
	arena_release(&arena);
	if (output_flush(&ps->cli->out) != 0 || !stored)
		session_stop(ps->session);
	else if (ps->cli->out.terminal)
		loop_timer_start(ps->tick, TICK_MS);
}

static int watch(struct ps *ps, struct err *err)
{
	struct output *out = &ps->cli->out;
	int rc;

	/* The alternate screen: what was there before comes back at the end. */
	if (out->terminal)
		output_puts(out, "\033[?1049h\033[?25l\033[2J");
	ps->tick = loop_timer_new(session_loop(ps->session), on_changed, ps);
	ps->live = live_new(ps->session, ps->target.formation.ns, ps->target.formation.name,
			    on_changed, ps);
	rc = session_run(ps->session, ps->cli->options.timeout_ms, err);
	live_free(ps->live);
	loop_timer_free(ps->tick);
	if (out->terminal)
		output_puts(out, "\033[?25h\033[?1049l");
	if (rc == 0 && !out->closed) {
		err_set(err, ERR_NOT_FOUND, "the Formation %s was deleted",
			ps->target.formation.name);
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

static int verb_ps(struct cli *cli, struct err *err)
{
	struct ps ps = {.cli = cli};
	int status;

	ps.session = cli_session(cli, err);
	if (!ps.session)
		return EXIT_FAILED;
	start_reads(&ps);
	if (session_wait(ps.session, err) != 0 || target_resolve(cli, &ps.target, err) != 0)
		return EXIT_FAILED;
	decode_sizes(&ps);
	status = choose_type(&ps, err);
	if (status != 0)
		return status;
	return cli->options.watch ? watch(&ps, err) : list_once(&ps, err);
}

static const struct flag FLAGS[] = {
	{"watch", 'w', FLAG_BOOL, offsetof(struct options, watch), NULL,
	 "show it as it changes, until Ctrl-C"},
	{"timeout", 0, FLAG_DURATION, offsetof(struct options, timeout_ms), "DURATION",
	 "with -w: end after that"},
	FLAG_ROW_FORMAT,
	{0},
};

const struct verb VERB_PS = {
	.name = "ps",
	.usage = "[NAME] [TYPE]",
	.summary = "List the dynos: state and age of each, by type",
	.help = "Examples:\n"
		"  kubectl formation ps\n"
		"  kubectl formation ps shop web\n"
		"  kubectl formation ps -o wide    # pod, node, size, restarts, memory limit too\n"
		"  kubectl formation ps -w         # as it changes\n",
	.flags = FLAGS,
	.run = verb_ps,
};
