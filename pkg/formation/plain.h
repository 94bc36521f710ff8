/* Text that others chose, as it may stand in a line of ours. */
#ifndef FORMATION_PLAIN_H
#define FORMATION_PLAIN_H

#include <stddef.h>

#include "base/mem.h"

/*
 * `text` with control characters, line separators and marks that change the
 * direction of writing escaped (\n, \u202e), cut to `max` bytes with the
 * mark of a cut text; in the arena.
 */
const char *plain_text(struct arena *arena, const char *text, size_t max);

/*
 * As it is where it is one ASCII word, else in quotes: a name can't go on as
 * if it were the rest of the sentence.
 */
const char *plain_word(struct arena *arena, const char *text);

/* In double quotes; those in it become single ones. */
const char *plain_quoted(struct arena *arena, const char *text);

#endif
