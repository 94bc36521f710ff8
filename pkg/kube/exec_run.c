#include "kube/exec_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"

enum { RUN_MOST_MS = 60 * 1000 };

/* The process and its output; `pid` is 0 when it was reaped or never began. */
struct child {
	const struct exec_plugin *plugin;
	pid_t pid;
	int pid_fd;      /* readable when it has ended */
	int out_fd;      /* its output, or -1 */
	bool complete;   /* nothing more can come from it */
	int status;      /* of waitpid */
	struct buf text; /* wiped */
};

/* --- the environment -------------------------------------------------- */

static bool sets(const char *line, const char *name)
{
	size_t len = strlen(name);

	return strncmp(line, name, len) == 0 && line[len] == '=';
}

static bool is_overridden(const struct exec_plugin *plugin, const char *line)
{
	for (size_t i = 0; i < plugin->env_count; i++) {
		if (sets(line, plugin->env[i].name))
			return true;
	}
	return sets(line, "KUBERNETES_EXEC_INFO");
}

static char **make_environment(struct arena *arena, const struct exec_plugin *plugin)
{
	size_t count = 0;
	char **lines;

	while (environ[count])
		count++;
	lines = arena_array(arena, char *, count + plugin->env_count + 2);
	count = 0;
	for (char **line = environ; *line; line++) {
		if (!is_overridden(plugin, *line))
			lines[count++] = *line;
	}
	for (size_t i = 0; i < plugin->env_count; i++)
		lines[count++] = arena_printf(arena, "%s=%s", plugin->env[i].name,
					      plugin->env[i].value);
	lines[count] = arena_printf(arena, "KUBERNETES_EXEC_INFO=%s", plugin->info);
	return lines;
}

static char **make_arguments(struct arena *arena, const struct exec_plugin *plugin)
{
	size_t count = 0;
	char **argv;

	while (plugin->args[count])
		count++;
	argv = arena_array(arena, char *, count + 2);
	argv[0] = (char *)plugin->command;
	for (size_t i = 0; i < count; i++)
		argv[i + 1] = (char *)plugin->args[i];
	return argv;
}

/* --- the process ------------------------------------------------------ */

/* One that may not ask gets no terminal to ask at: a group of its own, which can be killed whole. */
static int spawn(struct child *child, int out_fd)
{
	const struct exec_plugin *plugin = child->plugin;
	bool silent = plugin->interactive == EXEC_NEVER;
	struct arena arena = ARENA_INIT;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults, mask;
	int rc;

	sigemptyset(&mask);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setsigmask(&attributes, &mask);
	posix_spawnattr_setflags(&attributes, (short)(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
						      (silent ? POSIX_SPAWN_SETPGROUP : 0)));
	posix_spawn_file_actions_init(&actions);
	if (silent)
		posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	rc = posix_spawnp(&child->pid, plugin->command, &actions, &attributes,
			  make_arguments(&arena, plugin), make_environment(&arena, plugin));
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	arena_release(&arena);
	return rc;
}

static int spawn_failed(struct child *child, int errnum, struct err *err)
{
	const struct exec_plugin *plugin = child->plugin;

	child->pid = 0;
	if (errnum != ENOENT)
		return err_errno(err, errnum, "%s: cannot run %s", plugin->where, plugin->command);
	return err_set(err, ERR_NOT_FOUND, "%s: there is no program %s: %s", plugin->where,
		       plugin->command, plugin->hint ? plugin->hint : "install it");
}

static int child_start(struct child *child, const struct exec_plugin *plugin, struct err *err)
{
	int pipe_fds[2], rc;

	*child = (struct child){ .plugin = plugin, .pid_fd = -1, .out_fd = -1 };
	buf_init(&child->text, LIMIT_PLUGIN_OUTPUT);
	if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return err_errno(err, errno, "%s: cannot make a pipe", plugin->where);
	fcntl(pipe_fds[1], F_SETFL, 0); /* the plugin's end waits as usual */
	rc = spawn(child, pipe_fds[1]);
	close(pipe_fds[1]);
	child->out_fd = pipe_fds[0];
	if (rc != 0)
		return spawn_failed(child, rc, err);
	child->pid_fd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	if (child->pid_fd < 0)
		return err_errno(err, errno, "%s: cannot wait for %s", plugin->where,
				 plugin->command);
	return 0;
}

static void child_kill(struct child *child)
{
	if (child->pid <= 0)
		return;
	kill(child->plugin->interactive == EXEC_NEVER ? -child->pid : child->pid, SIGKILL);
	while (waitpid(child->pid, &child->status, 0) < 0 && errno == EINTR)
		;
	child->pid = 0;
}

static void child_release(struct child *child)
{
	child_kill(child);
	if (child->out_fd >= 0)
		close(child->out_fd);
	if (child->pid_fd >= 0)
		close(child->pid_fd);
	if (child->text.data)
		explicit_bzero(child->text.data, child->text.len);
	buf_release(&child->text);
}

