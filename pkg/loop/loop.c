#include "loop/loop.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"

struct loop {
	struct event_base *base;   /* owned */
	const struct clock *clock; /* borrowed */
	struct list posted;        /* tasks, in the order posted */
	int64_t mono_ms;           /* time of this turn, while `timed` */
	int64_t wall_ms;           /* the same, for people */
	bool timed;                /* this turn has read the time */
	bool running;              /* inside loop_run */
	bool stopping;             /* loop_stop was called, loop_run has not returned */
};

struct loop_task {
	struct list node; /* in loop->posted, or nowhere */
	struct loop *loop;
	loop_fn *fn;
	void *arg;
};

struct loop_timer {
	struct event *event; /* owned */
	loop_fn *fn;
	void *arg;
};

/* Two events: a change of one costs a system call, of a common one two. */
struct loop_io {
	struct event *read;  /* owned */
	struct event *write; /* owned */
	int watched;         /* LOOP_READ | LOOP_WRITE: which of them are added */
	loop_io_fn *fn;
	void *arg;
};

struct loop_signal {
	struct event *event; /* owned */
	loop_fn *fn;
	void *arg;
};

/*
 * libevent fails here only when memory or the kernel's event queue is
 * exhausted: as for malloc, the process ends.
 */
static _Noreturn void die(void)
{
	log_error("loop", "out of memory for events: %s", strerror(errno));
	exit(1);
}

static void *must(void *p)
{
	if (!p)
		die();
	return p;
}

static void must_add(struct event *event, const struct timeval *timeout)
{
	if (event_add(event, timeout) != 0)
		die();
}

static void ignore_sigpipe(void)
{
	struct sigaction action;

	if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL) {
		action.sa_handler = SIG_IGN;
		sigaction(SIGPIPE, &action, NULL);
	}
}

/* Without the precise timer, time would come in steps of the kernel's tick, 4 ms. */
static struct event_base *base_new(void)
{
	struct event_config *config = must(event_config_new());
	struct event_base *base;

	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

struct loop *loop_new(const struct clock *clock, struct err *err)
{
	struct loop *loop;
	struct event_base *base = base_new();

	if (!base) {
		err_errno(err, errno, "cannot create an event queue");
		return NULL;
	}
	ignore_sigpipe();
	loop = x_calloc(1, sizeof(*loop));
	loop->base = base;
	loop->clock = clock;
	list_init(&loop->posted);
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	assert(!loop->running);
	assert(list_empty(&loop->posted));
	event_base_free(loop->base);
	free(loop);
}

/*
 * The time is read when a turn's first callback asks for it, and forgotten
 * when the turn ends; outside of a turn it is read each time. To its users
 * that is no change of the loop, hence the const they see.
 */
static void read_time(struct loop *loop)
{
	if (loop->timed)
		return;
	loop->mono_ms = clock_mono_ms(loop->clock);
	loop->wall_ms = clock_wall_ms(loop->clock);
	loop->timed = loop->running;
}

int64_t loop_mono_ms(const struct loop *loop)
{
	read_time((struct loop *)loop);
	return loop->mono_ms;
}

int64_t loop_wall_ms(const struct loop *loop)
{
	read_time((struct loop *)loop);
	return loop->wall_ms;
}

/* Run what was posted before now; what these tasks post waits for the next turn. */
static void run_tasks(struct loop *loop)
{
	struct list end;

	list_add_tail(&loop->posted, &end);
	while (!loop->stopping && loop->posted.next != &end) {
		struct loop_task *task = list_entry(loop->posted.next, struct loop_task, node);

		list_remove(&task->node);
		task->fn(task->arg);
	}
	list_remove(&end);
}

/* One turn: wait, if nothing is posted; callbacks of events; tasks. */
static int turn(struct loop *loop)
{
	int flags = EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY;

	if (!list_empty(&loop->posted))
		flags |= EVLOOP_NONBLOCK;
	loop->timed = false;
	if (event_base_loop(loop->base, flags) < 0)
		return -1;
	run_tasks(loop);
	return 0;
}

int loop_run(struct loop *loop, struct err *err)
{
	int rc = 0;

	assert(!loop->running);
	loop->running = true;
	while (rc == 0 && !loop->stopping)
		rc = turn(loop);
	loop->running = false;
	loop->stopping = false;
	loop->timed = false;
	return rc == 0 ? 0 : err_errno(err, errno, "cannot wait for events");
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
	event_base_loopbreak(loop->base);
}

struct loop_task *loop_task_new(struct loop *loop, loop_fn *fn, void *arg)
{
	struct loop_task *task = x_calloc(1, sizeof(*task));

