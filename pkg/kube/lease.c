#include "kube/lease.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kube/lease_record.h"
#include "kube/prng.h"

enum {
	REQUEST_LEAST_MS = 1000, /* one request's time, else half of the deadline: two fit */
	RELEASE_MOST_MS = 2000,  /* for giving it up */
	JITTER_PART = 5,         /* a look comes up to a fifth of retry_ms later */
};

enum lease_state {
	LEASE_IDLE,      /* not started */
	LEASE_STANDBY,   /* another holds it, or nothing is known */
	LEASE_LEADING,   /* we hold it */
	LEASE_RELEASING, /* it is being given up */
	LEASE_OVER,      /* lost or released: nothing more happens */
};

static const char *const STATE_NAMES[] = {
	[LEASE_IDLE] = "idle",
	[LEASE_STANDBY] = "standby",
	[LEASE_LEADING] = "leading",
	[LEASE_RELEASING] = "releasing",
	[LEASE_OVER] = "over",
};

struct lease {
	struct lease_config config; /* texts owned by `texts` */
	struct arena texts;
	const char *about;          /* "lease formation-system/formation-controller", for the log */
	struct client *client;
	struct prng prng;
	enum lease_state state;
	struct loop_timer *next;     /* the next look or renewal */
	struct loop_timer *deadline; /* of leading, of releasing */
	struct loop_task *lapse;     /* the deadline was found to be over */
	struct loop_task *end;       /* calls `released` or `lost` */
	bool was_lost;               /* it is `lost` */
	struct client_call *call;    /* at most one */
	int64_t sent_ms;             /* when it was sent */
	struct arena memory;         /* of `seen` */
	struct json *seen;           /* as last read or written, NULL: there is none, or not known */
	char *holder;                /* that was told in the log last; or NULL */
	int64_t seen_ms;             /* since when its spec is as it is */
	int64_t renewed_ms;          /* when the last write that succeeded was sent */
	enum err_code trouble;       /* that was told in the log */
};

static void look(struct lease *lease);
static void write_lease(struct lease *lease, const char *identity);

static int64_t now_ms(const struct lease *lease)
{
	return clock_mono_ms(lease->config.clock);
}

static void enter(struct lease *lease, enum lease_state state)
{
	assert(state > lease->state);
	log_debug(lease->about, "%s -> %s", STATE_NAMES[lease->state], STATE_NAMES[state]);
	lease->state = state;
}

/* --- the end ---------------------------------------------------------- */

static void finish(struct lease *lease, bool was_lost)
{
	enter(lease, LEASE_OVER);
	loop_timer_stop(lease->next);
	loop_timer_stop(lease->deadline);
	if (lease->call)
		client_cancel(lease->call);
	lease->call = NULL;
	lease->was_lost = was_lost;
	loop_task_post(lease->end);
}

static void on_end(void *arg)
{
	struct lease *lease = arg;

	if (lease->was_lost)
		lease->config.lost(lease->config.arg);
	else
		lease->config.released(lease->config.arg);
}

/* --- deadlines -------------------------------------------------------- */

static int64_t left_ms(const struct lease *lease)
{
	return lease->renewed_ms + lease->config.deadline_ms - now_ms(lease);
}

/* Timers don't count suspend, the clock does. */
static void check_deadline(struct lease *lease)
{
	if (left_ms(lease) > 0) {
		loop_timer_start(lease->deadline, left_ms(lease));
		return;
	}
	log_error(lease->about, "lost: not renewed for %lld ms",
		  (long long)(now_ms(lease) - lease->renewed_ms));
	finish(lease, true);
}

static void on_deadline(void *arg)
{
	struct lease *lease = arg;

	if (lease->state == LEASE_LEADING)
		check_deadline(lease);
	else if (lease->state == LEASE_RELEASING)
		finish(lease, false);
}

static void on_lapse(void *arg)
{
	struct lease *lease = arg;

	if (lease->state == LEASE_LEADING)
		check_deadline(lease);
}

/* --- what is known ---------------------------------------------------- */

/* Take over what the server said; since when the spec is so is what counts. */
static void note(struct lease *lease, const struct json *object)
{
	struct arena old = lease->memory;
	const struct json *before = json_get(lease->seen, "spec");

	arena_init(&lease->memory);
	if (!lease->seen || !json_equal(before, json_get(object, "spec")))
		lease->seen_ms = now_ms(lease);
	lease->seen = json_clone(&lease->memory, object);
	arena_release(&old);
}

static void note_missing(struct lease *lease)
{
	lease->seen = NULL;
	arena_reset(&lease->memory);
}

static bool is_held_by(const struct lease *lease, const char *identity)
{
	return strcmp(lease_holder(lease->seen), identity) == 0;
}

