#include "options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

const struct flag FLAGS_EVERYWHERE[] = {
	{"namespace", 'n', FLAG_TEXT, offsetof(struct options, ns), "NAME", "namespace to use"},
	{"app", 'a', FLAG_TEXT, offsetof(struct options, app), "NAME",
	 "the Formation; may be left out where there is one only"},
	{"context", 0, FLAG_TEXT, offsetof(struct options, context), "NAME",
	 "context of the kubeconfig"},
	{"cluster", 0, FLAG_TEXT, offsetof(struct options, cluster), "NAME",
	 "cluster of the kubeconfig"},
	{"user", 0, FLAG_TEXT, offsetof(struct options, user), "NAME", "user of the kubeconfig"},
	{"kubeconfig", 0, FLAG_TEXT, offsetof(struct options, kubeconfig), "FILE",
	 "kubeconfig to use"},
	{"as", 0, FLAG_TEXT, offsetof(struct options, as), "USER", "act as this user"},
	{"as-group", 0, FLAG_TEXT, offsetof(struct options, as_group), "GROUP",
	 "act as in this group"},
	{"as-uid", 0, FLAG_TEXT, offsetof(struct options, as_uid), "UID", "act with this uid"},
	{"request-timeout", 0, FLAG_DURATION, offsetof(struct options, request_timeout_ms),
	 "DURATION", "longest wait for one answer, such as 10s"},
	{"v", 'v', FLAG_COUNT, offsetof(struct options, verbosity), "LEVEL",
	 "6 and more: log requests on standard error"},
	{"no-color", 0, FLAG_BOOL, offsetof(struct options, no_color), NULL,
	 "no colours; so does NO_COLOR in the environment"},
	{"help", 'h', FLAG_BOOL, offsetof(struct options, help), NULL, "this help"},
	{0},
};

void options_init(struct options *options)
{
	*options = (struct options){.tail = -1};
}

/* --- values -------------------------------------------------------- */

int duration_parse(const char *text, int64_t *ret_ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} UNITS[] = {{"ms", 1}, {"h", 3600000}, {"m", 60000}, {"s", 1000}};
	int64_t total_ms = 0;

	if (!*text)
		return -1;
	while (*text) {
		size_t digits = strspn(text, "0123456789"), unit = 0;
		int64_t number = strtoll(text, NULL, 10);

		if (digits == 0 || digits > 9)
			return -1;
		text += digits;
		if (!*text && total_ms == 0) { /* plain seconds */
			*ret_ms = number * 1000;
			return 0;
		}
		while (unit < 4 && strncmp(text, UNITS[unit].unit, strlen(UNITS[unit].unit)) != 0)
			unit++;
		if (unit == 4)
			return -1;
		total_ms += number * UNITS[unit].ms;
		text += strlen(UNITS[unit].unit);
	}
	*ret_ms = total_ms;
	return 0;
}

static int set_bool(bool *value, const char *text, struct err *err)
{
	if (!text || strcmp(text, "true") == 0)
		*value = true;
	else if (strcmp(text, "false") == 0)
		*value = false;
	else
		return err_set(err, ERR_INVALID, "\"%s\" is neither true nor false", text);
	return 0;
}

static int set_count(int *value, const char *text, struct err *err)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno || end == text || *end || number < -1 || number > INT_MAX)
		return err_set(err, ERR_INVALID, "\"%s\" is not a number", text);
	*value = (int)number;
	return 0;
}

static int set_format(enum output_format *format, const char *text, struct err *err)
{
	static const char *const NAMES[] = {[FORMAT_WIDE] = "wide",
					    [FORMAT_NAME] = "name",
					    [FORMAT_JSON] = "json",
					    [FORMAT_YAML] = "yaml"};

	for (size_t i = FORMAT_WIDE; i < sizeof(NAMES) / sizeof(*NAMES); i++) {
		if (strcmp(NAMES[i], text) == 0) {
			*format = (enum output_format)i;
			return 0;
		}
	}
	return err_set(err, ERR_INVALID, "\"%s\" is not one of json, yaml, name, wide", text);
}

static int set_dry_run(enum dry_run *dry_run, const char *text, struct err *err)
{
	if (!text || strcmp(text, "client") == 0)
		*dry_run = DRY_RUN_CLIENT;
	else if (strcmp(text, "server") == 0)
		*dry_run = DRY_RUN_SERVER;
	else if (strcmp(text, "none") == 0)
		*dry_run = DRY_RUN_NONE;
	else
		return err_set(err, ERR_INVALID, "\"%s\" is not one of client, server, none", text);
	return 0;
}

