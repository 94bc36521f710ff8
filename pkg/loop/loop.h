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
 */
struct loop;

typedef void loop_fn(void *arg);

/*
 * `clock` is borrowed and must outlive the loop.
 * Returns NULL with ERR_SYSTEM when the kernel gives no event queue.
 */
struct loop *loop_new(const struct clock *clock, struct err *err);

/* Everything made on the loop has to be freed before. NULL is taken. */
void loop_free(struct loop *loop);

/* Run until loop_stop. Errors: ERR_SYSTEM. */
int loop_run(struct loop *loop, struct err *err);

/* Make loop_run return after the callback that is running. */
void loop_stop(struct loop *loop);

/* Time as it was when this turn of the loop began. */
int64_t loop_mono_ms(const struct loop *loop);
int64_t loop_wall_ms(const struct loop *loop);

/*
 * Run `fn(arg)` in the next turn of the loop, in the order posted.
 * A callback posts work, it doesn't do it: this is the way.
 */
struct loop_task;
struct loop_task *loop_task_new(struct loop *loop, loop_fn *fn, void *arg);
void loop_task_free(struct loop_task *task);  /* takes a posted one back */
void loop_task_post(struct loop_task *task);  /* once; posting a posted one does nothing */

/* A timer that fires once per start. */
struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg);
void loop_timer_free(struct loop_timer *timer);
void loop_timer_start(struct loop_timer *timer, int64_t delay_ms); /* restarts a running one */
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_running(const struct loop_timer *timer);

/* Readiness of a file descriptor, level-triggered. The fd stays the caller's. */
enum { LOOP_READ = 1, LOOP_WRITE = 2 };
typedef void loop_io_fn(void *arg, int fd, int events);
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
