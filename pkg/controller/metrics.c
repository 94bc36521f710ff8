#include "controller/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Upper bounds of the histograms' buckets, without +Inf. */
static const struct {
	int64_t ms;
	const char *seconds;
} BUCKETS[] = {
	{1, "0.001"},  {2, "0.002"},  {5, "0.005"}, {10, "0.01"},  {25, "0.025"}, {50, "0.05"},
	{100, "0.1"},  {250, "0.25"}, {500, "0.5"}, {1000, "1"},   {2500, "2.5"}, {5000, "5"},
	{10000, "10"}, {30000, "30"},
};

enum { BUCKET_COUNT = sizeof(BUCKETS) / sizeof(BUCKETS[0]) };

struct histogram {
	uint64_t buckets[BUCKET_COUNT]; /* not cumulative; over the last is only in count */
	uint64_t count;
	int64_t sum_ms;
};

/* One combination of labels of formation_api_requests_total. */
struct request_count {
	const char *verb;
	const struct resource *resource;
	int http_status;
	uint64_t count;
};

/* One verb's durations. */
struct verb_durations {
	const char *verb;
	struct histogram histogram;
};

struct metrics {
	char *version;
	int64_t start_ms;
	uint64_t reconciles[RECONCILE_RESULTS];
	struct histogram reconcile_duration;
	struct request_count *requests;
	size_t request_count;
	struct histogram gate_waits;
	uint64_t overlaps;
	uint64_t resizes[2]; /* by a rollout, in place */
	struct verb_durations *verbs;
	size_t verb_count;
};

struct metrics *metrics_new(const char *version, int64_t start_ms)
{
	struct metrics *metrics = x_calloc(1, sizeof(*metrics));

	metrics->version = x_strdup(version);
	metrics->start_ms = start_ms;
	return metrics;
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	free(metrics->version);
	free(metrics->requests);
	free(metrics->verbs);
	free(metrics);
}

const char *reconcile_result_name(enum reconcile_result result)
{
	static const char *const names[] = {
		[RECONCILE_UNCHANGED] = "unchanged",
		[RECONCILE_CHANGED] = "changed",
		[RECONCILE_FAILED] = "error",
		[RECONCILE_GONE] = "gone",
	};

	return result < RECONCILE_RESULTS ? names[result] : "unknown";
}

static void histogram_add(struct histogram *histogram, int64_t ms)
{
	histogram->count++;
	histogram->sum_ms += ms;
	for (size_t i = 0; i < BUCKET_COUNT; i++) {
		if (ms <= BUCKETS[i].ms) {
			histogram->buckets[i]++;
			return;
		}
	}
}

void metrics_reconciled(struct metrics *metrics, enum reconcile_result result,
			int64_t duration_ms)
{
	metrics->reconciles[result]++;
	histogram_add(&metrics->reconcile_duration, duration_ms);
}

void metrics_gate_opened(struct metrics *metrics, int64_t wait_ms)
{
	histogram_add(&metrics->gate_waits, wait_ms > 0 ? wait_ms : 0);
}

void metrics_resized(struct metrics *metrics, bool in_place)
{
	metrics->resizes[in_place]++;
}

void metrics_overlap(struct metrics *metrics)
{
	metrics->overlaps++;
}

static struct request_count *request_entry(struct metrics *metrics, const char *verb,
					   const struct resource *resource, int http_status)
{
	struct request_count *entry;

	for (size_t i = 0; i < metrics->request_count; i++) {
		entry = &metrics->requests[i];
		if (entry->http_status == http_status && entry->resource == resource &&
		    strcmp(entry->verb, verb) == 0)
			return entry;
	}
	metrics->requests = x_realloc(metrics->requests,
				      (metrics->request_count + 1) * sizeof(*metrics->requests));
	entry = &metrics->requests[metrics->request_count++];
	*entry = (struct request_count){
		.verb = verb, .resource = resource, .http_status = http_status};
	return entry;
}

static struct histogram *verb_entry(struct metrics *metrics, const char *verb)
{
	struct verb_durations *entry;

