#include "formation/usage_total.h"

#include "formation/usage_ledger.h"

const struct usage_total *usage_totals(struct arena *arena, const struct json *usage, int64_t now_s,
                                       size_t *ret_count)
{
	struct usage_ledger ledger;
	struct usage_total *totals;
	size_t count = 0;

	usage_ledger_read(arena, usage, &ledger);
	totals = arena_array(arena, struct usage_total, ledger.process_count + 1);
	for (const struct usage_process *process = ledger.processes; process;
	     process = process->next) {
		struct usage_total *total = &totals[count++];

		*total = (struct usage_total){ process->type, process->size, process->seconds,
			                       process->uncertain_s, 0 };
		for (const struct usage_dyno *dyno = ledger.dynos; dyno; dyno = dyno->next) {
			if (dyno->process != process || !dyno->since_s || dyno->left)
				continue;
			total->seconds += now_s > dyno->since_s ? now_s - dyno->since_s : 1;
			total->running++;
		}
	}
	*ret_count = count;
	return totals;
}
