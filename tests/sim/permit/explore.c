/*
 * Walk through every state that two controllers and their world can reach
 * within a number of events, with the decision and protocol of
 * formation/permit.h as they are. In each a gate is opened only while no
 * other dyno may run. Then with one fault at a time, which has to be found.
 * Prints TAP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

/* Breadth first: the first violation has the shortest trace. */
struct walk {
	struct model_state *states; /* in the order they were found */
	uint32_t *slots;            /* 1 + index of a state, open addressing */
	size_t count, capacity, slot_count;
};

struct result {
	size_t states;
	unsigned depth; /* of the last level, or the violation's */
	bool violation;
	bool complete; /* nothing lies beyond `depth` */
};

static uint64_t hash(const struct model_state *state)
{
	const unsigned char *bytes = (const unsigned char *)state;
	uint64_t value = 1469598103934665603u;

	for (size_t i = 0; i < sizeof(*state); i++)
		value = (value ^ bytes[i]) * 1099511628211u;
	return value ^ (value >> 29);
}

static void *resized(void *memory, size_t count, size_t size)
{
	memory = reallocarray(memory, count, size);
	if (!memory) {
		fputs("out of memory\n", stderr);
		exit(1);
	}
	return memory;
}

static size_t slot_of(const struct walk *walk, const struct model_state *state)
{
	size_t slot = hash(state) & (walk->slot_count - 1);

	while (walk->slots[slot] &&
	       memcmp(&walk->states[walk->slots[slot] - 1], state, sizeof(*state)) != 0)
		slot = (slot + 1) & (walk->slot_count - 1);
	return slot;
}

static void grow(struct walk *walk)
{
	walk->capacity = walk->capacity ? walk->capacity * 2 : 1024;
	walk->slot_count = walk->capacity * 2;
	walk->states = resized(walk->states, walk->capacity, sizeof(*walk->states));
	walk->slots = resized(walk->slots, walk->slot_count, sizeof(*walk->slots));
	memset(walk->slots, 0, walk->slot_count * sizeof(*walk->slots));
	for (size_t i = 0; i < walk->count; i++)
		walk->slots[slot_of(walk, &walk->states[i])] = (uint32_t)(i + 1);
}

/* The two controllers are alike: one order of them stands for both. */
static void put_in_order(struct model_state *state)
{
	struct model_controller *c = state->controllers;

	if (memcmp(&c[0], &c[1], sizeof(c[0])) > 0) {
		struct model_controller first = c[0];
		c[0] = c[1];
		c[1] = first;
	}
}

static void visit(struct walk *walk, struct model_state *state)
{
	put_in_order(state);
	if (walk->count == walk->capacity)
		grow(walk);
	size_t slot = slot_of(walk, state);
	if (walk->slots[slot])
		return;
	walk->states[walk->count++] = *state;
	walk->slots[slot] = (uint32_t)walk->count;
}

/* True: a violation follows from this state. */
static bool expand(struct walk *walk, const struct model *model, size_t index)
{
	struct model_next next[NEXT_MAX];
	struct model_state from = walk->states[index];
	size_t count = model_next(model, &from, next);

	for (size_t i = 0; i < count; i++) {
		if (next[i].violation)
			return true;
		visit(walk, &next[i].state);
	}
	return false;
}

static struct result explore(const struct model *model, unsigned depth)
{
	struct walk walk = { 0 };
	struct result result = { 0 };
	struct model_state start;
	size_t index = 0;

	model_start(model, &start);
	visit(&walk, &start);
	while (result.depth < depth && index < walk.count && !result.violation) {
		size_t level_end = walk.count;
		result.depth++;
		while (index < level_end && !result.violation)
			result.violation = expand(&walk, model, index++);
	}
	result.states = walk.count;
	result.complete = index == walk.count;
	free(walk.states);
	free(walk.slots);
	return result;
}

static unsigned tests, failures;

static void report(bool passed, const char *sentence)
{
	failures += !passed;
	printf("%sok %u - %s\n", passed ? "" : "not ", ++tests, sentence);
	fflush(stdout);
}

static void holds(const char *sentence, const struct model *model, unsigned depth)
{
	struct result result = explore(model, depth);

	printf("# %zu states, %s%u events\n", result.states,
	       result.violation  ? "violated after "
	       : result.complete ? "which are all; the last after "
	                         : "every order of ",
	       result.depth);
	report(!result.violation, sentence);
}

static void finds(const char *sentence, enum model_fault fault, unsigned depth)
{
	struct model model = { fault, fault == FAULT_LABELS_ALONE ? RARE_STRIP : 0, 1 };
	struct result result = explore(&model, depth);

	printf("# %zu states, ", result.states);
	if (result.violation)
		printf("two run after %u events\n", result.depth);
	else
		printf("nothing found within %u events\n", result.depth);
	report(result.violation, sentence);
}

int main(int argc, char **argv)
{
	unsigned depth = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 16;

	holds("two controllers and any fate of pods never let two run",
	      &(struct model){ FAULT_NONE, 0, 0 }, depth);
	holds("nor when pods lose their labels", &(struct model){ FAULT_NONE, RARE_STRIP, 2 },
	      depth);
	holds("nor when the record is lost", &(struct model){ FAULT_NONE, RARE_LOSE_RECORD, 2 },
	      depth);
	holds("no gate is opened beside one that a person opened",
	      &(struct model){ FAULT_NONE, RARE_HAND, 2 }, depth);
	finds("found: no precondition on the write of the record", FAULT_NO_PRECONDITION, 40);
	finds("found: a cache instead of a consistent read", FAULT_CACHE, 40);
	finds("found: the gate opened before the write", FAULT_OPEN_BEFORE_WRITE, 40);
	finds("found: pods read before the record", FAULT_PODS_BEFORE_RECORD, 40);
	finds("found: a permitted pod that is still gated isn't counted",
	      FAULT_GATED_PERMIT_IGNORED, 40);
	finds("found: pods found by their labels alone", FAULT_LABELS_ALONE, 40);
	printf("1..%u\n", tests);
	return failures > 0;
}
