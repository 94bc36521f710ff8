#include "model.h"

#include <assert.h>
#include <string.h>

#include "formation/permit.h"

/* Pod 0 and 2 have the same name: a name comes back, a uid doesn't. All are made in the same
 * second. */
static const char *const NAMES[PODS] = { "a", "b", "a" };
static const char *const UIDS[PODS] = { "u0", "u1", "u2" };

struct moves {
	const struct model *model;
	const struct model_state *from;
	struct model_next *next;
	size_t count;
};

static struct model_state *add(struct moves *moves)
{
	assert(moves->count < NEXT_MAX);
	struct model_next *next = &moves->next[moves->count++];
	*next = (struct model_next){ .state = *moves->from };
	return &next->state;
}

static bool exists(uint8_t pod)
{
	return pod & POD_EXISTS;
}

static bool is_open(uint8_t pod)
{
	return exists(pod) && !(pod & (POD_GATED | POD_TERMINAL));
}

static uint8_t gone(void)
{
	return POD_GONE;
}

void model_start(const struct model *model, struct model_state *ret_state)
{
	*ret_state = (struct model_state){ .left = (uint8_t)model->count };
}

/* --- the world ----------------------------------------------------- */

static bool name_is_free(const struct model_state *state, size_t i)
{
	for (size_t k = 0; k < PODS; k++) {
		if (exists(state->pods[k]) && strcmp(NAMES[k], NAMES[i]) == 0)
			return false;
	}
	return true;
}

static void rare_moves(struct moves *moves, size_t i)
{
	uint8_t pod = moves->from->pods[i];
	struct model_state *to;

	if (moves->from->left == 0)
		return;
	if ((moves->model->rare & RARE_STRIP) && !(pod & POD_STRIPPED)) {
		to = add(moves);
		to->pods[i] |= POD_STRIPPED;
		to->left--;
	}
	if ((moves->model->rare & RARE_HAND) && (pod & POD_GATED)) {
		to = add(moves);
		to->pods[i] &= (uint8_t)~POD_GATED;
		to->left--;
		for (size_t c = 0; c < CONTROLLERS; c++)
			to->controllers[c].excused = to->controllers[c].asks > 1 + PERMIT_LIST_PODS;
	}
}

static void pod_moves(struct moves *moves, size_t i)
{
	uint8_t pod = moves->from->pods[i];

	if (!pod && name_is_free(moves->from, i))
		add(moves)->pods[i] = POD_EXISTS | POD_GATED;
	if (!exists(pod))
		return;
	if (!(pod & POD_DELETING))
		add(moves)->pods[i] |= POD_DELETING;
	else if (!(pod & POD_LOST))
		add(moves)->pods[i] = gone();
	if (is_open(pod) && !(pod & POD_LOST))
		add(moves)->pods[i] |= POD_TERMINAL;
	if (is_open(pod) || (pod & POD_LOST))
		add(moves)->pods[i] ^= POD_LOST;
	rare_moves(moves, i);
}

static void stale(struct model_state *state)
{
	for (size_t c = 0; c < CONTROLLERS; c++)
		state->controllers[c].current = 0;
}

static void lose_record(struct moves *moves)
{
	if (!(moves->model->rare & RARE_LOSE_RECORD) || !moves->from->left || !moves->from->record)
		return;
	struct model_state *to = add(moves);
	to->record = 0;
	to->left--;
	stale(to);
}

static void cache_moves(struct moves *moves)
{
	if (moves->model->fault != FAULT_CACHE)
		return;
	for (size_t c = 0; c < CONTROLLERS; c++) {
		if (moves->from->controllers[c].asks)
			continue; /* between two tries it is as late as ever */
		struct model_state *to = add(moves);
		memcpy(to->controllers[c].cache, to->pods, PODS);
	}
}

/* --- a controller -------------------------------------------------- */

static struct permit_pod view_of(uint8_t pod, size_t i)
{
	return (struct permit_pod){
		.name = NAMES[i],
		.uid = UIDS[i],
		.gated = pod & POD_GATED,
		.terminal = pod & POD_TERMINAL,
		.deleting = pod & POD_DELETING,
		.orphan = pod & POD_STRIPPED,
	};
}

static struct permit record_of(uint8_t record)
{
	return record ? (struct permit){ NAMES[record - 1], UIDS[record - 1] }
	              : (struct permit){ 0 };
}

static size_t listed(const uint8_t pods[PODS], struct permit_pod ret_pods[PODS])
{
	size_t count = 0;

	for (size_t i = 0; i < PODS; i++) {
		if (exists(pods[i]) && !(pods[i] & POD_STRIPPED))
			ret_pods[count++] = view_of(pods[i], i);
	}
	return count;
}

/* The pod that has the recorded name now. */
static size_t named(const struct model *model, const uint8_t pods[PODS], uint8_t record,
                    struct permit_pod *ret_pod)
{
	for (size_t i = 0; record && i < PODS; i++) {
		bool hidden =
			(model->fault == FAULT_GATED_PERMIT_IGNORED && (pods[i] & POD_GATED)) ||
			(model->fault == FAULT_LABELS_ALONE && (pods[i] & POD_STRIPPED));
		if (exists(pods[i]) && !hidden && strcmp(NAMES[i], NAMES[record - 1]) == 0) {
			*ret_pod = view_of(pods[i], i);
			return 1;
		}
	}
	return 0;
}

static uint8_t number_of(const struct permit_pod *pod)
{
	for (size_t i = 0; pod && i < PODS; i++) {
		if (strcmp(UIDS[i], pod->uid) == 0)
			return (uint8_t)(i + 1);
	}
	return 0;
}

