/* Percent-encoding. */
#ifndef KUBE_URL_H
#define KUBE_URL_H

#include "base/buf.h"

/*
 * Append `text` so that it can stand as one segment of a path or one value
 * of a query: all but RFC 3986's unreserved characters as %XX.
 */
void url_escape(struct buf *buf, const char *text);

#endif
