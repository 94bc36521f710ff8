/* A request now and then, so that a dead connection is noticed. */
#ifndef KUBE_PROBE_H
#define KUBE_PROBE_H

#include "loop/loop.h"
#include "net/transport.h"

/*
 * Watches are silent when nothing happens, and so is a connection whose
 * other end is gone without a word. Every 30 s the server is asked for
 * /livez; when for 15 s nothing at all comes, the transport gives the
 * connection up (net/http_client.h) and everything on it begins anew: within
 * 45 s. What the answer is does not matter. Renewals of a lease do the same.
 * Source: HTTP/2 health checks of k8s.io/apimachinery/pkg/util/net, 30 s and 15 s.
 */
struct probe;

/* Both are borrowed. Begins to wait at once. */
struct probe *probe_new(struct loop *loop, struct transport *transport);
void probe_free(struct probe *probe); /* NULL is taken */

#endif
