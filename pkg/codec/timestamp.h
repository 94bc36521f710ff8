/* RFC 3339 timestamps, as Kubernetes writes them. */
#ifndef CODEC_TIMESTAMP_H
#define CODEC_TIMESTAMP_H

#include <stdint.h>

enum { TIMESTAMP_MAX = 32 }; /* bytes of a formatted timestamp with its NUL */

/* Unix milliseconds of "2026-11-23T21:40:00Z" (fraction and offset allowed), or -1. */
int64_t timestamp_parse(const char *text);

/* metav1.Time, whole seconds: "2026-11-23T21:40:00Z". */
void timestamp_format(int64_t unix_ms, char ret_text[TIMESTAMP_MAX]);

/* metav1.MicroTime, six decimals: "2026-11-23T21:40:00.123000Z". */
void timestamp_format_micro(int64_t unix_ms, char ret_text[TIMESTAMP_MAX]);

#endif
