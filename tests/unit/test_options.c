#include <stdlib.h>
#include <unistd.h>

#include "unit.h"

#include "../../cmd/formation-controller/options.c"

struct fixture {
	struct options options;
	struct err err;
	char path[32]; /* of a file, when one was written */
};

static int setup(void **state)
{
	struct fixture *f = x_calloc(1, sizeof(*f));

	strcpy(f->path, "/tmp/options-XXXXXX");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	free(f);
	return 0;
}

/* Parse words separated by spaces; "FILE" stands for the file's path. */
static int parse(struct fixture *f, const char *line)
{
	char *argv[16] = { (char *)"formation-controller" };
	char *text = x_strdup(line), *rest = text;
	int argc = 1, result;

	for (char *word; (word = strsep(&rest, " ")) != NULL;) {
		if (*word)
			argv[argc++] = strcmp(word, "FILE") == 0 ? f->path : word;
	}
	options_release(&f->options);
	result = options_parse(&f->options, argc, argv, &f->err);
	free(text);
	return result;
}

static void write_config(struct fixture *f, const char *text)
{
	int fd = mkstemp(f->path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void end(struct fixture *f)
{
	options_release(&f->options);
}

static void test_without_flags_the_defaults_hold(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, ""), 0);
	assert_null(f->options.kubeconfig);
	assert_null(f->options.context);
	assert_int_equal(f->options.namespace_count, 0);
	assert_int_equal(f->options.log_level, LOG_INFO);
	assert_int_equal(f->options.log_format, LOG_FORMAT_TEXT);
	assert_string_equal(f->options.metrics_address, ":8080");
	assert_string_equal(f->options.health_address, ":8081");
	assert_int_equal(f->options.max_size_changes, 10);
	assert_false(f->options.leader_elect);
	assert_null(f->options.lease_namespace);
	assert_string_equal(f->options.lease_name, "formation-controller");
	assert_int_equal(f->options.lease_duration_s, 15);
	assert_int_equal(f->options.lease_deadline_s, 10);
	assert_int_equal(f->options.lease_retry_s, 2);
	end(f);
}

static void test_values_follow_a_flag_or_an_equals_sign(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, "--kubeconfig a --context=b --log-level debug "
				  "--log-format=json --max-size-changes 3 "
				  "--metrics-bind-address=0 --health-probe-bind-address [::1]:9"),
			 0);
	assert_string_equal(f->options.kubeconfig, "a");
	assert_string_equal(f->options.context, "b");
	assert_int_equal(f->options.log_level, LOG_DEBUG);
	assert_int_equal(f->options.log_format, LOG_FORMAT_JSON);
	assert_int_equal(f->options.max_size_changes, 3);
	assert_string_equal(f->options.metrics_address, "0");
	assert_string_equal(f->options.health_address, "[::1]:9");
	end(f);
}

static void test_leader_election_is_a_switch_with_times(void **state)
{
	struct fixture *f = *state;

	assert_ok(parse(f, "--leader-elect --leader-elect-namespace a --leader-elect-name b "
			   "--leader-elect-lease-duration 30s --leader-elect-renew-deadline=20 "
			   "--leader-elect-retry-period 5s"),
		  &f->err);
	assert_true(f->options.leader_elect);
	assert_string_equal(f->options.lease_namespace, "a");
	assert_string_equal(f->options.lease_name, "b");
	assert_int_equal(f->options.lease_duration_s, 30);
	assert_int_equal(f->options.lease_deadline_s, 20);
	assert_int_equal(f->options.lease_retry_s, 5);
	assert_ok(parse(f, "--leader-elect=false --leader-elect-lease-duration 1s"), &f->err);
	assert_false(f->options.leader_elect);
	end(f);
}

static void test_a_namespace_can_be_given_again(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, "--namespace a --namespace=b --namespace a"), 0);
	assert_int_equal(f->options.namespace_count, 2);
	assert_string_equal(f->options.namespaces[0], "a");
	assert_string_equal(f->options.namespaces[1], "b");
	assert_null(f->options.namespaces[2]);
	end(f);
}