/* For how long the holder that we see is still to be respected; 0: not at all. */
static int64_t respite_ms(const struct lease *lease)
{
	int64_t until_ms = lease->seen_ms +
			   lease_duration_ms(lease->seen, lease->config.duration_ms);

	if (!lease->seen || is_held_by(lease, "") || is_held_by(lease, lease->config.identity))
		return 0;
	return until_ms > now_ms(lease) ? until_ms - now_ms(lease) : 0;
}

static void tell_holder(struct lease *lease)
{
	const char *holder = lease_holder(lease->seen);

	if (lease->holder && strcmp(lease->holder, holder) == 0)
		return;
	log_info(lease->about, "held by %s, waiting", holder);
	free(lease->holder);
	lease->holder = x_strdup(holder);
}

/* One line when something begins to hinder us, and one when nothing does. */
static void tell_trouble(struct lease *lease, const struct err *err)
{
	if (err->code != ERR_NONE && err->code != lease->trouble)
		log_warn(lease->about, "%s", err->msg);
	else if (err->code == ERR_NONE && lease->trouble != ERR_NONE)
		log_info(lease->about, "can be read and written again");
	lease->trouble = err->code;
}

/* --- steps ------------------------------------------------------------ */

static void schedule(struct lease *lease, int64_t delay_ms)
{
	loop_timer_start(lease->next, delay_ms);
}

/* Once more after a failure; a timeout has taken its time already. */
static void retry(struct lease *lease, const struct err *err)
{
	int64_t delay_ms = err->code == ERR_TIMEOUT ? 0 : lease->config.retry_ms / 2;

	if (lease->state != LEASE_LEADING)
		delay_ms = lease->config.retry_ms;
	if (delay_ms < err->retry_after_ms)
		delay_ms = err->retry_after_ms;
	tell_trouble(lease, err);
	schedule(lease, delay_ms);
}

/* Standby looks again when the holder's time is over, if that is sooner. */
static void look_later(struct lease *lease)
{
	int64_t retry_ms = lease->config.retry_ms;
	int64_t delay_ms = retry_ms;

	if (lease->state == LEASE_STANDBY) {
		delay_ms = clock_sooner_ms(respite_ms(lease), retry_ms);
		delay_ms += prng_upto(&lease->prng, retry_ms / JITTER_PART);
	}
	schedule(lease, delay_ms);
}

/* The lease was read, or there is none: what now? */
static void decide(struct lease *lease)
{
	bool other = lease->seen && !is_held_by(lease, "") &&
		     !is_held_by(lease, lease->config.identity);

	if (lease->state == LEASE_LEADING && other) {
		log_error(lease->about, "lost: now held by %s", lease_holder(lease->seen));
		finish(lease, true);
	} else if (lease->state == LEASE_RELEASING) {
		if (lease->seen && is_held_by(lease, lease->config.identity))
			write_lease(lease, "");
		else
			finish(lease, false);
	} else if (respite_ms(lease) > 0) {
		tell_holder(lease);
		look_later(lease);
	} else {
		write_lease(lease, lease->config.identity);
	}
}

static void on_next(void *arg)
{
	struct lease *lease = arg;

	if (lease->call)
		return;
	if (lease->state == LEASE_LEADING && lease->seen)
		write_lease(lease, lease->config.identity);
	else
		look(lease);
}

/* --- requests --------------------------------------------------------- */

/* Two tries fit into the deadline; none outlives it. */
static int64_t request_ms(const struct lease *lease)
{
	int64_t most_ms = lease->config.deadline_ms / 2;

	if (most_ms < REQUEST_LEAST_MS)
		most_ms = REQUEST_LEAST_MS;
	if (lease->state == LEASE_LEADING && left_ms(lease) < most_ms)
		most_ms = left_ms(lease);
	return most_ms > 0 ? most_ms : 1;
}

static struct client_request request_of(const struct lease *lease, const char *verb)
{
	return (struct client_request){
		.verb = verb,
		.resource = &RESOURCE_LEASE,
		.ns = lease->config.ns,
		.name = lease->config.name,
		.priority = HTTP_PRIORITY_HIGH,
		.timeout_ms = request_ms(lease),
	};
}

static void on_read(void *arg, struct arena *arena, struct json *object, const struct err *err)
{
	struct lease *lease = arg;

	(void)arena;
	lease->call = NULL;
	if (err->code != ERR_NONE && err->code != ERR_NOT_FOUND) {
		retry(lease, err);
		return;
	}
	tell_trouble(lease, &(struct err)ERR_INIT);
	if (object)
		note(lease, object);
	else
		note_missing(lease);
	decide(lease);
}

static void look(struct lease *lease)
{
	struct client_request request = request_of(lease, "get");

	lease->sent_ms = now_ms(lease);
	lease->call = client_start(lease->client, &request, on_read, lease);
}

