/* A pod that is gone, and what it said last. */
#ifndef FORMATION_GONE_POD_H
#define FORMATION_GONE_POD_H

#include "formation/pod_runs.h"

/* What usage is counted from. */
struct dyno_life {
	const char *uid;
	const char *type;
	const char *size;
	uint64_t version;    /* resourceVersion; of a pod that is gone that of its going */
	int64_t created_s;   /* Unix time */
	int64_t deleting_s;  /* when its deletion was asked for, 0 when it wasn't */
	struct pod_runs runs;
};

struct gone_pod {
	struct dyno_life life;
	int64_t gone_ms; /* when we saw it gone, Unix time */
	bool final;      /* `life` is its last event's; else what was known before it */
};

#endif
