/* Which dyno of a singleton may run: one at a time, by a permit on record. Pure. */
#ifndef FORMATION_PERMIT_H
#define FORMATION_PERMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Every pod of a singleton is made with a scheduling gate and runs nothing
 * until the gate is opened. The Formation's status records the one pod that
 * may have it opened. Two controllers at once, one of them stale, keep at
 * most one pod open as long as both go by struct permit_protocol:
 *
 * A record is only replaced under the resourceVersion at which it was read,
 * and only after a look at the pods that came later and found the recorded
 * pod gone (or terminal) and no other open. So the record did not change
 * between that look and the write, and nobody could open another pod
 * meanwhile. Gone is for ever, since a uid is never given twice.
 */

#define SINGLETON_GATE "dyno.dev/singleton" /* name of the scheduling gate */

/* The record; uid "" or NULL: none. Strings are borrowed, here and below. */
struct permit {
	const char *pod;
	const char *uid;
};

/* What matters of a pod. */
struct permit_pod {
	const char *name;
	const char *uid;
	bool gated;         /* has SINGLETON_GATE; without it, it has run permission */
	bool terminal;      /* Succeeded or Failed: runs no more, ever */
	bool deleting;      /* still counts, until its object is gone */
	bool orphan;        /* no controller owns it: is given no permit */
	int gate_index;     /* of SINGLETON_GATE in spec.schedulingGates, while it is gated */
	int64_t created_ms; /* Unix time */
	const char *node;   /* or NULL */
};

/* What is known when it is decided. */
struct permit_view {
	struct permit record;
	const struct permit_pod *pods; /* by the labels of formation and type */
	size_t pod_count;
	const struct permit_pod *recorded; /* the recorded name's pod, read after the others;
	                                      NULL: there is none */
};

enum permit_verdict {
	PERMIT_NOTHING, /* nobody waits for a gate, or the pod that holds is as it should be */
	PERMIT_RECORD,  /* write `pod` into the record, then open its gate */
	PERMIT_OPEN,    /* `pod` is on record already: open its gate */
	PERMIT_WAIT,    /* pods wait, and `pod` has to be gone first */
};

struct permit_decision {
	enum permit_verdict verdict;
	const struct permit_pod *pod;     /* borrowed from the view; NULL with PERMIT_NOTHING */
	const struct permit_pod *overlap; /* open besides another open one, or NULL: this must
	                                     never be; somebody else opened a gate */
};

/*
 * Decide by what is known. The recorded pod, gated or not, labelled or not,
 * is the only one that may be opened until it is gone or terminal; a gated one
 * on its way out as well, for who read the record earlier may still open it.
 * Any other open pod that isn't terminal has to be gone first. Else the
 * oldest gated pod that is not being deleted is next. Without a record all
 * but one gated pod have to be gone first as well: a record may have been lost
 * with its process or Formation, while somebody is about to act on it.
 * `recorded` is the later read: where it says that the pod of the record is
 * gone, an entry of `pods` with that uid doesn't count.
 */
void permit_decide(const struct permit_view *view, struct permit_decision *ret_decision);

/* --- the protocol -------------------------------------------------- */

/* What to ask the API server for, in this order. All reads are consistent: not from a cache. */
enum permit_request {
	PERMIT_GET_RECORD,   /* GET the Formation: its record and resourceVersion */
	PERMIT_LIST_PODS,    /* LIST the pods by the labels of formation and type */
	PERMIT_GET_POD,      /* GET the pod with the recorded name; left out without a record */
	PERMIT_WRITE_RECORD, /* write `pod` into the record under `version`, or fail */
	PERMIT_OPEN_GATE,    /* take the gate from `pod`, if it has that uid */
	PERMIT_END,          /* nothing more, see `decision` and `failed` */
};

/* An answer. Only what was asked for is read. */
struct permit_answer {
	bool failed;                   /* no answer, a refusal, or a lost race: ends it */
	struct permit record;          /* of PERMIT_GET_RECORD, */
	uint64_t version;              /* with the resourceVersion at which it stands */
	const struct permit_pod *pods; /* of PERMIT_LIST_PODS; of PERMIT_GET_POD at most one */
	size_t pod_count;
};

/*
 * One try to open a gate. It holds no memory: what answers point to must
 * live as long as it does.
 * Invariant: `request` is what to ask next; it never goes back.
 */
struct permit_protocol {
	enum permit_request request;
	uint64_t version; /* precondition of PERMIT_WRITE_RECORD */
	struct permit_view view;
	struct permit_decision decision; /* once the pods are known */
	bool failed;                     /* an answer was; nothing was opened by it */
	bool opened;                     /* the gate of decision.pod is open by our doing */
};

/* Begin: the first request is PERMIT_GET_RECORD. */
void permit_protocol_init(struct permit_protocol *protocol);

/* Take the answer to `protocol->request`, and set the next one. Not after PERMIT_END. */
void permit_protocol_answer(struct permit_protocol *protocol, const struct permit_answer *answer);

/* "write record", for logs. */
const char *permit_request_name(enum permit_request request);

#endif