	for (size_t i = 0; i < metrics->verb_count; i++) {
		if (strcmp(metrics->verbs[i].verb, verb) == 0)
			return &metrics->verbs[i].histogram;
	}
	metrics->verbs =
		x_realloc(metrics->verbs, (metrics->verb_count + 1) * sizeof(*metrics->verbs));
	entry = &metrics->verbs[metrics->verb_count++];
	*entry = (struct verb_durations){.verb = verb};
	return &entry->histogram;
}

void metrics_request_done(void *arg, const char *verb, const struct resource *resource,
			  int http_status, int64_t duration_ms)
{
	struct metrics *metrics = arg;

	request_entry(metrics, verb, resource, http_status)->count++;
	histogram_add(verb_entry(metrics, verb), duration_ms);
}

/* --- the page ------------------------------------------------------ */

static void write_head(struct buf *page, const char *name, const char *type, const char *help)
{
	buf_printf(page, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A number of milliseconds as seconds. */
static void write_seconds(struct buf *page, int64_t ms)
{
	buf_printf(page, "%" PRId64 ".%03d\n", ms / 1000, (int)(ms % 1000));
}

/* `label` is `verb="get"` or "", without braces. */
static void write_histogram(struct buf *page, const char *name, const char *label,
			    const struct histogram *histogram)
{
	const char *comma = *label ? "," : "";
	const char *open = *label ? "{" : "", *shut = *label ? "}" : "";
	uint64_t below = 0;

	for (size_t i = 0; i < BUCKET_COUNT; i++) {
		below += histogram->buckets[i];
		buf_printf(page, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", name, label, comma,
			   BUCKETS[i].seconds, below);
	}
	buf_printf(page, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, label, comma,
		   histogram->count);
	buf_printf(page, "%s_sum%s%s%s ", name, open, label, shut);
	write_seconds(page, histogram->sum_ms);
	buf_printf(page, "%s_count%s%s%s %" PRIu64 "\n", name, open, label, shut,
		   histogram->count);
}

/* A label's value with \, " and newline escaped. */
static void write_label_value(struct buf *page, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n') {
			buf_puts(page, "\\n");
			continue;
		}
		if (*text == '\\' || *text == '"')
			buf_putc(page, '\\');
		buf_putc(page, *text);
	}
}

static void write_reconciles(const struct metrics *metrics, struct buf *page)
{
	write_head(page, "formation_reconcile_total", "counter", "Reconciles by how they ended.");
	for (int i = 0; i < RECONCILE_RESULTS; i++)
		buf_printf(page, "formation_reconcile_total{result=\"%s\"} %" PRIu64 "\n",
			   reconcile_result_name((enum reconcile_result)i), metrics->reconciles[i]);
	write_head(page, "formation_reconcile_duration_seconds", "histogram",
		   "Time from taking a Formation up to the end of its writes.");
	write_histogram(page, "formation_reconcile_duration_seconds", "",
			&metrics->reconcile_duration);
}

static void write_requests(const struct metrics *metrics, struct buf *page)
{
	write_head(page, "formation_api_requests_total", "counter",
		   "Requests to the API server, watches and lists of the caches apart; code 0: no "
		   "answer.");
	for (size_t i = 0; i < metrics->request_count; i++) {
		const struct request_count *entry = &metrics->requests[i];

		buf_printf(page,
			   "formation_api_requests_total{verb=\"%s\",resource=\"%s\",code=\"%d\"} "
			   "%" PRIu64 "\n",
			   entry->verb, entry->resource->plural, entry->http_status, entry->count);
	}
	write_head(page, "formation_api_request_duration_seconds", "histogram",
		   "Time of a request, waiting for its turn included.");
	for (size_t i = 0; i < metrics->verb_count; i++) {
		char label[32];

		snprintf(label, sizeof(label), "verb=\"%.20s\"", metrics->verbs[i].verb);
		write_histogram(page, "formation_api_request_duration_seconds", label,
				&metrics->verbs[i].histogram);
	}
}

