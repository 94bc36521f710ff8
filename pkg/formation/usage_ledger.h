/* The ledger of usage.h, read and written. */
#ifndef FORMATION_USAGE_LEDGER_H
#define FORMATION_USAGE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "codec/json.h"

/* One type and size. */
struct usage_process {
	struct usage_process *next;
	const char *type;
	const char *size;
	int64_t seconds;
	int64_t uncertain_s;
};

/* One dyno that may have more to count. */
struct usage_dyno {
	struct usage_dyno *next;
	uint64_t id; /* usage_id of its pod's uid */
	struct usage_process *process;
	int64_t since_s; /* runs uncounted from here; 0: doesn't run */
	int counted;     /* runs that are counted, the first ones */
	bool left;       /* lives on somewhere, counted until since_s */
	bool met;        /* its pod, or its last word, was seen in this round */
};

/* Everything in one arena; lists in the order in which they are written. */
struct usage_ledger {
	struct arena *arena;
	int64_t observed_s;
	uint64_t version;
	struct usage_process *processes;
	size_t process_count;
	struct usage_dyno *dynos, **dynos_end;
	size_t dyno_count;
	struct usage_dyno **by_id; /* those that were read, sorted */
	size_t by_id_count;
	bool changed; /* since it was read */
};

/* Which dyno it is, in 64 bits. */
uint64_t usage_id(const char *uid);

/* Read status.usage; NULL, and what can't be read, give an empty ledger or leave that part out. */
void usage_ledger_read(struct arena *arena, const struct json *usage,
                       struct usage_ledger *ret_ledger);

/* The dyno that was read with this id, or NULL. */
struct usage_dyno *usage_ledger_find(const struct usage_ledger *ledger, uint64_t id);

/* Add a dyno that is in no place yet. It is not changed by that: something has to be counted. */
struct usage_dyno *usage_ledger_add(struct usage_ledger *ledger, uint64_t id);

/* The entry of a type and size, made if there is none; "*" where there are too many. */
struct usage_process *usage_ledger_process(struct usage_ledger *ledger, const char *type,
                                           const char *size);

/* As status.usage, without the dynos that have nothing to remember. */
struct json *usage_ledger_write(const struct usage_ledger *ledger);

#endif
