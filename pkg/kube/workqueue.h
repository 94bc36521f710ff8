/* Keys that want to be looked at, each once at a time. */
#ifndef KUBE_WORKQUEUE_H
#define KUBE_WORKQUEUE_H

#include <stddef.h>

#include "loop/loop.h"

/*
 * As client-go's: a key added while it waits is one; a key added while it
 * is worked on comes again after workqueue_done. Failing keys come back
 * with exponential backoff (5 ms, doubled up to `max_backoff_ms`, plus up
 * to a quarter of jitter); workqueue_forget resets it.
 */
struct workqueue;

/* `ready` is called (from the loop, not from add) whenever keys can be got. */
struct workqueue *workqueue_new(struct loop *loop, int64_t max_backoff_ms, loop_fn *ready,
				void *arg);
/* Forgets all keys, those being worked on too. NULL is taken. */
void workqueue_free(struct workqueue *queue);

/*
 * Add a key now, or in `delay_ms` (0 or less is now), or when its backoff
 * is over. `key` is copied. Of several delays of a key the one that ends
 * first counts; a key that is added now meanwhile still comes again at the
 * end of its delay.
 */
void workqueue_add(struct workqueue *queue, const char *key);
void workqueue_add_after(struct workqueue *queue, const char *key, int64_t delay_ms);
void workqueue_add_backoff(struct workqueue *queue, const char *key);

/* The key succeeded: its next backoff is the first again. Adds nothing. */
void workqueue_forget(struct workqueue *queue, const char *key);

/* The next key, now being worked on, or NULL. Borrowed until workqueue_done. */
const char *workqueue_get(struct workqueue *queue);

/* The work on a key from workqueue_get is over; `key` itself may be passed. */
void workqueue_done(struct workqueue *queue, const char *key);

/* Keys waiting now (not delayed ones), being worked on, and delayed. */
size_t workqueue_depth(const struct workqueue *queue);
size_t workqueue_active(const struct workqueue *queue);
size_t workqueue_delayed(const struct workqueue *queue);

#endif
