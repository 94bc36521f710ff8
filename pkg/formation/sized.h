/* The part of a pod template that a change of size can give to running pods: cpu and memory. */
#ifndef FORMATION_SIZED_H
#define FORMATION_SIZED_H

#include "codec/digest.h"
#include "formation/model.h"

/*
 * In pod templates and on pods: the size with its amounts, as sized_text
 * says it. A pod has it from its template, and gets the new one when it was
 * resized: so it is known which pods have which size, whatever admission
 * made of their resources.
 */
#define ANNOTATION_RESOURCES "dyno.dev/resources"
#define RESOURCES_CHANGING   "changing" /* instead of a text: some resize of the pod began */

/* On a Deployment: the digest of the rendered pod template but for its size. */
#define ANNOTATION_UNSIZED "dyno.dev/unsized"

/* On a Deployment: the controller paused it, to give its pods this size. */
#define ANNOTATION_RESIZING "dyno.dev/resizing"

/* In a ReplicaSet's pod template: why its pods are to be replaced though they look right. */
#define ANNOTATION_SUPERSEDED "dyno.dev/superseded"

/* "2X cpu=200m memory=1Gi", with " cpuLimit=1" where there is one. In the arena. */
const char *sized_text(struct arena *arena, const struct process *process,
                       const struct dyno_size *size);

/* Whether a pod of that text is Guaranteed: its cpu limit is what it reserves. NULL: no. */
bool sized_is_guaranteed(const char *text);

/* ANNOTATION_RESOURCES of a pod or a pod template, or NULL. */
const char *sized_of(const struct json *object);

/* The dyno's container of a pod or pod template, or NULL; *ret_index is its place. */
const struct json *sized_container(const struct json *object, size_t *ret_index);

/*
 * A copy of a pod template without all that a resize changes: the label and
 * annotation of the size, cpu and memory of the dyno's container, and the
 * hash that the Deployment controller adds.
 */
struct json *sized_strip(struct arena *arena, const struct json *template);

/* The digest of that. */
struct digest sized_digest(struct arena *arena, const struct json *template);

/* Whether two resources have the same cpu and memory, requests and limits. NULL is nothing. */
bool sized_same_resources(const struct json *a, const struct json *b);

/* Whether two stored pod templates make the same pods: equal but for the hash. */
bool sized_same_template(struct arena *arena, const struct json *a, const struct json *b);

/* Give `template`, which is changed, the label, annotation and resources of `from`. */
void sized_copy(struct arena *arena, struct json *template, const struct json *from);

#endif
