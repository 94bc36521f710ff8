#include "formation/permit.h"

#include <assert.h>
#include <string.h>

static bool is_open(const struct permit_pod *pod)
{
	return !pod->gated && !pod->terminal;
}

static bool has_record(const struct permit *record)
{
	return record->uid && *record->uid;
}

static bool is_recorded(const struct permit *record, const struct permit_pod *pod)
{
	return has_record(record) && strcmp(record->uid, pod->uid) == 0;
}

/* The recorded pod, if it still counts: the name may be another pod's by now. */
static const struct permit_pod *holder_of(const struct permit_view *view)
{
	const struct permit_pod *pod = view->recorded;

	return pod && is_recorded(&view->record, pod) && !pod->terminal ? pod : NULL;
}

static bool is_older(const struct permit_pod *pod, const struct permit_pod *other)
{
	if (pod->created_ms != other->created_ms)
		return pod->created_ms < other->created_ms;
	return strcmp(pod->name, other->name) < 0;
}

/* What the list says of pods other than the recorded one. */
struct others {
	const struct permit_pod *open;    /* oldest that is open, */
	const struct permit_pod *second;  /* and another */
	const struct permit_pod *next;    /* oldest that may be given the permit */
	const struct permit_pod *spare;   /* another that is gated, as `waiting` is */
	const struct permit_pod *waiting; /* some pod that is gated */
};

static void count_other(struct others *others, const struct permit_pod *pod)
{
	if (is_open(pod)) {
		if (!others->open || is_older(pod, others->open)) {
			others->second = others->open;
			others->open = pod;
		} else {
			others->second = pod;
		}
	} else if (pod->gated && !pod->terminal) {
		if (others->waiting)
			others->spare = pod;
		else
			others->waiting = pod;
		if (!pod->deleting && !pod->orphan &&
		    (!others->next || is_older(pod, others->next)))
			others->next = pod;
	}
}

static struct others others_of(const struct permit_view *view)
{
	struct others others = { 0 };

	for (size_t i = 0; i < view->pod_count; i++) {
		if (!is_recorded(&view->record, &view->pods[i]))
			count_other(&others, &view->pods[i]);
	}
	return others;
}

static struct permit_decision decide_held(const struct permit_pod *holder,
                                          const struct others *others)
{
	if (is_open(holder))
		return (struct permit_decision){
			.verdict = others->waiting ? PERMIT_WAIT : PERMIT_NOTHING,
			.pod = others->waiting ? holder : NULL,
			.overlap = others->open,
		};
	if (others->open)
		return (struct permit_decision){ PERMIT_WAIT, others->open, others->second };
	return (struct permit_decision){
		.verdict = holder->deleting ? PERMIT_WAIT : PERMIT_OPEN,
		.pod = holder,
	};
}

void permit_decide(const struct permit_view *view, struct permit_decision *ret_decision)
{
	const struct permit_pod *holder = holder_of(view);
	struct others others = others_of(view);

	*ret_decision = (struct permit_decision){ .overlap = others.second };
	if (holder) {
		*ret_decision = decide_held(holder, &others);
	} else if (others.open && others.waiting) {
		ret_decision->verdict = PERMIT_WAIT;
		ret_decision->pod = others.open;
	} else if (!has_record(&view->record) && others.next && others.spare) {
		ret_decision->verdict = PERMIT_WAIT;
		ret_decision->pod = others.next == others.spare ? others.waiting : others.spare;
	} else if (!others.open && others.next) {
		ret_decision->verdict = PERMIT_RECORD;
		ret_decision->pod = others.next;
	}
}

/* --- the protocol -------------------------------------------------- */

void permit_protocol_init(struct permit_protocol *protocol)
{
	*protocol = (struct permit_protocol){ .request = PERMIT_GET_RECORD };
}

/* The pods are known: decide, and say how it goes on. */
static enum permit_request after_pods(struct permit_protocol *protocol)
{
	permit_decide(&protocol->view, &protocol->decision);
	switch (protocol->decision.verdict) {
	case PERMIT_RECORD:
		return PERMIT_WRITE_RECORD;
	case PERMIT_OPEN:
		return PERMIT_OPEN_GATE;
	case PERMIT_NOTHING:
	case PERMIT_WAIT:
		break;
	}
	return PERMIT_END;
}

static enum permit_request next_request(struct permit_protocol *protocol,
                                        const struct permit_answer *answer)
{
	struct permit_view *view = &protocol->view;

	switch (protocol->request) {
	case PERMIT_GET_RECORD:
		view->record = answer->record;
		protocol->version = answer->version;
		return PERMIT_LIST_PODS;
	case PERMIT_LIST_PODS:
		view->pods = answer->pods;
		view->pod_count = answer->pod_count;
		return has_record(&view->record) ? PERMIT_GET_POD : after_pods(protocol);
	case PERMIT_GET_POD:
		view->recorded = answer->pod_count > 0 ? &answer->pods[0] : NULL;
		return after_pods(protocol);
	case PERMIT_WRITE_RECORD:
		return PERMIT_OPEN_GATE;
	case PERMIT_OPEN_GATE:
		protocol->opened = true;
		return PERMIT_END;
	case PERMIT_END:
		break;
	}
	return PERMIT_END;
}

void permit_protocol_answer(struct permit_protocol *protocol, const struct permit_answer *answer)
{
	assert(protocol->request != PERMIT_END);
	if (answer->failed) {
		protocol->failed = true;
		protocol->request = PERMIT_END;
		return;
	}
	protocol->request = next_request(protocol, answer);
}

const char *permit_request_name(enum permit_request request)
{
	static const char *const NAMES[] = {
		[PERMIT_GET_RECORD] = "get record",
		[PERMIT_LIST_PODS] = "list pods",
		[PERMIT_GET_POD] = "get pod",
		[PERMIT_WRITE_RECORD] = "write record",
		[PERMIT_OPEN_GATE] = "open gate",
		[PERMIT_END] = "end",
	};

	return NAMES[request];
}
