/* Percent-encoding. */
#ifndef KUBE_ESCAPE_H
#define KUBE_ESCAPE_H

#include "base/buf.h"

/*
 * Append `text` so that it can stand as one segment of a path or one value
 * of a query: all but RFC 3986's unreserved characters as %XX.
 */
void escape_url(struct buf *buf, const char *text);

#endif