static int set_value(struct options *options, const struct flag *flag, const char *text,
		     struct err *err)
{
	void *member = (char *)options + flag->offset;

	switch (flag->kind) {
	case FLAG_TEXT:
		if (!*text)
			return err_set(err, ERR_INVALID, "must not be empty");
		*(const char **)member = text;
		return 0;
	case FLAG_BOOL:
		return set_bool(member, text, err);
	case FLAG_COUNT:
		return set_count(member, text, err);
	case FLAG_DURATION:
		if (duration_parse(text, member) == 0)
			return 0;
		return err_set(err, ERR_INVALID, "\"%s\" is no duration such as 90s or 1h30m", text);
	case FLAG_FORMAT:
		return set_format(member, text, err);
	case FLAG_DRY_RUN:
		return set_dry_run(member, text, err);
	}
	return 0;
}

/* --- words --------------------------------------------------------- */

static bool is_named(const struct flag *flag, const char *name, size_t len)
{
	return strlen(flag->name) == len && strncmp(flag->name, name, len) == 0;
}

/* By name (len > 0) or by letter. */
static const struct flag *find_in(const struct flag *flags, const char *name, size_t len)
{
	for (; flags && flags->name; flags++) {
		if (len ? is_named(flags, name, len) : flags->letter == *name)
			return flags;
	}
	return NULL;
}

static const struct flag *find_flag(const struct flag *own, const char *name, size_t len)
{
	const struct flag *flag = find_in(own, name, len);

	return flag ? flag : find_in(FLAGS_EVERYWHERE, name, len);
}

/* Whether it has a value of its own or in the next word. */
static bool needs_value(const struct flag *flag)
{
	return flag->kind != FLAG_BOOL && flag->kind != FLAG_DRY_RUN;
}

/* --name, --name=value, --name value. Returns the words it took, or -1. */
static int parse_long(struct options *options, const struct flag *own, char **argv, int argc,
		      struct err *err)
{
	const char *name = argv[0] + 2, *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct flag *flag = len ? find_flag(own, name, len) : NULL;
	const char *value = equals ? equals + 1 : NULL;
	int took = 1;

	if (!flag)
		return err_set(err, ERR_INVALID, "unknown flag --%.*s", (int)len, name);
	if (!value && needs_value(flag)) {
		if (argc < 2)
			return err_set(err, ERR_INVALID, "--%s needs a value", flag->name);
		value = argv[1];
		took = 2;
	}
	if (set_value(options, flag, value, err) != 0)
		return err_wrap(err, "--%s", flag->name);
	return took;
}

/* -w, -wf, -nNAME, -n NAME, -n=NAME. Returns the words it took, or -1. */
static int parse_letters(struct options *options, const struct flag *own, char **argv, int argc,
			 struct err *err)
{
	for (const char *at = argv[0] + 1; *at; at++) {
		const struct flag *flag = find_flag(own, at, 0);
		const char *value = at + 1;
		int took = 1;

		if (!flag)
			return err_set(err, ERR_INVALID, "unknown flag -%c", *at);
		if (!needs_value(flag)) {
			if (set_value(options, flag, NULL, err) != 0)
				return err_wrap(err, "-%c", *at);
			continue;
		}
		if (*value == '=')
			value++;
		if (!*value) {
			if (argc < 2)
				return err_set(err, ERR_INVALID, "-%c needs a value", *at);
			value = argv[1];
			took = 2;
		}
		if (set_value(options, flag, value, err) != 0)
			return err_wrap(err, "-%c", *at);
		return took;
	}
	return 1;
}

int options_parse(struct options *options, const struct flag *own, int argc, char **argv,
		  bool first_only, char **ret_args, int *ret_count, struct err *err)
{
	int i = 0, count = 0;

	while (i < argc) {
		char *word = argv[i];
		int took;

		if (strcmp(word, "--") == 0) {
			while (++i < argc)
				ret_args[count++] = argv[i];
			break;
		}
		if (word[0] != '-' || !word[1]) {
			if (first_only)
				break;
			ret_args[count++] = word;
			i++;
			continue;
		}
		took = word[1] == '-' ? parse_long(options, own, argv + i, argc - i, err)
				      : parse_letters(options, own, argv + i, argc - i, err);
		if (took < 0)
			return -1;
		i += took;
	}
	if (ret_count)
		*ret_count = count;
	return i;
}
