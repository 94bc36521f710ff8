#include "words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

typedef int parse_fn(struct arena *arena, const char *text, struct scale_word *ret_word,
		     struct err *err);

static bool is_type(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && text[0] >= 'a' && text[0] <= 'z' && text[len - 1] != '-' &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static bool is_size(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= 63 && text[0] != '-' && text[0] != '.' &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") ==
		       len;
}

/* --- TYPE=N, TYPE+N, TYPE-N ---------------------------------------- */

/* Where the operator stands: types may have `-` and digits, so the last `-` before the number. */
static const char *find_op(const char *text)
{
	const char *at = strpbrk(text, "=+"), *colon = strchr(text, ':');

	if (at)
		return at;
	for (at = colon ? colon : text + strlen(text); at > text && *at != '-'; at--)
		;
	return *at == '-' ? at : NULL;
}

static int parse_number(const char *text, const char *digits, size_t len, int *ret_number,
			struct err *err)
{
	long number;

	if (*digits == '-')
		return err_set(err, ERR_INVALID, "%s: a quantity is never below 0", text);
	if (len == 0 || strspn(digits, "0123456789") < len)
		return err_set(err, ERR_INVALID, "%s: expected a number behind the type, as in web=2",
			       text);
	number = len > 6 ? 1000000 : strtol(digits, NULL, 10);
	if (number > LIMIT_QUANTITY)
		return err_set(err, ERR_INVALID, "%s: a quantity is at most %d", text,
			       LIMIT_QUANTITY);
	*ret_number = (int)number;
	return 0;
}

static int parse_scale(struct arena *arena, const char *text, struct scale_word *ret_word,
		       struct err *err)
{
	const char *op = find_op(text), *digits, *colon;
	size_t len;

	if (!op || op == text)
		return err_set(err, ERR_INVALID,
			       "%s: expected TYPE=N, TYPE+N or TYPE-N, as in web=2 or worker+1:2X",
			       text);
	digits = op + 1;
	colon = strchr(digits, ':');
	len = colon ? (size_t)(colon - digits) : strlen(digits);
	*ret_word = (struct scale_word){
		.text = text,
		.type = arena_strndup(arena, text, (size_t)(op - text)),
		.op = *op,
		.size = colon ? colon + 1 : NULL,
	};
	if (!is_type(ret_word->type))
		return err_set(err, ERR_INVALID, "%s: \"%s\" is no name of a process type", text,
			       ret_word->type);
	if (colon && !is_size(ret_word->size))
		return err_set(err, ERR_INVALID, "%s: expected a size behind the colon, as in %s=2:2X",
			       text, ret_word->type);
	return parse_number(text, digits, len, &ret_word->number, err);
}

/* --- TYPE=SIZE ----------------------------------------------------- */

static int parse_resize(struct arena *arena, const char *text, struct scale_word *ret_word,
			struct err *err)
{
	const char *op = strchr(text, '=');

	if (!op || op == text)
		return err_set(err, ERR_INVALID, "%s: expected TYPE=SIZE, as in web=2X", text);
	*ret_word = (struct scale_word){
		.text = text,
		.type = arena_strndup(arena, text, (size_t)(op - text)),
		.size = op + 1,
	};
	if (!is_type(ret_word->type))
		return err_set(err, ERR_INVALID, "%s: \"%s\" is no name of a process type", text,
			       ret_word->type);
	if (!is_size(ret_word->size))
		return err_set(err, ERR_INVALID, "%s: expected a size behind the `=`, as in %s=2X",
			       text, ret_word->type);
	return 0;
}

/* --- all of them --------------------------------------------------- */

static const struct scale_word *find_type(const struct scale_word *words, size_t count,
					  const char *type)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(words[i].type, type) == 0)
			return &words[i];
	}
	return NULL;
}

static size_t count_words(char *const *args, int arg_count)
{
	size_t count = 0;

	for (int i = 0; i < arg_count; i++) {
		count++;
		for (const char *at = args[i]; *at; at++)
			count += *at == ',' || *at == ' ';
	}
	return count;
}

static int parse_all(struct arena *arena, char *const *args, int arg_count, parse_fn *parse,
		     struct scale_word **ret_words, size_t *ret_count, struct err *err)
{
	struct scale_word *words =
		arena_array(arena, struct scale_word, count_words(args, arg_count));
	size_t count = 0;

	for (int i = 0; i < arg_count; i++) {
		for (const char *at = args[i]; *at;) {
			size_t len = strcspn(at, ", ");
			const char *text = arena_strndup(arena, at, len);

			at += len;
			at += strspn(at, ", ");
			if (!*text)
				continue;
			if (parse(arena, text, &words[count], err) != 0)
				return -1;
			if (find_type(words, count, words[count].type))
				return err_set(err, ERR_INVALID,
					       "%s: %s is named twice: say once how many it is to be",
					       text, words[count].type);
			count++;
		}
	}
	*ret_words = words;
	*ret_count = count;
	return 0;
}

int scale_words_parse(struct arena *arena, char *const *args, int arg_count,
		      struct scale_word **ret_words, size_t *ret_count, struct err *err)
{
	return parse_all(arena, args, arg_count, parse_scale, ret_words, ret_count, err);
}

int resize_words_parse(struct arena *arena, char *const *args, int arg_count,
		       struct scale_word **ret_words, size_t *ret_count, struct err *err)
{
	return parse_all(arena, args, arg_count, parse_resize, ret_words, ret_count, err);
}
