#include "formation/usage.h"

#include <stdio.h>
#include <string.h>

#include "formation/usage_ledger.h"

enum { BEHIND_MS = 1000 }; /* how soon pods that lag behind the ledger are looked at again */

/* A ledger on its way from what it was to what is known now. */
struct follow {
	struct usage_ledger ledger;
	const struct reconcile_input *input;
	uint64_t counted_version; /* the ledger's, as it was read */
	uint64_t version;         /* newest that was looked at */
	int64_t now_s;
	int64_t seen_s; /* until when the ledger is right, never in the future */
	int64_t told_s; /* newest time that a pod told, the same */
	int64_t again_ms;
	bool waiting; /* for a last word: nothing newer may pass for seen */
};

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* --- one dyno's seconds -------------------------------------------- */

static void count(struct follow *follow, struct usage_dyno *dyno, int64_t seconds,
                  int64_t uncertain_s)
{
	dyno->process->seconds += larger(seconds, 0);
	dyno->process->uncertain_s += larger(uncertain_s, 0);
	follow->ledger.changed = true;
}

/*
 * Seconds that split_run() counted and that turned out not to be: of the
 * type's other sizes, where they went, as far as those have any.
 */
static void take_back(struct follow *follow, struct usage_dyno *dyno, int64_t seconds)
{
	struct usage_process *process = follow->ledger.processes;

	for (; process && seconds > 0; process = process->next) {
		int64_t taken = process->seconds < seconds ? process->seconds : seconds;

		if (process == dyno->process || strcmp(process->type, dyno->process->type) != 0)
			continue;
		process->seconds -= taken;
		seconds -= taken;
		follow->ledger.changed = true;
	}
}

/* It ran since since_s, and was seen last when the ledger was written: at most until `to_s`. */
static void count_unseen_end(struct follow *follow, struct usage_dyno *dyno, int64_t to_s)
{
	int64_t seconds = larger(follow->seen_s - dyno->since_s, 1);

	if (dyno->since_s > follow->seen_s) {
		take_back(follow, dyno, dyno->since_s - follow->seen_s);
		dyno->since_s = follow->seen_s;
	}
	count(follow, dyno, seconds, to_s - dyno->since_s - seconds);
	dyno->since_s = 0;
}

/*
 * Runs before `next` of which the pod tells no more. They followed each
 * other; the first of them may be one that was seen to begin. However short, each
 * is a second.
 */
static void count_unseen_runs(struct follow *follow, struct usage_dyno *dyno,
                              const struct dyno_life *life, const struct pod_run *next)
{
	int64_t next_s = next->start_s ? next->start_s : follow->now_s;
	int64_t from_s = life->created_s;
	int runs = next->index - dyno->counted;

	if (dyno->since_s) {
		count_unseen_end(follow, dyno, next_s);
		count(follow, dyno, 0, runs - 1);
		return;
	}
	if (dyno->counted)
		from_s = larger(from_s, follow->seen_s);
	count(follow, dyno, 0, larger(next_s - from_s, 0) + runs);
}

static void close_run(struct follow *follow, struct usage_dyno *dyno, const struct pod_run *run)
{
	bool whole = !dyno->since_s || dyno->since_s == run->start_s;

	if (!dyno->since_s)
		dyno->since_s = run->start_s;
	if (!whole && run->end_s)
		take_back(follow, dyno, dyno->since_s - run->end_s);
	if (dyno->since_s && run->end_s)
		count(follow, dyno, larger(run->end_s - dyno->since_s, whole ? 1 : 0), 0);
	else if (dyno->since_s)
		count_unseen_end(follow, dyno, follow->now_s);
	dyno->since_s = 0;
	dyno->counted = run->index + 1;
}

/* Another size from now on: the seconds until now are the one's, the next the other's. */
static void split_run(struct follow *follow, struct usage_dyno *dyno,
                      struct usage_process *process)
{
	count(follow, dyno, follow->now_s - dyno->since_s, 0);
	dyno->since_s = larger(follow->now_s, dyno->since_s);
	dyno->process = process;
}

static void open_run(struct follow *follow, struct usage_dyno *dyno, const struct dyno_life *life,
                     const struct pod_run *run)
{
	struct usage_process *process =
		usage_ledger_process(&follow->ledger, life->type, life->size);

	if (!dyno->since_s) {
		dyno->since_s = run->start_s ? run->start_s : follow->now_s;
		dyno->process = process;
		follow->ledger.changed = true;
	} else if (dyno->process != process) {
		split_run(follow, dyno, process);
	}
}

