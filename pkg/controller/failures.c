#include "controller/failures.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"

enum {
	UNDONE_FREE = 3,                /* corrections that cost no wait */
	CONFLICTS_QUIET = 3,            /* in a row that nobody is told of */
	UNDONE_MEMORY_MS = 300 * 1000,  /* after this long in peace it is forgotten */
};

struct failure {
	struct list node;
	const struct resource *resource;
	char *name;
	char *type;             /* process type, or NULL */
	bool status;            /* of the status, not of the object itself */
	bool create;            /* the object was meant not to be there */
	enum err_code code;     /* ERR_NONE: only undone so far */
	char *message;
	struct digest body;     /* of the write that failed or was undone */
	int attempts;           /* failures in a row */
	int undone;
	int64_t undone_ms;      /* when it was undone last */
	char *rival;            /* who scales it, or NULL, */
	int64_t rival_ms;       /* and when that was found */
	int64_t not_before_ms;  /* hold that write until then */
};

struct failures {
	struct list list;
};

struct failures *failures_new(void)
{
	struct failures *failures = x_calloc(1, sizeof(*failures));

	list_init(&failures->list);
	return failures;
}

static void failure_free(struct failure *failure)
{
	list_remove(&failure->node);
	free(failure->name);
	free(failure->type);
	free(failure->message);
	free(failure->rival);
	free(failure);
}

void failures_free(struct failures *failures)
{
	if (!failures)
		return;
	list_for_each_safe(node, next, &failures->list)
		failure_free(list_entry(node, struct failure, node));
	free(failures);
}

bool failures_empty(const struct failures *failures)
{
	return list_empty(&failures->list);
}

static bool is_of(const struct failure *failure, const struct step *step)
{
	return failure->resource == step->resource &&
	       failure->status == (step->kind == STEP_STATUS) &&
	       strcmp(failure->name, step->name) == 0;
}

static struct failure *find(const struct failures *failures, const struct step *step)
{
	list_for_each(node, &failures->list) {
		struct failure *failure = list_entry(node, struct failure, node);

		if (is_of(failure, step))
			return failure;
	}
	return NULL;
}

static struct failure *find_or_add(struct failures *failures, const struct step *step)
{
	struct failure *failure = find(failures, step);

	if (failure)
		return failure;
	failure = x_calloc(1, sizeof(*failure));
	failure->resource = step->resource;
	failure->name = x_strdup(step->name);
	failure->type = step->type ? x_strdup(step->type) : NULL;
	failure->status = step->kind == STEP_STATUS;
	failure->message = x_strdup("");
	list_init(&failure->node);
	list_add_tail(&failures->list, &failure->node);
	return failure;
}

/* How long to wait first, and at most. */
static void backoff_of(enum err_code code, int64_t *ret_first_ms, int64_t *ret_most_ms)
{
	*ret_first_ms = 1000;
	*ret_most_ms = 300 * 1000;
	switch (code) {
	case ERR_CONFLICT:
		*ret_first_ms = 10;
		*ret_most_ms = 30 * 1000;
		return;
	case ERR_ALREADY_EXISTS:
		*ret_most_ms = 30 * 1000;
		return;
	case ERR_NONE:
	case ERR_INVALID:
	case ERR_LIMIT:
	case ERR_NOT_FOUND:
	case ERR_FORBIDDEN:
		return;
	case ERR_PARSE:
	case ERR_GONE:
	case ERR_UNAUTHORIZED:
	case ERR_RATE_LIMITED:
	case ERR_UNAVAILABLE:
	case ERR_TIMEOUT:
	case ERR_CANCELED:
	case ERR_SYSTEM:
		*ret_first_ms = 100;
		*ret_most_ms = 30 * 1000;
		return;
	}
}

static int64_t backoff_ms(enum err_code code, int attempts, int64_t least_ms, uint64_t jitter)
{
	int64_t first_ms, most_ms, delay_ms;

	backoff_of(code, &first_ms, &most_ms);
	delay_ms = first_ms;
	for (int i = 1; i < attempts && delay_ms < most_ms; i++)
		delay_ms *= 2;
	if (delay_ms > most_ms)
		delay_ms = most_ms;
	if (delay_ms < least_ms)
		delay_ms = least_ms;
	return delay_ms + (int64_t)(jitter % (uint64_t)(delay_ms / 4 + 1));
}

bool failures_note(struct failures *failures, const struct step *step, struct digest body,
		   const struct err *err, int64_t now_ms, uint64_t jitter)
{
	struct failure *failure = find_or_add(failures, step);
	bool news = failure->code == ERR_NONE || strcmp(failure->message, err->msg) != 0;

	if (!digest_equal(failure->body, body))
		failure->attempts = 0;
	failure->attempts++;
	failure->code = err->code;
	failure->create = step->kind == STEP_APPLY && !step->uid;
	failure->body = body;
	free(failure->message);
	failure->message = x_strdup(err->msg);
	failure->not_before_ms = now_ms + backoff_ms(err->code, failure->attempts,
						     err->retry_after_ms, jitter);
	return news;
}

