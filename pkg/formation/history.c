#include "formation/history.h"

#include <stdlib.h>
#include <string.h>

#include "codec/timestamp.h"
#include "formation/managers.h"
#include "formation/plain.h"
#include "formation/restart.h"

/* A Formation as far as its changes are told. */
struct snapshot {
	const char *formation; /* "web=2:2X worker=1:1X" */
	const char *image;
	const char *restarted_at;
	bool paused;
	int64_t generation;
};

/* Who made a change, and what they said. */
struct actor {
	const char *by;
	const char *manager; /* the field manager's name, or "" */
	const char *message; /* or "" */
	bool verified;
	int64_t time_ms;
};

enum { KINDS_MAX = 5 };

/* What a change consists of. */
struct changes {
	struct {
		const char *reason; /* of the event */
		const char *what;   /* "Scale to web=2, worker=1" */
	} list[KINDS_MAX];
	size_t count;
};

static const char *text_of(const struct json *value, const char *key)
{
	return json_string_or(json_get(value, key), "");
}

/* --- then and now -------------------------------------------------- */

/* The quantity that was recorded for a type, or `fallback`. */
static int recorded_quantity(const struct json *recorded, const char *type, int fallback)
{
	size_t len = strlen(type);
	const char *at = text_of(recorded, "formation");

	for (; at; at = strchr(at, ' ')) {
		at += *at == ' ';
		if (strncmp(at, type, len) == 0 && at[len] == '=')
			return atoi(at + len + 1);
	}
	return fallback;
}

/* While the Deployment of a type without a quantity is away, it has as many as before. */
static int quantity_of(const struct process_report *report, const struct json *recorded)
{
	if (report->process->quantity != QUANTITY_UNSET)
		return report->process->quantity;
	return report->deployment ? report->deployment->replicas
	                          : recorded_quantity(recorded, report->process->type, 1);
}

static const char *formation_text(struct arena *arena, const struct process_report *reports,
                                  size_t count, const struct json *recorded)
{
	const char *text = "";

	for (size_t i = 0; i < count; i++) {
		const struct process *process = reports[i].process;

		if (*process->type && !process->repeated)
			text = arena_printf(arena, "%s%s%s=%d:%s", text, *text ? " " : "",
			                    process->type, quantity_of(&reports[i], recorded),
			                    process->size);
	}
	return text;
}

/* "IMAGE", or "web=IMAGE, worker=IMAGE" where they differ. */
static const char *image_text(struct arena *arena, const struct formation *formation)
{
	const struct process *processes = formation->processes;
	const char *text = "";
	bool same = true;

	for (size_t i = 1; i < formation->process_count; i++)
		same &= processes[i].image && processes[0].image &&
		        strcmp(processes[i].image, processes[0].image) == 0;
	if (same && formation->process_count > 0)
		text = processes[0].image ? processes[0].image : "";
	for (size_t i = 0; !same && i < formation->process_count; i++)
		text = arena_printf(arena, "%s%s%s=%s", text, *text ? ", " : "", processes[i].type,
		                    processes[i].image ? processes[i].image : "");
	return plain_text(arena, text, HISTORY_IMAGE_MAX);
}

static struct snapshot snapshot_now(struct arena *arena, const struct formation *formation,
                                    const struct process_report *reports, size_t count)
{
	const struct json *recorded = json_get(formation->status, "recorded");

	return (struct snapshot){
		.formation = formation_text(arena, reports, count, recorded),
		.image = image_text(arena, formation),
		.restarted_at =
			plain_text(arena, text_of(formation->annotations, ANNOTATION_RESTARTED),
		                   HISTORY_RESTARTED_MAX),
		.paused = formation->paused,
		.generation = formation->generation,
	};
}

static struct snapshot snapshot_recorded(const struct json *recorded)
{
	return (struct snapshot){
		.formation = text_of(recorded, "formation"),
		.image = text_of(recorded, "image"),
		.restarted_at = text_of(recorded, "restartedAt"),
		.paused = json_bool_or(json_get(recorded, "paused"), false),
		.generation = json_int_or(json_get(recorded, "generation"), 0),
	};
}

static void snapshot_record(struct arena *arena, const struct snapshot *now, int64_t changes,
                            struct json *status)
{
	struct json *recorded = json_set_object(arena, status, "recorded");

	json_set_int(arena, recorded, "generation", now->generation);
	json_set_string(arena, recorded, "formation", now->formation);
	json_set_string(arena, recorded, "image", now->image);
	if (*now->restarted_at)
		json_set_string(arena, recorded, "restartedAt", now->restarted_at);
	if (now->paused)
		json_set_bool(arena, recorded, "paused", true);
	json_set_int(arena, recorded, "changes", changes);
}

/* --- what changed -------------------------------------------------- */

