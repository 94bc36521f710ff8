#include "kube/credentials.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/file.h"

enum { REREAD_MS = 60 * 1000 };

struct credentials {
	struct loop *loop;
	char *token_file; /* owned, or NULL */
	char *token;      /* owned, wiped; or NULL */
	uint64_t generation;
	bool failing;     /* the last reading failed: it was logged */
	credentials_sink_fn *sink;
	void *arg;
	struct credentials_source source; /* `renew` NULL: there is none */
	bool asked;               /* the source has to answer */
	struct loop_timer *timer; /* the next reading */
	struct loop_task *renew;  /* reads for the waiters */
	struct list waiters;      /* struct credentials_waiter */
};

/* Use it from now on; takes the token, which may be NULL. */
static void adopt(struct credentials *credentials, char *token)
{
	secret_free(credentials->token);
	credentials->token = token;
	credentials->generation++;
	credentials->sink(credentials->arg, token);
}

/* Read the file; a new token goes to the sink. */
static void read_token(struct credentials *credentials)
{
	struct err err = ERR_INIT;
	char *token;

	token = file_read_token(credentials->token_file, &err);
	if (!token) {
		if (!credentials->failing)
			log_warn("credentials", "%s; keeping the old token", err.msg);
		credentials->failing = true;
		return;
	}
	credentials->failing = false;
	if (credentials->token && strcmp(token, credentials->token) == 0) {
		secret_free(token);
		return;
	}
	log_info("credentials", "token read again from %s", credentials->token_file);
	adopt(credentials, token);
}

static void on_timer(void *arg)
{
	struct credentials *credentials = arg;

	read_token(credentials);
	loop_timer_start(credentials->timer, REREAD_MS);
}

/* Tell all that wait. Who is told may wait again: take only those of now. */
static void tell(struct credentials *credentials)
{
	struct list waiting;

	list_init(&waiting);
	while (!list_empty(&credentials->waiters)) {
		struct list *node = credentials->waiters.next;

		list_remove(node);
		list_add_tail(&waiting, node);
	}
	while (!list_empty(&waiting)) {
		struct credentials_waiter *waiter =
			list_entry(waiting.next, struct credentials_waiter, node);

		list_remove(&waiter->node);
		waiter->done(waiter->arg, waiter->generation != credentials->generation);
	}
}

/* Whether somebody was refused with what is in use now. */
static bool is_refused(const struct credentials *credentials)
{
	list_for_each(node, &credentials->waiters) {
		if (list_entry(node, struct credentials_waiter, node)->generation ==
		    credentials->generation)
			return true;
	}
	return false;
}

static void on_renew(void *arg)
{
	struct credentials *credentials = arg;

	if (credentials->asked)
		return;
	if (credentials->source.renew && is_refused(credentials)) {
		credentials->asked = true;
		credentials->source.renew(credentials->source.arg);
		return;
	}
	if (credentials->token_file)
		read_token(credentials);
	tell(credentials);
}

void credentials_set_source(struct credentials *credentials,
			    const struct credentials_source *source)
{
	credentials->source = *source;
}

void credentials_provide(struct credentials *credentials, bool renewed, const char *token)
{
	credentials->asked = false;
	if (renewed)
		adopt(credentials, token ? x_strdup(token) : NULL);
	tell(credentials);
}

struct credentials *credentials_new(struct loop *loop, const char *token_file, const char *token,
				    credentials_sink_fn *sink, void *arg)
{
	struct credentials *credentials = x_calloc(1, sizeof(*credentials));

	credentials->loop = loop;
	credentials->token_file = token_file ? x_strdup(token_file) : NULL;
	credentials->token = token ? x_strdup(token) : NULL;
	credentials->sink = sink;
	credentials->arg = arg;
	credentials->timer = loop_timer_new(loop, on_timer, credentials);
	credentials->renew = loop_task_new(loop, on_renew, credentials);
	list_init(&credentials->waiters);
	if (token_file)
		loop_timer_start(credentials->timer, REREAD_MS);
	return credentials;
}

void credentials_free(struct credentials *credentials)
{
	if (!credentials)
		return;
	loop_timer_free(credentials->timer);
	loop_task_free(credentials->renew);
	secret_free(credentials->token);
	free(credentials->token_file);
	free(credentials);
}

uint64_t credentials_generation(const struct credentials *credentials)
{
	return credentials->generation;
}

void credentials_renew(struct credentials *credentials, struct credentials_waiter *waiter)
{
	list_add_tail(&credentials->waiters, &waiter->node);
	loop_task_post(credentials->renew);
}

void credentials_forget(struct credentials_waiter *waiter)
{
	list_remove(&waiter->node);
}
