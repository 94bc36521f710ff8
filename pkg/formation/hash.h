/* A quick hash of trees and texts, to tell whether something changed. */
#ifndef FORMATION_HASH_H
#define FORMATION_HASH_H

#include <stdint.h>

#include "codec/json.h"

#define HASH_INIT UINT64_C(0xcbf29ce484222325)

/*
 * Go on from `hash` (HASH_INIT at first) with a text or a whole tree, NULL
 * included. Not for anything that someone would gain by forging.
 * Source: FNV-1a.
 */
uint64_t hash_text(uint64_t hash, const char *text);
uint64_t hash_number(uint64_t hash, uint64_t number);
uint64_t hash_value(uint64_t hash, const struct json *value);

#endif
