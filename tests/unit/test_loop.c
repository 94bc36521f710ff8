/* The event loop: order, timers, sockets, signals. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/loop.h"

/* A clock that steps by one with each reading. */
static int64_t readings;

static int64_t step(void *arg)
{
	(void)arg;
	return ++readings;
}

static const struct clock stepping = { step, step, NULL };

struct fixture {
	struct loop *loop;
	struct loop_timer *limit; /* ends a test that hangs */
	char trace[64];           /* a letter for each thing that happened */
	struct actor *actors[8];  /* freed at the end */
	int pipe[2];
};

/* Something that leaves its letter, then does one thing. */
struct actor {
	struct fixture *f;
	char letter;
	int left; /* how often it acts; then it ends the loop */
	struct loop_task *task;
	struct loop_timer *timer;
	struct loop_io *io;
	struct actor *other;
	void (*then)(struct actor *);
};

static void leave_letter(struct fixture *f, char letter)
{
	size_t len = strlen(f->trace);

	assert_true(len + 1 < sizeof(f->trace));
	f->trace[len] = letter;
}

static void act(void *arg)
{
	struct actor *a = arg;

	leave_letter(a->f, a->letter);
	if (a->then)
		a->then(a);
}

static void act_io(void *arg, int fd, int events)
{
	struct actor *a = arg;

	(void)fd;
	leave_letter(a->f, events == LOOP_READ ? 'r' : 'w');
	if (a->then)
		a->then(a);
}

static struct actor *actor(struct fixture *f, char letter, void (*then)(struct actor *))
{
	struct actor *a = x_calloc(1, sizeof(*a));
	size_t i = 0;

	while (f->actors[i])
		i++;
	f->actors[i] = a;
	a->f = f;
	a->letter = letter;
	a->then = then;
	a->task = loop_task_new(f->loop, act, a);
	a->timer = loop_timer_new(f->loop, act, a);
	return a;
}

static void end_loop(struct actor *a)
{
	loop_stop(a->f->loop);
}

static void post_other(struct actor *a)
{
	loop_task_post(a->other->task);
}

static void hang(void *arg)
{
	(void)arg;
	fail_msg("the loop went on");
}

static int setup(void **state)
{
	struct fixture *f = x_calloc(1, sizeof(*f));
	struct err err;

	f->loop = loop_new(clock_system(), &err);
	assert_non_null(f->loop);
	f->limit = loop_timer_new(f->loop, hang, f);
	loop_timer_start(f->limit, 5000);
	assert_int_equal(pipe(f->pipe), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; f->actors[i]; i++) {
		loop_task_free(f->actors[i]->task);
		loop_timer_free(f->actors[i]->timer);
		loop_io_free(f->actors[i]->io);
		free(f->actors[i]);
	}
	loop_timer_free(f->limit);
	loop_free(f->loop);
	close(f->pipe[0]);
	close(f->pipe[1]);
	free(f);
	return 0;
}

static void run(struct fixture *f)
{
	struct err err;

	assert_int_equal(loop_run(f->loop, &err), 0);
}

static void tasks_run_in_the_order_posted(void **state)
{
	struct fixture *f = *state;
	struct actor *a = actor(f, 'a', NULL), *b = actor(f, 'b', NULL);
	struct actor *c = actor(f, 'c', end_loop);

	loop_task_post(b->task);
	loop_task_post(a->task);
	loop_task_post(c->task);
	run(f);
	assert_string_equal(f->trace, "bac");
}

static void a_task_posted_twice_runs_once(void **state)
{
	struct fixture *f = *state;
	struct actor *a = actor(f, 'a', NULL), *b = actor(f, 'b', end_loop);

	loop_task_post(a->task);
	loop_task_post(b->task);
	loop_task_post(a->task);
	run(f);
	assert_string_equal(f->trace, "ab");
}

static void post_itself(struct actor *a)
{
	if (a->left-- > 0)
		loop_task_post(a->task);
	else
		loop_stop(a->f->loop);
}

static void a_task_that_posts_itself_does_not_starve_sockets(void **state)
{
	struct fixture *f = *state;
	struct actor *a = actor(f, 'a', post_itself), *b = actor(f, 'b', NULL);

	a->left = 2;
	b->io = loop_io_new(f->loop, f->pipe[1], act_io, b);
	loop_io_watch(b->io, LOOP_WRITE);
	loop_task_post(a->task);
	run(f);
	assert_string_equal(f->trace, "wawawa");
}

static void a_task_posted_by_a_task_waits_for_the_next_turn(void **state)
{
	struct fixture *f = *state;
	struct actor *a = actor(f, 'a', post_other), *b = actor(f, 'b', NULL);
	struct actor *c = actor(f, 'c', end_loop), *w = actor(f, 'w', NULL);

	w->io = loop_io_new(f->loop, f->pipe[1], act_io, w);
	loop_io_watch(w->io, LOOP_WRITE);
	a->other = c;
	loop_task_post(a->task);
	loop_task_post(b->task);
	run(f);
	assert_string_equal(f->trace, "wabwc");
}

