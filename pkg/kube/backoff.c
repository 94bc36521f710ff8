#include "kube/backoff.h"

void backoff_init(struct backoff *backoff, int64_t first_ms, int64_t last_ms, int64_t reset_ms)
{
	*backoff = (struct backoff){
		.first_ms = first_ms, .last_ms = last_ms, .reset_ms = reset_ms
	};
	prng_init(&backoff->prng);
}

int64_t backoff_next(struct backoff *backoff, int64_t now_ms, int64_t most_ms)
{
	int64_t ceiling_ms = most_ms < backoff->last_ms ? most_ms : backoff->last_ms;

	if (!backoff->wait_ms || now_ms - backoff->failed_ms > backoff->reset_ms)
		backoff->wait_ms = backoff->first_ms;
	else
		backoff->wait_ms *= 2;
	if (backoff->wait_ms > ceiling_ms)
		backoff->wait_ms = ceiling_ms;
	backoff->failed_ms = now_ms;
	return backoff->wait_ms + prng_upto(&backoff->prng, backoff->wait_ms);
}
