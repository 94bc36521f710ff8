#include "kube/workqueue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "kube/prng.h"

enum {
	BACKOFF_FIRST_MS = 5,
	BACKOFF_JITTER = 4, /* up to one part in so many is added */
	NOT_DELAYED = -1,   /* item.heap_at of an item that is not in the heap */
};

/* Exists while its key waits, is worked on, is delayed or has failed. */
struct item {
	struct list node;  /* in queue.waiting while `waiting` */
	bool waiting;      /* can be got */
	bool active;       /* is worked on */
	bool again;        /* was added while it was worked on */
	unsigned failures; /* backoffs since workqueue_forget */
	ptrdiff_t heap_at; /* place in queue.delayed, or NOT_DELAYED */
	int64_t due_ms;    /* when the delay ends */
	char key[];
};

struct workqueue {
	struct loop *loop;
	int64_t max_backoff_ms;
	loop_fn *ready;
	void *arg;
	struct loop_task *wake;    /* calls `ready` */
	struct loop_timer *timer;  /* runs while `delayed` is not empty */
	struct map items;          /* key → struct item; keys stand in the items */
	struct list waiting;       /* in the order they are got */
	size_t depth;              /* items in `waiting` */
	size_t active;             /* items being worked on */
	struct item **delayed;     /* binary heap, the first due on top */
	size_t delayed_count;
	size_t delayed_capacity;
	struct prng prng;          /* jitter */
};

/* --- items ----------------------------------------------------------- */

static struct item *item_of(struct workqueue *queue, const char *key)
{
	struct item *item = map_get(&queue->items, key);
	size_t len;

	if (item)
		return item;
	len = strlen(key);
	item = x_calloc(1, sizeof(*item) + len + 1);
	memcpy(item->key, key, len + 1);
	item->heap_at = NOT_DELAYED;
	map_put(&queue->items, item->key, item);
	return item;
}

/* Free the item when nothing has to be remembered of it. */
static void item_settle(struct workqueue *queue, struct item *item)
{
	if (item->waiting || item->active || item->failures || item->heap_at != NOT_DELAYED)
		return;
	map_remove(&queue->items, item->key);
	free(item);
}

/* Let the item be got, now or after it is done. */
static void item_queue(struct workqueue *queue, struct item *item)
{
	if (item->active) {
		item->again = true;
		return;
	}
	if (item->waiting)
		return;
	item->waiting = true;
	list_add_tail(&queue->waiting, &item->node);
	queue->depth++;
	loop_task_post(queue->wake);
}

/* --- the heap of delayed items --------------------------------------- */

static void heap_place(struct workqueue *queue, size_t at, struct item *item)
{
	queue->delayed[at] = item;
	item->heap_at = (ptrdiff_t)at;
}

/* Put `item` at `at` or above, moving down what is due later. */
static void heap_up(struct workqueue *queue, size_t at, struct item *item)
{
	for (; at > 0; at = (at - 1) / 2) {
		struct item *parent = queue->delayed[(at - 1) / 2];

		if (parent->due_ms <= item->due_ms)
			break;
		heap_place(queue, at, parent);
	}
	heap_place(queue, at, item);
}

/* Put `item` at `at` or below, moving up what is due earlier. */
static void heap_down(struct workqueue *queue, size_t at, struct item *item)
{
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= queue->delayed_count)
			break;
		if (child + 1 < queue->delayed_count &&
		    queue->delayed[child + 1]->due_ms < queue->delayed[child]->due_ms)
			child++;
		if (item->due_ms <= queue->delayed[child]->due_ms)
			break;
		heap_place(queue, at, queue->delayed[child]);
		at = child;
	}
	heap_place(queue, at, item);
}

static void heap_add(struct workqueue *queue, struct item *item)
{
	if (queue->delayed_count == queue->delayed_capacity) {
		queue->delayed_capacity = queue->delayed_capacity ? queue->delayed_capacity * 2 : 16;
		queue->delayed = x_realloc(queue->delayed,
					   queue->delayed_capacity * sizeof(*queue->delayed));
	}
	heap_up(queue, queue->delayed_count++, item);
}

static struct item *heap_pop(struct workqueue *queue)
{
	struct item *top = queue->delayed[0];
	struct item *last = queue->delayed[--queue->delayed_count];

	top->heap_at = NOT_DELAYED;
	if (queue->delayed_count)
		heap_down(queue, 0, last);
	return top;
}

