#include "codec/timestamp.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

enum { DAY_MS = 24 * 3600 * 1000 };

static const int64_t LAST_MS = 253402300799999; /* 9999-12-31T23:59:59.999Z */

/* Days since 1970-01-01; years begin in March here, so that the leap day is their last. */
static int64_t days_of(int64_t year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* `count` digits at *text, moved behind them; -1 when there are fewer. */
static int digits(const char **text, int count)
{
	int number = 0;

	for (; count; count--, (*text)++) {
		if (**text < '0' || **text > '9')
			return -1;
		number = number * 10 + (**text - '0');
	}
	return number;
}

/* As digits, but with `mark` before them unless that is NUL, and in a range. */
static bool field(const char **text, char mark, int count, int least, int most, int *ret_number)
{
	if (mark && *(*text)++ != mark)
		return false;
	*ret_number = digits(text, count);
	return *ret_number >= least && *ret_number <= most;
}

/* Milliseconds of ".123456…", 0 when there is no dot, -1 when no digit follows it. */
static int fraction_ms(const char **text)
{
	int ms = 0, scale = 100;

	if (**text != '.')
		return 0;
	(*text)++;
	if (**text < '0' || **text > '9')
		return -1;
	for (; **text >= '0' && **text <= '9'; (*text)++, scale /= 10)
		ms += (**text - '0') * scale;
	return ms;
}

/* "Z", "+HH:MM" or "-HH:MM" at the end, in milliseconds. */
static bool offset_ms(const char *text, int64_t *ret_ms)
{
	char sign = *text;
	int hours, minutes;

	if (sign == 'Z') {
		*ret_ms = 0;
		return text[1] == '\0';
	}
	if ((sign != '+' && sign != '-') || !field(&text, sign, 2, 0, 23, &hours) ||
	    !field(&text, ':', 2, 0, 59, &minutes) || *text)
		return false;
	*ret_ms = (hours * 60 + minutes) * 60000LL * (sign == '-' ? -1 : 1);
	return true;
}

int64_t timestamp_parse(const char *text)
{
	int year, month, day, hour, minute, second, ms;
	int64_t offset, unix_ms;

	if (!field(&text, 0, 4, 0, 9999, &year) || !field(&text, '-', 2, 1, 12, &month) ||
	    !field(&text, '-', 2, 1, days_in(year, month), &day) ||
	    !field(&text, 'T', 2, 0, 23, &hour) || !field(&text, ':', 2, 0, 59, &minute) ||
	    !field(&text, ':', 2, 0, 59, &second))
		return -1;
	ms = fraction_ms(&text);
	if (ms < 0 || !offset_ms(text, &offset))
		return -1;
	unix_ms = days_of(year, month, day) * DAY_MS +
	          ((hour * 60 + minute) * 60 + second) * 1000LL + ms - offset;
	return unix_ms < 0 ? -1 : unix_ms;
}

struct date {
	int year;
	int month;
	int day;
};

/* The inverse of days_of, for days from 1970 on. */
static struct date date_of(int64_t days)
{
	struct date date = { .year = 1970 + (int)(days / 366), .month = 12 };

	while (days_of(date.year + 1, 1, 1) <= days)
		date.year++;
	while (days_of(date.year, date.month, 1) > days)
		date.month--;
	date.day = (int)(days - days_of(date.year, date.month, 1)) + 1;
	return date;
}

/* "2026-11-23T21:40:00", and after it the milliseconds as `fraction` wants them. */
static void format(int64_t unix_ms, const char *fraction, char ret_text[TIMESTAMP_MAX])
{
	int64_t within;
	struct date date;
	int seconds;

	if (unix_ms < 0)
		unix_ms = 0;
	if (unix_ms > LAST_MS)
		unix_ms = LAST_MS;
	date = date_of(unix_ms / DAY_MS);
	within = unix_ms % DAY_MS;
	seconds = (int)(within / 1000);
	snprintf(ret_text, TIMESTAMP_MAX, "%04d-%02d-%02dT%02d:%02d:%02d%s", date.year % 10000,
	         date.month, date.day, seconds / 3600, seconds / 60 % 60, seconds % 60, fraction);
}

void timestamp_format(int64_t unix_ms, char ret_text[TIMESTAMP_MAX])
{
	format(unix_ms, "Z", ret_text);
}

void timestamp_format_micro(int64_t unix_ms, char ret_text[TIMESTAMP_MAX])
{
	char fraction[16];
	int ms = unix_ms > 0 ? (int)(unix_ms % 1000) : 0;

	snprintf(fraction, sizeof(fraction), ".%03d000Z", unix_ms > LAST_MS ? 999 : ms);
	format(unix_ms, fraction, ret_text);
}
