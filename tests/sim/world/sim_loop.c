#include "sim_loop.h"

#include <assert.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "kube/prng.h"

/* One thing that is due; `fn` NULL: taken back. */
struct due {
	int64_t at_ms;
	uint64_t order;
	loop_fn *fn;
	void *arg;
	struct loop_timer *timer; /* it belongs to, or NULL */
};

struct loop {
	int64_t mono_ms;
	uint64_t order;
	struct due *heap; /* earliest first */
	size_t count;
	size_t capacity;
	struct list tasks;
	int made;
};

struct loop_task {
	struct list node;
	struct loop *loop;
	loop_fn *fn;
	void *arg;
};

struct loop_timer {
	struct loop *loop;
	loop_fn *fn;
	void *arg;
	bool running;
	uint64_t order; /* of its entry in the heap while it runs */
};

static const int64_t WALL_MS = 1795471200000; /* 2026-11-23T22:00:00Z, at the beginning */

/* --- chance ----------------------------------------------------------- */

static struct prng own, given;
static uint64_t map_seed[2];

void sim_seed(uint64_t seed)
{
	own.state = seed;
	given.state = seed ^ 0x5bd1e995u;
	map_seed[0] = prng_next(&own);
	map_seed[1] = prng_next(&own);
}

unsigned sim_below(unsigned limit)
{
	return (unsigned)(prng_next(&own) % limit);
}

void prng_init(struct prng *prng)
{
	prng->state = prng_next(&given);
}

uint64_t prng_next(struct prng *prng)
{
	uint64_t z = (prng->state += 0x9e3779b97f4a7c15U);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

int64_t prng_upto(struct prng *prng, int64_t limit)
{
	return (int64_t)(prng_next(prng) % ((uint64_t)limit + 1));
}

/* What pkg/base/map.c asks for the key of its hash, by the linker's --wrap. */
unsigned long __wrap_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type)
{
	(void)type;
	return (unsigned long)map_seed;
}

/* --- what is due ------------------------------------------------------ */

static bool earlier(const struct due *a, const struct due *b)
{
	return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->order < b->order);
}

static uint64_t push(struct loop *loop, int64_t delay_ms, loop_fn *fn, void *arg,
                     struct loop_timer *timer)
{
	struct due due = { loop->mono_ms + (delay_ms > 0 ? delay_ms : 0), ++loop->order, fn, arg,
		           timer };
	size_t at = loop->count++;

	if (at == loop->capacity) {
		loop->capacity = loop->capacity ? 2 * loop->capacity : 64;
		loop->heap = x_realloc(loop->heap, loop->capacity * sizeof(*loop->heap));
	}
	for (; at > 0 && earlier(&due, &loop->heap[(at - 1) / 2]); at = (at - 1) / 2)
		loop->heap[at] = loop->heap[(at - 1) / 2];
	loop->heap[at] = due;
	return due.order;
}

static struct due pop(struct loop *loop)
{
	struct due first = loop->heap[0], last = loop->heap[--loop->count];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < loop->count) {
		if (child + 1 < loop->count && earlier(&loop->heap[child + 1], &loop->heap[child]))
			child++;
		if (!earlier(&loop->heap[child], &last))
			break;
		loop->heap[at] = loop->heap[child];
		at = child;
	}
	loop->heap[at] = last;
	return first;
}

void sim_after(struct loop *loop, int64_t delay_ms, loop_fn *fn, void *arg)
{
	push(loop, delay_ms, fn, arg, NULL);
}

/* Whether an entry still means something. */
static bool is_live(const struct due *due)
{
	return due->fn && (!due->timer ||
	                   (due->timer->running && due->timer->order == due->order));
}

