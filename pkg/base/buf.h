/* A growing byte buffer with a ceiling. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Invariants: len < cap whenever data is not NULL; data[len] is NUL, so
 * that buf_cstr() is always a C string (the bytes may hold NULs of their
 * own). An append over `max` adds nothing and sets `overflow`, which
 * stays set until buf_reset, and until then nothing more is appended: what
 * is there is a prefix of what was meant. Check once, at the end.
 */
struct buf {
	char *data;    /* owned; NULL while nothing was appended */
	size_t len;    /* bytes in use */
	size_t cap;    /* bytes allocated */
	size_t max;    /* ceiling of len, from base/limits.h */
	bool overflow; /* something did not fit */
};

#define BUF_INIT(ceiling) { .max = (ceiling) }

void buf_init(struct buf *buf, size_t max);
void buf_release(struct buf *buf);

/* Empty it, keep the memory. */
void buf_reset(struct buf *buf);

/* Append. Returns 0, or -1 when it does not fit under the ceiling. */
int buf_append(struct buf *buf, const void *data, size_t len);
int buf_puts(struct buf *buf, const char *s);
int buf_putc(struct buf *buf, char c);

/*
 * Append `len` bytes that the caller writes now. Returns where they begin,
 * borrowed until the next change, or NULL when they don't fit.
 */
char *buf_extend(struct buf *buf, size_t len);

int buf_printf(struct buf *buf, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The contents as a C string, never NULL; borrowed until the next change. */
const char *buf_cstr(const struct buf *buf);

/*
 * Hand the bytes over: the caller frees the result with free(); the
 * buffer is empty again. `ret_len` may be NULL. Never returns NULL.
 */
char *buf_detach(struct buf *buf, size_t *ret_len);

#endif
