/* How a process is: one word, one sentence, and who has to act. */
#ifndef FORMATION_VERDICT_H
#define FORMATION_VERDICT_H

#include "formation/reconcile.h"

/*
 * What a verdict means for the Formation's conditions. Work under way that
 * can end well by itself is PROGRESSING; STALLED waits for a person.
 *
 * OK
 *   Running, ScaledToZero    every dyno runs what the spec says and is ready
 *   OOMKilled                likewise, but one was killed in the last ten minutes
 *   Contested                likewise, but somebody scaled a singleton up in the last five
 * PROGRESSING
 *   Creating, Updating       writes are due, or just done
 *   Resizing                 running dynos are given another size
 *   Starting, Stopping       dynos come or go
 *   Replacing                the old Deployment has to go first
 *   Retrying                 a write failed: network, server, or a race
 *   NameConflict             the name is taken, but what has it is going
 *   CrashLoopBackOff, OOMKilled, ImagePullBackOff, CreateContainerConfigError, …
 *                            a dyno does not run, by the kubelet's word
 *   Unschedulable            no node takes a dyno, by the scheduler's words
 *   Held                     a singleton's dyno waits for another to be gone
 *   Contested                a singleton is scaled up again and again: set back, ever more seldom
 * STALLED
 *   a dyno's fault, Unschedulable, Held
 *                            after ten minutes or the Deployment's progress deadline
 *   NotReady, ProgressDeadlineExceeded
 *                            likewise, where no dyno says why
 *   QuotaExceeded, ReplicaFailure
 *                            pods are refused
 *   QuotaExceeded, Refused   a write of ours is refused (403, 422)
 *   NameConflict             the name is taken
 *   Invalid, UnknownSize, InvalidSize
 *                            the spec cannot be carried out
 *   SingletonOverlap         two of a singleton run, by somebody else's doing
 *   Paused                   the Formation or Deployment is, and there is something to do
 *
 * A dyno's fault is not STALLED at once, though often a person has to act:
 * images appear, dependencies come up, and tools that wait give up for good at
 * the first Stalled.
 */
#define REASON_CONTESTED "Contested"

enum verdict_level { VERDICT_OK, VERDICT_PROGRESSING, VERDICT_STALLED };

enum { STALL_AFTER_MS = 10 * 60 * 1000 }; /* as a Deployment's default progress deadline */

/* What became of a process, found while its plan was made. */
struct process_report {
	const struct process *process;
	const struct dyno_size *size;                 /* or NULL: unknown */
	const struct observed_deployment *deployment; /* ours, or NULL */
	bool pending_writes; /* the plan changes its objects, or would if it weren't paused */
	const char *resizing; /* dynos are given another size in place: how far that is, or NULL */
	int resized;          /* with resizing: dynos that have it */
	const char *unresized; /* why another size is a rollout, or NULL */
	const char *reason;  /* decided already (NameConflict, UnknownSize, …), or NULL */
	const char *message; /* with reason */
	bool stalled;        /* with reason: a person has to act */
};

struct verdict {
	enum verdict_level level;
	const char *reason;
	const char *message; /* "" when there is nothing to say */
	int desired;         /* dynos: the quantity, or what others set */
	int running;
	int ready;
	int updated;
	int64_t again_ms; /* after how long it changes by time alone, 0 never */
};

/* Judge a process from its report, its Deployment and its pods. */
void process_judge(struct arena *arena, const struct reconcile_input *input,
                   const struct process_report *report, struct verdict *ret_verdict);

#endif
