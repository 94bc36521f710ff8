/* The event loop: timers, sockets, signals and posted work (libevent). */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

struct event_base;

/*
 * One thread, one loop. A callback runs to its end before the next one
 * starts; it must not wait. The simulator links another implementation of
 * this header: that is the seam.
 *
 * A turn of the loop: wait until something is due; read the time; callbacks
 * of timers, sockets and signals; then the tasks that are posted by now. No
 * task can starve the rest: what a task posts waits for the next turn.
 */
struct loop;

typedef void loop_fn(void *arg);

/*
 * `clock` is borrowed and must outlive the loop; it is what loop_mono_ms
 * and loop_wall_ms tell. Delays of timers are the kernel's CLOCK_MONOTONIC.
 * SIGPIPE is ignored from here on, unless the process had set it: a peer
 * that is gone is an error of a write, not a signal. (Programs started by
 * exec inherit that: give them SIG_DFL back.)
 * Errors: ERR_SYSTEM, the kernel gives no event queue.
 */
struct loop *loop_new(const struct clock *clock, struct err *err);

/* Everything made on the loop has to be freed before. NULL is taken. */
void loop_free(struct loop *loop);

/*
 * Run until loop_stop; may be run again after that.
 * Errors: ERR_SYSTEM.
 */
int loop_run(struct loop *loop, struct err *err);

/*
 * Make loop_run return after the callback that is running. What is posted
 * stays posted. Called while the loop is not running, it ends the next run
 * after one turn at most.
 */
void loop_stop(struct loop *loop);

/* Time as it was when this turn of the loop began; outside of loop_run, now. */
int64_t loop_mono_ms(const struct loop *loop);
int64_t loop_wall_ms(const struct loop *loop);

/*
 * Run `fn(arg)` after the callback that is running and those that are due
 * in this turn, in the order posted; posted by a task, in the next turn.
 * A callback posts work, it doesn't do it: this is the way. A task may
 * free or post itself, and any other.
 */
struct loop_task;
struct loop_task *loop_task_new(struct loop *loop, loop_fn *fn, void *arg);
void loop_task_free(struct loop_task *task); /* takes a posted one back */
void loop_task_post(struct loop_task *task); /* once; posting a posted one does nothing */

/*
 * A timer that fires once per start, `delay_ms` after this turn began; a
 * delay of 0 or less fires in the next turn. A timer that is due but was
 * stopped or started again by an earlier callback doesn't fire for the old
 * start. It may free, start or stop itself when it fires.
 */
struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg);
void loop_timer_free(struct loop_timer *timer);
void loop_timer_start(struct loop_timer *timer, int64_t delay_ms); /* restarts a running one */
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_running(const struct loop_timer *timer);

/*
 * Readiness of a file descriptor, level-triggered. The fd stays the
 * caller's; free the watch before closing it. Errors and hang-ups count as
 * readiness of what is watched.
 */
enum { LOOP_READ = 1, LOOP_WRITE = 2 };
typedef void loop_io_fn(void *arg, int fd, int events); /* one event a call */
struct loop_io;
struct loop_io *loop_io_new(struct loop *loop, int fd, loop_io_fn *fn, void *arg);
void loop_io_free(struct loop_io *io);
void loop_io_watch(struct loop_io *io, int events); /* LOOP_READ | LOOP_WRITE, or 0 for none */

/* A signal, delivered as a callback of the loop. */
struct loop_signal;
struct loop_signal *loop_signal_new(struct loop *loop, int signum, loop_fn *fn, void *arg);
void loop_signal_free(struct loop_signal *signal);

/* libevent's base, for net's HTTP server only. */
struct event_base *loop_event_base(struct loop *loop);

#endif