static void a_task_posted_by_a_timer_runs_in_the_same_turn(void **state)
{
	struct fixture *f = *state;
	struct actor *a = actor(f, 'a', post_other), *b = actor(f, 'b', end_loop);
	struct actor *w = actor(f, 'w', NULL);

	a->other = b;
	loop_timer_start(a->timer, 0);
	w->io = loop_io_new(f->loop, f->pipe[0], act_io, w);
	run(f);
	assert_string_equal(f->trace, "ab");
}

static void free_other(struct actor *a)
{
	loop_task_free(a->other->task);
	a->other->task = NULL;
}

static void a_task_freed_while_posted_does_not_run(void **state)
{
	struct fixture *f = *state;
	struct actor *a = actor(f, 'a', free_other), *b = actor(f, 'b', NULL);
	struct actor *c = actor(f, 'c', end_loop);

	a->other = b;
	loop_task_post(a->task);
	loop_task_post(b->task);
	loop_task_post(c->task);
	run(f);
	assert_string_equal(f->trace, "ac");
}

static void free_itself(struct actor *a)
{
	loop_task_free(a->task);
	a->task = NULL;
}

static void a_task_may_free_itself(void **state)
{
	struct fixture *f = *state;
	struct actor *a = actor(f, 'a', free_itself), *b = actor(f, 'b', end_loop);

	loop_task_post(a->task);
	loop_task_post(b->task);
	run(f);
	assert_string_equal(f->trace, "ab");
}

static void stopping_leaves_later_tasks_posted_for_the_next_run(void **state)
{
	struct fixture *f = *state;
	struct actor *a = actor(f, 'a', end_loop), *b = actor(f, 'b', end_loop);

	loop_task_post(a->task);
	loop_task_post(b->task);
	run(f);
	assert_string_equal(f->trace, "a");
	run(f);
	assert_string_equal(f->trace, "ab");
}

static void stopping_before_running_returns_at_once(void **state)
{
	struct fixture *f = *state;
	struct actor *a = actor(f, 'a', NULL);

	loop_timer_start(a->timer, 1000);
	loop_stop(f->loop);
	run(f);
	assert_string_equal(f->trace, "");
}

static void timers_fire_in_the_order_of_their_times(void **state)
{
	struct fixture *f = *state;
	struct actor *a = actor(f, 'a', end_loop), *b = actor(f, 'b', NULL);
	struct actor *c = actor(f, 'c', NULL);

	loop_timer_start(a->timer, 15);
	loop_timer_start(b->timer, 5);
	loop_timer_start(c->timer, 10);
	run(f);
	assert_string_equal(f->trace, "bca");
}

static void a_timer_fires_no_earlier_than_its_delay(void **state)
{
	struct fixture *f = *state;
	struct actor *a = actor(f, 'a', end_loop);
	int64_t before = loop_mono_ms(f->loop), took;

	loop_timer_start(a->timer, 20);
	run(f);
	took = loop_mono_ms(f->loop) - before;
	assert_in_range(took, 19, 500);
}

static void a_timer_fires_once_per_start(void **state)
{
	struct fixture *f = *state;
	struct actor *a = actor(f, 'a', NULL), *b = actor(f, 'b', end_loop);

	loop_timer_start(a->timer, 0);
	loop_timer_start(b->timer, 10);
	assert_true(loop_timer_running(a->timer));
	run(f);
	assert_string_equal(f->trace, "ab");
	assert_false(loop_timer_running(a->timer));
}

static void starting_a_running_timer_moves_it(void **state)
{
	struct fixture *f = *state;
	struct actor *a = actor(f, 'a', end_loop), *b = actor(f, 'b', NULL);

	loop_timer_start(a->timer, 1);
	loop_timer_start(b->timer, 5);
	loop_timer_start(a->timer, 15);
	run(f);
	assert_string_equal(f->trace, "ba");
}

static void stop_other_timer(struct actor *a)
{
	loop_timer_stop(a->other->timer);
}

static void a_timer_stopped_by_another_that_is_due_with_it_does_not_fire(void **state)
{
	struct fixture *f = *state;
	struct actor *a = actor(f, 'a', stop_other_timer), *b = actor(f, 'b', stop_other_timer);
	struct actor *c = actor(f, 'c', end_loop);

	a->other = b;
	b->other = a;
	loop_timer_start(a->timer, 2);
	loop_timer_start(b->timer, 2);
	loop_timer_start(c->timer, 20);
	usleep(4000);
	run(f);
	assert_int_equal(strlen(f->trace), 2); /* one of the two, and c */
	assert_false(loop_timer_running(a->timer));
	assert_false(loop_timer_running(b->timer));
}

static void restart_itself(struct actor *a)
{
	if (--a->left > 0)
		loop_timer_start(a->timer, 1);
	else
		loop_stop(a->f->loop);
}

static void a_timer_may_start_itself_again(void **state)
{
	struct fixture *f = *state;
	struct actor *a = actor(f, 'a', restart_itself);

	a->left = 3;
	loop_timer_start(a->timer, 1);
	run(f);
	assert_string_equal(f->trace, "aaa");
}

