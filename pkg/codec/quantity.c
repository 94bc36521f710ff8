#include "codec/quantity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef unsigned __int128 wide;

enum {
	DIGITS_MAX = 20,     /* significant digits kept; the rest only rounds up */
	EXPONENT_MAX = 1000, /* beyond it every amount is nothing or too much */
};

/* A quantity as written: digits × 10^exponent × 2^shift, and a little more when `sticky`. */
struct amount {
	wide digits;
	int count;    /* significant digits in `digits` */
	int exponent; /* of ten */
	int shift;    /* of two */
	bool sticky;  /* digits other than zero were dropped */
	bool negative;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One more digit; `scale` is what its place does to the exponent: 0 before the point, -1 after. */
static void add_digit(struct amount *amount, char c, int scale)
{
	if (amount->count == DIGITS_MAX) {
		amount->sticky |= c != '0';
		amount->exponent += scale + 1;
		return;
	}
	amount->digits = amount->digits * 10 + (unsigned)(c - '0');
	amount->count += amount->digits != 0;
	amount->exponent += scale;
}

/* Sign and digits; what follows them, or NULL. */
static const char *parse_number(const char *text, struct amount *amount)
{
	bool any = false;

	amount->negative = *text == '-';
	if (*text == '-' || *text == '+')
		text++;
	for (; is_digit(*text); text++, any = true)
		add_digit(amount, *text, 0);
	if (*text == '.')
		text++;
	else
		return any ? text : NULL;
	for (; is_digit(*text); text++, any = true)
		add_digit(amount, *text, -1);
	return any ? text : NULL;
}

/* "e3", "E-12": the exponent of ten. */
static bool parse_exponent(const char *text, int *ret_exponent)
{
	bool negative;
	int exponent = 0;

	if (*text != 'e' && *text != 'E')
		return false;
	text++;
	negative = *text == '-';
	if (*text == '-' || *text == '+')
		text++;
	if (!is_digit(*text))
		return false;
	for (; is_digit(*text); text++) {
		if (exponent <= EXPONENT_MAX)
			exponent = exponent * 10 + (*text - '0');
	}
	if (exponent > EXPONENT_MAX)
		exponent = EXPONENT_MAX;
	*ret_exponent = negative ? -exponent : exponent;
	return *text == '\0';
}

static bool parse_suffix(const char *text, struct amount *amount)
{
	static const struct {
		const char *suffix;
		int exponent;
		int shift;
	} suffixes[] = {
		{ "", 0, 0 },    { "m", -3, 0 },  { "k", 3, 0 },   { "M", 6, 0 },
		{ "G", 9, 0 },   { "T", 12, 0 },  { "P", 15, 0 },  { "E", 18, 0 },
		{ "Ki", 0, 10 }, { "Mi", 0, 20 }, { "Gi", 0, 30 }, { "Ti", 0, 40 },
		{ "Pi", 0, 50 }, { "Ei", 0, 60 }, { "u", -6, 0 },  { "n", -9, 0 },
	};
	int exponent;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (strcmp(suffixes[i].suffix, text) == 0) {
			amount->exponent += suffixes[i].exponent;
			amount->shift = suffixes[i].shift;
			return true;
		}
	}
	if (!parse_exponent(text, &exponent))
		return false;
	amount->exponent += exponent;
	return true;
}

/* 20 digits shifted by 60 bits still fit: 10^20 < 2^67. */
static bool value_of(const struct amount *amount, wide *ret_value)
{
	wide value = amount->digits << amount->shift;
	bool sticky = amount->sticky;
	int exponent = amount->exponent;

	for (; exponent > 0 && value; exponent--) {
		if (__builtin_mul_overflow(value, (wide)10, &value))
			return false;
	}
	for (; exponent < 0 && value; exponent++) {
		sticky |= value % 10 != 0;
		value /= 10;
	}
	*ret_value = value + sticky;
	return true;
}

/* The amount × 10^scale, rounded up, when it is at most INT64_MAX × `most`. */
static int parse(const char *text, int scale, wide most, wide *ret_value, struct err *err)
{
	struct amount amount = { 0 };
	const char *suffix = parse_number(text, &amount);

	if (!suffix || !parse_suffix(suffix, &amount))
		return err_set(err, ERR_INVALID, "\"%.40s\" is not a quantity", text);
	if (amount.negative && amount.digits)
		return err_set(err, ERR_INVALID, "quantity \"%.40s\" is negative", text);
	amount.exponent += scale;
	if (!value_of(&amount, ret_value) || *ret_value > INT64_MAX * most)
		return err_set(err, ERR_INVALID, "quantity \"%.40s\" is too large", text);
	return 0;
}

static int parse_scaled(const char *text, int scale, int64_t *ret_value, struct err *err)
{
	wide value = 0;

	if (parse(text, scale, 1, &value, err) < 0)
		return -1;
	*ret_value = (int64_t)value;
	return 0;
}

int quantity_parse_milli(const char *text, int64_t *ret_milli, struct err *err)
{
	return parse_scaled(text, 3, ret_milli, err);
}

int quantity_parse_units(const char *text, int64_t *ret_units, struct err *err)
{
	return parse_scaled(text, 0, ret_units, err);
}

bool quantity_equal(const char *a, const char *b)
{
	const int nano = 9;
	const wide most = 1000000000;
	struct err err;
	wide x = 0, y = 0;

	return parse(a, nano, most, &x, &err) == 0 && parse(b, nano, most, &y, &err) == 0 && x == y;
}

/* The largest of the suffixes, each `step` times the one before, that leaves no fraction. */
static void format(int64_t number, int64_t step, const char *const *suffixes, size_t count,
                   char ret_text[QUANTITY_TEXT_MAX])
{
	size_t i = 0;

	while (number && i + 1 < count && number % step == 0) {
		number /= step;
		i++;
	}
	snprintf(ret_text, QUANTITY_TEXT_MAX, "%" PRId64 "%s", number, number ? suffixes[i] : "");
}

static const char *const decimal[] = { "m", "", "k", "M", "G", "T", "P", "E" };
static const char *const binary[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };

void quantity_format_cpu(int64_t milli, char ret_text[QUANTITY_TEXT_MAX])
{
	format(milli, 1000, decimal, sizeof(decimal) / sizeof(decimal[0]), ret_text);
}

/* Amounts under 1Ki are printed in powers of ten, as the API server does. */
void quantity_format_bytes(int64_t bytes, char ret_text[QUANTITY_TEXT_MAX])
{
	if (bytes > -1024 && bytes < 1024)
		format(bytes, 1000, decimal + 1, sizeof(decimal) / sizeof(decimal[0]) - 1,
		       ret_text);
	else
		format(bytes, 1024, binary, sizeof(binary) / sizeof(binary[0]), ret_text);
}