int failures_note_undone(struct failures *failures, const struct step *step, struct digest body,
			 int64_t now_ms, uint64_t jitter)
{
	struct failure *failure = find_or_add(failures, step);

	if (now_ms - failure->undone_ms > UNDONE_MEMORY_MS)
		failure->undone = 0;
	failure->undone++;
	failure->undone_ms = now_ms;
	failure->body = body;
	if (failure->undone > UNDONE_FREE)
		failure->not_before_ms =
			now_ms + backoff_ms(ERR_NONE, failure->undone - UNDONE_FREE, 0, jitter);
	return failure->undone;
}

static bool is_contested(const struct failure *failure, int64_t now_ms)
{
	return failure->rival && now_ms - failure->rival_ms < UNDONE_MEMORY_MS;
}

void failures_note_rival(struct failures *failures, const struct step *step, const char *text,
			 int64_t now_ms)
{
	struct failure *failure = find_or_add(failures, step);

	free(failure->rival);
	failure->rival = x_strdup(text);
	failure->rival_ms = now_ms;
}

const struct rival_note *failures_rivals(const struct failures *failures, struct arena *arena,
					 int64_t now_ms, size_t *ret_count)
{
	struct rival_note *notes;
	size_t count = 0;

	list_for_each(node, &failures->list)
		count++;
	notes = arena_array(arena, struct rival_note, count);
	count = 0;
	list_for_each(node, &failures->list) {
		const struct failure *failure = list_entry(node, struct failure, node);

		if (is_contested(failure, now_ms))
			notes[count++] = (struct rival_note){
				.type = failure->type,
				.text = failure->rival,
				.left_ms = failure->rival_ms + UNDONE_MEMORY_MS - now_ms,
			};
	}
	*ret_count = count;
	return notes;
}

void failures_clear(struct failures *failures, const struct step *step)
{
	struct failure *failure = find(failures, step);

	if (!failure)
		return;
	if (failure->undone == 0 && !failure->rival) {
		failure_free(failure);
		return;
	}
	failure->code = ERR_NONE;
	failure->attempts = 0;
	failure->not_before_ms = 0;
}

bool failures_hold(const struct failures *failures, const struct step *step,
		   failures_digest_fn *body, void *arg, int64_t now_ms)
{
	const struct failure *failure = find(failures, step);

	return failure && now_ms < failure->not_before_ms &&
	       digest_equal(failure->body, body(arg, step));
}

static bool is_wanted(const struct failure *failure, const struct plan *plan)
{
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct step *step = &plan->steps[i];

		if (step->kind != STEP_EVENT && is_of(failure, step))
			return true;
	}
	return false;
}

void failures_sweep(struct failures *failures, const struct plan *plan, int64_t now_ms)
{
	list_for_each_safe(node, next, &failures->list) {
		struct failure *failure = list_entry(node, struct failure, node);

		if (is_wanted(failure, plan))
			continue;
		failure->code = ERR_NONE;
		failure->attempts = 0;
		if (is_contested(failure, now_ms))
			continue;
		if (failure->undone == 0 || now_ms - failure->undone_ms > UNDONE_MEMORY_MS)
			failure_free(failure);
	}
}

/* Conflicts are the weather, unless they don't end. */
static bool is_worth_telling(const struct failure *failure)
{
	if (failure->code == ERR_CONFLICT)
		return failure->attempts > CONFLICTS_QUIET;
	return failure->code != ERR_NONE;
}

const struct write_failure *failures_list(const struct failures *failures, struct arena *arena,
					  size_t *ret_count)
{
	struct write_failure *items;
	size_t count = 0;

	list_for_each(node, &failures->list)
		count++;
	items = arena_array(arena, struct write_failure, count);
	count = 0;
	list_for_each(node, &failures->list) {
		const struct failure *failure = list_entry(node, struct failure, node);

		if (failure->status || !is_worth_telling(failure))
			continue;
		items[count++] = (struct write_failure){
			.type = failure->type,
			.resource = failure->resource,
			.code = failure->code,
			.create = failure->create,
			.message = failure->message,
		};
	}
	*ret_count = count;
	return items;
}

int64_t failures_wait_ms(const struct failures *failures, int64_t now_ms)
{
	int64_t soonest = 0;

	list_for_each(node, &failures->list) {
		const struct failure *failure = list_entry(node, struct failure, node);
		int64_t wait = failure->not_before_ms - now_ms;

		if (wait > 0 && (soonest == 0 || wait < soonest))
			soonest = wait;
	}
	return soonest;
}
