#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/*
 * Text is put together here and copied at the end, because the arguments
 * may point into the error itself. One byte more than fits shows that the
 * text has to be cut.
 */
struct scratch {
	char text[ERR_MSG_MAX + 1];
	size_t len;
};

__attribute__((format(printf, 2, 0))) static void scratch_add(struct scratch *scratch,
                                                              const char *fmt, va_list ap)
{
	size_t room = sizeof(scratch->text) - scratch->len;
	int n = vsnprintf(scratch->text + scratch->len, room, fmt, ap);

	if (n < 0)
		scratch->text[scratch->len] = '\0';
	else
		scratch->len += (size_t)n < room ? (size_t)n : room - 1;
}

__attribute__((format(printf, 2, 3))) static void scratch_printf(struct scratch *scratch,
                                                                 const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	scratch_add(scratch, fmt, ap);
	va_end(ap);
}

static void scratch_copy(const struct scratch *scratch, char msg[ERR_MSG_MAX])
{
	const size_t most = ERR_MSG_MAX - 1, mark = strlen(UTF8_ELLIPSIS);
	size_t len = scratch->len;

	if (len > most)
		len = utf8_prefix(scratch->text, len, most - mark);
	memcpy(msg, scratch->text, len);
	msg[len] = '\0';
	if (len < scratch->len)
		memcpy(msg + len, UTF8_ELLIPSIS, mark + 1);
}

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	struct scratch scratch = { .len = 0 };
	va_list ap;

	va_start(ap, fmt);
	scratch_add(&scratch, fmt, ap);
	va_end(ap);
	err->code = code;
	err->http_status = 0;
	err->retry_after_ms = 0;
	scratch_copy(&scratch, err->msg);
	return -1;
}

int err_errno(struct err *err, int errnum, const char *fmt, ...)
{
	struct scratch scratch = { .len = 0 };
	va_list ap;

	va_start(ap, fmt);
	scratch_add(&scratch, fmt, ap);
	va_end(ap);
	scratch_printf(&scratch, ": %s", strerror(errnum));
	err->code = ERR_SYSTEM;
	err->http_status = 0;
	err->retry_after_ms = 0;
	scratch_copy(&scratch, err->msg);
	return -1;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	struct scratch scratch = { .len = 0 };
	va_list ap;

	va_start(ap, fmt);
	scratch_add(&scratch, fmt, ap);
	va_end(ap);
	scratch_printf(&scratch, ": %s", err->msg);
	scratch_copy(&scratch, err->msg);
	return -1;
}

const char *err_code_name(enum err_code code)
{
	static const char *const names[] = {
		[ERR_NONE] = "None",
		[ERR_INVALID] = "Invalid",
		[ERR_PARSE] = "Parse",
		[ERR_LIMIT] = "Limit",
		[ERR_NOT_FOUND] = "NotFound",
		[ERR_ALREADY_EXISTS] = "AlreadyExists",
		[ERR_CONFLICT] = "Conflict",
		[ERR_GONE] = "Gone",
		[ERR_UNAUTHORIZED] = "Unauthorized",
		[ERR_FORBIDDEN] = "Forbidden",
		[ERR_RATE_LIMITED] = "RateLimited",
		[ERR_UNAVAILABLE] = "Unavailable",
		[ERR_TIMEOUT] = "Timeout",
		[ERR_CANCELED] = "Canceled",
		[ERR_SYSTEM] = "System",
	};

	if ((size_t)code >= sizeof(names) / sizeof(names[0]))
		return "Unknown";
	return names[code];
}
