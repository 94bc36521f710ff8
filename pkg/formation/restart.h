/* The annotation that asks for a restart, carried into the pod template. */
#ifndef FORMATION_RESTART_H
#define FORMATION_RESTART_H

#include "base/mem.h"

#define ANNOTATION_RESTARTED "dyno.dev/restarted-at" /* on a Formation, and on its dynos */

enum { RESTART_TIME_MAX = 64 }; /* bytes of one time: longer words are left out */

/*
 * What the annotation `value` (NULL: none) says of a type: words separated by
 * spaces, TIME for every type, TYPE=TIME for one. Of the two that apply, the later
 * one as text. NULL: never restarted. In the arena.
 */
const char *restart_of(struct arena *arena, const char *value, const char *type);

/*
 * The annotation that restarts `type` (NULL: all) at `time`: what `value` said
 * of other types stays.
 */
const char *restart_add(struct arena *arena, const char *value, const char *type,
                        const char *time);

#endif
