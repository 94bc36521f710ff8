/* The heart: what is known in, what to do out. Pure. */
#ifndef FORMATION_RECONCILE_H
#define FORMATION_RECONCILE_H

#include "api/resource.h"
#include "formation/gone_pod.h"
#include "formation/model.h"
#include "formation/observed.h"

/* The last write for an object that failed and has not succeeded since; `message` is never NULL. */
struct write_failure {
	const char *type; /* process type, or NULL: the formation as a whole */
	const struct resource *resource;
	enum err_code code;
	bool create; /* the write was to create: the step had no uid */
	const char *message;
};

/* Who scaled a singleton up a short time ago, in words; `left_ms` more it is told. */
struct rival_note {
	const char *type;
	const char *text;
	int64_t left_ms;
};

/* Why a process whose size changed is rolled out, found while that was carried out. */
struct resize_refusal {
	const char *type;
	const char *why;
};

/* Everything that is known. All borrowed. Arrays in any order. */
struct reconcile_input {
	const struct formation *formation;
	const struct dyno_sizes *sizes;
	const struct observed_deployment *const
		*deployments; /* label or name says they are of this formation */
	size_t deployment_count;
	const struct observed_child *const *services;
	size_t service_count;
	const struct observed_child *const *budgets;
	size_t budget_count;
	const struct observed_pod *const *pods;
	size_t pod_count;
	const struct gone_pod *gone; /* pods that are gone, and not in the ledger of usage.h */
	size_t gone_count;
	uint64_t pods_version; /* resourceVersion up to which pods are known */
	const struct write_failure *failures;
	size_t failure_count;
	const struct rival_note *rivals;
	size_t rival_count;
	const struct resize_refusal *refusals;
	size_t refusal_count;
	int64_t now_ms;       /* Unix time, for condition timestamps */
	bool actors_verified; /* dyno.dev/changed-by can be trusted: the policy is in force */
};

enum step_kind {
	STEP_APPLY,  /* server-side apply of `body`; creates when uid is NULL */
	STEP_DELETE, /* delete with uid and version as preconditions */
	STEP_PATCH,  /* merge patch of `body`: a pod's dyno name, a Deployment's strategy */
	STEP_OPEN_GATE, /* let a singleton's dyno run, by the protocol of permit.h; has no body */
	STEP_RESIZE, /* give running dynos another size, by resize.h; `body` is what is wanted */
	STEP_STATUS, /* apply of the Formation's status subresource */
	STEP_EVENT,  /* record an event on the Formation */
};

struct step {
	enum step_kind kind;
	int phase; /* phases run in order, the steps of one side by side */
	const struct resource *resource;
	const char *ns;
	const char *name;
	const char *uid;         /* precondition, or NULL */
	uint64_t version;        /* precondition, or 0 */
	const char *type;        /* process type it is for, or NULL */
	const char *manager;     /* field manager of an apply */
	bool force;              /* STEP_APPLY, STEP_STATUS: take fields from other managers */
	bool foreground;         /* STEP_DELETE: stays until its pods are gone */
	const struct json *body; /* complete, with uid and version where they are preconditions */
	const char *reason;      /* STEP_EVENT: CamelCase reason, */
	const char *note;        /* text, */
	bool warning;            /* and type; */
	bool logged;             /* the note is a line of the log, too */
};

/*
 * An ordered list of steps. When a step fails, steps of later phases for
 * the same process are not done this time; the status step always is, and
 * is last. `again_ms` is after how long to look again though nothing
 * changes, 0 never.
 */
struct plan {
	const struct step *steps;
	size_t step_count;
	int64_t again_ms;
};

/*
 * Decide what to do. Never fails; allocates in `arena` alone. The same
 * input gives the same plan; an input that is as the plan wanted it gives
 * an empty plan.
 */
void formation_reconcile(struct arena *arena, const struct reconcile_input *input,
                         struct plan *ret_plan);

#endif
