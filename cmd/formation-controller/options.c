#include "options.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/yaml.h"
#include "kube/lease.h"

enum { LONGEST_LEASE_S = 600 };

struct flag;

/* Set from text. Returns -1 with the reason, without the flag's name. */
typedef int set_fn(struct options *options, const struct flag *flag, const char *text,
		   struct err *err);

struct flag {
	const char *name;
	const char *value; /* what stands for its value in the help; NULL: it takes none */
	const char *help;
	set_fn *set;
	size_t offset;     /* of the member, for setters that many share */
	bool cli_only;     /* can't stand in the file */
};

static const struct flag FLAGS[];
static const size_t FLAG_COUNT;

/* Bit i: FLAGS[i] was set. */
typedef uint32_t flag_mask;

/* --- values -------------------------------------------------------- */

static void *member(struct options *options, const struct flag *flag)
{
	return (char *)options + flag->offset;
}

static int set_text(struct options *options, const struct flag *flag, const char *text,
		    struct err *err)
{
	if (!*text)
		return err_set(err, ERR_INVALID, "must not be empty");
	*(const char **)member(options, flag) = arena_strdup(&options->arena, text);
	return 0;
}

static int set_true(struct options *options, const struct flag *flag, const char *text,
		    struct err *err)
{
	(void)text;
	(void)err;
	*(bool *)member(options, flag) = true;
	return 0;
}

/* A word of its own, or =true and =false; text is NULL for the former. */
static int set_bool(struct options *options, const struct flag *flag, const char *text,
		    struct err *err)
{
	if (text && strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return err_set(err, ERR_INVALID, "\"%s\" is neither true nor false", text);
	*(bool *)member(options, flag) = !text || strcmp(text, "true") == 0;
	return 0;
}

static int set_level(struct options *options, const struct flag *flag, const char *text,
		     struct err *err)
{
	int level = log_level_parse(text);

	(void)flag;
	if (level < 0)
		return err_set(err, ERR_INVALID, "\"%s\" is not one of error, warn, info, debug",
			       text);
	options->log_level = level;
	return 0;
}

static int set_format(struct options *options, const struct flag *flag, const char *text,
		      struct err *err)
{
	int format = log_format_parse(text);

	(void)flag;
	if (format < 0)
		return err_set(err, ERR_INVALID, "\"%s\" is not one of text, json", text);
	options->log_format = format;
	return 0;
}

static int set_count(struct options *options, const struct flag *flag, const char *text,
		     struct err *err)
{
	char *end;
	long count;

	errno = 0;
	count = strtol(text, &end, 10);
	if (errno || end == text || *end || count < 1 || count > 1000)
		return err_set(err, ERR_INVALID, "\"%s\" is not a number from 1 to 1000", text);
	*(int *)member(options, flag) = (int)count;
	return 0;
}

/* "15s", or "15". */
static int set_seconds(struct options *options, const struct flag *flag, const char *text,
		       struct err *err)
{
	char *end;
	long seconds;

