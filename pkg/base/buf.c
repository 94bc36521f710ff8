#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { BUF_FIRST = 64 }; /* bytes of the first allocation */

void buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf)BUF_INIT(max);
}

void buf_release(struct buf *buf)
{
	free(buf->data);
	buf_init(buf, buf->max);
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->overflow = false;
	if (buf->data)
		buf->data[0] = '\0';
}

/* Make room for `more` bytes and the NUL. */
static int reserve(struct buf *buf, size_t more)
{
	size_t need, cap = buf->cap ? buf->cap : BUF_FIRST;

	if (buf->overflow || more > buf->max || buf->len > buf->max - more) {
		buf->overflow = true;
		return -1;
	}
	need = buf->len + more + 1;
	if (need <= buf->cap)
		return 0;
	while (cap < need && cap <= buf->max / 2)
		cap *= 2;
	if (cap < need)
		cap = buf->max + 1;
	buf->data = x_realloc(buf->data, cap);
	buf->cap = cap;
	return 0;
}

char *buf_extend(struct buf *buf, size_t len)
{
	char *bytes;

	if (reserve(buf, len) < 0)
		return NULL;
	bytes = buf->data + buf->len;
	buf->len += len;
	bytes[len] = '\0';
	return bytes;
}

int buf_append(struct buf *buf, const void *data, size_t len)
{
	char *bytes = buf_extend(buf, len);

	if (!bytes)
		return -1;
	if (len)
		memcpy(bytes, data, len);
	return 0;
}

int buf_puts(struct buf *buf, const char *s)
{
	return buf_append(buf, s, strlen(s));
}

int buf_putc(struct buf *buf, char c)
{
	return buf_append(buf, &c, 1);
}

int buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || reserve(buf, (size_t)n) < 0) {
		buf->overflow = true;
		return -1;
	}
	va_start(ap, fmt);
	vsnprintf(buf->data + buf->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	buf->len += (size_t)n;
	return 0;
}

const char *buf_cstr(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}

char *buf_detach(struct buf *buf, size_t *ret_len)
{
	char *data = buf->data ? buf->data : x_strdup("");

	if (ret_len)
		*ret_len = buf->len;
	buf_init(buf, buf->max);
	return data;
}
