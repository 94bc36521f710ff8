/* The rules of the CRDs once more: objects can be older than the rules. */
#ifndef FORMATION_VALIDATE_H
#define FORMATION_VALIDATE_H

#include "base/mem.h"
#include "codec/json.h"
#include "formation/model.h"

/*
 * Each returns the first rule that is broken, in the words in which the API
 * server refuses it at admission, with the field's path; or NULL. Texts
 * are in the arena.
 * Source: crds/, which these follow rule by rule.
 */

/* Whatever concerns the Formation as a whole: its name, and spec but for the processes. */
const char *validate_formation(struct arena *arena, const struct json *value);

/*
 * One entry of spec.processes. `spec` is the Formation's, `name` its name;
 * types that stand twice are not looked for.
 */
const char *validate_process(struct arena *arena, const char *name, const struct json *spec,
                             const struct json *process, size_t index);

/* A DynoSize's spec. */
const char *validate_size(struct arena *arena, const struct json *value);

/* Whether a type is a singleton unless it says otherwise. */
bool type_is_singleton(const char *type);

#endif
