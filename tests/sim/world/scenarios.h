/* What people do to a cluster while the controller runs. */
#ifndef SIM_SCENARIOS_H
#define SIM_SCENARIOS_H

#include "world.h"

enum { ACTIONS_MAX = 12 };

/* One thing that somebody does. */
struct action {
	enum {
		ACTION_END,
		ACTION_SPEC,    /* apply this spec of a Formation */
		ACTION_SIZE,    /* apply this spec of a DynoSize */
		ACTION_PUT,     /* create this object */
		ACTION_EDIT,    /* merge this into an object */
		ACTION_DELETE,  /* delete an object, */
		ACTION_CRASH,   /* the container of every dyno fails, and starts again */
		ACTION_FOREGROUND, /* or so that its dependents go first */
		ACTION_KEEP,    /* nothing: no more than `text` ReplicaSets are made, no dyno is replaced */
		ACTION_OLD,     /* nothing: the cluster is older than the resize of pods */
	} what;
	enum kind kind;
	const char *name;
	const char *text; /* JSON */
	int soon_ms;      /* wait until nothing has moved for so long; 0: until all is at rest */
};

struct scenario {
	const char *name;
	const char *ready; /* reason of the Formation's Ready condition at the end, NULL: none is left */
	struct action actions[ACTIONS_MAX];
};

extern const struct scenario SCENARIOS[];

void scenario_prepare(struct world *world);
void scenario_act(struct world *world, const struct action *action);

#endif
