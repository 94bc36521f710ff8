/* What the controller counts, and the page that /metrics shows. */
#ifndef CONTROLLER_METRICS_H
#define CONTROLLER_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/resource.h"
#include "base/buf.h"

/*
 * Counters and histograms that are kept here, and gauges that are asked
 * for when the page is written. Nothing here has a label whose values
 * users choose: the page's size doesn't grow with the cluster.
 */
struct metrics;

/* `version` stands in formation_build_info; `start_ms` is Unix time. Copied. */
struct metrics *metrics_new(const char *version, int64_t start_ms);
void metrics_free(struct metrics *metrics);

/* How a reconcile ended; the label `result`. */
enum reconcile_result {
	RECONCILE_UNCHANGED, /* everything was as it should be */
	RECONCILE_CHANGED,   /* something was written, and all writes succeeded */
	RECONCILE_FAILED,    /* a write failed, or waits for its time to be tried again */
	RECONCILE_GONE,      /* the Formation is no longer there */
	RECONCILE_RESULTS,   /* how many there are */
};

/* The label's value, a static string. */
const char *reconcile_result_name(enum reconcile_result result);

/* One reconcile ended, `duration_ms` after its key was taken from the queue. */
void metrics_reconciled(struct metrics *metrics, enum reconcile_result result,
			int64_t duration_ms);

/*
 * One request ended; a client_observer's request_done with `arg` the
 * metrics. `verb` is a static string; `http_status` 0 when no answer came.
 */
void metrics_request_done(void *arg, const char *verb, const struct resource *resource,
			  int http_status, int64_t duration_ms);

/* The gate of a singleton's dyno was opened, `wait_ms` after the pod was made. */
void metrics_gate_opened(struct metrics *metrics, int64_t wait_ms);

/* Two dynos of one singleton had run permission at the same time. */
void metrics_overlap(struct metrics *metrics);

/* A process changed its size: without a restart, or by a rollout after all. */
void metrics_resized(struct metrics *metrics, bool in_place);

/* One resource's cache, as it is now. */
struct metrics_cache {
	const struct resource *resource;
	uint64_t objects;       /* in the store */
	uint64_t lists;         /* lists begun */
	uint64_t watches;       /* watches begun; all but the first are restarts */
	uint64_t events;        /* objects received */
	uint64_t decode_errors; /* objects that could not be read */
};

/* What is not counted here but read off when the page is written. */
struct metrics_gauges {
	bool leading;                        /* this controller is the one that writes */
	uint64_t queue_depth;                /* keys that wait */
	uint64_t queue_active;               /* keys being worked on */
	uint64_t events_sent;                /* by the recorder */
	uint64_t events_dropped;
	const struct metrics_cache *caches;  /* one a resource */
	size_t cache_count;
};

/*
 * Append the whole page.
 * Source: Prometheus' text exposition format 0.0.4 and naming practices.
 */
void metrics_write(const struct metrics *metrics, const struct metrics_gauges *gauges,
		   struct buf *page);

/* Append process_* as Prometheus' client libraries name them. */
void metrics_write_process(int64_t start_ms, struct buf *page);

#endif
