/* What run.c, run_end.c and run_resize.c share of a run, and nobody else sees. */
#ifndef CONTROLLER_RUN_PRIVATE_H
#define CONTROLLER_RUN_PRIVATE_H

#include "controller/gate.h"
#include "controller/rival.h"
#include "controller/resizer.h"
#include "controller/run.h"

enum run_state {
	RUN_IDLE,      /* not started, or reset */
	RUN_WRITING,   /* steps but the status are carried out, phase by phase */
	RUN_REPORTING, /* the status is being written */
	RUN_ENDED,     /* the result is known */
};

enum write_state {
	WRITE_PENDING, /* its phase has not come */
	WRITE_ACTIVE,  /* a request is under way, its own or the read after a conflict */
	WRITE_DONE,
	WRITE_FAILED,  /* now, or before and its time has not come */
	WRITE_SKIPPED, /* not this time: an earlier phase failed, or it is not its turn */
};

/* A step on its way. */
struct write {
	struct run *run;
	struct step step;         /* strings in the run's arena */
	enum write_state state;
	struct client_call *call; /* while active, */
	struct gate *gate;        /* or this, */
	struct rival *rival;      /* or this, before the write itself */
	bool contested;           /* somebody else scales what it sets back */
	struct resizer *resizer;  /* or this */
	int64_t again_ms;         /* of a resize that is done: look again after that long */
	bool repairs;             /* the object was as wanted before somebody changed it */
};

struct run {
	const struct run_env *env;
	run_done_fn *done;
	void *arg;
	enum run_state state;
	const char *key;           /* borrowed */
	struct failures *failures; /* borrowed */
	int64_t started_ms;
	struct arena arena;        /* everything of this reconcile */
	struct formation formation;
	struct plan plan;          /* the last one */
	struct write *writes;      /* one for each step of the first plan */
	size_t write_count;
	struct write report;       /* of the status */
	int active;                /* writes that are */
	bool starting, stopping;   /* run_start has not returned; start nothing more */
	bool wrote;                /* at least one request has been sent */
	bool waits_turn;           /* a rollout has to wait for others */
	bool wants_more;           /* the writes led on to others */
	int64_t resize_wait_ms;    /* a resize wants a look after so long, or 0 */
	bool gone;                 /* there is no such Formation */
	bool noted;                /* run_note_refusals has looked at the writes */
	const struct resize_refusal *refusals; /* of sizes, found while writing */
	size_t refusal_count;
};

/* A request of a write, not of its own kind, has ended; then run_settle. */
void run_write_failed(struct write *write, const struct err *err);
void run_settle(struct write *write);

/* Record an event about the Formation. */
void run_record_event(struct run *run, const struct step *step);

/* Carry out a STEP_RESIZE. */
void run_start_resize(struct write *write);

/* A resize that has got as far as it can: look again after so long; 0: it hasn't. */
int64_t run_resize_again(const struct run *run, const struct step *step);

/* Fill in what was found out about sizes while writing. */
void run_note_refusals(struct run *run, struct reconcile_input *input);

/* Whether a step has to wait, for it failed or was undone a short time ago. */
bool run_holds(const struct run *run, const struct step *step);

/*
 * Whether the writes led on to others, as the end of a handover does. Our
 * own answers wake nobody, so this has to be looked at: as soon as the plan
 * is made, for it may point into the cache, which changes.
 */
bool run_wants_more(const struct run *run);

/* The soonest time at which a resize that waits for others wants a look, or 0; likewise. */
int64_t run_resize_wait_ms(const struct run *run);

/* How it ended, and when to look again. */
struct run_result run_summary(const struct run *run);

#endif
