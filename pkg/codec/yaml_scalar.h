/* What a plain YAML scalar is: for yaml.c alone. */
#ifndef CODEC_YAML_SCALAR_H
#define CODEC_YAML_SCALAR_H

#include "base/mem.h"
#include "codec/json.h"

/*
 * Fill type, boolean and text of `value` from a plain scalar. `text` is in
 * the arena or lives as long; a number's text is made anew.
 * Returns 0, or -1 for infinities and NaN, which JSON doesn't have.
 */
int yml_resolve(struct arena *arena, const char *text, struct json *value);

#endif