bool sim_step(struct loop *loop, int64_t end_ms)
{
	struct due due;

	if (!list_empty(&loop->tasks)) {
		struct loop_task *task = list_entry(loop->tasks.next, struct loop_task, node);

		list_remove(&task->node);
		task->fn(task->arg);
		return true;
	}
	while (loop->count > 0 && !is_live(&loop->heap[0]))
		pop(loop);
	if (loop->count == 0 || loop->heap[0].at_ms > end_ms) {
		if (loop->mono_ms < end_ms)
			loop->mono_ms = end_ms;
		return false;
	}
	due = pop(loop);
	if (loop->mono_ms < due.at_ms)
		loop->mono_ms = due.at_ms;
	if (due.timer)
		due.timer->running = false;
	due.fn(due.arg);
	return true;
}

int sim_made(const struct loop *loop)
{
	return loop->made;
}

/* --- the loop --------------------------------------------------------- */

struct loop *loop_new(const struct clock *clock, struct err *err)
{
	struct loop *loop = x_calloc(1, sizeof(*loop));

	(void)clock;
	(void)err;
	loop->mono_ms = 1000 * 1000;
	list_init(&loop->tasks);
	return loop;
}

void loop_free(struct loop *loop)
{
	free(loop->heap);
	free(loop);
}

int64_t loop_mono_ms(const struct loop *loop)
{
	return loop->mono_ms;
}

int64_t loop_wall_ms(const struct loop *loop)
{
	return WALL_MS + loop->mono_ms;
}

struct loop_task *loop_task_new(struct loop *loop, loop_fn *fn, void *arg)
{
	struct loop_task *task = x_calloc(1, sizeof(*task));

	*task = (struct loop_task){ .loop = loop, .fn = fn, .arg = arg };
	list_init(&task->node);
	loop->made++;
	return task;
}

void loop_task_free(struct loop_task *task)
{
	if (!task)
		return;
	list_remove(&task->node);
	task->loop->made--;
	free(task);
}

void loop_task_post(struct loop_task *task)
{
	if (list_empty(&task->node))
		list_add_tail(&task->loop->tasks, &task->node);
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg)
{
	struct loop_timer *timer = x_calloc(1, sizeof(*timer));

	*timer = (struct loop_timer){ .loop = loop, .fn = fn, .arg = arg };
	loop->made++;
	return timer;
}

void loop_timer_free(struct loop_timer *timer)
{
	if (!timer)
		return;
	for (size_t i = 0; i < timer->loop->count; i++) {
		if (timer->loop->heap[i].timer == timer) {
			timer->loop->heap[i].fn = NULL;
			timer->loop->heap[i].timer = NULL;
		}
	}
	timer->loop->made--;
	free(timer);
}

void loop_timer_start(struct loop_timer *timer, int64_t delay_ms)
{
	timer->running = true;
	timer->order = push(timer->loop, delay_ms, timer->fn, timer->arg, timer);
}

void loop_timer_stop(struct loop_timer *timer)
{
	timer->running = false;
}

bool loop_timer_running(const struct loop_timer *timer)
{
	return timer->running;
}

/* --- what the rest of the library links to and a simulation never calls --- */

int loop_run(struct loop *loop, struct err *err)
{
	(void)loop;
	return err_set(err, ERR_SYSTEM, "a simulated loop is run by sim_step");
}

void loop_stop(struct loop *loop)
{
	(void)loop;
}

struct loop_io *loop_io_new(struct loop *loop, int fd, loop_io_fn *fn, void *arg)
{
	(void)loop;
	(void)fd;
	(void)fn;
	(void)arg;
	abort();
}

void loop_io_free(struct loop_io *io)
{
	(void)io;
}

void loop_io_watch(struct loop_io *io, int events)
{
	(void)io;
	(void)events;
}

struct loop_signal *loop_signal_new(struct loop *loop, int signum, loop_fn *fn, void *arg)
{
	(void)loop;
	(void)signum;
	(void)fn;
	(void)arg;
	abort();
}

void loop_signal_free(struct loop_signal *signal)
{
	(void)signal;
}

struct event_base *loop_event_base(struct loop *loop)
{
	(void)loop;
	abort();
}