static void timer_set(struct workqueue *queue)
{
	int64_t delay_ms;

	if (!queue->delayed_count) {
		loop_timer_stop(queue->timer);
		return;
	}
	delay_ms = queue->delayed[0]->due_ms - loop_mono_ms(queue->loop);
	loop_timer_start(queue->timer, delay_ms > 0 ? delay_ms : 0);
}

/* The timer: the first of the delayed items is due. */
static void on_due(void *arg)
{
	struct workqueue *queue = arg;
	int64_t now_ms = loop_mono_ms(queue->loop);

	while (queue->delayed_count && queue->delayed[0]->due_ms <= now_ms)
		item_queue(queue, heap_pop(queue));
	timer_set(queue);
}

static void item_delay(struct workqueue *queue, struct item *item, int64_t delay_ms)
{
	int64_t due_ms = loop_mono_ms(queue->loop) + delay_ms;

	if (item->heap_at == NOT_DELAYED) {
		item->due_ms = due_ms;
		heap_add(queue, item);
	} else if (due_ms < item->due_ms) {
		item->due_ms = due_ms;
		heap_up(queue, (size_t)item->heap_at, item);
	}
	if (queue->delayed[0] == item)
		timer_set(queue);
}

/* --- the queue ------------------------------------------------------- */

static void on_wake(void *arg)
{
	struct workqueue *queue = arg;

	if (queue->depth)
		queue->ready(queue->arg);
}

struct workqueue *workqueue_new(struct loop *loop, int64_t max_backoff_ms, loop_fn *ready,
				void *arg)
{
	struct workqueue *queue = x_calloc(1, sizeof(*queue));

	queue->loop = loop;
	queue->max_backoff_ms = max_backoff_ms;
	queue->ready = ready;
	queue->arg = arg;
	queue->wake = loop_task_new(loop, on_wake, queue);
	queue->timer = loop_timer_new(loop, on_due, queue);
	map_init_borrow(&queue->items);
	list_init(&queue->waiting);
	prng_init(&queue->prng);
	return queue;
}

void workqueue_free(struct workqueue *queue)
{
	const char *key;
	size_t cursor = 0;
	void *item;

	if (!queue)
		return;
	while (map_next(&queue->items, &cursor, &key, &item)) {
		map_remove(&queue->items, key);
		free(item);
	}
	map_release(&queue->items);
	loop_task_free(queue->wake);
	loop_timer_free(queue->timer);
	free(queue->delayed);
	free(queue);
}

void workqueue_add(struct workqueue *queue, const char *key)
{
	item_queue(queue, item_of(queue, key));
}

void workqueue_add_after(struct workqueue *queue, const char *key, int64_t delay_ms)
{
	struct item *item = item_of(queue, key);

	if (delay_ms <= 0)
		item_queue(queue, item);
	else
		item_delay(queue, item, delay_ms);
}

void workqueue_add_backoff(struct workqueue *queue, const char *key)
{
	struct item *item = item_of(queue, key);
	int64_t delay_ms = BACKOFF_FIRST_MS;

	for (unsigned i = 0; i < item->failures && delay_ms < queue->max_backoff_ms; i++)
		delay_ms *= 2;
	if (delay_ms > queue->max_backoff_ms)
		delay_ms = queue->max_backoff_ms;
	delay_ms += prng_upto(&queue->prng, delay_ms / BACKOFF_JITTER);
	if (item->failures < UINT32_MAX)
		item->failures++;
	item_delay(queue, item, delay_ms);
}

void workqueue_forget(struct workqueue *queue, const char *key)
{
	struct item *item = map_get(&queue->items, key);

	if (!item)
		return;
	item->failures = 0;
	item_settle(queue, item);
}

const char *workqueue_get(struct workqueue *queue)
{
	struct item *item;

	if (list_empty(&queue->waiting))
		return NULL;
	item = list_entry(queue->waiting.next, struct item, node);
	list_remove(&item->node);
	item->waiting = false;
	item->active = true;
	queue->depth--;
	queue->active++;
	return item->key;
}

void workqueue_done(struct workqueue *queue, const char *key)
{
	struct item *item = map_get(&queue->items, key);

	assert(item && item->active);
	item->active = false;
	queue->active--;
	if (item->again) {
		item->again = false;
		item_queue(queue, item);
		return;
	}
	item_settle(queue, item);
}

size_t workqueue_depth(const struct workqueue *queue)
{
	return queue->depth;
}

size_t workqueue_active(const struct workqueue *queue)
{
	return queue->active;
}

size_t workqueue_delayed(const struct workqueue *queue)
{
	return queue->delayed_count;
}
