/* What changed of a formation, and by whom: the log, events, status.history. */
#ifndef FORMATION_HISTORY_H
#define FORMATION_HISTORY_H

#include "formation/plan.h"
#include "formation/verdict.h"

enum {
	HISTORY_MAX = 20, /* entries kept, the last ones */
	HISTORY_BYTES_MAX =
		16 * 1024,         /* of their JSON text; the last one is kept whatever it has */
	HISTORY_BY_MAX = 256,      /* bytes of a user's or field manager's name */
	HISTORY_MESSAGE_MAX = 512, /* bytes of the message that came with a change */
	HISTORY_IMAGE_MAX = 1024 + 256, /* bytes of the images in an entry */
	HISTORY_RESTARTED_MAX =
		8 * 1024, /* bytes of dyno.dev/restarted-at: a time for each of 64 types */
};

/*
 * Compare the Formation with what was recorded of it in the observed status
 * (`recorded`), and put `recorded` and `history` into `status`, which has
 * all but these. A change is an entry, whatever of it came together, by who
 * made the last of it; each kind of change is an event besides, which is
 * also a line of the log and goes with the status: entry and observed state
 * are one write, so a change is told once, or again when that write was
 * lost.
 *
 * Kinds and reasons: Scaled (a quantity, or a type more or less), Resized
 * (sizes alone), Deployed, Restarted, Paused, Resumed, and Configured for
 * any other change of the spec that stands alone. A status that has nothing
 * recorded is taken as it is; where there is none, all is new.
 *
 * Who: annotation dyno.dev/changed-by where input->actors_verified, else
 * the field manager, unverified. Replicas that somebody else owns are by
 * the Deployment's field manager.
 * Returns whether there is a new entry.
 */
bool history_plan(struct planner *planner, const struct process_report *reports, size_t count,
                  struct json *status);

/* "web=2:2X, worker=1" of "web=2:2X worker=1:1X": as people read it, without the default size. */
const char *history_formation_text(struct arena *arena, const char *formation);

#endif