	list_init(&task->node);
	task->loop = loop;
	task->fn = fn;
	task->arg = arg;
	return task;
}

void loop_task_free(struct loop_task *task)
{
	if (!task)
		return;
	list_remove(&task->node);
	free(task);
}

void loop_task_post(struct loop_task *task)
{
	if (list_empty(&task->node))
		list_add_tail(&task->loop->posted, &task->node);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *timer = arg;

	(void)fd;
	(void)what;
	timer->fn(timer->arg);
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg)
{
	struct loop_timer *timer = x_calloc(1, sizeof(*timer));

	timer->event = must(event_new(loop->base, -1, 0, on_timer, timer));
	timer->fn = fn;
	timer->arg = arg;
	return timer;
}

void loop_timer_free(struct loop_timer *timer)
{
	if (!timer)
		return;
	event_free(timer->event);
	free(timer);
}

void loop_timer_start(struct loop_timer *timer, int64_t delay_ms)
{
	int64_t delay = delay_ms > 0 ? delay_ms : 0;
	struct timeval timeout = {
		.tv_sec = (time_t)(delay / 1000),
		.tv_usec = (suseconds_t)(delay % 1000 * 1000),
	};

	must_add(timer->event, &timeout);
}

void loop_timer_stop(struct loop_timer *timer)
{
	event_del(timer->event);
}

bool loop_timer_running(const struct loop_timer *timer)
{
	return event_pending(timer->event, EV_TIMEOUT, NULL) != 0;
}

static void on_io(evutil_socket_t fd, short what, void *arg)
{
	struct loop_io *io = arg;

	io->fn(io->arg, fd, what & EV_READ ? LOOP_READ : LOOP_WRITE);
}

struct loop_io *loop_io_new(struct loop *loop, int fd, loop_io_fn *fn, void *arg)
{
	struct loop_io *io = x_calloc(1, sizeof(*io));

	io->read = must(event_new(loop->base, fd, EV_READ | EV_PERSIST, on_io, io));
	io->write = must(event_new(loop->base, fd, EV_WRITE | EV_PERSIST, on_io, io));
	io->fn = fn;
	io->arg = arg;
	return io;
}

void loop_io_free(struct loop_io *io)
{
	if (!io)
		return;
	event_free(io->read);
	event_free(io->write);
	free(io);
}

static void io_switch(struct event *event, bool on)
{
	if (on)
		must_add(event, NULL);
	else
		event_del(event);
}

void loop_io_watch(struct loop_io *io, int events)
{
	int changed = io->watched ^ events;

	if (changed & LOOP_READ)
		io_switch(io->read, events & LOOP_READ);
	if (changed & LOOP_WRITE)
		io_switch(io->write, events & LOOP_WRITE);
	io->watched = events;
}

static void on_signal(evutil_socket_t signum, short what, void *arg)
{
	struct loop_signal *sig = arg;

	(void)signum;
	(void)what;
	sig->fn(sig->arg);
}

struct loop_signal *loop_signal_new(struct loop *loop, int signum, loop_fn *fn, void *arg)
{
	struct loop_signal *sig = x_calloc(1, sizeof(*sig));

	sig->event = must(event_new(loop->base, signum, EV_SIGNAL | EV_PERSIST, on_signal, sig));
	sig->fn = fn;
	sig->arg = arg;
	must_add(sig->event, NULL);
	return sig;
}

void loop_signal_free(struct loop_signal *signal)
{
	if (!signal)
		return;
	event_free(signal->event);
	free(signal);
}

struct event_base *loop_event_base(struct loop *loop)
{
	return loop->base;
}
