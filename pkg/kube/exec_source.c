#include "kube/exec_source.h"

#include <stdlib.h>

#include "base/log.h"
#include "kube/exec_run.h"

enum {
	EARLY_MS = 10 * 1000, /* before they expire */
	RETRY_MS = 10 * 1000, /* after a failure */
	PAUSE_MS = 5 * 1000,  /* at least, between two runs */
};

struct exec_source {
	struct loop *loop;
	const struct kube_config *config;
	struct http_client *http;
	struct credentials *credentials;
	struct loop_timer *timer; /* the next run */
	struct loop_task *refuse; /* answers that nothing new is to be had yet */
	struct exec_run *run;     /* or NULL */
	int64_t ran_ms;           /* when the last one ended */
	bool failing;             /* it failed: that was logged */
};

/* At most one run at a time; all that want one share it. */
static void run_plugin(struct exec_source *source);

/* When to run it for credentials that end then. */
static void schedule(struct exec_source *source, int64_t expires_ms)
{
	int64_t delay_ms = expires_ms - loop_wall_ms(source->loop) - EARLY_MS;

	if (expires_ms)
		loop_timer_start(source->timer, delay_ms < PAUSE_MS ? PAUSE_MS : delay_ms);
}

/* Put a new certificate to use. Returns -1 when it cannot be. */
static int use_certificate(struct exec_source *source, const struct exec_credential *made,
			   struct err *err)
{
	const struct tls_identity identity = {
		.ca_pem = source->config->http.ca_pem,
		.cert_pem = made->cert_pem,
		.key_pem = made->key_pem,
	};

	if (!made->cert_pem)
		return 0;
	if (http_client_set_identity(source->http, &identity, err) < 0)
		return err_wrap(err, "%s", source->config->plugin->where);
	return 0;
}

static void failed(struct exec_source *source, const struct err *err)
{
	if (!source->failing)
		log_warn("credentials", "%s; keeping the old credentials", err->msg);
	source->failing = true;
	loop_timer_start(source->timer, RETRY_MS);
	credentials_provide(source->credentials, false, NULL);
}

static void on_done(void *arg, struct exec_credential *made, const struct err *why)
{
	struct exec_source *source = arg;
	struct err err = *why;

	source->run = NULL;
	source->ran_ms = loop_mono_ms(source->loop);
	if (!made || use_certificate(source, made, &err) < 0) {
		failed(source, &err);
	} else {
		log_info("credentials", "made again by %s", source->config->plugin->command);
		source->failing = false;
		schedule(source, made->expires_ms);
		credentials_provide(source->credentials, true, made->token);
	}
	if (made)
		exec_credential_release(made);
}

static void run_plugin(struct exec_source *source)
{
	if (source->run)
		return;
	loop_timer_stop(source->timer);
	source->run = exec_run_start(source->loop, source->config->plugin, on_done, source);
}

static void on_timer(void *arg)
{
	run_plugin(arg);
}

static void on_refuse(void *arg)
{
	struct exec_source *source = arg;

	credentials_provide(source->credentials, false, NULL);
}

/* After a 401. What was made a moment ago would be made again alike. */
static void on_renew(void *arg)
{
	struct exec_source *source = arg;

	if (!source->run && loop_mono_ms(source->loop) - source->ran_ms < PAUSE_MS)
		loop_task_post(source->refuse);
	else
		run_plugin(source);
}

struct exec_source *exec_source_new(struct loop *loop, const struct kube_config *config,
				    struct http_client *http, struct credentials *credentials)
{
	struct exec_source *source;

	if (!config->plugin)
		return NULL;
	source = x_calloc(1, sizeof(*source));
	source->loop = loop;
	source->config = config;
	source->http = http;
	source->credentials = credentials;
	source->timer = loop_timer_new(loop, on_timer, source);
	source->refuse = loop_task_new(loop, on_refuse, source);
	source->ran_ms = loop_mono_ms(loop);
	credentials_set_source(credentials,
			       &(struct credentials_source){ .renew = on_renew, .arg = source });
	schedule(source, config->plugin_expires_ms);
	return source;
}

void exec_source_free(struct exec_source *source)
{
	if (!source)
		return;
	if (source->run)
		exec_run_cancel(source->run);
	loop_task_free(source->refuse);
	loop_timer_free(source->timer);
	free(source);
}