/* The watch may lag: until the newest time that it brought, it brought everything. */
static void note_time(struct follow *follow, const struct pod_run *run)
{
	int64_t told_s = larger(run->start_s, run->end_s);

	if (told_s <= follow->now_s)
		follow->told_s = larger(follow->told_s, told_s);
}

static void follow_runs(struct follow *follow, struct usage_dyno *dyno,
                        const struct dyno_life *life)
{
	for (int i = 0; i < life->runs.count; i++) {
		const struct pod_run *run = &life->runs.items[i];

		note_time(follow, run);
		if (run->index < dyno->counted)
			continue;
		if (!dyno->process)
			dyno->process =
				usage_ledger_process(&follow->ledger, life->type, life->size);
		if (run->index > dyno->counted) {
			count_unseen_runs(follow, dyno, life, run);
			dyno->counted = run->index;
		}
		if (run->ended)
			close_run(follow, dyno, run);
		else
			open_run(follow, dyno, life, run);
		follow->ledger.changed |= run->ended || dyno->left;
		dyno->left = false;
	}
}

/* --- pods ---------------------------------------------------------- */

struct dyno_life dyno_life_of(const struct observed_pod *pod)
{
	return (struct dyno_life){
		.uid = pod->object.uid,
		.type = pod->type,
		.size = pod->size,
		.version = pod->object.version,
		.created_s = pod->object.created_ms / 1000,
		.deleting_s = pod->deleting_ms / 1000,
		.runs = pod->runs,
	};
}

/* What ran before the Formation was made is an earlier one's, of the same name. */
static bool is_earlier(const struct follow *follow, const struct dyno_life *life)
{
	return life->created_s < follow->input->formation->created_ms / 1000;
}

static void look_again(struct follow *follow, int64_t delay_ms)
{
	if (!follow->again_ms || delay_ms < follow->again_ms)
		follow->again_ms = delay_ms;
}

static void follow_pod(struct follow *follow, const struct observed_pod *pod)
{
	const struct dyno_life life = dyno_life_of(pod);
	struct usage_dyno *dyno = usage_ledger_find(&follow->ledger, usage_id(life.uid));

	if (dyno)
		dyno->met = true;
	if (is_earlier(follow, &life) || (!dyno && !life.runs.count))
		return;
	/* The answer of an own write is ahead of the watch; who takes over from us may not be. */
	if (life.version > follow->input->pods_version) {
		look_again(follow, BEHIND_MS);
		return;
	}
	if (!dyno && follow->ledger.dyno_count >= USAGE_DYNOS_MAX)
		return;
	if (!dyno)
		dyno = usage_ledger_add(&follow->ledger, usage_id(life.uid));
	dyno->met = true;
	follow_runs(follow, dyno, &life);
	if (life.version > follow->version)
		follow->version = life.version;
}

static void forget(struct follow *follow, struct usage_dyno *dyno)
{
	follow->ledger.changed |= dyno->since_s || dyno->counted;
	dyno->since_s = 0;
	dyno->counted = 0;
}

/* Its pod went while it ran, by all that is known. Returns whether it may come back. */
static bool end_gone(struct follow *follow, struct usage_dyno *dyno, const struct gone_pod *gone)
{
	int64_t gone_s = gone->gone_ms / 1000, asked_s = gone->life.deleting_s;

	if (!gone->final) {
		count_unseen_end(follow, dyno, gone_s);
		return false;
	}
	/* Not deleted, it lost its labels: what it does now is not this Formation's. */
	if (!asked_s) {
		count(follow, dyno, larger(gone_s - dyno->since_s, 1), 0);
		dyno->since_s = larger(gone_s, dyno->since_s);
		dyno->left = true;
		return true;
	}
	asked_s = asked_s > dyno->since_s && asked_s < gone_s ? asked_s : gone_s;
	count(follow, dyno, larger(asked_s - dyno->since_s, 1), gone_s - asked_s);
	return false;
}

static bool is_last_word_due(struct follow *follow, const struct gone_pod *gone)
{
	int64_t waited_ms = follow->input->now_ms - gone->gone_ms;

	if (gone->final || waited_ms < 0 || waited_ms >= USAGE_WAIT_MS)
		return false;
	look_again(follow, USAGE_WAIT_MS - waited_ms);
	follow->waiting = true;
	return true;
}

