/* The words of a scale: `web=2`, `worker+1`, `clock-1`, `web=2:2X`. Pure. */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"

/* One change that was asked for. */
struct scale_word {
	const char *text; /* as it was written, for messages */
	const char *type; /* process type */
	char op;          /* '=', '+', '-'; 0: the quantity stays */
	int number;       /* 0 or more */
	const char *size; /* or NULL: stays */
};

/*
 * Read TYPE=N, TYPE+N, TYPE-N, each with :SIZE behind it or not. Commas
 * separate words too, so that a line of the log can be pasted. Everything
 * is in the arena.
 * Errors: ERR_INVALID: a word that does not parse, or a type named twice;
 * the text begins with the word.
 */
int scale_words_parse(struct arena *arena, char *const *args, int arg_count,
		      struct scale_word **ret_words, size_t *ret_count, struct err *err);

/* The same for a resize: TYPE=SIZE. */
int resize_words_parse(struct arena *arena, char *const *args, int arg_count,
		       struct scale_word **ret_words, size_t *ret_count, struct err *err);

#endif