static void write_singletons(const struct metrics *metrics, struct buf *page)
{
	write_head(page, "formation_singleton_gates_opened_total", "counter",
		   "Dynos of singletons that were let run.");
	buf_printf(page, "formation_singleton_gates_opened_total %" PRIu64 "\n",
		   metrics->gate_waits.count);
	write_head(page, "formation_singleton_gate_wait_seconds", "histogram",
		   "Time from a singleton's pod being made to its being let run.");
	write_histogram(page, "formation_singleton_gate_wait_seconds", "", &metrics->gate_waits);
	write_head(page, "formation_singleton_overlaps_total", "counter",
		   "Times that two dynos of a singleton could run at once; 0 unless somebody else "
		   "opens gates.");
	buf_printf(page, "formation_singleton_overlaps_total %" PRIu64 "\n", metrics->overlaps);
}

static void write_resizes(const struct metrics *metrics, struct buf *page)
{
	static const char *const WAYS[] = {"rollout", "in_place"};

	write_head(page, "formation_resizes_total", "counter",
		   "Processes that changed their size: without a restart, or by a rollout after "
		   "that had been tried.");
	for (size_t i = 0; i < 2; i++)
		buf_printf(page, "formation_resizes_total{way=\"%s\"} %" PRIu64 "\n", WAYS[i],
			   metrics->resizes[i]);
}

/* One metric that every cache has. */
struct cache_metric {
	const char *name;
	const char *type;
	const char *help;
	uint64_t (*value)(const struct metrics_cache *cache);
};

static uint64_t cache_objects(const struct metrics_cache *cache)
{
	return cache->objects;
}

static uint64_t cache_lists(const struct metrics_cache *cache)
{
	return cache->lists;
}

static uint64_t cache_restarts(const struct metrics_cache *cache)
{
	return cache->watches ? cache->watches - 1 : 0;
}

static uint64_t cache_events(const struct metrics_cache *cache)
{
	return cache->events;
}

static uint64_t cache_decode_errors(const struct metrics_cache *cache)
{
	return cache->decode_errors;
}

static void write_caches(const struct metrics_gauges *gauges, struct buf *page)
{
	static const struct cache_metric list[] = {
		{"formation_cache_objects", "gauge", "Objects in the cache.", cache_objects},
		{"formation_lists_total", "counter", "Lists begun to fill the cache.", cache_lists},
		{"formation_watch_restarts_total", "counter", "Watches begun after the first.",
		 cache_restarts},
		{"formation_cache_updates_total", "counter",
		 "Objects received by lists, watches and answers.", cache_events},
		{"formation_cache_decode_errors_total", "counter",
		 "Objects received that could not be read.", cache_decode_errors},
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		write_head(page, list[i].name, list[i].type, list[i].help);
		for (size_t j = 0; j < gauges->cache_count; j++)
			buf_printf(page, "%s{resource=\"%s\"} %" PRIu64 "\n", list[i].name,
				   gauges->caches[j].resource->plural,
				   list[i].value(&gauges->caches[j]));
	}
}

static void write_queue(const struct metrics_gauges *gauges, struct buf *page)
{
	write_head(page, "formation_leader", "gauge", "1: this controller is the one that writes.");
	buf_printf(page, "formation_leader %d\n", gauges->leading);
	write_head(page, "formation_workqueue_depth", "gauge", "Formations that wait their turn.");
	buf_printf(page, "formation_workqueue_depth %" PRIu64 "\n", gauges->queue_depth);
	write_head(page, "formation_workqueue_active", "gauge", "Formations being worked on.");
	buf_printf(page, "formation_workqueue_active %" PRIu64 "\n", gauges->queue_active);
	write_head(page, "formation_events_total", "counter", "Kubernetes Events recorded.");
	buf_printf(page, "formation_events_total{result=\"sent\"} %" PRIu64 "\n",
		   gauges->events_sent);
	buf_printf(page, "formation_events_total{result=\"dropped\"} %" PRIu64 "\n",
		   gauges->events_dropped);
}

void metrics_write(const struct metrics *metrics, const struct metrics_gauges *gauges,
		   struct buf *page)
{
	write_head(page, "formation_build_info", "gauge", "The version that runs.");
	buf_puts(page, "formation_build_info{version=\"");
	write_label_value(page, metrics->version);
	buf_puts(page, "\"} 1\n");
	write_reconciles(metrics, page);
	write_queue(gauges, page);
	write_singletons(metrics, page);
	write_resizes(metrics, page);
	write_requests(metrics, page);
	write_caches(gauges, page);
	metrics_write_process(metrics->start_ms, page);
}
