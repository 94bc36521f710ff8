#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "controller/metrics.h"
#include "unit.h"

static const struct metrics_cache CACHES[] = {
	{ .resource = &RESOURCE_FORMATION, .objects = 3, .lists = 2, .watches = 4, .events = 9 },
	{ .resource = &RESOURCE_POD, .decode_errors = 1 },
};

static const struct metrics_gauges GAUGES = {
	.leading = true,
	.queue_depth = 5,
	.queue_active = 2,
	.events_sent = 7,
	.events_dropped = 1,
	.caches = CACHES,
	.cache_count = ARRAY_SIZE(CACHES),
};

static char *page_of(const struct metrics *metrics)
{
	struct buf page = BUF_INIT(LIMIT_METRICS);

	metrics_write(metrics, &GAUGES, &page);
	assert_false(page.overflow);
	return buf_detach(&page, NULL);
}

static void assert_has(const char *page, const char *line)
{
	char *whole cleanup(free_charp) = x_asprintf("\n%s\n", line);

	if (!strstr(page, whole))
		fail_msg("no line `%s` in:\n%s", line, page);
}

static void test_reconciles_are_counted_by_result(void **state)
{
	struct metrics *metrics = metrics_new("1.0", 0);
	char *page;

	(void)state;
	metrics_reconciled(metrics, RECONCILE_CHANGED, 3);
	metrics_reconciled(metrics, RECONCILE_CHANGED, 40);
	metrics_reconciled(metrics, RECONCILE_FAILED, 60000);
	page = page_of(metrics);
	assert_has(page, "formation_reconcile_total{result=\"changed\"} 2");
	assert_has(page, "formation_reconcile_total{result=\"error\"} 1");
	assert_has(page, "formation_reconcile_total{result=\"unchanged\"} 0");
	assert_has(page, "formation_reconcile_duration_seconds_bucket{le=\"0.002\"} 0");
	assert_has(page, "formation_reconcile_duration_seconds_bucket{le=\"0.005\"} 1");
	assert_has(page, "formation_reconcile_duration_seconds_bucket{le=\"0.05\"} 2");
	assert_has(page, "formation_reconcile_duration_seconds_bucket{le=\"30\"} 2");
	assert_has(page, "formation_reconcile_duration_seconds_bucket{le=\"+Inf\"} 3");
	assert_has(page, "formation_reconcile_duration_seconds_sum 60.043");
	assert_has(page, "formation_reconcile_duration_seconds_count 3");
	free(page);
	metrics_free(metrics);
}

static void test_requests_are_counted_by_verb_resource_and_code(void **state)
{
	struct metrics *metrics = metrics_new("1.0", 0);
	char *page;

	(void)state;
	metrics_request_done(metrics, "apply", &RESOURCE_DEPLOYMENT, 200, 8);
	metrics_request_done(metrics, "apply", &RESOURCE_DEPLOYMENT, 200, 9);
	metrics_request_done(metrics, "apply", &RESOURCE_DEPLOYMENT, 409, 9);
	metrics_request_done(metrics, "delete", &RESOURCE_SERVICE, 0, 30000);
	page = page_of(metrics);
	assert_has(page, "formation_api_requests_total{verb=\"apply\",resource=\"deployments\","
			 "code=\"200\"} 2");
	assert_has(page, "formation_api_requests_total{verb=\"apply\",resource=\"deployments\","
			 "code=\"409\"} 1");
	assert_has(page, "formation_api_requests_total{verb=\"delete\",resource=\"services\","
			 "code=\"0\"} 1");
	assert_has(page,
		   "formation_api_request_duration_seconds_bucket{verb=\"apply\",le=\"0.01\"} 3");
	assert_has(page, "formation_api_request_duration_seconds_sum{verb=\"delete\"} 30.000");
	assert_has(page, "formation_api_request_duration_seconds_count{verb=\"apply\"} 3");
	free(page);
	metrics_free(metrics);
}

static void test_gauges_are_read_off(void **state)
{
	struct metrics *metrics = metrics_new("1.0", 1234);
	char *page = page_of(metrics);

	(void)state;
	assert_has(page, "formation_leader 1");
	assert_has(page, "formation_workqueue_depth 5");
	assert_has(page, "formation_workqueue_active 2");
	assert_has(page, "formation_events_total{result=\"sent\"} 7");
	assert_has(page, "formation_events_total{result=\"dropped\"} 1");
	assert_has(page, "formation_cache_objects{resource=\"formations\"} 3");
	assert_has(page, "formation_lists_total{resource=\"formations\"} 2");
	assert_has(page, "formation_watch_restarts_total{resource=\"formations\"} 3");
	assert_has(page, "formation_watch_restarts_total{resource=\"pods\"} 0");
	assert_has(page, "formation_cache_decode_errors_total{resource=\"pods\"} 1");
	assert_has(page, "process_start_time_seconds 1.234");
	free(page);
	metrics_free(metrics);
}

static void test_the_process_is_measured(void **state)
{
	struct metrics *metrics = metrics_new("1.0", 0);
	char *page = page_of(metrics);
	const char *resident = strstr(page, "\nprocess_resident_memory_bytes ");
	const char *fds = strstr(page, "\nprocess_open_fds ");

	(void)state;
	assert_non_null(resident);
	assert_true(strtoull(strrchr(resident, ' ') ? resident + 31 : "", NULL, 10) > 100000);
	assert_non_null(fds);
	assert_in_range(atoi(fds + strlen("\nprocess_open_fds ")), 3, 100);
	free(page);
	metrics_free(metrics);
}

static void test_the_version_is_escaped(void **state)
{
	struct metrics *metrics = metrics_new("a\"b\\c\nd", 0);
	char *page = page_of(metrics);

	(void)state;
	assert_has(page, "formation_build_info{version=\"a\\\"b\\\\c\\nd\"} 1");
	free(page);
	metrics_free(metrics);
}

/* Every sample belongs to the family of the TYPE line before it, each of which stands once. */
static void test_every_metric_has_help_and_type(void **state)
{
	struct metrics *metrics = metrics_new("1.0", 0);
	char *page, *rest, *line;
	char family[128] = "";
	int families = 0;

	(void)state;
	metrics_request_done(metrics, "apply", &RESOURCE_DEPLOYMENT, 200, 8);
	page = rest = page_of(metrics);
	while ((line = strsep(&rest, "\n")) != NULL && rest) {
		if (strncmp(line, "# HELP ", 7) == 0) {
			sscanf(line, "# HELP %127s", family);
			families++;
			assert_non_null(strchr(line + 7, ' '));
		} else if (strncmp(line, "# TYPE ", 7) == 0) {
			assert_memory_equal(line + 7, family, strlen(family));
		} else {
			assert_memory_equal(line, family, strlen(family));
		}
	}
	assert_true(families > 15);
	free(page);
	metrics_free(metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reconciles_are_counted_by_result),
		cmocka_unit_test(test_requests_are_counted_by_verb_resource_and_code),
		cmocka_unit_test(test_gauges_are_read_off),
		cmocka_unit_test(test_the_process_is_measured),
		cmocka_unit_test(test_the_version_is_escaped),
		cmocka_unit_test(test_every_metric_has_help_and_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