static void follow_gone(struct follow *follow, const struct gone_pod *gone)
{
	const struct dyno_life *life = &gone->life;
	struct usage_dyno *dyno = usage_ledger_find(&follow->ledger, usage_id(life->uid));

	if (dyno ? dyno->met || dyno->left : life->version <= follow->counted_version)
		return;
	if (is_earlier(follow, life))
		return;
	if (!dyno)
		dyno = usage_ledger_add(&follow->ledger, usage_id(life->uid));
	dyno->met = true;
	if (is_last_word_due(follow, gone))
		return;
	follow_runs(follow, dyno, life);
	if (life->version > follow->version)
		follow->version = life->version;
	if (!dyno->since_s || !end_gone(follow, dyno, gone))
		forget(follow, dyno);
}

/* --- who is missing ------------------------------------------------ */

/* Nobody saw it go. Where it had ended, it may have run again. */
static void follow_lost(struct follow *follow, struct usage_dyno *dyno)
{
	if (dyno->since_s)
		count_unseen_end(follow, dyno, follow->now_s);
	else
		count(follow, dyno, 0, follow->now_s - follow->seen_s);
	forget(follow, dyno);
}

static void follow_missing(struct follow *follow)
{
	int left = 0;

	for (struct usage_dyno *dyno = follow->ledger.dynos; dyno; dyno = dyno->next) {
		left += dyno->left;
		if (!dyno->met && !dyno->left)
			follow_lost(follow, dyno);
	}
	for (struct usage_dyno *dyno = follow->ledger.dynos; dyno && left > USAGE_LEFT_MAX;
	     dyno = dyno->next) {
		if (!dyno->left)
			continue;
		forget(follow, dyno);
		left--;
	}
}

/* --- all of it ----------------------------------------------------- */

/*
 * Whether the pods are known as late as the ledger, which another
 * controller may have written. A version from the future is another cluster's.
 */
static bool is_behind(const struct follow *follow)
{
	return follow->input->pods_version < follow->counted_version &&
	       follow->counted_version <= follow->input->formation->version;
}

static void follow_begin(struct arena *arena, const struct reconcile_input *input,
                         const struct json *usage, struct follow *ret_follow)
{
	struct follow *follow = ret_follow;

	*follow = (struct follow){ .input = input, .now_s = input->now_ms / 1000 };
	usage_ledger_read(arena, usage, &follow->ledger);
	if (follow->ledger.version > input->formation->version)
		follow->ledger.version = 0;
	follow->counted_version = follow->version = follow->ledger.version;
	follow->seen_s = follow->ledger.observed_s < follow->now_s ? follow->ledger.observed_s
	                                                            : follow->now_s;
	follow->told_s = follow->seen_s;
}

const struct json *usage_follow(struct arena *arena, const struct reconcile_input *input,
                                int64_t *ret_again_ms)
{
	const struct json *usage = json_get(input->formation->status, "usage");
	struct follow follow;

	follow_begin(arena, input, usage, &follow);
	if (is_behind(&follow)) {
		*ret_again_ms = BEHIND_MS;
		return usage;
	}
	for (size_t i = 0; i < input->pod_count; i++)
		follow_pod(&follow, input->pods[i]);
	for (size_t i = 0; i < input->gone_count; i++)
		follow_gone(&follow, &input->gone[i]);
	follow_missing(&follow);
	*ret_again_ms = follow.again_ms;
	if (!follow.ledger.changed)
		return usage;
	follow.ledger.observed_s = follow.waiting ? follow.seen_s : follow.told_s;
	follow.ledger.version = follow.version;
	return usage_ledger_write(&follow.ledger);
}

int64_t usage_plan(struct arena *arena, const struct reconcile_input *input, struct json *status)
{
	int64_t again_ms = 0;
	const struct json *usage = usage_follow(arena, input, &again_ms);

	if (usage)
		json_set(arena, status, "usage", json_clone(arena, usage));
	return again_ms;
}

bool usage_has(const struct json *usage, const struct gone_pod *pod)
{
	char id[20];

	if ((uint64_t)json_int_or(json_get(usage, "version"), 0) < pod->life.version)
		return false;
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)usage_id(pod->life.uid));
	json_for_each (entry, json_get(usage, "processes")) {
		json_for_each (dyno, json_get(entry, "dynos")) {
			const char *text = json_string_or(dyno, "");

			if (strncmp(text, id, 16) == 0 && text[16] != '!')
				return false;
		}
	}
	return true;
}
