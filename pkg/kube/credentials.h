/* A bearer token that changes while we run: read again each minute and on a 401, or made by a plugin. */
#ifndef KUBE_CREDENTIALS_H
#define KUBE_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "loop/loop.h"

/*
 * Holds the token that was read last; when the file cannot be read or is
 * empty the old one is kept. Renewing answers later, never at once: a
 * plugin takes its time.
 * Source: k8s.io/client-go/transport/token_source.go.
 */
struct credentials;

/* Told of every new token; http_client_set_token behind a line of one's own. */
typedef void credentials_sink_fn(void *arg, const char *token);

/*
 * `token_file` is copied; NULL: nothing ever changes. `token` is the one
 * in use, or NULL; copied. Reads the file each minute from now on.
 */
struct credentials *credentials_new(struct loop *loop, const char *token_file, const char *token,
				    credentials_sink_fn *sink, void *arg);
/* Nobody may wait any more. Wipes the token. NULL is taken. */
void credentials_free(struct credentials *credentials);

/*
 * Somewhere else that new credentials come from, as from a plugin. After
 * `renew` it calls credentials_provide, at once or later: from the loop.
 * It is not asked again before that. Set before the first use; copied.
 */
struct credentials_source {
	void (*renew)(void *arg);
	void *arg;
};

void credentials_set_source(struct credentials *credentials,
			    const struct credentials_source *source);

/*
 * The source's answer, asked for or not. `renewed`: there are new ones;
 * `token` is theirs (copied), NULL when they have none (a certificate).
 * Without `renewed` the old ones stay. Who waits is told.
 */
void credentials_provide(struct credentials *credentials, bool renewed, const char *token);

/* Counts the tokens so far: a request remembers with which it was sent. */
uint64_t credentials_generation(const struct credentials *credentials);

/* Someone whose request was refused; embedded, in no list while not waiting. */
struct credentials_waiter {
	struct list node;
	/* Once, from the loop: `renewed` when trying again has a point. */
	void (*done)(void *arg, bool renewed);
	void *arg;
	uint64_t generation; /* of the request that was refused */
};

/*
 * Read again, because a request of waiter->generation got a 401. All that
 * wait share one reading. done runs later, unless credentials_forget.
 */
void credentials_renew(struct credentials *credentials, struct credentials_waiter *waiter);
void credentials_forget(struct credentials_waiter *waiter);

#endif
