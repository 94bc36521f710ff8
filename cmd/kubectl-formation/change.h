/* What a scale or resize changes of a Formation, decided before anything is written. Pure. */
#ifndef CLI_CHANGE_H
#define CLI_CHANGE_H

#include "codec/json.h"
#include "formation/model.h"
#include "words.h"

/* The change of one process. */
struct change {
	const struct scale_word *word;
	const struct process *process;
	int before;           /* the quantity, or the replicas there are where it was left out */
	int after;            /* what it will be */
	const char *size;     /* that it will have, canonical */
	bool quantity_named;  /* the word says how many: `after` is written where it isn't there */
	bool writes_quantity; /* spec.processes[].quantity is to be written, */
	bool writes_size;     /* and size */
};

struct changes {
	struct change *items; /* in the order of the words */
	size_t count;
	bool any; /* there is something to write */
};

/* Replicas that a process has whose quantity was left out; -1 unknown. */
typedef int replicas_fn(void *arg, const struct process *process);

/*
 * Apply the words to `formation`. `sizes` may be NULL: sizes are not
 * checked then. `replicas` may be NULL.
 * Errors: ERR_INVALID: an unknown type or size, below 0, over
 * LIMIT_QUANTITY, a singleton above 1; the text begins with the word.
 */
int changes_decide(struct arena *arena, const struct formation *formation,
		   const struct dyno_sizes *sizes, const struct scale_word *words, size_t count,
		   replicas_fn *replicas, void *arg, struct changes *ret_changes,
		   struct err *err);

/* A quantity that is named is written where `value`, the Formation as read, has none. */
void changes_complete(const struct json *value, struct changes *changes);

/*
 * The changes as one JSON patch: it holds for the Formation as read in
 * `value` alone, by its resourceVersion, and by tests of each type at its
 * place. The default formation's web entry is written whole.
 */
struct json *changes_patch(struct arena *arena, const struct json *value,
			   const struct changes *changes);

/* Apply them to a copy of the tree as the API server would. */
struct json *changes_apply(struct arena *arena, const struct json *value,
			   const struct changes *changes);

/* "4", or "4:2X" when the size isn't the default. */
const char *change_text(struct arena *arena, int quantity, const char *size);

/*
 * The formation in the form that scale takes: "web=2:2X worker=1:1X";
 * quantities left out are asked of `replicas` (may be NULL), else 1.
 */
const char *formation_words(struct arena *arena, const struct formation *formation,
			    replicas_fn *replicas, void *arg);

#endif