/* Whether `text` has the word, up to its size where `sizes` don't matter. */
static bool has_word(const char *text, const char *word, size_t len, bool sizes)
{
	const char *colon = memchr(word, ':', len);

	if (!sizes && colon)
		len = (size_t)(colon - word) + 1;
	for (; text; text = strchr(text, ' ')) {
		text += *text == ' ';
		if (strncmp(text, word, len) == 0 && (!sizes || text[len] == ' ' || !text[len]))
			return true;
	}
	return false;
}

/* Whether all words of `a` are in `b`. */
static bool is_within(const char *a, const char *b, bool sizes)
{
	while (*a) {
		size_t len = strcspn(a, " ");

		if (!has_word(b, a, len, sizes))
			return false;
		a += len;
		a += *a == ' ';
	}
	return true;
}

static bool is_same_formation(const char *a, const char *b, bool sizes)
{
	return is_within(a, b, sizes) && is_within(b, a, sizes);
}

const char *history_formation_text(struct arena *arena, const char *formation)
{
	const char *text = "";

	while (*formation) {
		int len = (int)strcspn(formation, " ");
		int suffix = (int)strlen(":" SIZE_DEFAULT);
		int shown = len;

		if (len > suffix &&
		    memcmp(formation + len - suffix, ":" SIZE_DEFAULT, (size_t)suffix) == 0)
			shown -= suffix;
		text = arena_printf(arena, "%s%s%.*s", text, *text ? ", " : "", shown, formation);
		formation += len;
		formation += *formation == ' ';
	}
	return *text ? text : "nothing";
}

static void add(struct changes *changes, const char *reason, const char *what)
{
	changes->list[changes->count].reason = reason;
	changes->list[changes->count++].what = what;
}

static void compare(struct arena *arena, const struct snapshot *before, const struct snapshot *now,
                    struct changes *changes)
{
	const char *text = history_formation_text(arena, now->formation);

	if (strcmp(before->image, now->image) != 0)
		add(changes, "Deployed", arena_printf(arena, "Deploy %s", now->image));
	if (!is_same_formation(before->formation, now->formation, false))
		add(changes, "Scaled", arena_printf(arena, "Scale to %s", text));
	else if (!is_same_formation(before->formation, now->formation, true))
		add(changes, "Resized", arena_printf(arena, "Resize to %s", text));
	if (strcmp(before->restarted_at, now->restarted_at) != 0 && *now->restarted_at)
		add(changes, "Restarted", "Restart");
	if (before->paused != now->paused)
		add(changes, now->paused ? "Paused" : "Resumed", now->paused ? "Pause" : "Resume");
	if (changes->count == 0 && before->generation != now->generation)
		add(changes, "Configured", "Change settings");
}

/* --- who ----------------------------------------------------------- */

/* The manager of the replicas that changed and that no quantity sets, or "". */
static const char *scaler_of(const struct process_report *reports, size_t count,
                             const struct json *recorded)
{
	for (size_t i = 0; i < count; i++) {
		const struct observed_deployment *deployment = reports[i].deployment;
		const char *type = reports[i].process->type;

		if (deployment && reports[i].process->quantity == QUANTITY_UNSET &&
		    deployment->replicas != recorded_quantity(recorded, type, -1) &&
		    deployment->scaler)
			return deployment->scaler;
	}
	return "";
}

/* What was said with the last change that had a message. */
static const char *last_message(const struct json *history)
{
	const char *message = "";

	json_for_each (entry, history) {
		if (*text_of(entry, "message"))
			message = text_of(entry, "message");
	}
	return message;
}

/* Without the policy a message counts once: as long as it stays it belongs to the change before. */
static const char *message_of(struct arena *arena, const struct formation *formation, bool verified)
{
	const char *text = text_of(formation->annotations,
	                           verified ? ANNOTATION_CHANGED_FOR : ANNOTATION_MESSAGE);
	const char *plain = plain_text(arena, text, HISTORY_MESSAGE_MAX);

	if (!verified && strcmp(plain, last_message(json_get(formation->status, "history"))) == 0)
		return "";
	return plain;
}

/* Who changed the Formation itself. */
static struct actor actor_of_spec(struct arena *arena, const struct reconcile_input *input)
{
	const struct formation *formation = input->formation;
	const struct json *last = managers_last(formation->managers);
	const char *user = text_of(formation->annotations, ANNOTATION_CHANGED_BY);
	bool verified = input->actors_verified && *user;
	const char *manager = last ? manager_name(last) : "";

	return (struct actor){
		.by = verified ? user : manager,
		.manager = manager,
		.message = message_of(arena, formation, verified),
		.verified = verified,
		.time_ms = manager_time_ms(last),
	};
}

static struct actor find_actor(struct arena *arena, const struct reconcile_input *input,
                               const struct process_report *reports, size_t count, bool of_spec)
{
	const struct json *recorded = json_get(input->formation->status, "recorded");
	struct actor actor = { .message = "" };

	if (of_spec)
		actor = actor_of_spec(arena, input);
	else
		actor.by = actor.manager = scaler_of(reports, count, recorded);
	actor.by = plain_text(arena, *actor.by ? actor.by : "unknown", HISTORY_BY_MAX);
	actor.manager = plain_text(arena, actor.manager, HISTORY_BY_MAX);
	return actor;
}