static void free_own_timer(struct actor *a)
{
	loop_timer_free(a->timer);
	a->timer = NULL;
	loop_stop(a->f->loop);
}

static void a_timer_may_free_itself(void **state)
{
	struct fixture *f = *state;
	struct actor *a = actor(f, 'a', free_own_timer);

	loop_timer_start(a->timer, 0);
	run(f);
	assert_string_equal(f->trace, "a");
}

static void read_one(struct actor *a)
{
	char byte;

	assert_int_equal(read(a->f->pipe[0], &byte, 1), 1);
	leave_letter(a->f, byte);
	if (byte == '.')
		loop_stop(a->f->loop);
}

static void a_socket_reports_until_it_is_read_empty(void **state)
{
	struct fixture *f = *state;
	struct actor *a = actor(f, 0, read_one);

	a->io = loop_io_new(f->loop, f->pipe[0], act_io, a);
	loop_io_watch(a->io, LOOP_READ);
	assert_int_equal(write(f->pipe[1], "12.", 3), 3);
	run(f);
	assert_string_equal(f->trace, "r1r2r.");
}

static void unwatch(struct actor *a)
{
	loop_io_watch(a->io, 0);
}

static void a_socket_that_is_not_watched_is_silent(void **state)
{
	struct fixture *f = *state;
	struct actor *a = actor(f, 0, unwatch), *b = actor(f, 'b', end_loop);

	a->io = loop_io_new(f->loop, f->pipe[1], act_io, a);
	loop_io_watch(a->io, LOOP_WRITE);
	loop_timer_start(b->timer, 10);
	run(f);
	assert_string_equal(f->trace, "wb");
}

static void free_own_io(struct actor *a)
{
	loop_io_free(a->io);
	a->io = NULL;
}

static void a_socket_watch_may_free_itself(void **state)
{
	struct fixture *f = *state;
	struct actor *a = actor(f, 0, free_own_io), *b = actor(f, 'b', end_loop);

	a->io = loop_io_new(f->loop, f->pipe[1], act_io, a);
	loop_io_watch(a->io, LOOP_READ | LOOP_WRITE);
	loop_timer_start(b->timer, 10);
	run(f);
	assert_string_equal(f->trace, "wb");
}

static void a_signal_is_a_callback(void **state)
{
	struct fixture *f = *state;
	struct actor *a = actor(f, 's', end_loop);
	struct loop_signal *sig = loop_signal_new(f->loop, SIGUSR1, act, a);

	raise(SIGUSR1);
	run(f);
	assert_string_equal(f->trace, "s");
	loop_signal_free(sig);
}

static void a_write_to_a_closed_pipe_raises_no_signal(void **state)
{
	struct fixture *f = *state;

	close(f->pipe[0]);
	assert_int_equal(write(f->pipe[1], "x", 1), -1);
	f->pipe[0] = dup(f->pipe[1]);
}

/* Reads both clocks twice in one callback and once in the next turn. */
static int64_t seen[3];

static void look_at_time(void *arg)
{
	struct actor *a = arg;

	if (a->left++ == 0) {
		seen[0] = loop_mono_ms(a->f->loop);
		seen[1] = loop_mono_ms(a->f->loop);
		loop_task_post(a->task);
		return;
	}
	seen[2] = loop_mono_ms(a->f->loop);
	loop_stop(a->f->loop);
}

static void time_stands_still_within_a_turn(void **state)
{
	struct err err;
	struct fixture inner = { .loop = loop_new(&stepping, &err) };
	struct actor a = { .f = &inner };

	(void)state;
	assert_non_null(inner.loop);
	a.task = loop_task_new(inner.loop, look_at_time, &a);
	loop_task_post(a.task);
	run(&inner);
	assert_int_equal(seen[0], seen[1]);
	assert_true(seen[2] > seen[1]);
	assert_true(loop_mono_ms(inner.loop) < loop_mono_ms(inner.loop));
	loop_task_free(a.task);
	loop_free(inner.loop);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(tasks_run_in_the_order_posted),
		test(a_task_posted_twice_runs_once),
		test(a_task_that_posts_itself_does_not_starve_sockets),
		test(a_task_posted_by_a_task_waits_for_the_next_turn),
		test(a_task_posted_by_a_timer_runs_in_the_same_turn),
		test(a_task_freed_while_posted_does_not_run),
		test(a_task_may_free_itself),
		test(stopping_leaves_later_tasks_posted_for_the_next_run),
		test(stopping_before_running_returns_at_once),
		test(timers_fire_in_the_order_of_their_times),
		test(a_timer_fires_no_earlier_than_its_delay),
		test(a_timer_fires_once_per_start),
		test(starting_a_running_timer_moves_it),
		test(a_timer_stopped_by_another_that_is_due_with_it_does_not_fire),
		test(a_timer_may_start_itself_again),
		test(a_timer_may_free_itself),
		test(a_socket_reports_until_it_is_read_empty),
		test(a_socket_that_is_not_watched_is_silent),
		test(a_socket_watch_may_free_itself),
		test(a_signal_is_a_callback),
		test(a_write_to_a_closed_pipe_raises_no_signal),
		test(time_stands_still_within_a_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