	errno = 0;
	seconds = strtol(text, &end, 10);
	if (errno || end == text || (*end && strcmp(end, "s") != 0) || seconds < 1 ||
	    seconds > LONGEST_LEASE_S)
		return err_set(err, ERR_INVALID, "\"%s\" is not 1s to %ds", text, LONGEST_LEASE_S);
	*(int *)member(options, flag) = (int)seconds;
	return 0;
}

/* A name as the API server takes it for a namespace: a DNS label. */
static bool is_label(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t len = strlen(text);

	return len > 0 && len <= 63 && strchr(letters, text[0]) && strchr(letters, text[len - 1]) &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static int set_label(struct options *options, const struct flag *flag, const char *text,
		     struct err *err)
{
	if (!is_label(text))
		return err_set(err, ERR_INVALID, "\"%s\" is not a name of lower-case letters, digits and -",
			       text);
	return set_text(options, flag, text, err);
}

static int add_namespace(struct options *options, const struct flag *flag, const char *text,
			 struct err *err)
{
	const char **grown;

	(void)flag;
	if (!is_label(text))
		return err_set(err, ERR_INVALID, "\"%s\" is not the name of a namespace", text);
	for (size_t i = 0; i < options->namespace_count; i++) {
		if (strcmp(options->namespaces[i], text) == 0)
			return 0;
	}
	grown = arena_array(&options->arena, const char *, options->namespace_count + 2);
	if (options->namespace_count)
		memcpy(grown, options->namespaces, options->namespace_count * sizeof(*grown));
	grown[options->namespace_count++] = arena_strdup(&options->arena, text);
	options->namespaces = grown;
	return 0;
}

static const struct flag FLAGS[] = {
	{"kubeconfig", "FILE", "kubeconfig to use; default: $KUBECONFIG, in-cluster, ~/.kube/config",
	 set_text, offsetof(struct options, kubeconfig), false},
	{"context", "NAME", "context of the kubeconfig; default: its current context", set_text,
	 offsetof(struct options, context), false},
	{"namespace", "NAME", "watch this namespace only; can be given again for more; default: all",
	 add_namespace, 0, false},
	{"config", "FILE", "YAML file in which every flag can stand under its name", set_text,
	 offsetof(struct options, config), true},
	{"log-level", "LEVEL", "error, warn, info or debug; default: info", set_level, 0, false},
	{"log-format", "FORMAT", "text or json; default: text", set_format, 0, false},
	{"metrics-bind-address", "ADDRESS", "where /metrics is; \"0\" for nowhere; default: :8080",
	 set_text, offsetof(struct options, metrics_address), false},
	{"health-probe-bind-address", "ADDRESS",
	 "where /healthz and /readyz are; \"0\" for nowhere; default: :8081", set_text,
	 offsetof(struct options, health_address), false},
	{"max-size-changes", "N",
	 "Formations that follow a changed DynoSize at a time, 1 to 1000; default: 10", set_count,
	 offsetof(struct options, max_size_changes), false},
	{"watch-list", NULL,
	 "ask for lists as streams where the server can; =false: by pages; default: true", set_bool,
	 offsetof(struct options, watch_list), false},
	{"leader-elect", NULL,
	 "only who holds a Lease writes, so that several can run; default: false", set_bool,
	 offsetof(struct options, leader_elect), false},
	{"leader-elect-namespace", "NAME", "of the Lease; default: the controller's own", set_label,
	 offsetof(struct options, lease_namespace), false},
	{"leader-elect-name", "NAME", "of the Lease; default: formation-controller", set_label,
	 offsetof(struct options, lease_name), false},
	{"leader-elect-lease-duration", "TIME",
	 "after which others take an unrenewed Lease over; default: 15s", set_seconds,
	 offsetof(struct options, lease_duration_s), false},
	{"leader-elect-renew-deadline", "TIME",
	 "after which a leader that cannot renew stops; default: 10s", set_seconds,
	 offsetof(struct options, lease_deadline_s), false},
	{"leader-elect-retry-period", "TIME", "between two renewals or looks; default: 2s",
	 set_seconds, offsetof(struct options, lease_retry_s), false},
	{"version", NULL, "print the version and exit", set_true,
	 offsetof(struct options, version), true},
	{"help", NULL, "print this text and exit", set_true, offsetof(struct options, help), true},
};

static const size_t FLAG_COUNT = sizeof(FLAGS) / sizeof(FLAGS[0]);

/* The flag whose name is the first `len` bytes of `name`, or NULL. */
static const struct flag *find_flag(const char *name, size_t len)
{
	for (size_t i = 0; i < FLAG_COUNT; i++) {
		if (strlen(FLAGS[i].name) == len && strncmp(FLAGS[i].name, name, len) == 0)
			return &FLAGS[i];
	}
	return NULL;
}

static flag_mask bit_of(const struct flag *flag)
{
	return (flag_mask)1 << (flag - FLAGS);
}

/* --- the command line ---------------------------------------------- */

/* Read the flag at argv[*index], and its value, which may be the next word. */
static int parse_word(struct options *options, int argc, char *const *argv, int *index,
		      flag_mask *given, struct err *err)
{
	const char *word = argv[*index];
	const char *name = word + 2, *equals, *value = NULL;
	const struct flag *flag;

	if (strcmp(word, "-h") == 0)
		name = "help";
	else if (strncmp(word, "--", 2) != 0 || !*name)
		return err_set(err, ERR_INVALID, "unexpected argument \"%s\"", word);
	equals = strchr(name, '=');
	flag = find_flag(name, equals ? (size_t)(equals - name) : strlen(name));
	if (!flag)
		return err_set(err, ERR_INVALID, "unknown flag \"%s\"", word);
	if (!flag->value && equals && flag->set != set_bool)
		return err_set(err, ERR_INVALID, "--%s takes no value", flag->name);
	if (equals)
		value = equals + 1;
	else if (flag->value && *index + 1 < argc)
		value = argv[++*index];
	if (flag->value && !value)
		return err_set(err, ERR_INVALID, "--%s needs a value", flag->name);
	*given |= bit_of(flag);
	if (flag->set(options, flag, value, err) != 0)
		return err_wrap(err, "--%s", flag->name);
	return 0;
}

/* --- the file ------------------------------------------------------ */

/* The line of the top-level key, or 0 when it can't be told. */
static int line_of(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0, len = strlen(key);
	int number = 0, found = 0;

	while (file && !found && getline(&text, &size, file) >= 0) {
		const char *at = text + strspn(text, "\"'");

		number++;
		if (strncmp(at, key, len) == 0 && (at[len] == ':' || at[len] == at[-1]))
			found = number;
	}
	free(text);
	if (file)
		fclose(file);
	return found;
}

/* Put "config: FILE:LINE: KEY" in front; the code says that the file is wrong. */
static int wrong_entry(const char *path, const char *key, struct err *err)
{
	int line = line_of(path, key);

	err->code = ERR_PARSE;
	if (line)
		return err_wrap(err, "config: %s:%d: %s", path, line, key);
	return err_wrap(err, "config: %s: %s", path, key);
}

static int set_scalar(struct options *options, const struct flag *flag, const struct json *value,
		      struct err *err)
{
	if (flag->set == set_bool && value->type == JSON_BOOL)
		return set_bool(options, flag, value->boolean ? "true" : "false", err);
	if (flag->set == set_bool)
		return err_set(err, ERR_INVALID, "must be true or false");
	if (value->type != JSON_STRING && value->type != JSON_NUMBER)
		return err_set(err, ERR_INVALID, "must be a string or a number");
	return flag->set(options, flag, value->text, err);
}

static int set_entry(struct options *options, const struct json *entry, flag_mask given,
		     struct err *err)
{
	const struct flag *flag = find_flag(entry->key, strlen(entry->key));

	if (!flag || flag->cli_only)
		return err_set(err, ERR_INVALID, "unknown key");
	if (given & bit_of(flag))
		return 0;
	if (flag->set != add_namespace || entry->type != JSON_ARRAY)
		return set_scalar(options, flag, entry, err);
	json_for_each (item, entry) {
		if (set_scalar(options, flag, item, err) != 0)
			return -1;
	}
	return 0;
}

static int read_config(struct options *options, flag_mask given, struct err *err)
{
	struct json *root;

	if (yml_parse_file(&options->arena, options->config, &root, err) != 0) {
		if (err->code == ERR_INVALID)
			err->code = ERR_PARSE;
		return err_wrap(err, "config");
	}
	if (root->type == JSON_NULL)
		return 0;
	if (root->type != JSON_OBJECT)
		return err_set(err, ERR_PARSE, "config: %s: must be a map of flags",
			       options->config);
	json_for_each (entry, root) {
		if (set_entry(options, entry, given, err) != 0)
			return wrong_entry(options->config, entry->key, err);
	}
	return 0;
}

/* --- all of it ----------------------------------------------------- */

int options_parse(struct options *options, int argc, char *const *argv, struct err *err)
{
	flag_mask given = 0;

	*options = (struct options){
		.log_level = LOG_INFO,
		.log_format = LOG_FORMAT_TEXT,
		.metrics_address = ":8080",
		.health_address = ":8081",
		.watch_list = true,
		.max_size_changes = 10,
		.lease_name = "formation-controller",
		.lease_duration_s = 15,
		.lease_deadline_s = 10,
		.lease_retry_s = 2,
	};
	arena_init(&options->arena);
	for (int i = 1; i < argc; i++) {
		if (parse_word(options, argc, argv, &i, &given, err) != 0)
			return -1;
	}
	if (options->config && !options->help && !options->version &&
	    read_config(options, given, err) != 0)
		return -1;
	if (options->leader_elect &&
	    lease_check_times(options->lease_duration_s, options->lease_deadline_s,
			      options->lease_retry_s, err) != 0)
		return err_wrap(err, "--leader-elect");
	return 0;
}

void options_release(struct options *options)
{
	arena_release(&options->arena);
}

void options_help(FILE *file)
{
	fputs("Usage: formation-controller [FLAGS]\n\n"
	      "Makes the Deployments, Services and PodDisruptionBudgets that Formations\n"
	      "describe, and reports back how they run.\n\n",
	      file);
	for (size_t i = 0; i < FLAG_COUNT; i++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s %s", FLAGS[i].name,
			 FLAGS[i].value ? FLAGS[i].value : "");
		fprintf(file, "  %-36s%s\n", left, FLAGS[i].help);
	}
}