static void test_a_wrong_command_line_is_named(void **state)
{
	static const struct {
		const char *line, *text;
	} rows[] = {
		{ "--frobnicate", "unknown flag \"--frobnicate\"" },
		{ "--context2=x", "unknown flag \"--context2=x\"" },
		{ "extra", "unexpected argument \"extra\"" },
		{ "-x", "unexpected argument \"-x\"" },
		{ "--", "unexpected argument \"--\"" },
		{ "--context", "--context needs a value" },
		{ "--context=", "--context: must not be empty" },
		{ "--version=1", "--version takes no value" },
		{ "--log-level loud", "--log-level: \"loud\" is not one of" },
		{ "--log-format xml", "--log-format: \"xml\" is not one of text, json" },
		{ "--max-size-changes 0", "--max-size-changes: \"0\" is not a number" },
		{ "--max-size-changes 1001", "\"1001\" is not a number from 1 to 1000" },
		{ "--max-size-changes 1x", "\"1x\" is not a number" },
		{ "--leader-elect=maybe", "--leader-elect: \"maybe\" is neither true nor false" },
		{ "--leader-elect-retry-period 2m", "\"2m\" is not 1s to 600s" },
		{ "--leader-elect-retry-period 0", "\"0\" is not 1s to 600s" },
		{ "--leader-elect-name A", "\"A\" is not a name" },
		{ "--leader-elect --leader-elect-lease-duration 10s",
		  "--leader-elect: the lease's duration has to be longer than the renew deadline" },
		{ "--leader-elect --leader-elect-renew-deadline 2s", "longer than 1.2 times" },
		{ "--namespace Bad_Name", "--namespace: \"Bad_Name\" is not the name" },
		{ "--namespace -a", "\"-a\" is not the name of a namespace" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(parse(f, rows[i].line), -1);
		assert_int_equal(f->err.code, ERR_INVALID);
		if (!strstr(f->err.msg, rows[i].text))
			fail_msg("%s: %s", rows[i].line, f->err.msg);
	}
	end(f);
}

static void test_every_flag_can_stand_in_the_file(void **state)
{
	struct fixture *f = *state;

	write_config(f, "kubeconfig: /a\ncontext: b\nnamespace: [c, d]\nlog-level: warn\n"
			"log-format: json\nmetrics-bind-address: 0\n"
			"health-probe-bind-address: \":9\"\nmax-size-changes: 4\n"
			"leader-elect: true\nleader-elect-retry-period: 3s\n");
	assert_ok(parse(f, "--config FILE"), &f->err);
	assert_string_equal(f->options.kubeconfig, "/a");
	assert_string_equal(f->options.context, "b");
	assert_int_equal(f->options.namespace_count, 2);
	assert_string_equal(f->options.namespaces[1], "d");
	assert_int_equal(f->options.log_level, LOG_WARN);
	assert_int_equal(f->options.log_format, LOG_FORMAT_JSON);
	assert_string_equal(f->options.metrics_address, "0");
	assert_string_equal(f->options.health_address, ":9");
	assert_int_equal(f->options.max_size_changes, 4);
	assert_true(f->options.leader_elect);
	assert_int_equal(f->options.lease_retry_s, 3);
	end(f);
}

static void test_flags_win_over_the_file(void **state)
{
	struct fixture *f = *state;

	write_config(f, "context: file\nnamespace: [c, d]\nlog-level: warn\n");
	assert_ok(parse(f, "--config FILE --context line --namespace e"), &f->err);
	assert_string_equal(f->options.context, "line");
	assert_int_equal(f->options.namespace_count, 1);
	assert_string_equal(f->options.namespaces[0], "e");
	assert_int_equal(f->options.log_level, LOG_WARN);
	end(f);
}

static void test_a_wrong_file_is_named_with_the_line(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "context: a\nfrobnicate: 1\n", ":2: frobnicate: unknown key" },
		{ "# config: x\n\"config\": x\n", ":2: config: unknown key" },
		{ "version: true\n", ":1: version: unknown key" },
		{ "log-level: loud\n", ":1: log-level: \"loud\" is not one of" },
		{ "context: [a]\n", ":1: context: must be a string or a number" },
		{ "namespace: [a, {b: c}]\n", ":1: namespace: must be a string or a number" },
		{ "max-size-changes: -1\n", ":1: max-size-changes: \"-1\" is not a number" },
		{ "- a\n", "must be a map of flags" },
		{ "a: b: c\n", ":1:" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		strcpy(f->path, "/tmp/options-XXXXXX");
		write_config(f, rows[i].text);
		assert_int_equal(parse(f, "--config FILE"), -1);
		assert_int_not_equal(f->err.code, ERR_INVALID);
		if (!strstr(f->err.msg, rows[i].says) || !strstr(f->err.msg, f->path) ||
		    strncmp(f->err.msg, "config: ", 8) != 0)
			fail_msg("%s: %s", rows[i].text, f->err.msg);
		unlink(f->path);
	}
	end(f);
}

static void test_a_missing_file_is_named(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, "--config /nowhere/at/all"), -1);
	assert_int_equal(f->err.code, ERR_NOT_FOUND);
	assert_non_null(strstr(f->err.msg, "/nowhere/at/all"));
	end(f);
}

static void test_an_empty_file_changes_nothing(void **state)
{
	struct fixture *f = *state;

	write_config(f, "# nothing here\n");
	assert_ok(parse(f, "--config FILE"), &f->err);
	assert_int_equal(f->options.max_size_changes, 10);
	end(f);
}

static void test_help_names_every_flag(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	options_help(file);
	fclose(file);
	for (size_t i = 0; i < FLAG_COUNT; i++) {
		char name[64];

		snprintf(name, sizeof(name), "\n  --%s ", FLAGS[i].name);
		assert_non_null(strstr(text, name));
	}
	free(text);
}

#define options_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		options_test(test_without_flags_the_defaults_hold),
		options_test(test_values_follow_a_flag_or_an_equals_sign),
		options_test(test_leader_election_is_a_switch_with_times),
		options_test(test_a_namespace_can_be_given_again),
		options_test(test_a_wrong_command_line_is_named),
		options_test(test_every_flag_can_stand_in_the_file),
		options_test(test_flags_win_over_the_file),
		options_test(test_a_wrong_file_is_named_with_the_line),
		options_test(test_a_missing_file_is_named),
		options_test(test_an_empty_file_changes_nothing),
		options_test(test_help_names_every_flag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
