#include <stdio.h>
#include <string.h>

#include "cli.h"

static void print_flags(struct output *out, const struct flag *flags)
{
	for (; flags && flags->name; flags++) {
		char left[64];

		snprintf(left, sizeof(left), "%c%c%s--%s%s%s", flags->letter ? '-' : ' ',
			 flags->letter ? flags->letter : ' ', flags->letter ? ", " : "  ",
			 flags->name, flags->value ? "=" : "", flags->value ? flags->value : "");
		output_printf(out, "  %-32s %s\n", left, flags->help);
	}
}

static void print_verb(struct output *out, const struct verb *verb)
{
	output_printf(out, "%s\n\nUsage:\n  kubectl formation %s %s\n", verb->summary, verb->name,
		      verb->usage);
	if (verb->help)
		output_printf(out, "\n%s", verb->help);
	if (verb->flags)
		output_puts(out, "\nFlags:\n");
	print_flags(out, verb->flags);
	output_puts(out, "\nFlags of every verb:\n");
	print_flags(out, FLAGS_EVERYWHERE);
}

void help_print(struct output *out, const struct verb *verb)
{
	if (verb) {
		print_verb(out, verb);
		return;
	}
	output_puts(out, "Heroku's commands, on any cluster.\n\nUsage:\n"
			 "  kubectl formation VERB [NAME] [WORDS…] [FLAGS…]\n\nVerbs:\n");
	for (size_t i = 0; VERBS[i]; i++) {
		if (!VERBS[i]->hidden)
			output_printf(out, "  %-12s %s\n", VERBS[i]->name, VERBS[i]->summary);
	}
	output_puts(out, "\n`kubectl formation VERB -h` shows a verb's flags and examples.\n\n"
			 "Flags of every verb:\n");
	print_flags(out, FLAGS_EVERYWHERE);
}
