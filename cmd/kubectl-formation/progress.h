/* How far a process is on its way to what was asked for. Pure. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "formation/model.h"
#include "formation/observed.h"

/* What is waited for. */
struct goal {
	const char *type;
	int quantity;
	const char *size;
	int64_t generation; /* of the Formation, from which on its status counts */
};

struct progress {
	int running; /* dynos of that size that are up */
	int others;  /* dynos that are not yet, or not of that size */
	bool done;   /* exactly so many run, and no other */
	bool seen;   /* the controller has taken the change up */
	const char *stalled; /* why it won't come without a person, or NULL; from the status */
};

struct progress progress_of(const struct goal *goal, const struct json *formation,
			    const struct observed_pod *const *pods, size_t count);

#endif
