/* Keys that want to be looked at, each once at a time. */
#ifndef KUBE_WORKQUEUE_H
#define KUBE_WORKQUEUE_H

#include "loop/loop.h"

/*
 * As client-go's: a key added while it waits is one; a key added while it
 * is worked on comes again after workqueue_done. Failing keys come back
 * with exponential backoff (5 ms, doubled up to `max_backoff_ms`, plus
 * jitter); workqueue_forget resets it.
 */
struct workqueue;

/* `ready` is called (from the loop, not from add) whenever keys can be got. */
struct workqueue *workqueue_new(struct loop *loop, int64_t max_backoff_ms, loop_fn *ready,
				void *arg);
void workqueue_free(struct workqueue *queue);

void workqueue_add(struct workqueue *queue, const char *key);
void workqueue_add_after(struct workqueue *queue, const char *key, int64_t delay_ms);
void workqueue_add_backoff(struct workqueue *queue, const char *key);
void workqueue_forget(struct workqueue *queue, const char *key);

/* The next key, now being worked on, or NULL. Borrowed until workqueue_done. */
const char *workqueue_get(struct workqueue *queue);
void workqueue_done(struct workqueue *queue, const char *key);

/* Keys waiting now (not delayed ones), and being worked on. */
size_t workqueue_depth(const struct workqueue *queue);
size_t workqueue_active(const struct workqueue *queue);

#endif