/* --- telling it ---------------------------------------------------- */

static void plan_line(struct planner *planner, const char *reason, const char *what,
                      const struct actor *actor)
{
	struct arena *arena = planner->arena;
	const char *by = plain_word(arena, actor->by);
	const char *note =
		arena_printf(arena, actor->verified ? "%s by %s" : "%s (%s, unverified)", what, by);
	struct step *step = plan_add(planner, STEP_EVENT, PHASE_EVENT, &RESOURCE_FORMATION,
	                             planner->input->formation->name, NULL);

	if (*actor->message)
		note = arena_printf(arena, "%s: %s", note, plain_quoted(arena, actor->message));
	step->uid = planner->input->formation->uid;
	step->reason = reason;
	step->note = note;
	step->logged = true;
}

/* When it was made, if the API server says so credibly; else now. */
static const char *time_text(struct arena *arena, const struct reconcile_input *input,
                             const struct actor *actor)
{
	const struct json *history = json_get(input->formation->status, "history");
	int64_t last_ms =
		history && history->last ? timestamp_parse(text_of(history->last, "time")) : 0;
	bool credible =
		actor->time_ms >= last_ms && actor->time_ms > 0 && actor->time_ms <= input->now_ms;
	char text[TIMESTAMP_MAX];

	timestamp_format(credible ? actor->time_ms : input->now_ms, text);
	return arena_strdup(arena, text);
}

static struct json *entry_new(struct arena *arena, const struct reconcile_input *input,
                              const struct changes *changes, const struct actor *actor, int64_t id)
{
	struct json *entry = json_new_object(arena), *list;

	json_set_int(arena, entry, "id", id);
	json_set_string(arena, entry, "time", time_text(arena, input, actor));
	json_set_string(arena, entry, "by", actor->by);
	json_set_bool(arena, entry, "verified", actor->verified);
	if (*actor->manager)
		json_set_string(arena, entry, "manager", actor->manager);
	json_set_string(arena, entry, "from", manager_kind(actor->manager));
	list = json_set_array(arena, entry, "changes");
	for (size_t i = 0; i < changes->count; i++)
		json_add(list, json_new_string(arena, changes->list[i].what));
	if (*actor->message)
		json_set_string(arena, entry, "message", actor->message);
	return entry;
}

static void drop_first(struct json *list)
{
	list->first = list->first->next;
	if (!list->first)
		list->last = NULL;
}

static void bound(struct arena *arena, struct json *history)
{
	while (history->first != history->last &&
	       (json_count(history) > HISTORY_MAX ||
	        strlen(json_text(arena, history)) > HISTORY_BYTES_MAX))
		drop_first(history);
}

static void carry_over(struct arena *arena, const struct json *before, const char *key,
                       struct json *status)
{
	const struct json *member = json_get(before, key);

	if (member)
		json_set(arena, status, key, json_clone(arena, member));
}

bool history_plan(struct planner *planner, const struct process_report *reports, size_t count,
                  struct json *status)
{
	struct arena *arena = planner->arena;
	const struct formation *formation = planner->input->formation;
	const struct json *observed = formation->status;
	const struct json *recorded = json_get(observed, "recorded");
	struct snapshot now, before = snapshot_recorded(recorded);
	struct changes changes = { .count = 0 };
	int64_t id = json_int_or(json_get(recorded, "changes"), 0) + 1;
	struct json *history, *entry;
	struct actor actor;

	carry_over(arena, observed, "history", status);
	carry_over(arena, observed, "recorded", status);
	if (formation->problem)
		return false;
	now = snapshot_now(arena, formation, reports, count);
	if (recorded || !json_get(observed, "observedGeneration"))
		compare(arena, &before, &now, &changes);
	if (changes.count == 0) {
		if (!recorded)
			snapshot_record(arena, &now, 0, status);
		return false;
	}
	actor = find_actor(arena, planner->input, reports, count,
	                   before.generation != now.generation ||
	                           strcmp(before.restarted_at, now.restarted_at) != 0);
	for (size_t i = 0; i < changes.count; i++)
		plan_line(planner, changes.list[i].reason, changes.list[i].what, &actor);
	entry = entry_new(arena, planner->input, &changes, &actor, id);
	json_set_string(arena, entry, "before", before.formation);
	json_set_string(arena, entry, "formation", now.formation);
	json_set_string(arena, entry, "image", now.image);
	history = (struct json *)json_get(status, "history");
	if (!history)
		history = json_set_array(arena, status, "history");
	json_add(history, entry);
	bound(arena, history);
	snapshot_record(arena, &now, id, status);
	return true;
}
