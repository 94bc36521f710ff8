#include "formation/procfile.h"

#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "formation/rules.h"

enum { COMMAND_MAX = 16384 }; /* characters, as in the CRD */

struct parser {
	struct arena *arena;
	const char *name;
	const char *line; /* that is being read, */
	size_t len;       /* without its end; */
	size_t number;    /* from 1 */
	struct procfile *procfile;
	struct err *err;
};

/* --- names --------------------------------------------------------- */

static char near_character(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
}

const char *dns_name_near(struct arena *arena, const char *name, size_t max)
{
	size_t len = strlen(name), used = 0;
	char *text = arena_alloc(arena, len + 2);

	for (size_t i = 0; i < len; i++) {
		char c = near_character(name[i]);

		if (used == 0 && c >= '0' && c <= '9')
			text[used++] = 'p'; /* it begins with a letter */
		if (c != '-' || (used > 0 && text[used - 1] != '-'))
			text[used++] = c;
	}
	used = used < max ? used : max;
	while (used > 0 && text[used - 1] == '-')
		used--;
	text[used] = '\0';
	return used ? text : "app";
}

/* --- a line -------------------------------------------------------- */

static int fail(const struct parser *parser, const char *at, const char *what)
{
	size_t column = 1;

	for (const char *p = parser->line; p < at; column++) {
		size_t n = utf8_decode(p, (size_t)(at - p), NULL);

		p += n ? n : 1;
	}
	return err_set(parser->err, ERR_PARSE, "%s:%zu:%zu: %s", parser->name, parser->number,
	               column, what);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_of_type(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

/* Every character of the line is text. */
static int check_characters(const struct parser *parser)
{
	const char *at = parser->line, *end = parser->line + parser->len;

	while (at < end) {
		size_t n = utf8_decode(at, (size_t)(end - at), NULL);

		if (n == 0)
			return fail(parser, at, "not UTF-8: save the file as UTF-8");
		if ((unsigned char)*at < ' ' && *at != '\t')
			return fail(parser, at, "a control character: take it out");
		if (*at == 0x7f)
			return fail(parser, at, "a control character: take it out");
		at += n;
	}
	return 0;
}

static const char *quote(const struct parser *parser, const char *text)
{
	return arena_printf(parser->arena, "%.40s%s", text, strlen(text) > 40 ? "…" : "");
}

static int check_type(const struct parser *parser, const char *at, const char *type)
{
	if (match_type(type) && strlen(type) <= TYPE_MAX)
		return 0;
	return fail(parser, at,
	            arena_printf(parser->arena,
	                         "%s cannot be the type of a process: it has at most 57 lower-case "
	                         "letters, digits and '-', begins with a letter and ends with a "
	                         "letter or digit; call it %s",
	                         quote(parser, type),
	                         dns_name_near(parser->arena, type, TYPE_MAX)));
}

static int check_command(const struct parser *parser, const char *at, const char *command)
{
	size_t characters = 0;

	if (!*command)
		return fail(parser, at, "there is no command behind the type: write TYPE: COMMAND");
	for (const char *p = command; *p; p++)
		characters += ((unsigned char)*p & 0xC0) != 0x80;
	if (characters > COMMAND_MAX)
		return fail(parser, at,
		            "the command has more than 16384 characters: put it into a script");
	return 0;
}

static int add(struct parser *parser, const char *at, const char *type, const char *command)
{
	struct procfile *procfile = parser->procfile;
	bool release = strcmp(type, "release") == 0;
	size_t before = release ? procfile->release_line : 0;

	for (size_t i = 0; i < procfile->count; i++) {
		if (strcmp(procfile->entries[i].type, type) == 0)
			before = procfile->entries[i].line;
	}
	if (before)
		return fail(parser, at,
		            arena_printf(parser->arena,
		                         "%s stands in line %zu already: take one of them out",
		                         type, before));
	if (release) {
		procfile->release_line = parser->number;
		return 0;
	}
	if (procfile->count == LIMIT_PROCESSES) {
		fail(parser, at, "a Formation has at most 64 process types");
		parser->err->code = ERR_LIMIT;
		return -1;
	}
	procfile->entries[procfile->count++] =
		(struct procfile_entry){ .type = type, .command = command, .line = parser->number };
	return 0;
}

static int read_line(struct parser *parser)
{
	const char *end = parser->line + parser->len, *at = parser->line, *colon, *command;
	const char *type, *text;

	while (end > at && is_blank(end[-1]))
		end--;
	parser->len = (size_t)(end - parser->line);
	while (at < end && is_blank(*at))
		at++;
	if (at == end || *at == '#')
		return 0;
	if (check_characters(parser) != 0)
		return -1;
	for (colon = at; colon < end && is_of_type(*colon);)
		colon++;
	if (colon == at || colon == end || *colon != ':')
		return fail(parser, colon,
		            colon == at ? "expected TYPE: COMMAND, where TYPE has letters, digits, "
		                          "'_' and '-'"
		                        : "expected ':' behind the type, as in TYPE: COMMAND");
	for (command = colon + 1; command < end && is_blank(*command);)
		command++;
	type = arena_strndup(parser->arena, at, (size_t)(colon - at));
	text = arena_strndup(parser->arena, command, (size_t)(end - command));
	if (check_type(parser, at, type) != 0 || check_command(parser, command, text) != 0)
		return -1;
	return add(parser, at, type, text);
}

int procfile_parse(struct arena *arena, const char *name, const char *text, size_t len,
                   struct procfile *ret_procfile, struct err *err)
{
	struct procfile procfile = { 0 };
	struct parser parser = { .arena = arena, .name = name, .procfile = &procfile, .err = err };
	const char *end = text + len;

	if (len > LIMIT_CONFIG)
		return err_set(err, ERR_LIMIT, "%s: over the limit of %lu bytes", name,
		               LIMIT_CONFIG);
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	procfile.entries = arena_array(arena, struct procfile_entry, LIMIT_PROCESSES);
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));

		stop = stop ? stop : end;
		parser.line = text;
		parser.len = (size_t)(stop - text);
		parser.number++;
		if (read_line(&parser) != 0)
			return -1;
		text = stop + 1;
	}
	if (procfile.count == 0)
		return err_set(
			err, ERR_PARSE,
			"%s: there is no process type in it: write lines TYPE: COMMAND, such "
			"as web: bin/server",
			name);
	*ret_procfile = procfile;
	return 0;
}
