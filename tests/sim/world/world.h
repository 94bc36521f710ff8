/* A cluster behind the controller's transport, and what goes wrong on the way to it. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "cluster.h"
#include "net/transport.h"
#include "sim_loop.h"

/* What happens to one request, or to one event of a watch. */
enum fault {
	FAULT_NONE,

	/* to a request */
	FAULT_CRASH_BEFORE,  /* the controller ends; the request has never been sent */
	FAULT_CRASH_AFTER,   /* it ends when the request has been carried out, before the answer */
	FAULT_RESET_BEFORE,  /* the connection breaks, nothing was done */
	FAULT_RESET_AFTER,   /* it breaks after everything was done */
	FAULT_LOST,          /* the request is lost, no answer comes */
	FAULT_SILENT,        /* it is carried out, no answer comes */
	FAULT_CUT,           /* it is carried out, the answer is cut off */
	FAULT_401,
	FAULT_403,
	FAULT_409,
	FAULT_410,
	FAULT_422,
	FAULT_429,           /* with Retry-After */
	FAULT_500,
	FAULT_500_AFTER,     /* it is carried out all the same */
	FAULT_503_HTML,
	FAULT_REQUESTS,      /* end of these */

	/* to an event */
	FAULT_DROP_STREAM,   /* the stream ends before it */
	FAULT_CUT_EVENT,     /* the stream ends in the middle of it */
	FAULT_DELAY,         /* it and all behind it are two seconds late */
	FAULT_DELAY_LONG,    /* forty */
	FAULT_TWICE,         /* it comes twice */
	FAULT_MERGE,         /* it comes together with the next one */
	FAULT_BYTES,         /* it comes byte by byte */
	FAULT_GONE,          /* the stream ends before it with an ERROR of code 410 */
	FAULT_COMPACT,       /* it ends, and its version is gone when it is asked for again */
	FAULT_HANG,          /* nothing comes any more, until the client gives up */
	FAULT_CRASH_EVENT,   /* the controller ends right before it */
	FAULTS,              /* end of these */
};

extern const char *const FAULT_NAMES[FAULTS];

/* Where a run is harmed. */
struct harm {
	enum fault fault;
	unsigned at;       /* the how-manieth request or event, from 1 */
	unsigned chance;   /* instead: of 1,000 requests and events, so many */
};

struct world {
	struct transport transport; /* first: the transport is the world */
	struct cluster cluster;
	struct loop *loop;
	struct harm harm;
	unsigned requests;       /* carried out or harmed so far, watches apart */
	unsigned writes;         /* those that may change something, events apart */
	unsigned events;         /* delivered to watches so far */
	unsigned harmed;
	bool no_resize;          /* of pods: there is no such subresource */
	bool calm;               /* nothing is harmed any more */
	bool crash;              /* the controller has to end now */
	bool acting;             /* the actors have a pass ahead */
	int hung;                /* streams that hang */
	bool compacted[KINDS];   /* what was before is gone for the next watch */
	int64_t moved_ms;        /* when something was written or delivered last */
	struct http_call *calls; /* all open ones */
};

void world_init(struct world *world, struct loop *loop, struct harm harm);
void world_release(struct world *world);

/* Calls of the controller that are open. */
unsigned world_open(const struct world *world);

/* Somebody in the cluster has changed something: those who work there look at it. */
void world_stir(struct world *world);

#endif