/* The pods that a read finds: as they are, or as a fault has them. */
static const uint8_t *read_pods(const struct model *model, const struct model_state *state,
                                const struct model_controller *controller)
{
	if (model->fault == FAULT_CACHE)
		return controller->cache;
	if (model->fault == FAULT_PODS_BEFORE_RECORD)
		return controller->list;
	return state->pods;
}

/* Take the gate from the chosen pod, and see whether another one runs. */
static bool open_gate(struct model_next *next, const struct model_controller *controller,
                      bool *ret_failed)
{
	size_t chosen = controller->chosen - 1u;
	uint8_t *pods = next->state.pods;

	*ret_failed = !exists(pods[chosen]) || !(pods[chosen] & POD_GATED);
	if (*ret_failed)
		return false;
	for (size_t i = 0; i < PODS; i++)
		next->violation |= i != chosen && is_open(pods[i]) && !controller->excused;
	pods[chosen] &= (uint8_t)~POD_GATED;
	return true;
}

static void write_record(const struct model *model, struct model_state *to,
                         struct model_controller *controller, bool *ret_failed)
{
	*ret_failed = !controller->current && model->fault != FAULT_NO_PRECONDITION;
	if (*ret_failed)
		return;
	to->record = controller->chosen;
	stale(to);
}

/* What the protocol knows at this point, rebuilt from the bytes of the state. */
struct known {
	struct permit_pod pods[PODS];
	struct permit_pod recorded;
	struct permit_pod chosen;
	struct permit_protocol protocol;
};

static void know(struct known *known, const struct model_controller *controller)
{
	struct permit_protocol *protocol = &known->protocol;

	permit_protocol_init(protocol);
	protocol->request = (enum permit_request)(controller->asks - 1);
	protocol->view.record = record_of(controller->record);
	if (protocol->request == PERMIT_GET_POD) {
		protocol->view.pods = known->pods;
		protocol->view.pod_count = listed(controller->list, known->pods);
	}
	if (controller->chosen) {
		known->chosen = view_of(POD_EXISTS | POD_GATED, controller->chosen - 1u);
		protocol->decision.pod = &known->chosen;
	}
}

/* The try is over: only the cache, if there is one, stays. */
static void forget(struct model_controller *controller)
{
	struct model_controller idle = { 0 };

	memcpy(idle.cache, controller->cache, PODS);
	*controller = idle;
}

/* Keep of the protocol what it still needs, in bytes. */
static void keep(struct model_controller *controller, const struct permit_protocol *protocol)
{
	enum permit_request request = protocol->request;

	if (request == PERMIT_END) {
		forget(controller);
		return;
	}
	controller->asks = (uint8_t)(1 + request);
	if (request >= PERMIT_WRITE_RECORD) {
		controller->chosen = number_of(protocol->decision.pod);
		controller->record = 0;
		memset(controller->list, 0, sizeof(controller->list));
	}
	if (request == PERMIT_OPEN_GATE)
		controller->current = 0;
}

static void answer(const struct model *model, struct model_next *next, size_t c,
                   struct known *known)
{
	struct model_state *to = &next->state;
	struct model_controller *controller = &to->controllers[c];
	struct permit_answer said = { .pods = known->pods };
	const uint8_t *pods = read_pods(model, to, controller);

	switch (known->protocol.request) {
	case PERMIT_GET_RECORD:
		controller->record = to->record;
		controller->current = 1;
		said.record = record_of(to->record);
		break;
	case PERMIT_LIST_PODS:
		said.pod_count = listed(pods, known->pods);
		memmove(controller->list, pods, PODS);
		break;
	case PERMIT_GET_POD:
		said.pods = &known->recorded;
		said.pod_count = named(model, pods, controller->record, &known->recorded);
		break;
	case PERMIT_WRITE_RECORD:
		if (model->fault == FAULT_OPEN_BEFORE_WRITE && !controller->wrote) {
			controller->wrote = open_gate(next, controller, &said.failed);
			if (!said.failed)
				return;
		}
		if (!said.failed)
			write_record(model, to, controller, &said.failed);
		break;
	case PERMIT_OPEN_GATE:
		open_gate(next, controller, &said.failed);
		break;
	case PERMIT_END:
		break;
	}
	permit_protocol_answer(&known->protocol, &said);
	keep(controller, &known->protocol);
}

static void controller_moves(struct moves *moves, size_t c)
{
	const struct model_controller *from = &moves->from->controllers[c];
	bool pods_first = moves->model->fault == FAULT_PODS_BEFORE_RECORD;
	struct known known = { 0 };
	struct model_controller *to = &add(moves)->controllers[c];

	if (from->asks) {
		forget(to); /* a crash */
		to = &add(moves)->controllers[c];
	} else {
		to->asks = 1 + PERMIT_GET_RECORD;
		if (pods_first)
			memcpy(to->list, moves->from->pods, PODS);
		if (pods_first)
			return;
	}
	know(&known, to);
	answer(moves->model, &moves->next[moves->count - 1], c, &known);
}

size_t model_next(const struct model *model, const struct model_state *state,
                  struct model_next next[NEXT_MAX])
{
	struct moves moves = { model, state, next, 0 };

	for (size_t i = 0; i < PODS; i++)
		pod_moves(&moves, i);
	lose_record(&moves);
	cache_moves(&moves);
	for (size_t c = 0; c < CONTROLLERS; c++)
		controller_moves(&moves, c);
	return moves.count;
}
