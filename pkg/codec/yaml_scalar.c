#include "codec/yaml_scalar.h"

#include <inttypes.h>
#include <string.h>

static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
static const char *const trues[] = { "y",    "Y",    "yes", "Yes", "YES", "true",
	                             "True", "TRUE", "on",  "On",  "ON" };
static const char *const falses[] = { "n",     "N",     "no",  "No",  "NO", "false",
	                              "False", "FALSE", "off", "Off", "OFF" };
static const char *const infinite[] = { ".nan",  ".NaN",  ".NAN",  ".inf",  ".Inf",  ".INF",
	                                "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF" };

#define IS_ONE_OF(list, text) is_one_of(list, sizeof(list) / sizeof((list)[0]), text)

static bool is_one_of(const char *const *list, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i], text) == 0)
			return true;
	}
	return false;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A copy without the underscores that may stand between digits. */
static char *without_underscores(struct arena *arena, const char *text)
{
	char *copy = arena_strdup(arena, text), *to = copy;

	for (; *text; text++) {
		if (*text != '_')
			*to++ = *text;
	}
	*to = '\0';
	return copy;
}

/* The base by the prefix, which *text is moved behind: 0x, 0b, 0o, or 0 for octal. */
static unsigned take_base(const char **text)
{
	const char *p = *text;

	if (p[0] != '0' || p[1] == '\0')
		return 10;
	*text += 2;
	switch (p[1] | 0x20) {
	case 'x':
		return 16;
	case 'b':
		return 2;
	case 'o':
		return 8;
	default:
		*text = p + 1;
		return 8;
	}
}

static unsigned digit_value(char c)
{
	if (is_digit(c))
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

static bool parse_digits(const char *text, unsigned base, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		unsigned digit = digit_value(*text);

		if (digit >= base || __builtin_mul_overflow(number, base, &number) ||
		    __builtin_add_overflow(number, digit, &number))
			return false;
	}
	*ret_number = number;
	return true;
}

/* The decimal text of a whole number, or NULL. Without a sign all 64 bits count. */
static const char *resolve_int(struct arena *arena, const char *plain)
{
	bool negative = *plain == '-', sign = negative || *plain == '+';
	uint64_t number, most = (uint64_t)INT64_MAX + negative;
	unsigned base;

	plain += sign;
	base = take_base(&plain);
	if (!parse_digits(plain, base, &number) || (sign && number > most))
		return NULL;
	return arena_printf(arena, "%s%" PRIu64, negative && number ? "-" : "", number);
}

/* Append digits and move behind them; how many there were. */
static size_t copy_digits(char **to, const char **text)
{
	const char *start = *text;

	while (is_digit(**text))
		*(*to)++ = *(*text)++;
	return (size_t)(*text - start);
}

/* "e+5" or nothing, at the end; false when it is neither. */
static bool copy_exponent(char **to, const char *text)
{
	if (*text == '\0')
		return true;
	if (*text != 'e' && *text != 'E')
		return false;
	*(*to)++ = *text++;
	if (*text == '+' || *text == '-')
		*(*to)++ = *text++;
	return copy_digits(to, &text) && *text == '\0';
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? as a JSON number, or NULL. */
static const char *resolve_float(struct arena *arena, const char *plain)
{
	char *number = arena_alloc(arena, strlen(plain) + 2), *to = number;
	size_t whole, fraction = 0;

	if (*plain == '-')
		*to++ = '-';
	plain += *plain == '-' || *plain == '+';
	whole = strspn(plain, "0123456789");
	while (plain[0] == '0' && is_digit(plain[1]))
		plain++;
	if (copy_digits(&to, &plain) == 0)
		*to++ = '0';
	if (*plain == '.') {
		plain++;
		*to++ = '.';
		fraction = copy_digits(&to, &plain);
		if (fraction == 0)
			to--;
	}
	if ((whole == 0 && fraction == 0) || !copy_exponent(&to, plain))
		return NULL;
	*to = '\0';
	return number;
}

static const char *resolve_number(struct arena *arena, const char *text)
{
	const char *plain, *number;

	if (*text == '.')
		return resolve_float(arena, text);
	if (!is_digit(*text) && *text != '-' && *text != '+')
		return NULL;
	plain = without_underscores(arena, text);
	number = resolve_int(arena, plain);
	return number ? number : resolve_float(arena, plain);
}

int yml_resolve(struct arena *arena, const char *text, struct json *value)
{
	const char *number;

	if (IS_ONE_OF(infinite, text))
		return -1;
	value->boolean = IS_ONE_OF(trues, text);
	if (value->boolean || IS_ONE_OF(falses, text)) {
		value->type = JSON_BOOL;
		return 0;
	}
	if (IS_ONE_OF(nulls, text)) {
		value->type = JSON_NULL;
		return 0;
	}
	number = resolve_number(arena, text);
	value->type = number ? JSON_NUMBER : JSON_STRING;
	value->text = number ? number : text;
	return 0;
}
