/* The pod template, in all its versions. */
#ifndef FORMATION_TEMPLATE_H
#define FORMATION_TEMPLATE_H

#include "codec/json.h"
#include "formation/model.h"

/*
 * Render a process's pod template by a version from 1 to TEMPLATE_VERSION,
 * in the arena. A version never changes what it renders, for that would
 * restart every dyno at the controller's next update: what is to change
 * becomes a new version. Nothing in it depends on the quantity.
 */
struct json *template_render(struct arena *arena, const struct formation *formation,
                             const struct process *process, const struct dyno_size *size,
                             int version);

/* Whether there is such a version. */
bool template_known(int version);

/*
 * Which version to go on with. `made_by` is the Deployment's, `newest` ours;
 * `same` says that the version it was made by renders the pods it has.
 */
int template_version_next(int made_by, int newest, bool same);

/* Set the labels that select a process's pods, and nothing else. */
void template_selector(struct arena *arena, struct json *labels, const struct formation *formation,
                       const struct process *process);

/* Set the labels that everything of a process carries. */
void template_labels(struct arena *arena, struct json *labels, const struct formation *formation,
                     const struct process *process);

#endif
