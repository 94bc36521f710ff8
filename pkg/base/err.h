/* Errors: what went wrong, and what the caller is to do about it. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/*
 * The code says what to do next, not which call failed.
 */
enum err_code {
	ERR_NONE = 0,
	ERR_INVALID,        /* the input breaks a rule: a person has to change it (400, 422) */
	ERR_PARSE,          /* bytes that are not what they should be: drop them, ask again */
	ERR_LIMIT,          /* a ceiling of base/limits.h was reached: refuse the input (413) */
	ERR_NOT_FOUND,      /* the thing is not there (404) */
	ERR_ALREADY_EXISTS, /* a create found the name taken (409 AlreadyExists) */
	ERR_CONFLICT,       /* someone else wrote first: read again, decide again (409) */
	ERR_GONE,           /* the resourceVersion is too old: list again (410) */
	ERR_UNAUTHORIZED,   /* who we are was not accepted: read the credentials again (401) */
	ERR_FORBIDDEN,      /* we may not, or a quota forbids: a person has to act (403) */
	ERR_RATE_LIMITED,   /* too many requests: wait retry_after_ms (429) */
	ERR_UNAVAILABLE,    /* network or server failed: retry with backoff (5xx, reset, refused) */
	ERR_TIMEOUT,        /* no answer in time: it may or may not have happened, retry */
	ERR_CANCELED,       /* we gave it up ourselves */
	ERR_SYSTEM,         /* the operating system refused: file, socket, permission */
};

enum { ERR_MSG_MAX = 512 }; /* bytes of an error's text with its NUL; longer text is cut */

/*
 * Held by value at the caller, nothing to free. Functions that can fail
 * take a `struct err *` as their last argument, return 0 or -1 (or a
 * pointer or NULL), and set it on failure only. `err` is never NULL.
 */
struct err {
	enum err_code code;    /* what to do next */
	int http_status;       /* the answer's status, 0 when there was none */
	int retry_after_ms;    /* the server's wish, 0 when it had none */
	char msg[ERR_MSG_MAX]; /* complete enough to stand in a condition's message */
};

#define ERR_INIT { .code = ERR_NONE }

/*
 * Set code and text.
 * `fmt` is printf's; http_status and retry_after_ms become 0.
 * Returns -1 always, so that `return err_set(…)` reads well.
 */
int err_set(struct err *err, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Set the text "<fmt>: <strerror(errnum)>" with the code ERR_SYSTEM.
 * Returns -1 always.
 */
int err_errno(struct err *err, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Put one clause in front of the text: "<fmt>: <text so far>".
 * The code and numbers stay. Returns -1 always.
 */
int err_wrap(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The code's name, e.g. "Conflict", a static string. */
const char *err_code_name(enum err_code code);

#endif
