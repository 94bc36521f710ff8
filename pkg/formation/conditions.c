#include <string.h>

#include "codec/timestamp.h"
#include "formation/resize_plan.h"
#include "formation/singleton.h"
#include "formation/status.h"

enum { MESSAGE_MAX = 4096 }; /* bytes of a condition's message; the CRD takes 32768 */

/* Types of condition that the controller sets at times, and removes. */
static const char *const OWN_TYPES[] = { "Ready", "Reconciling", "Stalled", "SingletonHeld",
	                                 RESIZING };

/* What all conditions are made from. */
struct summary {
	enum verdict_level level;
	const char *reason;
	const char *message;
};

static const struct json *find_condition(const struct json *conditions, const char *type)
{
	json_for_each (condition, conditions) {
		if (strcmp(json_string_or(json_get(condition, "type"), ""), type) == 0)
			return condition;
	}
	return NULL;
}

bool condition_is_own(const char *type)
{
	for (size_t i = 0; i < sizeof(OWN_TYPES) / sizeof(OWN_TYPES[0]); i++) {
		if (strcmp(OWN_TYPES[i], type) == 0)
			return true;
	}
	return false;
}

/* "web: text; worker: text", of the verdicts at a level that have something to say. */
static const char *join_messages(struct arena *arena, const struct process_report *reports,
                                 const struct verdict *verdicts, size_t count,
                                 enum verdict_level level)
{
	struct buf text = BUF_INIT(MESSAGE_MAX);
	const char *copy;

	for (size_t i = 0; i < count; i++) {
		const char *type = reports[i].process->type;

		if (verdicts[i].level != level || !*verdicts[i].message)
			continue;
		buf_printf(&text, "%s%s%s%s", text.len ? "; " : "", type, *type ? ": " : "",
		           verdicts[i].message);
	}
	copy = arena_strdup(arena, buf_cstr(&text));
	buf_release(&text);
	return copy;
}

static struct summary summarize(struct arena *arena, const struct reconcile_input *input,
                                const struct process_report *reports,
                                const struct verdict *verdicts, size_t count)
{
	struct summary summary = { VERDICT_OK, "ScaledToZero", "" };

	if (input->formation->problem)
		return (struct summary){ VERDICT_STALLED, "Invalid", input->formation->problem };
	for (size_t i = 0; i < count; i++) {
		if (verdicts[i].level > summary.level) {
			summary.level = verdicts[i].level;
			summary.reason = verdicts[i].reason;
		} else if (summary.level == VERDICT_OK && verdicts[i].desired > 0) {
			summary.reason = "Running";
		}
	}
	summary.message = join_messages(arena, reports, verdicts, count, summary.level);
	if (summary.level == VERDICT_OK && input->formation->paused) {
		summary.reason = "Paused";
		summary.message =
			"the Formation is paused: its dynos are reported, nothing is changed";
	}
	return summary;
}

static void add_condition(struct arena *arena, struct json *list,
                          const struct reconcile_input *input, const char *type, const char *status,
                          const char *reason, const char *message)
{
	const struct json *before =
		find_condition(json_get(input->formation->status, "conditions"), type);
	const char *since = json_string_or(json_get(before, "lastTransitionTime"), "");
	struct json *condition = json_add(list, json_new_object(arena));
	char now[TIMESTAMP_MAX];

	timestamp_format(input->now_ms, now);
	if (!*since || strcmp(json_string_or(json_get(before, "status"), ""), status) != 0)
		since = now;
	json_set_string(arena, condition, "type", type);
	json_set_string(arena, condition, "status", status);
	json_set_int(arena, condition, "observedGeneration", input->formation->generation);
	json_set_string(arena, condition, "lastTransitionTime", arena_strdup(arena, since));
	json_set_string(arena, condition, "reason", reason);
	json_set_string(arena, condition, "message", message);
}

/* Only there while it applies. */
static void add_held(struct arena *arena, struct json *list, const struct reconcile_input *input,
                     const struct process_report *reports, const struct verdict *verdicts,
                     size_t count)
{
	const char *text = "";

	for (size_t i = 0; i < count; i++) {
		if (strcmp(verdicts[i].reason, SINGLETON_HELD) == 0)
			text = arena_printf(arena, "%s%s%s: %s", text, *text ? "; " : "",
			                    reports[i].process->type, verdicts[i].message);
	}
	if (*text)
		add_condition(arena, list, input, "SingletonHeld", "True", SINGLETON_HELD, text);
}

/* "web: text; worker: text", of one of the two texts that a report may have. */
static const char *join_resizes(struct arena *arena, const struct process_report *reports,
                                size_t count, bool in_place)
{
	const char *text = "";

	for (size_t i = 0; i < count; i++) {
		const char *one = in_place ? reports[i].resizing : reports[i].unresized;

		if (one)
			text = arena_printf(arena, "%s%s%s: %s", text, *text ? "; " : "",
			                    reports[i].process->type, one);
	}
	return text;
}

/* Only there while it goes on; that of a rollout until that is through. */
static void add_resizing(struct arena *arena, struct json *list, const struct reconcile_input *input,
                         const struct process_report *reports, size_t count,
                         enum verdict_level level)
{
	const struct json *before =
		find_condition(json_get(input->formation->status, "conditions"), RESIZING);
	const char *in_place = join_resizes(arena, reports, count, true);
	const char *rollout = join_resizes(arena, reports, count, false);
	const char *reason = json_string_or(json_get(before, "reason"), "");

	if (!*rollout && level != VERDICT_OK && strcmp(reason, RESIZING_ROLLOUT) == 0)
		rollout = json_string_or(json_get(before, "message"), "");
	if (*in_place)
		add_condition(arena, list, input, RESIZING, "True", RESIZING_IN_PLACE, in_place);
	else if (*rollout)
		add_condition(arena, list, input, RESIZING, "True", RESIZING_ROLLOUT, rollout);
}

struct json *conditions_build(struct arena *arena, const struct reconcile_input *input,
                              const struct process_report *reports, const struct verdict *verdicts,
                              size_t count)
{
	static const char *const READY[] = {
		[VERDICT_OK] = "True",
		[VERDICT_PROGRESSING] = "Unknown",
		[VERDICT_STALLED] = "False",
	};
	struct json *list = json_new_array(arena);
	struct summary summary = summarize(arena, input, reports, verdicts, count);
	bool reconciling = summary.level == VERDICT_PROGRESSING;
	bool stalled = summary.level == VERDICT_STALLED;

	add_condition(arena, list, input, "Ready", READY[summary.level], summary.reason,
	              summary.message);
	add_condition(arena, list, input, "Reconciling", reconciling ? "True" : "False",
	              summary.reason, reconciling ? summary.message : "");
	add_condition(arena, list, input, "Stalled", stalled ? "True" : "False", summary.reason,
	              stalled ? summary.message : "");
	add_held(arena, list, input, reports, verdicts, count);
	add_resizing(arena, list, input, reports, count, summary.level);
	return list;
}

bool conditions_are_same(const struct json *conditions, const struct json *observed)
{
	json_for_each (condition, conditions) {
		const char *type = json_string_or(json_get(condition, "type"), "");

		if (!json_equal(condition, find_condition(observed, type)))
			return false;
	}
	for (size_t i = 0; i < sizeof(OWN_TYPES) / sizeof(OWN_TYPES[0]); i++) {
		if (!find_condition(conditions, OWN_TYPES[i]) &&
		    find_condition(observed, OWN_TYPES[i]))
			return false;
	}
	return true;
}
