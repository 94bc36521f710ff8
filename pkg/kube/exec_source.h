/* Credentials by an exec plugin: made again before they expire, and on a 401. */
#ifndef KUBE_EXEC_SOURCE_H
#define KUBE_EXEC_SOURCE_H

#include "kube/config.h"
#include "kube/credentials.h"
#include "loop/loop.h"

/*
 * Becomes the source of `credentials`; what the plugin makes goes to `http`
 * (certificates) and to the credentials' sink (tokens). The plugin runs
 * beside the loop, one at a time, and not more often than every 5 s. When
 * it fails the old credentials stay in use, and it is tried again after 10 s.
 */
struct exec_source;

/* All borrowed, and must outlive it. NULL when `config` has no plugin. */
struct exec_source *exec_source_new(struct loop *loop, const struct kube_config *config,
				    struct http_client *http, struct credentials *credentials);

/* Before the credentials. Kills a plugin that runs. NULL is taken. */
void exec_source_free(struct exec_source *source);

#endif