/* Take what is there to be read. Returns -1 when it is too much. */
static int child_read(struct child *child, struct err *err)
{
	char bytes[4096];
	ssize_t n;

	while (!child->complete) {
		n = read(child->out_fd, bytes, sizeof(bytes));
		if (n > 0 && buf_append(&child->text, bytes, (size_t)n) != 0)
			return err_set(err, ERR_LIMIT, "%s: printed more than %lu bytes",
				       child->plugin->where, LIMIT_PLUGIN_OUTPUT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		child->complete = n <= 0;
	}
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}

static void child_reap(struct child *child)
{
	if (child->pid > 0 && waitpid(child->pid, &child->status, WNOHANG) == child->pid)
		child->pid = 0;
}

static bool child_is_done(const struct child *child)
{
	return child->pid == 0 && child->complete;
}

static int child_result(const struct child *child, struct exec_credential *ret_credential,
			struct err *err)
{
	const struct exec_plugin *plugin = child->plugin;
	int status = child->status;

	if (WIFSIGNALED(status))
		return err_set(err, ERR_UNAVAILABLE, "%s: %s was ended by signal %d", plugin->where,
			       plugin->command, WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return err_set(err, ERR_UNAVAILABLE,
			       "%s: %s failed with exit status %d: see what it wrote, or run it by hand",
			       plugin->where, plugin->command, WEXITSTATUS(status));
	return exec_credential_read(plugin, child->text.len ? child->text.data : "",
				    child->text.len, ret_credential, err);
}

static int child_too_late(const struct child *child, struct err *err)
{
	return err_set(err, ERR_TIMEOUT, "%s: %s has not ended within %d s", child->plugin->where,
		       child->plugin->command, RUN_MOST_MS / 1000);
}

/* --- waiting for it --------------------------------------------------- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int child_wait(struct child *child, struct err *err)
{
	int64_t end_ms = now_ms() + RUN_MOST_MS;

	while (!child_is_done(child)) {
		struct pollfd fds[] = {
			{ .fd = child->complete ? -1 : child->out_fd, .events = POLLIN },
			{ .fd = child->pid > 0 ? child->pid_fd : -1, .events = POLLIN },
		};
		int64_t left_ms = end_ms - now_ms();

		if (left_ms <= 0)
			return child_too_late(child, err);
		poll(fds, 2, (int)left_ms);
		if (child_read(child, err) < 0)
			return -1;
		child_reap(child);
	}
	return 0;
}

int exec_run_now(const struct exec_plugin *plugin, struct exec_credential *ret_credential,
		 struct err *err)
{
	struct child child;
	int result = -1;

	if (child_start(&child, plugin, err) == 0 && child_wait(&child, err) == 0)
		result = child_result(&child, ret_credential, err);
	child_release(&child);
	return result;
}

/* --- on the loop ------------------------------------------------------ */

struct exec_run {
	struct child child;
	struct loop_io *out;      /* of child.out_fd, NULL when that is complete */
	struct loop_io *end;      /* of child.pid_fd, NULL when that has told */
	struct loop_timer *timer; /* its time is over; or the start has failed */
	struct err err;           /* why */
	exec_done_fn *done;
	void *arg;
};

void exec_run_cancel(struct exec_run *run)
{
	loop_io_free(run->out);
	loop_io_free(run->end);
	loop_timer_free(run->timer);
	child_release(&run->child);
	free(run);
}

static void finish(struct exec_run *run)
{
	struct exec_credential credential = { 0 };
	exec_done_fn *done = run->done;
	struct err err = run->err;
	void *arg = run->arg;

	if (err.code == ERR_NONE)
		child_result(&run->child, &credential, &err);
	exec_run_cancel(run);
	done(arg, err.code == ERR_NONE ? &credential : NULL, &err);
}

static void on_output(void *arg, int fd, int events)
{
	struct exec_run *run = arg;
	int result = child_read(&run->child, &run->err);

	(void)fd;
	(void)events;
	if (run->child.complete) {
		loop_io_free(run->out);
		run->out = NULL;
	}
	if (result < 0 || child_is_done(&run->child))
		finish(run);
}

static void on_process_end(void *arg, int fd, int events)
{
	struct exec_run *run = arg;

	(void)fd;
	(void)events;
	child_reap(&run->child);
	if (run->child.pid > 0)
		return;
	loop_io_free(run->end);
	run->end = NULL;
	if (child_is_done(&run->child))
		finish(run);
}

static void on_timer(void *arg)
{
	struct exec_run *run = arg;

	if (run->err.code == ERR_NONE)
		child_too_late(&run->child, &run->err);
	finish(run);
}

struct exec_run *exec_run_start(struct loop *loop, const struct exec_plugin *plugin,
				exec_done_fn *done, void *arg)
{
	struct exec_run *run = x_calloc(1, sizeof(*run));

	run->done = done;
	run->arg = arg;
	run->timer = loop_timer_new(loop, on_timer, run);
	if (child_start(&run->child, plugin, &run->err) < 0) {
		loop_timer_start(run->timer, 0);
		return run;
	}
	run->out = loop_io_new(loop, run->child.out_fd, on_output, run);
	loop_io_watch(run->out, LOOP_READ);
	run->end = loop_io_new(loop, run->child.pid_fd, on_process_end, run);
	loop_io_watch(run->end, LOOP_READ);
	loop_timer_start(run->timer, RUN_MOST_MS);
	return run;
}
