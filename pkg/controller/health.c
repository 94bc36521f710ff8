#include "controller/health.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

enum {
	LOOK_SOON_MS = 500,         /* while something is wrong or not synced yet */
	LOOK_LATER_MS = 10 * 1000,  /* else: a failure is logged within this time */
};

struct health {
	struct cache *cache;
	struct loop_timer *timer;
	enum err_code *told;  /* by source: the failure that was logged, or ERR_NONE */
	bool troubled;        /* something was logged and is not over */
};

/* What is wrong with one source, with its name in front; false when nothing is. */
static bool explain(const struct cache_source *source, struct buf *text)
{
	const struct err *error = source->state.error;

	if (!error)
		return false;
	buf_puts(text, source->resource->plural);
	if (*source->ns)
		buf_printf(text, " in namespace %s", source->ns);
	if (error->code == ERR_NOT_FOUND && strcmp(source->resource->group, "dyno.dev") == 0)
		buf_puts(text,
			 ": the CRD is not installed: kubectl apply --server-side -f crds/");
	else
		buf_printf(text, ": %s", error->msg);
	return true;
}

bool health_ready(const struct health *health, struct buf *why)
{
	if (cache_synced(health->cache))
		return true;
	for (size_t i = 0; i < cache_source_count(health->cache); i++) {
		struct cache_source source;

		cache_source(health->cache, i, &source);
		if (source.state.synced)
			continue;
		if (!explain(&source, why))
			buf_printf(why, "%s: %s", source.resource->plural, source.state.phase);
		buf_putc(why, '\n');
	}
	return false;
}

static bool is_network(enum err_code code)
{
	return code == ERR_UNAVAILABLE || code == ERR_TIMEOUT;
}

/* Whether another source was logged with the same failure already. */
static bool is_known(const struct health *health, size_t index, enum err_code code)
{
	for (size_t i = 0; i < index; i++) {
		if (health->told[i] == code)
			return true;
	}
	return false;
}

static void tell(struct health *health, size_t index, const struct cache_source *source)
{
	enum err_code code = source->state.error ? source->state.error->code : ERR_NONE;
	struct buf text = BUF_INIT(2 * ERR_MSG_MAX);

	/* The kinds of trouble that everything has at once are told once. */
	if (code == health->told[index])
		return;
	if (code != ERR_NONE && !(is_known(health, index, code) &&
				  (is_network(code) || code == ERR_NOT_FOUND || code == ERR_UNAUTHORIZED))) {
		explain(source, &text);
		log_warn("cache", "%s", buf_cstr(&text));
		health->troubled = true;
	}
	health->told[index] = code;
	buf_release(&text);
}

static void look(void *arg)
{
	struct health *health = arg;
	bool wrong = false, reached = false;

	for (size_t i = 0; i < cache_source_count(health->cache); i++) {
		struct cache_source source;

		cache_source(health->cache, i, &source);
		reached |= is_network(health->told[i]) && !source.state.error;
		tell(health, i, &source);
		wrong |= source.state.error != NULL;
	}
	if (reached && wrong)
		cache_hurry(health->cache);
	if (health->troubled && !wrong) {
		health->troubled = false;
		log_info("cache", "everything can be read again");
	}
	loop_timer_start(health->timer, wrong || !cache_synced(health->cache) ? LOOK_SOON_MS
									      : LOOK_LATER_MS);
}

struct health *health_new(struct loop *loop, struct cache *cache)
{
	struct health *health = x_calloc(1, sizeof(*health));

	health->cache = cache;
	health->told = x_calloc(cache_source_count(cache), sizeof(*health->told));
	health->timer = loop_timer_new(loop, look, health);
	loop_timer_start(health->timer, LOOK_SOON_MS);
	return health;
}

void health_free(struct health *health)
{
	if (!health)
		return;
	loop_timer_free(health->timer);
	free(health->told);
	free(health);
}
