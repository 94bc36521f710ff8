/* Exec credential plugins: real programs, run before and beside the loop. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kube/config.h"
#include "kube/credentials.h"
#include "kube/exec_run.h"
#include "unit.h"

#define V1 "client.authentication.k8s.io/v1"
#define V1BETA1 "client.authentication.k8s.io/v1beta1"

struct fixture {
	char folder[32];
	struct arena arena;
	struct kube_config_options options;
	struct kube_config *config;
	struct loop *loop;
	struct loop_timer *limit;
	struct err err;
	struct exec_credential made;
	int dones;
	int beats; /* of the loop, meanwhile */
};

static int setup(void **state)
{
	struct fixture *f = x_calloc(1, sizeof(*f));

	strcpy(f->folder, "/tmp/exec-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	assert_non_null(freopen("/dev/null", "r", stdin)); /* no terminal */
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char *command = x_asprintf("rm -rf '%s'", f->folder);

	exec_credential_release(&f->made);
	kube_config_free(f->config);
	loop_timer_free(f->limit);
	loop_free(f->loop);
	assert_int_equal(system(command), 0);
	free(command);
	arena_release(&f->arena);
	free(f);
	return 0;
}

static const char *path_of(struct fixture *f, const char *name)
{
	return arena_printf(&f->arena, "%s/%s", f->folder, name);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

/* The plugin: a shell script with these lines. */
static void plugin_does(struct fixture *f, const char *script)
{
	write_file(path_of(f, "plugin"), arena_printf(&f->arena, "#!/bin/sh\n%s\n", script), 0755);
}

/* One that answers with this status. */
static void plugin_gives(struct fixture *f, const char *status)
{
	plugin_does(f, arena_printf(&f->arena,
				    "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
				    "\",\"status\":{%s}}'",
				    status));
}

static struct kube_config *load_with(struct fixture *f, const char *cluster, const char *exec)
{
	const char *path = path_of(f, "config");

	write_file(path,
		   arena_printf(&f->arena,
				"clusters: [{name: c, cluster: {server: 'https://api:6443'%s}}]\n"
				"contexts: [{name: prod, context: {cluster: c, user: eve}}]\n"
				"current-context: prod\nusers: [{name: eve, user: {exec: {%s}}}]\n",
				cluster, exec),
		   0600);
	f->options.kubeconfig = path;
	kube_config_free(f->config);
	f->config = kube_config_load(&f->options, &f->err);
	return f->config;
}

#define PLUGIN "command: ./plugin, apiVersion: " V1 ", interactiveMode: Never"

static const struct kube_config *load(struct fixture *f)
{
	if (!load_with(f, "", PLUGIN))
		fail_msg("%s", f->err.msg);
	return f->config;
}

/* Loading has to fail with a text that has this in it, behind who is wrong. */
static void refuse(struct fixture *f, const char *exec, const char *text)
{
	const char *where = arena_printf(&f->arena, "kubeconfig %s: user \"eve\": exec",
					 path_of(f, "config"));

	assert_null(load_with(f, "", exec));
	assert_memory_equal(f->err.msg, where, strlen(where));
	if (!strstr(f->err.msg, text))
		fail_msg("\"%s\" is not in %s", text, f->err.msg);
}

/* --- what it gives ---------------------------------------------------- */

static void a_plugins_token_is_used(void **state)
{
	struct fixture *f = *state;

	plugin_gives(f, "\"token\":\"t1\"");
	assert_string_equal(load(f)->http.bearer_token, "t1");
	assert_null(f->config->http.cert_pem);
	assert_int_equal(f->config->plugin_expires_ms, 0);
	assert_non_null(f->config->plugin);
}

static void a_plugins_certificate_is_used(void **state)
{
	struct fixture *f = *state;

	plugin_gives(f, "\"clientCertificateData\":\"C\",\"clientKeyData\":\"K\","
			"\"expirationTimestamp\":\"2026-11-23T22:00:00Z\"");
	assert_string_equal(load(f)->http.cert_pem, "C");
	assert_string_equal(f->config->http.key_pem, "K");
	assert_null(f->config->http.bearer_token);
	assert_int_equal(f->config->plugin_expires_ms, 1795471200000);
}

static void the_older_version_needs_no_interactive_mode(void **state)
{
	struct fixture *f = *state;

	plugin_does(f, "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1BETA1
		       "\",\"status\":{\"token\":\"t\"}}'");
	assert_non_null(load_with(f, "", "command: ./plugin, apiVersion: " V1BETA1));
}

static void what_a_plugin_gives_wrongly_is_named(void **state)
{
	static const struct {
		const char *script, *text;
	} rows[] = {
		{ "exit 3", "plugin failed with exit status 3: see what it wrote" },
		{ "kill -9 $$", "was ended by signal 9" },
		{ "echo hello", "what it printed is no ExecCredential" },
		{ "true", "what it printed is no ExecCredential" },
		{ "echo '{\"kind\":\"Pod\",\"apiVersion\":\"" V1 "\"}'", "something that is no ExecCredential" },
		{ "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1BETA1 "\",\"status\":{\"token\":\"t\"}}'",
		  "answered with apiVersion \"" V1BETA1 "\" in place of \"" V1 "\"" },
		{ "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":{}}'",
		  "gave neither a token nor a certificate" },
		{ "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
		  "\",\"status\":{\"clientCertificateData\":\"C\"}}'",
		  "a certificate without its key" },
		{ "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
		  "\",\"status\":{\"token\":\"t\",\"expirationTimestamp\":\"soon\"}}'",
		  "expirationTimestamp that is no time" },
		{ "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
		  "\",\"status\":{\"token\":\"a\\\\nb\"}}'",
		  "its token: holds a control character" },
		{ "yes", "printed more than 1048576 bytes" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		plugin_does(f, rows[i].script);
		refuse(f, PLUGIN, rows[i].text);
	}
}

static void what_it_printed_is_never_quoted(void **state)
{
	struct fixture *f = *state;

	plugin_does(f, "echo '{\"token\": secret'");
	refuse(f, PLUGIN, "no ExecCredential");
	assert_null(strstr(f->err.msg, "secret"));
}

static void what_a_kubeconfig_says_wrongly_is_named(void **state)
{
	static const struct {
		const char *exec, *text;
	} rows[] = {
		{ "apiVersion: " V1 ", interactiveMode: Never", "has no command: add it" },
		{ "command: a", "apiVersion \"\" is neither" },
		{ "command: a, apiVersion: client.authentication.k8s.io/v1alpha1",
		  "apiVersion \"client.authentication.k8s.io/v1alpha1\" is neither" },
		{ "command: a, apiVersion: " V1, "interactiveMode has to be Never, IfAvailable or Always" },
		{ "command: a, interactiveMode: Maybe, apiVersion: " V1, "interactiveMode has to be" },
		{ "command: a, interactiveMode: Always, apiVersion: " V1, "wants to ask at a terminal" },
		{ "command: a, interactiveMode: Never, args: [1], apiVersion: " V1, "args: an element is no text" },
		{ "command: a, interactiveMode: Never, env: [{name: a}], apiVersion: " V1, "env: each element" },
		{ "command: ./none, interactiveMode: Never, apiVersion: " V1, "there is no program " },
		{ "command: no-such-program, interactiveMode: Never, installHint: brew it, apiVersion: " V1,
		  "there is no program no-such-program: brew it" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		refuse(f, rows[i].exec, rows[i].text);
}

/* --- what it gets ----------------------------------------------------- */

#define ECHO(text) \
	"printf '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":{\"token\":\"%s\"}}' \"" text "\""

static void arguments_and_variables_reach_it_without_a_shell(void **state)
{
	struct fixture *f = *state;

	plugin_does(f, ECHO("$#:$1:$2:$EXTRA:$HOME"));
	setenv("HOME", "/home/eve", 1);
	setenv("EXTRA", "ours", 1);
	assert_non_null(load_with(f, "", PLUGIN ", args: ['a b', '$(id)'], env: [{name: EXTRA, value: theirs}]"));
	assert_string_equal(f->config->http.bearer_token, "2:a b:$(id):theirs:/home/eve");
	unsetenv("EXTRA");
}

static void it_is_told_what_is_asked_for(void **state)
{
	struct fixture *f = *state;

	plugin_does(f, "echo \"$KUBERNETES_EXEC_INFO\" >$(dirname $0)/info\n" ECHO("t"));
	load(f);
	plugin_does(f, "echo \"$KUBERNETES_EXEC_INFO\" | grep -qxF '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
		       "\",\"spec\":{\"interactive\":false}}' && " ECHO("t"));
	load(f);
}

static void it_is_told_the_cluster_when_it_wants_to_know(void **state)
{
	struct fixture *f = *state;
	const char *cluster = ", tls-server-name: k8s, proxy-url: 'http://p:1', certificate-authority-data: Q0E=, "
			      "extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: x}}]";

	plugin_does(f, "echo \"$KUBERNETES_EXEC_INFO\" | grep -qF '\"cluster\":{\"server\":\"https://api:6443\","
		       "\"tls-server-name\":\"k8s\",\"certificate-authority-data\":\"Q0E=\",\"proxy-url\":"
		       "\"http://p:1\",\"config\":{\"audience\":\"x\"}}' && " ECHO("t"));
	if (!load_with(f, cluster, PLUGIN ", provideClusterInfo: true"))
		fail_msg("%s", f->err.msg);
	assert_null(load_with(f, cluster, PLUGIN));
}

static void it_gets_no_descriptor_of_ours(void **state)
{
	struct fixture *f = *state;
	int fd = dup2(STDERR_FILENO, 77);

	/* 0, 1, 2, the script itself and the folder that is listed */
	plugin_does(f, "n=$(ls /proc/$$/fd | wc -l); " ECHO("$n"));
	assert_true(atoi(load(f)->http.bearer_token) <= 5);
	plugin_does(f, "test ! -e /proc/$$/fd/77 && " ECHO("t"));
	load(f);
	close(fd);
}

/* --- beside the loop -------------------------------------------------- */

static void on_limit(void *arg)
{
	(void)arg;
	fail_msg("not within 20 s");
}

static void beat(void *arg)
{
	struct fixture *f = arg;

	f->beats++;
	loop_stop(f->loop);
}

static void run_loop(struct fixture *f)
{
	assert_ok(loop_run(f->loop, &f->err), &f->err);
}

static void on_done(void *arg, struct exec_credential *made, const struct err *err)
{
	struct fixture *f = arg;

	f->dones++;
	f->err = *err;
	if (made)
		f->made = *made;
	loop_stop(f->loop);
}

static struct exec_run *start(struct fixture *f)
{
	f->loop = loop_new(clock_system(), &f->err);
	f->limit = loop_timer_new(f->loop, on_limit, f);
	loop_timer_start(f->limit, 20000);
	return exec_run_start(f->loop, f->config->plugin, on_done, f);
}

static void the_loop_goes_on_while_it_runs(void **state)
{
	struct fixture *f = *state;
	const char *gate = path_of(f, "gate");
	struct loop_timer *timer;

	plugin_gives(f, "\"token\":\"t1\"");
	load(f);
	plugin_does(f, "read line <$(dirname $0)/gate; " ECHO("$line"));
	assert_int_equal(mkfifo(gate, 0600), 0);
	start(f);
	timer = loop_timer_new(f->loop, beat, f);
	loop_timer_start(timer, 5);
	run_loop(f);
	assert_int_equal(f->beats, 1);
	assert_int_equal(f->dones, 0);
	write_file(gate, "late\n", 0600); /* waits for the plugin to read it */
	run_loop(f);
	assert_int_equal(f->dones, 1);
	assert_string_equal(f->made.token, "late");
	loop_timer_free(timer);
}

static void a_failure_comes_by_the_callback(void **state)
{
	struct fixture *f = *state;

	plugin_gives(f, "\"token\":\"t1\"");
	load(f);
	plugin_does(f, "exit 7");
	start(f);
	assert_int_equal(f->dones, 0);
	run_loop(f);
	assert_int_equal(f->err.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(f->err.msg, "exit status 7"));
}

static void a_program_that_is_gone_comes_by_the_callback(void **state)
{
	struct fixture *f = *state;

	plugin_gives(f, "\"token\":\"t1\"");
	load(f);
	unlink(path_of(f, "plugin"));
	start(f);
	assert_int_equal(f->dones, 0);
	run_loop(f);
	assert_int_equal(f->err.code, ERR_NOT_FOUND);
}

static void cancelling_kills_it(void **state)
{
	struct fixture *f = *state;
	const char *gate = path_of(f, "gate");
	FILE *file;

	plugin_gives(f, "\"token\":\"t1\"");
	load(f);
	assert_int_equal(mkfifo(gate, 0600), 0);
	plugin_does(f, arena_printf(&f->arena, "exec 4>%s; echo here >&4; sleep 600 & wait", gate));
	struct exec_run *run = start(f);
	file = fopen(gate, "r");
	assert_int_equal(fgetc(file), 'h');
	exec_run_cancel(run);
	while (fgetc(file) != EOF) /* ends when nobody has the other end: it and its child are dead */
		;
	fclose(file);
	assert_int_equal(f->dones, 0);
}

#define exec_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		exec_test(a_plugins_token_is_used),
		exec_test(a_plugins_certificate_is_used),
		exec_test(the_older_version_needs_no_interactive_mode),
		exec_test(what_a_plugin_gives_wrongly_is_named),
		exec_test(what_it_printed_is_never_quoted),
		exec_test(what_a_kubeconfig_says_wrongly_is_named),
		exec_test(arguments_and_variables_reach_it_without_a_shell),
		exec_test(it_is_told_what_is_asked_for),
		exec_test(it_is_told_the_cluster_when_it_wants_to_know),
		exec_test(it_gets_no_descriptor_of_ours),
		exec_test(the_loop_goes_on_while_it_runs),
		exec_test(a_failure_comes_by_the_callback),
		exec_test(a_program_that_is_gone_comes_by_the_callback),
		exec_test(cancelling_kills_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
