/* Running an exec credential plugin: a child process, its output, its end. */
#ifndef KUBE_EXEC_RUN_H
#define KUBE_EXEC_RUN_H

#include "kube/exec_plugin.h"
#include "loop/loop.h"

/*
 * No shell is between us and the plugin. It gets our environment with its
 * own variables and KUBERNETES_EXEC_INFO; standard error is ours, standard
 * input too when it may ask, else empty; no other descriptor of ours. It has
 * 60 s and LIMIT_PLUGIN_OUTPUT bytes; what is over is killed.
 * Errors of all: ERR_NOT_FOUND (no such program, with the install hint),
 * ERR_SYSTEM, ERR_UNAVAILABLE (it failed, with its status), ERR_TIMEOUT,
 * ERR_LIMIT, those of exec_credential_read.
 */

/* Run it and wait, for before the loop runs. Returns 0 or -1. */
int exec_run_now(const struct exec_plugin *plugin, struct exec_credential *ret_credential,
		 struct err *err);

/* Run it while the loop goes on. */
struct exec_run;

/* Once, from the loop: the credential, which becomes yours, or NULL with `err`. The run is gone. */
typedef void exec_done_fn(void *arg, struct exec_credential *credential, const struct err *err);

/* `plugin` is borrowed until the end. Never fails; failures come by `done`. */
struct exec_run *exec_run_start(struct loop *loop, const struct exec_plugin *plugin,
				exec_done_fn *done, void *arg);

/* Kill it, without a callback. */
void exec_run_cancel(struct exec_run *run);

#endif
