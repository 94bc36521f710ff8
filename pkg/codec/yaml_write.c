#include "codec/yaml_write.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Words that YAML 1.1 reads as something else than text. */
static bool is_word_of_yaml(const char *text)
{
	static const char *const WORDS[] = {"y",   "n",    "yes",   "no",   "on",
					    "off", "true", "false", "null", "nan", "inf"};

	for (size_t i = 0; i < sizeof(WORDS) / sizeof(*WORDS); i++) {
		if (strcasecmp(WORDS[i], text) == 0)
			return true;
	}
	return false;
}

/*
 * Begins with a letter, `/` or `$`, and has nothing in it that means
 * something in YAML, in block or in flow style.
 */
static bool is_plain(const char *text)
{
	size_t len = strlen(text);

	if (!isalpha((unsigned char)*text) && *text != '/' && *text != '$')
		return false;
	if (is_word_of_yaml(text) || text[len - 1] == ' ' || text[len - 1] == ':' || len > 4096)
		return false;
	for (const char *at = text; *at; at++) {
		if (isalnum((unsigned char)*at) || strchr("_-./$@+=()%;~<>^", *at))
			continue;
		if (*at == ' ' && at[1] != '#' && at[1] != ' ')
			continue;
		if (*at != ':' || at[1] == ' ')
			return false;
	}
	return true;
}

static void write_text(struct buf *buf, const char *text)
{
	if (is_plain(text))
		buf_puts(buf, text);
	else
		json_write_string(buf, text);
}

static void indent(struct buf *buf, int depth)
{
	for (int i = 0; i < depth; i++)
		buf_puts(buf, "  ");
}

static void write_block(struct buf *buf, const struct json *value, int depth, bool begun);

/* Behind `key:` or `-`: on the same line, or as a block below. */
static void write_value(struct buf *buf, const struct json *value, int depth, bool element)
{
	bool list = value->type == JSON_ARRAY;

	if ((!list && value->type != JSON_OBJECT) || !value->first) {
		buf_putc(buf, ' ');
		if (value->type == JSON_STRING)
			write_text(buf, value->text);
		else
			json_write(buf, value);
		buf_putc(buf, '\n');
	} else if (element) {
		buf_putc(buf, ' ');
		write_block(buf, value, depth + 1, true);
	} else {
		buf_putc(buf, '\n');
		write_block(buf, value, list ? depth : depth + 1, false);
	}
}

/* `begun`: the first line stands behind a dash already. */
static void write_block(struct buf *buf, const struct json *value, int depth, bool begun)
{
	json_for_each (item, value) {
		if (!begun || item != value->first)
			indent(buf, depth);
		if (value->type == JSON_ARRAY) {
			buf_putc(buf, '-');
			write_value(buf, item, depth, true);
		} else {
			write_text(buf, item->key);
			buf_putc(buf, ':');
			write_value(buf, item, depth, false);
		}
	}
}

void yml_write(struct buf *buf, const struct json *value)
{
	if ((value->type == JSON_OBJECT || value->type == JSON_ARRAY) && value->first) {
		write_block(buf, value, 0, false);
		return;
	}
	if (value->type == JSON_STRING)
		write_text(buf, value->text);
	else
		json_write(buf, value);
	buf_putc(buf, '\n');
}
