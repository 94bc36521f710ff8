/* The controller as a program: options, wiring, signals, exit codes. */
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "controller/manager.h"
#include "kube/config.h"
#include "kube/exec_source.h"
#include "kube/lease.h"
#include "kube/prng.h"
#include "kube/probe.h"
#include "kube/rotation.h"
#include "options.h"

enum { EXIT_USAGE = 2 };

/* Everything that lives as long as the program. Freed in reverse order. */
struct program {
	struct options options;
	struct kube_config *config;
	struct loop *loop;
	struct http_client *http;
	struct credentials *credentials;
	struct exec_source *plugin; /* or NULL */
	struct rotation *rotation;  /* or NULL */
	struct manager *manager;
	struct probe *probe; /* NULL: renewals of the lease are probes enough */
	struct lease *lease; /* NULL: there is one controller only */
	bool lost;           /* the lease: this is not the one that may write */
	struct loop_signal *terminate;
	struct loop_signal *interrupt;
};

/* No core dumps, no tracing by others, no new privileges: tokens are in memory. */
static void harden(void)
{
	const struct rlimit none = {0, 0};

#ifndef __SANITIZE_ADDRESS__ /* whose leak check traces the process */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &none);
	signal(SIGPIPE, SIG_IGN);
}

/* One thread needs one arena; large blocks go back to the kernel at once. */
static void tune_memory(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 256 * 1024);
	mallopt(M_TRIM_THRESHOLD, 256 * 1024);
}

static void on_synced(void *arg)
{
	(void)arg;
	malloc_trim(0);
}

static void on_end(void *arg)
{
	struct program *program = arg;

	loop_stop(program->loop);
}

/* A write that may still arrive forbids to let another one begin at once. */
static void on_stopped(void *arg)
{
	struct program *program = arg;

	if (program->lease && manager_is_idle(program->manager))
		lease_release(program->lease);
	else
		loop_stop(program->loop);
}

/* --- leading ------------------------------------------------------- */

static void on_leading(void *arg)
{
	struct program *program = arg;

	manager_lead(program->manager);
}

/* What is under way is given up, and so is what is known: a new process begins anew. */
static void on_lost(void *arg)
{
	struct program *program = arg;

	program->lost = true;
	loop_stop(program->loop);
}

static bool may_write(void *arg)
{
	return lease_may_write(arg);
}

static void on_signal(void *arg)
{
	struct program *program = arg;

	log_info("manager", "stopping");
	manager_stop(program->manager);
}

static void on_token(void *arg, const char *token)
{
	http_client_set_token(arg, token);
}

static int on_identity(void *arg, const struct tls_identity *identity, struct err *err)
{
	return http_client_set_identity(arg, identity, err);
}

/* --- connecting ---------------------------------------------------- */

static const char *user_agent(struct arena *arena)
{
	struct utsname machine;

	if (uname(&machine) != 0)
		return "formation-controller/" FORMATION_VERSION;
	return arena_printf(arena, "formation-controller/%s (linux/%s)", FORMATION_VERSION,
			    machine.machine);
}

/* Load the kubeconfig and make the client. */
static int connect_api(struct program *program, struct err *err)
{
	struct options *options = &program->options;
	struct kube_config_options wanted = {
		.kubeconfig = options->kubeconfig,
		.context = options->context,
		.user_agent = user_agent(&options->arena),
	};

	program->config = kube_config_load(&wanted, err);
	if (!program->config)
		return -1;
	program->http = kube_config_connect(program->config, program->loop, err);
	if (!program->http)
		return -1;
	program->credentials =
		credentials_new(program->loop, program->config->token_file,
				program->config->http.bearer_token, on_token, program->http);
	program->plugin = exec_source_new(program->loop, program->config, program->http,
					  program->credentials);
	program->rotation =
		rotation_new(program->loop, program->config, on_identity, program->http);
	log_info("manager", "formation-controller %s: API server %s, context %s of %s",
		 FORMATION_VERSION, program->config->http.server, program->config->context,
		 program->config->source);
	return 0;
}

/* The pod's name where the downward API gives it, else the host's. */
static const char *instance_name(struct arena *arena)
{
	const char *pod = getenv("POD_NAME");
	char host[256];

	if (pod && *pod)
		return pod;
	if (gethostname(host, sizeof(host)) != 0)
		return "formation-controller";
	host[sizeof(host) - 1] = '\0';
	return arena_strdup(arena, host);
}

static const char *address_or_none(const char *address)
{
	return strcmp(address, "0") == 0 ? NULL : address;
}

