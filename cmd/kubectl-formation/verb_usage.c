/* usage: how long dynos ran, by type and size, until now. */
#include <string.h>

#include "codec/timestamp.h"
#include "formation/usage_total.h"
#include "target.h"
#include "verbs.h"

enum { HOUR_S = 3600 };

/* What is shown of a Formation. */
struct report {
	const struct formation *formation;
	const struct usage_total *totals;
	size_t count;
	int64_t now_s;
};

static struct usage_total sum_of(const struct report *report)
{
	struct usage_total sum = {.type = "total", .size = ""};

	for (size_t i = 0; i < report->count; i++) {
		sum.seconds += report->totals[i].seconds;
		sum.uncertain_s += report->totals[i].uncertain_s;
		sum.running += report->totals[i].running;
	}
	return sum;
}

/* "1.50": hours with two decimals, rounded to the nearest. */
static const char *hours_text(struct arena *arena, int64_t seconds)
{
	int64_t hundredths = (seconds * 100 + HOUR_S / 2) / HOUR_S;

	return arena_printf(arena, "%lld.%02lld", (long long)(hundredths / 100),
			    (long long)(hundredths % 100));
}

/* --- as data --------------------------------------------------------- */

static void set_total(struct arena *arena, struct json *entry, const struct usage_total *total)
{
	json_set_int(arena, entry, "dynoSeconds", total->seconds);
	json_set(arena, entry, "sizeHours", json_new_printf(arena, "%s", hours_text(arena, total->seconds)));
	json_set_int(arena, entry, "uncertainSeconds", total->uncertain_s);
	json_set_int(arena, entry, "running", total->running);
}

static struct json *report_json(struct arena *arena, const struct report *report)
{
	const struct usage_total sum = sum_of(report);
	struct json *value = json_new_object(arena), *list;
	char now[TIMESTAMP_MAX];

	timestamp_format(report->now_s * 1000, now);
	json_set_string(arena, value, "formation", report->formation->name);
	json_set_string(arena, value, "namespace", report->formation->ns);
	json_set_string(arena, value, "until", now);
	list = json_set_array(arena, value, "usage");
	for (size_t i = 0; i < report->count; i++) {
		struct json *entry = json_add(list, json_new_object(arena));

		json_set_string(arena, entry, "type", report->totals[i].type);
		json_set_string(arena, entry, "size", report->totals[i].size);
		set_total(arena, entry, &report->totals[i]);
	}
	set_total(arena, json_set_object(arena, value, "total"), &sum);
	return value;
}

/* --- for people ------------------------------------------------------ */

static int widest_type(const struct report *report)
{
	size_t widest = strlen("TYPE");

	for (size_t i = 0; i < report->count; i++) {
		if (strlen(report->totals[i].type) > widest)
			widest = strlen(report->totals[i].type);
	}
	return (int)widest;
}

static void print_total(struct cli *cli, const struct usage_total *total, int width)
{
	const char *uncertain = "";

	if (total->uncertain_s)
		uncertain = arena_printf(&cli->arena, "   and up to %lld uncertain",
					 (long long)total->uncertain_s);
	output_plain(&cli->out,
		     arena_printf(&cli->arena, "%-*s  %-6s %14lld %12s %8d%s", width, total->type,
				  total->size, (long long)total->seconds,
				  hours_text(&cli->arena, total->seconds), total->running,
				  uncertain));
	output_puts(&cli->out, "\n");
}

static void print_report(struct cli *cli, const struct report *report)
{
	const struct usage_total sum = sum_of(report);
	int width = widest_type(report);

	if (report->count == 0) {
		output_plain(&cli->out, arena_printf(&cli->arena, "No dyno of %s has run yet.",
						     report->formation->name));
		output_puts(&cli->out, "\n");
		return;
	}
	output_printf(&cli->out, "%-*s  %-6s %14s %12s %8s\n", width, "TYPE", "SIZE",
		      "DYNO-SECONDS", "SIZE-HOURS", "RUNNING");
	for (size_t i = 0; i < report->count; i++)
		print_total(cli, &report->totals[i], width);
	if (report->count > 1)
		print_total(cli, &sum, width);
}

static int verb_usage(struct cli *cli, struct err *err)
{
	struct session *session = cli_session(cli, err);
	struct target target = {0};
	struct report report;

	if (!session || target_find(cli, session, &target, err) != 0)
		return EXIT_FAILED;
	if (cli->arg_count > target.used)
		return cli_usage(err, "usage takes the name of a Formation alone");
	report = (struct report){.formation = &target.formation,
				 .now_s = loop_wall_ms(session_loop(session)) / 1000};
	report.totals = usage_totals(&cli->arena, json_get(target.formation.status, "usage"),
				     report.now_s, &report.count);
	if (cli->options.format == FORMAT_JSON)
		output_json(&cli->out, report_json(&cli->arena, &report));
	else if (cli->options.format == FORMAT_YAML)
		output_yaml(&cli->out, report_json(&cli->arena, &report));
	else
		print_report(cli, &report);
	return EXIT_DONE;
}

static const struct flag FLAGS[] = {
	{"output", 'o', FLAG_FORMAT, offsetof(struct options, format), "FORMAT", "json or yaml"},
	{0},
};

const struct verb VERB_USAGE = {
	.name = "usage",
	.usage = "[NAME]",
	.summary = "Tell how long dynos ran, by type and size, to the second",
	.help = "What runs now counts until this moment.\n\n"
		"Examples:\n"
		"  kubectl formation usage shop\n"
		"  kubectl formation usage shop -o json\n",
	.flags = FLAGS,
	.run = verb_usage,
};
