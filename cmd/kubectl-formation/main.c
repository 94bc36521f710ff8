/* kubectl-formation: Heroku's commands, on any cluster. */
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli.h"
#include "session.h"

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; VERBS[i]; i++) {
		if (strcmp(VERBS[i]->name, name) == 0 ||
		    (VERBS[i]->alias && strcmp(VERBS[i]->alias, name) == 0))
			return VERBS[i];
	}
	return NULL;
}

int cli_usage(struct err *err, const char *fmt, ...)
{
	char text[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(err, ERR_INVALID, "%s", text);
	return EXIT_USAGE;
}

void cli_complain(const char *fmt, ...)
{
	char text[2 * ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *at = text; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = ' ';
	}
	fprintf(stderr, "kubectl-formation: %s\n", text);
}

struct session *cli_session(struct cli *cli, struct err *err)
{
	if (!cli->session)
		cli->session = session_new(&cli->options, err);
	return cli->session;
}

/* --- running a verb ------------------------------------------------ */

static int wrong_line(const struct verb *verb, const struct err *err)
{
	cli_complain("%s: see `kubectl formation %s%s-h`", err->msg, verb ? verb->name : "",
		     verb ? " " : "");
	return EXIT_USAGE;
}

/* The verb, when the words begin with one; sets *ret_used to the words before and with it. */
static const struct verb *choose(struct cli *cli, int argc, char **argv, int *ret_used,
				 struct err *err)
{
	const struct verb *verb;
	int used = options_parse(&cli->options, NULL, argc, argv, true, cli->args, NULL, err);

	if (used < 0)
		return NULL;
	*ret_used = used + 1;
	if (used >= argc || strcmp(argv[used], "help") == 0) {
		if (used + 1 < argc) {
			cli->options.help = true;
			*ret_used = used + 2;
			verb = verb_find(argv[used + 1]);
			if (!verb)
				err_set(err, ERR_INVALID, "there is no verb \"%s\"", argv[used + 1]);
			return verb;
		}
		cli->options.help = cli->options.help || used < argc;
		return NULL;
	}
	verb = verb_find(argv[used]);
	if (!verb)
		err_set(err, ERR_INVALID, "there is no verb \"%s\"", argv[used]);
	return verb;
}

static int run_verb(struct cli *cli, const struct verb *verb, int argc, char **argv)
{
	struct err err = ERR_INIT;
	int status;

	if (options_parse(&cli->options, verb->flags, argc, argv, false, cli->args,
			  &cli->arg_count, &err) < 0)
		return wrong_line(verb, &err);
	output_init(&cli->out, cli->options.no_color);
	log_setup(cli->options.verbosity >= 6 ? LOG_DEBUG : LOG_ERROR, LOG_FORMAT_TEXT,
		  STDERR_FILENO);
	if (cli->options.help) {
		help_print(&cli->out, verb);
		return EXIT_DONE;
	}
	status = verb->run(cli, &err);
	output_flush(&cli->out);
	if (status == EXIT_USAGE && err.code != ERR_NONE)
		return wrong_line(verb, &err);
	if (status != EXIT_DONE && err.code != ERR_NONE) {
		if (cli->session)
			session_explain(cli->session, &err);
		cli_complain("%s", err.msg);
	}
	return status;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct err err = ERR_INIT;
	int used = 0;
	const struct verb *verb = choose(cli, argc, argv, &used, &err);

	if (verb)
		return run_verb(cli, verb, argc - used, argv + used);
	if (err.code != ERR_NONE)
		return wrong_line(NULL, &err);
	output_init(&cli->out, cli->options.no_color);
	help_print(&cli->out, NULL);
	return cli->options.help ? EXIT_DONE : EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct cli cli = {0};
	int status;

	signal(SIGPIPE, SIG_IGN);
	mallopt(M_ARENA_MAX, 1);
	options_init(&cli.options);
	cli.args = arena_array(&cli.arena, char *, (size_t)argc + 1);
	status = run(&cli, argc - 1, argv + 1);
	session_free(cli.session);
	output_release(&cli.out);
	arena_release(&cli.arena);
	return status;
}
