/*
 * A loop whose time passes when a test says so. Include it once in a test
 * program: it takes the place of pkg/loop/loop.c there.
 */
#ifndef VIRTUAL_LOOP_H
#define VIRTUAL_LOOP_H

#include <stdlib.h>

#include "base/list.h"
#include "loop/loop.h"
#include "unit.h"

struct loop {
	const struct clock *clock; /* not asked: time starts at 1,000,000 ms */
	int64_t mono_ms;
	int64_t wall_ms;
	struct list tasks;  /* posted */
	struct list timers; /* running */
	int made;           /* tasks and timers that exist */
};

struct loop_task {
	struct list node;
	struct loop *loop;
	loop_fn *fn;
	void *arg;
};

struct loop_timer {
	struct list node;
	struct loop *loop;
	loop_fn *fn;
	void *arg;
	int64_t due_ms;
};

struct loop *loop_new(const struct clock *clock, struct err *err)
{
	struct loop *loop = x_calloc(1, sizeof(*loop));

	(void)err;
	loop->clock = clock;
	loop->mono_ms = 1000 * 1000;
	loop->wall_ms = 1795471200000; /* 2026-11-23T22:00:00Z */
	list_init(&loop->tasks);
	list_init(&loop->timers);
	return loop;
}

void loop_free(struct loop *loop)
{
	assert_int_equal(loop->made, 0);
	free(loop);
}

int64_t loop_mono_ms(const struct loop *loop)
{
	return loop->mono_ms;
}

int64_t loop_wall_ms(const struct loop *loop)
{
	return loop->wall_ms;
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
	list_init(&timer->node);
	loop->made++;
	return timer;
}

void loop_timer_free(struct loop_timer *timer)
{
	if (!timer)
		return;
	list_remove(&timer->node);
	timer->loop->made--;
	free(timer);
}

void loop_timer_start(struct loop_timer *timer, int64_t delay_ms)
{
	list_remove(&timer->node);
	timer->due_ms = timer->loop->mono_ms + (delay_ms > 0 ? delay_ms : 0);
	list_add_tail(&timer->loop->timers, &timer->node);
}

void loop_timer_stop(struct loop_timer *timer)
{
	list_remove(&timer->node);
}

bool loop_timer_running(const struct loop_timer *timer)
{
	return !list_empty(&timer->node);
}

/* --- what these tests never need, but the HTTP client in the library does --- */

int loop_run(struct loop *loop, struct err *err)
{
	(void)loop;
	return err_set(err, ERR_SYSTEM, "a virtual loop is run by loop_pass");
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
	return NULL;
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
	return NULL;
}

void loop_signal_free(struct loop_signal *signal)
{
	(void)signal;
}

struct event_base *loop_event_base(struct loop *loop)
{
	(void)loop;
	return NULL;
}

/* --- for tests -------------------------------------------------------- */

/* The timer that is due first, or NULL. */
static inline struct loop_timer *loop_first_timer(struct loop *loop)
{
	struct loop_timer *first = NULL;

	list_for_each(node, &loop->timers) {
		struct loop_timer *timer = list_entry(node, struct loop_timer, node);

		if (!first || timer->due_ms < first->due_ms)
			first = timer;
	}
	return first;
}

/* Run what is posted or due until nothing is, without time passing. */
static inline void loop_settle(struct loop *loop)
{
	for (int turns = 0;; turns++) {
		struct loop_timer *timer = loop_first_timer(loop);

		assert_true(turns < 100000); /* else it would never come to rest */
		if (!list_empty(&loop->tasks)) {
			struct loop_task *task =
				list_entry(loop->tasks.next, struct loop_task, node);

			list_remove(&task->node);
			task->fn(task->arg);
		} else if (timer && timer->due_ms <= loop->mono_ms) {
			list_remove(&timer->node);
			timer->fn(timer->arg);
		} else {
			return;
		}
	}
}

/* Let so much time pass, from timer to timer. */
static inline void loop_pass(struct loop *loop, int64_t ms)
{
	int64_t end_ms = loop->mono_ms + ms;

	loop_settle(loop);
	for (;;) {
		struct loop_timer *timer = loop_first_timer(loop);
		int64_t next_ms = timer && timer->due_ms < end_ms ? timer->due_ms : end_ms;

		loop->wall_ms += next_ms - loop->mono_ms;
		loop->mono_ms = next_ms;
		loop_settle(loop);
		if (next_ms == end_ms)
			return;
	}
}

/* Milliseconds until something happens by itself; -1: nothing will. */
static inline int64_t loop_next_ms(struct loop *loop)
{
	struct loop_timer *timer = loop_first_timer(loop);

	return timer ? timer->due_ms - loop->mono_ms : -1;
}

#endif
