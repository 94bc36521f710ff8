#include "kube/escape.h"

#include <string.h>

void escape_url(struct buf *buf, const char *text)
{
	static const char unreserved[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-._~";

	while (*text) {
		size_t plain = strspn(text, unreserved);

		buf_append(buf, text, plain);
		text += plain;
		if (*text)
			buf_printf(buf, "%%%02X", (unsigned)(unsigned char)*text++);
	}
}
