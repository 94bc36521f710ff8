/* Status: what the controller reports back. */
#ifndef FORMATION_STATUS_H
#define FORMATION_STATUS_H

#include "formation/reconcile.h"

/* What became of a process, found while its plan was made. */
struct process_report {
	const struct process *process;
	const struct dyno_size *size;                 /* or NULL: unknown */
	const struct observed_deployment *deployment; /* ours, or NULL */
	bool pending_writes;  /* the plan changes its objects */
	const char *reason;   /* decided already (NameConflict, UnknownSize, …), or NULL */
	const char *message;
	bool stalled;         /* with reason: a person has to act */
};

/*
 * The complete status (processes, formation, ready, conditions), in the
 * arena. Transition times are kept where a condition's status stays.
 */
struct json *status_build(struct arena *arena, const struct reconcile_input *input,
			  const struct process_report *reports, size_t report_count);

#endif