static int make_manager(struct program *program, struct err *err)
{
	struct options *options = &program->options;
	const struct manager_config config = {
		.namespaces = options->namespaces,
		.metrics_address = address_or_none(options->metrics_address),
		.health_address = address_or_none(options->health_address),
		.max_size_changes = (size_t)options->max_size_changes,
		.version = FORMATION_VERSION,
		.instance = instance_name(&options->arena),
		.stream_lists = options->watch_list,
		.standby = options->leader_elect,
		.credentials = program->credentials,
		.synced = on_synced,
		.stopped = on_stopped,
		.arg = program,
	};

	program->manager = manager_new(program->loop, http_client_transport(program->http),
				       &config, err);
	if (!program->manager)
		return -1;
	log_info("manager", "metrics on port %d, health probes on port %d",
		 manager_metrics_port(program->manager), manager_health_port(program->manager));
	return 0;
}

/* Names this process among all that ever want the lease. */
static const char *identity(struct arena *arena)
{
	struct prng prng;

	prng_init(&prng);
	return arena_printf(arena, "%s_%016" PRIx64, instance_name(arena), prng_next(&prng));
}

static void make_lease(struct program *program)
{
	struct options *options = &program->options;
	const char *ns = options->lease_namespace;
	const struct lease_config config = {
		.loop = program->loop,
		.clock = clock_system(),
		.transport = http_client_transport(program->http),
		.credentials = program->credentials,
		.ns = ns ? ns : program->config->ns,
		.name = options->lease_name,
		.identity = identity(&options->arena),
		.duration_ms = options->lease_duration_s * 1000LL,
		.deadline_ms = options->lease_deadline_s * 1000LL,
		.retry_ms = options->lease_retry_s * 1000LL,
		.leading = on_leading,
		.lost = on_lost,
		.released = on_end,
		.arg = program,
	};

	program->lease = lease_new(&config);
	http_client_set_gate(program->http, may_write, program->lease);
	lease_start(program->lease);
}

/* --- life ---------------------------------------------------------- */

static int run(struct program *program, struct err *err)
{
	program->loop = loop_new(clock_system(), err);
	if (!program->loop || connect_api(program, err) != 0 || make_manager(program, err) != 0)
		return -1;
	program->terminate = loop_signal_new(program->loop, SIGTERM, on_signal, program);
	program->interrupt = loop_signal_new(program->loop, SIGINT, on_signal, program);
	manager_start(program->manager);
	if (program->options.leader_elect)
		make_lease(program);
	else
		program->probe = probe_new(program->loop, http_client_transport(program->http));
	if (loop_run(program->loop, err) != 0)
		return -1;
	if (program->lost)
		return err_set(err, ERR_CONFLICT, "ending: the lease was lost");
	return 0;
}

static void release(struct program *program)
{
	loop_signal_free(program->interrupt);
	loop_signal_free(program->terminate);
	manager_free(program->manager);
	lease_free(program->lease);
	probe_free(program->probe);
	rotation_free(program->rotation);
	exec_source_free(program->plugin);
	credentials_free(program->credentials);
	http_client_free(program->http);
	loop_free(program->loop);
	if (program->config)
		kube_config_free(program->config);
	options_release(&program->options);
}

/* Read the options and answer those that only print. Returns the exit code, or -1 to go on. */
static int begin(struct options *options, int argc, char **argv)
{
	struct err err = ERR_INIT;

	if (options_parse(options, argc, argv, &err) != 0) {
		fprintf(stderr, "formation-controller: %s\n", err.msg);
		if (err.code != ERR_INVALID)
			return EXIT_FAILURE;
		fputc('\n', stderr);
		options_help(stderr);
		return EXIT_USAGE;
	}
	if (options->help) {
		options_help(stdout);
		return EXIT_SUCCESS;
	}
	if (options->version) {
		puts("formation-controller " FORMATION_VERSION);
		return EXIT_SUCCESS;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct program program = {0};
	struct err err = ERR_INIT;
	int status;

	harden();
	tune_memory();
	status = begin(&program.options, argc, argv);
	if (status >= 0) {
		options_release(&program.options);
		return status;
	}
	log_setup((enum log_level)program.options.log_level,
		  (enum log_format)program.options.log_format, STDERR_FILENO);
	status = EXIT_SUCCESS;
	if (run(&program, &err) != 0) {
		log_error("manager", "%s", err.msg);
		status = EXIT_FAILURE;
	}
	release(&program);
	return status;
}