/* It is ours as of the moment at which that was asked for. */
static void held(struct lease *lease)
{
	lease->renewed_ms = lease->sent_ms;
	if (lease->state == LEASE_STANDBY) {
		enter(lease, LEASE_LEADING);
		log_info(lease->about, "leading as %s", lease->config.identity);
		lease->config.leading(lease->config.arg);
	}
	check_deadline(lease);
	if (lease->state == LEASE_LEADING)
		look_later(lease);
}

static void on_written(void *arg, struct arena *arena, struct json *object, const struct err *err)
{
	struct lease *lease = arg;
	enum err_code code = err->code;

	(void)arena;
	lease->call = NULL;
	if (code == ERR_NONE) {
		tell_trouble(lease, err);
		note(lease, object);
		if (lease->state == LEASE_RELEASING)
			decide(lease);
		else
			held(lease);
	} else if (code == ERR_CONFLICT || code == ERR_NOT_FOUND || code == ERR_ALREADY_EXISTS) {
		if (lease->state == LEASE_STANDBY)
			look_later(lease); /* another was faster */
		else
			look(lease);
	} else {
		retry(lease, err);
	}
}

static void write_lease(struct lease *lease, const char *identity)
{
	struct client_request request = request_of(lease, lease->seen ? "update" : "create");
	struct arena arena = ARENA_INIT;
	const struct lease_claim claim = {
		.ns = lease->config.ns,
		.name = lease->config.name,
		.identity = identity,
		.duration_ms = lease->config.duration_ms,
		.now_ms = loop_wall_ms(lease->config.loop),
	};

	if (!lease->seen)
		request.name = NULL;
	request.body = lease_claimed(&arena, lease->seen, &claim);
	request.manager = FIELD_MANAGER;
	lease->sent_ms = now_ms(lease);
	lease->call = client_start(lease->client, &request, on_written, lease);
	arena_release(&arena);
}

/* --- life ------------------------------------------------------------- */

int lease_check_times(int64_t duration_ms, int64_t deadline_ms, int64_t retry_ms, struct err *err)
{
	if (duration_ms <= deadline_ms)
		return err_set(err, ERR_INVALID,
			       "the lease's duration has to be longer than the renew deadline");
	if (deadline_ms * 5 <= retry_ms * 6)
		return err_set(err, ERR_INVALID,
			       "the renew deadline has to be longer than 1.2 times the retry period");
	if (retry_ms < 1)
		return err_set(err, ERR_INVALID, "the retry period has to be longer than 0");
	return 0;
}

struct lease *lease_new(const struct lease_config *config)
{
	struct lease *lease = x_calloc(1, sizeof(*lease));

	arena_init(&lease->texts);
	arena_init(&lease->memory);
	lease->config = *config;
	lease->config.ns = arena_strdup(&lease->texts, config->ns);
	lease->config.name = arena_strdup(&lease->texts, config->name);
	lease->config.identity = arena_strdup(&lease->texts, config->identity);
	lease->about = arena_printf(&lease->texts, "lease %s/%s", config->ns, config->name);
	prng_init(&lease->prng);
	lease->client = client_new(config->loop, config->transport, NULL);
	client_set_credentials(lease->client, config->credentials);
	lease->next = loop_timer_new(config->loop, on_next, lease);
	lease->deadline = loop_timer_new(config->loop, on_deadline, lease);
	lease->lapse = loop_task_new(config->loop, on_lapse, lease);
	lease->end = loop_task_new(config->loop, on_end, lease);
	return lease;
}

void lease_free(struct lease *lease)
{
	if (!lease)
		return;
	client_free(lease->client);
	loop_task_free(lease->end);
	loop_task_free(lease->lapse);
	loop_timer_free(lease->deadline);
	loop_timer_free(lease->next);
	arena_release(&lease->memory);
	arena_release(&lease->texts);
	free(lease->holder);
	free(lease);
}

void lease_start(struct lease *lease)
{
	enter(lease, LEASE_STANDBY);
	schedule(lease, 0);
}

void lease_release(struct lease *lease)
{
	bool was_leading = lease->state == LEASE_LEADING;

	if (lease->state >= LEASE_RELEASING)
		return;
	enter(lease, LEASE_RELEASING);
	loop_timer_stop(lease->next);
	loop_timer_start(lease->deadline, RELEASE_MOST_MS);
	if (lease->call)
		return; /* its end goes on from here */
	if (was_leading && lease->seen)
		write_lease(lease, "");
	else
		finish(lease, false);
}

bool lease_may_write(struct lease *lease)
{
	if (lease->state != LEASE_LEADING)
		return false;
	if (left_ms(lease) > 0)
		return true;
	loop_task_post(lease->lapse);
	return false;
}

bool lease_is_leading(const struct lease *lease)
{
	return lease->state == LEASE_LEADING;
}
