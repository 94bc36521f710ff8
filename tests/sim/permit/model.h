/* A cluster with one singleton and two controllers, small enough to walk through all its states. */
#ifndef SIM_PERMIT_MODEL_H
#define SIM_PERMIT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PODS = 3, CONTROLLERS = 2, NEXT_MAX = 64 };

/* What is true of a pod; no bit at all: it was never made. */
enum pod_bit {
	POD_EXISTS = 1,
	POD_GONE = 2, /* and its uid never comes back */
	POD_GATED = 4,
	POD_DELETING = 8,
	POD_TERMINAL = 16,
	POD_STRIPPED = 32, /* has lost its labels, and its ReplicaSet */
	POD_LOST = 64,     /* its node doesn't answer: it stays until the node is deleted */
};

/* One controller, in the middle of a try. Zero: idle. */
struct model_controller {
	uint8_t asks;    /* 1 + enum permit_request, 0: idle */
	uint8_t current; /* nobody has written the record since it was read */
	uint8_t record;  /* that was read: 1 + pod, or 0 */
	uint8_t chosen;  /* by the decision: 1 + pod, or 0 */
	uint8_t excused; /* a person opened a gate after it had looked */
	uint8_t wrote;   /* mutant: has opened before the write */
	uint8_t list[PODS];
	uint8_t cache[PODS]; /* mutant: pods as a cache of its own has them */
};

/* Bytes only: states are compared by memcmp. */
struct model_state {
	uint8_t pods[PODS]; /* enum pod_bit */
	uint8_t record;     /* 1 + pod, or 0 */
	uint8_t left;       /* how often the world may still do something rare */
	struct model_controller controllers[CONTROLLERS];
};

/* What the world may do besides making, ending and deleting pods. */
enum model_rare {
	RARE_STRIP = 1,       /* take the labels off a pod */
	RARE_LOSE_RECORD = 2, /* the type is taken out of the Formation, and comes back */
	RARE_HAND = 4,        /* a person opens a gate */
};

/* The six faults that the explorer has to find. */
enum model_fault {
	FAULT_NONE,
	FAULT_NO_PRECONDITION,
	FAULT_CACHE,
	FAULT_OPEN_BEFORE_WRITE,
	FAULT_PODS_BEFORE_RECORD,
	FAULT_GATED_PERMIT_IGNORED,
	FAULT_LABELS_ALONE,
};

struct model {
	enum model_fault fault;
	unsigned rare;  /* enum model_rare */
	unsigned count; /* how many rare things may happen in one history */
};

/* A state that follows, and whether a gate was opened beside a dyno that runs. */
struct model_next {
	struct model_state state;
	bool violation;
};

/* The state before anything happened. */
void model_start(const struct model *model, struct model_state *ret_state);

/* Every state that one event leads to. Returns how many; at most NEXT_MAX. */
size_t model_next(const struct model *model, const struct model_state *state,
                  struct model_next next[NEXT_MAX]);

#endif
