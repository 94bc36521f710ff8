#include "formation/trouble.h"

#include <string.h>

#include "codec/quantity.h"
#include "formation/dyno_names.h"

static bool is_in(const char *text, const char *const *list)
{
	for (; *list; list++) {
		if (strcmp(*list, text) == 0)
			return true;
	}
	return false;
}

/* How much a dyno's trouble tells: the larger number wins, 0 is none. */
static int rank(const struct observed_pod *pod)
{
	static const char *const COMING[] = { "ContainerCreating", "PodInitializing", NULL };
	static const char *const CRASHES[] = { "CrashLoopBackOff", "Completed", "Error",
		                               "OOMKilled", NULL };

	if (pod->waiting && !is_in(pod->waiting, COMING) && !is_in(pod->waiting, CRASHES))
		return 4;
	if (pod->oom_killed)
		return 3;
	if (pod->waiting && is_in(pod->waiting, CRASHES))
		return 2;
	return pod->unschedulable ? 1 : 0;
}

static bool is_of(const struct observed_pod *pod, const struct process_report *report)
{
	return strcmp(pod->type, report->process->type) == 0 && !observed_pod_is_terminal(pod) &&
	       pod->object.owner_uid;
}

static bool comes_before(const struct observed_pod *pod, const struct observed_pod *other)
{
	if (rank(pod) != rank(other))
		return rank(pod) > rank(other);
	if (pod->dyno != other->dyno && pod->dyno && other->dyno)
		return pod->dyno < other->dyno;
	return strcmp(pod->object.name, other->object.name) < 0;
}

static const char *oom_message(struct arena *arena, const struct reconcile_input *input,
                               const struct process_report *report, const struct observed_pod *pod)
{
	const struct dyno_size *own = dyno_sizes_find(input->sizes, pod->size), *next;
	const struct dyno_size *size = own ? own : report->size; /* it may be yet to follow */
	char has[QUANTITY_TEXT_MAX], more[QUANTITY_TEXT_MAX];
	const char *advice;

	if (!size)
		return arena_printf(arena, "%s exceeded its memory quota", dyno_name(arena, pod));
	next = dyno_sizes_next(input->sizes, size);
	quantity_format_bytes(size->memory_bytes, has);
	if (next)
		quantity_format_bytes(next->memory_bytes, more);
	advice = next ? arena_printf(arena, "the next size up is %s (%s)", next->name, more)
	              : "there is no larger size";
	return arena_printf(arena, "memory quota exceeded: %s. %s exceeded its %s (%s); %s", has,
	                    dyno_name(arena, pod), has, size->name, advice);
}

static const char *crash_message(struct arena *arena, const struct observed_pod *pod)
{
	const char *how = pod->last_exit_code < 0
	                          ? "ended"
	                          : arena_printf(arena, "exited with %d", pod->last_exit_code);

	return arena_printf(
		arena, "%s %s, %d restart%s so far; its last words: kubectl logs --previous %s",
		dyno_name(arena, pod), how, pod->restarts, pod->restarts == 1 ? "" : "s",
		pod->object.name);
}

static struct trouble trouble_of(struct arena *arena, const struct reconcile_input *input,
                                 const struct process_report *report,
                                 const struct observed_pod *pod)
{
	struct trouble trouble = { .unready_ms = pod->unready_ms };
	const char *words =
		pod->waiting_message && *pod->waiting_message ? pod->waiting_message : pod->waiting;

	switch (rank(pod)) {
	case 4:
		trouble.reason = pod->waiting;
		trouble.message = arena_printf(arena, "%s: %s", dyno_name(arena, pod), words);
		break;
	case 3:
		trouble.reason = "OOMKilled";
		trouble.message = oom_message(arena, input, report, pod);
		break;
	case 2:
		trouble.reason = "CrashLoopBackOff";
		trouble.message = crash_message(arena, pod);
		break;
	case 1:
		trouble.reason = "Unschedulable";
		trouble.message =
			arena_printf(arena, "%s: %s", dyno_name(arena, pod), pod->unschedulable);
		break;
	default:
		break;
	}
	return trouble;
}

struct trouble trouble_find(struct arena *arena, const struct reconcile_input *input,
                            const struct process_report *report)
{
	const struct observed_pod *worst = NULL;
	int64_t unready_ms = 0;
	struct trouble trouble;

	for (size_t i = 0; i < input->pod_count; i++) {
		const struct observed_pod *pod = input->pods[i];

		if (!is_of(pod, report) || pod->ready || pod->object.deleting || pod->gated)
			continue;
		if (!worst || comes_before(pod, worst))
			worst = pod;
		if (!unready_ms || (pod->unready_ms && pod->unready_ms < unready_ms))
			unready_ms = pod->unready_ms;
	}
	if (!worst)
		return (struct trouble){ 0 };
	trouble = trouble_of(arena, input, report, worst);
	if (!trouble.reason)
		trouble.unready_ms = unready_ms;
	return trouble;
}

struct trouble trouble_killed(struct arena *arena, const struct reconcile_input *input,
                              const struct process_report *report, int64_t since_ms)
{
	const struct observed_pod *last = NULL;

	for (size_t i = 0; i < input->pod_count; i++) {
		const struct observed_pod *pod = input->pods[i];

		if (!is_of(pod, report) || !pod->oom_killed || pod->last_exit_ms <= since_ms)
			continue;
		if (!last || pod->last_exit_ms > last->last_exit_ms ||
		    (pod->last_exit_ms == last->last_exit_ms && comes_before(pod, last)))
			last = pod;
	}
	if (!last)
		return (struct trouble){ 0 };
	return (struct trouble){
		.reason = "OOMKilled",
		.message = oom_message(arena, input, report, last),
		.unready_ms = last->last_exit_ms,
	};
}
