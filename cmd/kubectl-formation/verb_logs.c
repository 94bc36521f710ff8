/* logs: the lines of all dynos together, in the order of time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/timestamp.h"
#include "formation/dyno_names.h"
#include "listing.h"
#include "live.h"
#include "logs_stream.h"
#include "target.h"
#include "verbs.h"

enum { FLUSH_MS = 200 };

struct logs {
	struct cli *cli;
	struct session *session;
	struct target target;
	struct log_wish wish;
	struct log_lines lines;
	struct list streams;
	const char *type;        /* only this one, or NULL */
	const char *dyno;        /* only this one, or NULL */
	struct live *live;
	struct loop_timer *timer; /* runs while lines wait for earlier ones */
	int colors; /* given so far */
};

/* --- printing ------------------------------------------------------ */

static void print_lines(struct logs *logs)
{
	struct output *out = &logs->cli->out;

	log_lines_sort(&logs->lines);
	for (size_t i = 0; i < logs->lines.count; i++) {
		const struct log_line *line = &logs->lines.items[i];

		if (line->color >= 0)
			output_color(out, line->color);
		output_printf(out, "%s |", line->source);
		if (line->color >= 0)
			output_color_end(out);
		output_puts(out, " ");
		output_plain(out, line->text);
		output_puts(out, "\n");
	}
	log_lines_clear(&logs->lines);
	if (output_flush(out) != 0)
		session_stop(logs->session);
}

static bool all_done(const struct logs *logs)
{
	list_for_each (node, &logs->streams) {
		if (list_entry(node, struct log_stream, node)->call)
			return false;
	}
	return true;
}

static void on_timer(void *arg)
{
	print_lines(arg);
}

/* Lines wait a moment when following, so that other dynos' earlier ones come before them. */
static void on_arrived(void *arg)
{
	struct logs *logs = arg;

	if (logs->wish.follow) {
		if (!loop_timer_running(logs->timer))
			loop_timer_start(logs->timer, FLUSH_MS);
	} else if (all_done(logs)) {
		session_stop(logs->session);
	}
}

/* --- streams ------------------------------------------------------- */

static struct log_stream *find_stream(struct logs *logs, const char *pod)
{
	list_for_each (node, &logs->streams) {
		struct log_stream *stream = list_entry(node, struct log_stream, node);

		if (strcmp(stream->pod, pod) == 0)
			return stream;
	}
	return NULL;
}

static bool is_wanted(struct logs *logs, struct arena *arena, const struct observed_pod *pod)
{
	if (logs->dyno)
		return strcmp(dyno_name(arena, pod), logs->dyno) == 0;
	return !logs->type || strcmp(pod->type, logs->type) == 0;
}

/* Whether its container has begun, so that there is a log. */
static bool has_log(const struct logs *logs, const struct observed_pod *pod)
{
	if (logs->wish.previous)
		return pod->restarts > 0;
	return pod->running || pod->last_exit_code >= 0 || observed_pod_is_terminal(pod);
}

static void follow_pod(struct logs *logs, struct arena *arena, const struct observed_pod *pod)
{
	struct log_stream *stream;

	if (!is_wanted(logs, arena, pod) || !has_log(logs, pod))
		return;
	stream = find_stream(logs, pod->object.name);
	if (stream) {
		if (!stream->call && pod->running && logs->wish.follow)
			log_stream_start(stream);
		return;
	}
	stream = log_stream_new(logs->session, pod->object.name, dyno_name(arena, pod),
				logs->colors++, &logs->wish, &logs->lines, on_arrived, logs);
	list_add_tail(&logs->streams, &stream->node);
	log_stream_start(stream);
}

static void on_changed(void *arg)
{
	struct logs *logs = arg;
	struct arena arena = ARENA_INIT;
	size_t count;
	const struct observed_pod **pods = live_pods(logs->live, &arena, &count);

	for (size_t i = 0; i < count; i++)
		follow_pod(logs, &arena, pods[i]);
	arena_release(&arena);
	if (!logs->wish.follow && all_done(logs))
		session_stop(logs->session);
}

/* --- the formation's own lines ------------------------------------- */

static const char *event_time(const struct json *event)
{
	const char *time = json_string_or(json_path(event, "series", "lastObservedTime", NULL), "");

	if (!*time)
		time = json_string_or(json_get(event, "eventTime"), "");
	if (!*time)
		time = json_string_or(json_get(event, "deprecatedLastTimestamp"), "");
	return time;
}

static bool is_recent(const struct logs *logs, const char *time)
{
	int64_t now_ms = loop_wall_ms(session_loop(logs->session));

	return logs->wish.since_ms == 0 ||
	       timestamp_parse(time) >= now_ms - logs->wish.since_ms;
}

/* Its Events, when all dynos are asked for. */
static int add_events(struct logs *logs, struct err *err)
{
	struct arena *arena = &logs->cli->arena;
	const struct client_request request = {
		.verb = "list",
		.resource = &RESOURCE_EVENT,
		.ns = logs->target.formation.ns,
		.query = arena_printf(arena,
				      "fieldSelector=regarding.kind%%3DFormation%%2Cregarding.name%%3D%s",
				      logs->target.formation.name),
	};
	const struct json *list;

	if (logs->type || logs->dyno || logs->wish.previous)
		return 0;
	list = session_request(logs->session, arena, &request, err);
	if (!list)
		return err->code == ERR_FORBIDDEN || err->code == ERR_NOT_FOUND ? 0 : -1;
	json_for_each (event, json_get(list, "items")) {
		const char *time = event_time(event);
		const char *line = arena_printf(arena, "%s %s", time,
						json_string_or(json_get(event, "note"), ""));

		if (is_recent(logs, time))
			log_lines_add(&logs->lines, "formation", -1, line, strlen(line), "");
	}
	return 0;
}

