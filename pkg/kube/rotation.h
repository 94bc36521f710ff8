/* Certificates that change while we run: their files are read again each minute. */
#ifndef KUBE_ROTATION_H
#define KUBE_ROTATION_H

#include "kube/config.h"
#include "loop/loop.h"

/*
 * Watches the files of a configuration: authority, client certificate, key.
 * When one of them has changed all go to the sink; what it refuses (a key
 * that was written before its certificate) or what cannot be read is logged once
 * and tried again, and what was in use stays in use. Verification
 * is never less than before.
 * Source: k8s.io/client-go/transport/cert_rotation.go, ca_rotation.go.
 */
struct rotation;

/* Errors: it refuses them, and says why. */
typedef int rotation_sink_fn(void *arg, const struct tls_identity *identity, struct err *err);

/* `config` is borrowed. NULL when it names no such file. */
struct rotation *rotation_new(struct loop *loop, const struct kube_config *config,
			      rotation_sink_fn *sink, void *arg);
void rotation_free(struct rotation *rotation); /* NULL is taken */

#endif
