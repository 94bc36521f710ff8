/* What dynos used until now, for those who read status.usage. */
#ifndef FORMATION_USAGE_TOTAL_H
#define FORMATION_USAGE_TOTAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "codec/json.h"

/* What one type and size used until `now_s`, dynos that run included. */
struct usage_total {
	const char *type; /* both borrowed from the ledger */
	const char *size;
	int64_t seconds;
	int64_t uncertain_s; /* may be missing in `seconds` */
	int running;         /* dynos */
};

/* Totals in the ledger's order, in the arena. Never fails: what can't be read counts nothing. */
const struct usage_total *usage_totals(struct arena *arena, const struct json *usage, int64_t now_s,
                                       size_t *ret_count);

#endif