/* --- the verb ------------------------------------------------------ */

static int choose(struct logs *logs, struct err *err)
{
	struct cli *cli = logs->cli;
	const struct formation *formation = &logs->target.formation;
	const char *word;

	if (cli->arg_count - logs->target.used > 1)
		return cli_usage(err, "one process type or dyno at most");
	if (cli->arg_count == logs->target.used)
		return 0;
	word = cli->args[logs->target.used];
	logs->type = arena_strndup(&cli->arena, word, strcspn(word, "."));
	if (strchr(word, '.'))
		logs->dyno = word;
	for (size_t i = 0; i < formation->process_count; i++) {
		if (strcmp(formation->processes[i].type, logs->type) == 0)
			return 0;
	}
	err_set(err, ERR_NOT_FOUND, "%s has no process type %s: see `kubectl formation ps`",
		formation->name, logs->type);
	return EXIT_FAILED;
}

/* A log that isn't there is no failure unless nothing else is. */
static int conclude(struct logs *logs, int rc, struct err *err)
{
	struct err first = ERR_INIT;
	size_t good = 0;

	list_for_each (node, &logs->streams) {
		const struct log_stream *stream = list_entry(node, struct log_stream, node);

		if (stream->err.code == ERR_NONE)
			good++;
		else if (first.code == ERR_NONE)
			first = stream->err;
	}
	if (rc != 0 && err->code == ERR_CANCELED && logs->wish.follow)
		return EXIT_DONE;
	if (rc != 0)
		return EXIT_FAILED;
	if (logs->dyno && list_empty(&logs->streams)) {
		err_set(err, ERR_NOT_FOUND, "there is no log of %s: see `kubectl formation ps`",
			logs->dyno);
		return EXIT_FAILED;
	}
	if (first.code == ERR_NONE || good > 0)
		return EXIT_DONE;
	*err = first;
	return EXIT_FAILED;
}

static int run_logs(struct logs *logs, struct err *err)
{
	int rc, status;

	logs->timer = loop_timer_new(session_loop(logs->session), on_timer, logs);
	logs->live = live_new(logs->session, logs->target.formation.ns,
			      logs->target.formation.name, on_changed, logs);
	rc = session_run(logs->session, logs->cli->options.timeout_ms, err);
	if (!logs->cli->out.closed)
		print_lines(logs);
	status = logs->cli->out.closed ? EXIT_DONE : conclude(logs, rc, err);
	list_for_each_safe (node, next, &logs->streams)
		log_stream_free(list_entry(node, struct log_stream, node));
	live_free(logs->live);
	loop_timer_free(logs->timer);
	log_lines_release(&logs->lines);
	return status;
}

static int verb_logs(struct cli *cli, struct err *err)
{
	struct logs logs = {.cli = cli};
	int status;

	list_init(&logs.streams);
	logs.session = cli_session(cli, err);
	if (!logs.session || target_find(cli, logs.session, &logs.target, err) != 0)
		return EXIT_FAILED;
	status = choose(&logs, err);
	if (status != 0)
		return status;
	logs.wish = (struct log_wish){
		.ns = logs.target.formation.ns,
		.follow = cli->options.follow,
		.previous = cli->options.previous,
		.since_ms = cli->options.since_ms,
		.tail = cli->options.tail,
	};
	if (add_events(&logs, err) != 0)
		return EXIT_FAILED;
	return run_logs(&logs, err);
}

static const struct flag FLAGS[] = {
	{"follow", 'f', FLAG_BOOL, offsetof(struct options, follow), NULL,
	 "go on as lines come, until Ctrl-C"},
	{"previous", 'p', FLAG_BOOL, offsetof(struct options, previous), NULL,
	 "of the dynos' runs before the last restart"},
	{"since", 0, FLAG_DURATION, offsetof(struct options, since_ms), "DURATION",
	 "lines of the last 10m, 2h, …"},
	{"tail", 0, FLAG_COUNT, offsetof(struct options, tail), "N",
	 "the last lines of each dyno; -1: all"},
	{"timeout", 0, FLAG_DURATION, offsetof(struct options, timeout_ms), "DURATION",
	 "end after that"},
	{0},
};

const struct verb VERB_LOGS = {
	.name = "logs",
	.usage = "[NAME] [TYPE|DYNO]",
	.summary = "The lines of all dynos together, in the order of time",
	.help = "Lines begin with their dyno. The Formation's own events are among them, as\n"
		"`formation |`.\n\n"
		"Examples:\n"
		"  kubectl formation logs\n"
		"  kubectl formation logs worker --since 10m\n"
		"  kubectl formation logs web.1 -f --tail 20\n"
		"  kubectl formation logs clock --previous\n",
	.flags = FLAGS,
	.run = verb_logs,
};
