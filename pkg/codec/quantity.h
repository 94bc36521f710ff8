/* Kubernetes quantities: "100m", "512Mi", "1e3". */
#ifndef CODEC_QUANTITY_H
#define CODEC_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { QUANTITY_TEXT_MAX = 32 }; /* bytes of a formatted quantity with its NUL */

/*
 * Read a quantity, in thousandths or in whole units, rounded up.
 * Grammar: sign, digits with an optional fraction, and one suffix of
 * n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or a decimal exponent.
 * Errors: ERR_INVALID (syntax, negative, over INT64_MAX).
 * Source: k8s.io/apimachinery/pkg/api/resource.
 */
int quantity_parse_milli(const char *text, int64_t *ret_milli, struct err *err);
int quantity_parse_units(const char *text, int64_t *ret_units, struct err *err);

/* Whether both are quantities of the same amount ("1" and "1000m"). */
bool quantity_equal(const char *a, const char *b);

/*
 * The canonical text, as the API server would print it: cpu in cores or
 * "m"; bytes with the largest binary suffix that leaves no fraction.
 */
void quantity_format_cpu(int64_t milli, char ret_text[QUANTITY_TEXT_MAX]);
void quantity_format_bytes(int64_t bytes, char ret_text[QUANTITY_TEXT_MAX]);

#endif
