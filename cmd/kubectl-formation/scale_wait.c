#include "scale_wait.h"

#include <stdio.h>
#include <string.h>

#include "change.h"
#include "live.h"

enum { HINT_MS = 5000 };

struct waiting {
	struct cli *cli;
	struct session *session;
	struct live *live;
	struct loop_timer *hint; /* fires when nobody takes the change up */
	const char *verb;
	const char *formation;
	const struct goal *goals;
	size_t count;
	size_t next;         /* goal whose line is not finished */
	bool begun;          /* the beginning of its line is printed */
	bool seen;           /* the controller has seen the change */
	bool gone;           /* the Formation was deleted */
	const char *stalled; /* why it won't come */
};

static void print_begin(struct waiting *waiting, const struct goal *goal)
{
	struct output *out = &waiting->cli->out;

	if (out->terminal)
		output_puts(out, "\r\033[K");
	else if (waiting->begun)
		return;
	output_printf(out, "%s %s processes... ", waiting->verb, goal->type);
	waiting->begun = true;
}

/* Finish the lines of the goals that are reached, in their order. */
static void print_progress(struct waiting *waiting, struct arena *arena, const struct json *value,
			   const struct observed_pod *const *pods, size_t count)
{
	struct output *out = &waiting->cli->out;

	while (waiting->next < waiting->count) {
		const struct goal *goal = &waiting->goals[waiting->next];
		struct progress progress = progress_of(goal, value, pods, count);

		waiting->seen = progress.seen;
		waiting->stalled = arena_strdup(&waiting->cli->arena, progress.stalled);
		print_begin(waiting, goal);
		if (!progress.done) {
			if (out->terminal)
				output_printf(out, "%d of %s running", progress.running,
					      change_text(arena, goal->quantity, goal->size));
			break;
		}
		output_printf(out, "done, now running %s\n",
			      change_text(arena, goal->quantity, goal->size));
		waiting->begun = false;
		waiting->next++;
	}
}

static void on_changed(void *arg)
{
	struct waiting *waiting = arg;
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	const struct stored_formation *stored = live_formation(waiting->live);
	struct json *value = NULL;
	size_t count = 0;
	const struct observed_pod **pods = live_pods(waiting->live, &arena, &count);

	waiting->gone = !stored;
	if (stored && json_parse(&arena, stored->json, stored->json_len, NULL, &value, &err) == 0)
		print_progress(waiting, &arena, value, pods, count);
	arena_release(&arena);
	if (output_flush(&waiting->cli->out) != 0 || waiting->gone || waiting->stalled ||
	    waiting->next == waiting->count)
		session_stop(waiting->session);
}

/* Nothing is decided by it: the wait goes on. */
static void on_hint(void *arg)
{
	struct waiting *waiting = arg;
	const struct err *error = live_error(waiting->live);

	if (waiting->seen)
		return;
	if (waiting->cli->out.terminal)
		output_puts(&waiting->cli->out, "\n");
	output_flush(&waiting->cli->out);
	if (error)
		cli_complain("still waiting: %s", error->msg);
	else
		cli_complain("still waiting: the change is stored, but no controller has taken it up: is "
			     "one running? (kubectl get pods -A -l app.kubernetes.io/name=formation-"
			     "controller)");
}

/* How the wait ended, in words. */
static int conclude(struct waiting *waiting, const char *words, int rc, struct err *err)
{
	if (rc == 0 && waiting->next == waiting->count)
		return EXIT_DONE;
	if (waiting->begun)
		output_puts(&waiting->cli->out, "\n");
	if (waiting->cli->out.closed)
		return EXIT_DONE;
	if (waiting->gone)
		err_set(err, ERR_NOT_FOUND, "the Formation %s was deleted meanwhile",
			waiting->formation);
	else if (rc == 0)
		err_set(err, ERR_INVALID, "%s: %s (%s stays in effect)",
			waiting->goals[waiting->next].type, waiting->stalled, words);
	else if (err->code == ERR_CANCELED)
		err_set(err, ERR_CANCELED,
			"interrupted: %s stays in effect, and is carried out without this command; "
			"see `kubectl formation ps`",
			words);
	else if (err->code == ERR_TIMEOUT)
		err_set(err, ERR_CANCELED,
			"the --timeout is over: %s stays in effect, but does not run yet; see "
			"`kubectl formation ps`",
			words);
	return EXIT_FAILED;
}

int scale_wait(struct cli *cli, struct session *session, const char *ns, const char *formation,
	       const char *verb, const struct goal *goals, size_t count, const char *words,
	       struct err *err)
{
	struct waiting waiting = {
		.cli = cli,
		.session = session,
		.verb = verb,
		.formation = formation,
		.goals = goals,
		.count = count,
	};
	int rc;

	if (count == 0)
		return EXIT_DONE;
	print_begin(&waiting, &goals[0]);
	output_flush(&cli->out);
	waiting.live = live_new(session, ns, formation, on_changed, &waiting);
	waiting.hint = loop_timer_new(session_loop(session), on_hint, &waiting);
	loop_timer_start(waiting.hint, HINT_MS);
	rc = session_run(session, cli->options.timeout_ms, err);
	loop_timer_free(waiting.hint);
	live_free(waiting.live);
	return conclude(&waiting, words, rc, err);
}

void scale_accepted(struct cli *cli, const char *verb, const struct goal *goals, size_t count)
{
	for (size_t i = 0; i < count; i++)
		output_printf(&cli->out, "%s %s processes... accepted, will run %s\n", verb,
			      goals[i].type,
			      change_text(&cli->arena, goals[i].quantity, goals[i].size));
}
