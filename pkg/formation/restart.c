#include "formation/restart.h"

#include <stdbool.h>
#include <string.h>

/* The next word of *at, or NULL; its length in *ret_len. */
static const char *next_word(const char **at, size_t *ret_len)
{
	const char *word = *at + strspn(*at, " ");

	*ret_len = strcspn(word, " ");
	*at = word + *ret_len;
	return *ret_len ? word : NULL;
}

/* Where the time begins in a word that applies to `type`, else NULL. */
static const char *time_in(const char *word, size_t len, const char *type)
{
	const char *equals = memchr(word, '=', len);
	size_t type_len = strlen(type);

	if (!equals)
		return word;
	if ((size_t)(equals - word) != type_len || memcmp(word, type, type_len) != 0)
		return NULL;
	return equals + 1;
}

const char *restart_of(struct arena *arena, const char *value, const char *type)
{
	const char *latest = NULL, *word;
	size_t len;

	while (value && (word = next_word(&value, &len)) != NULL) {
		const char *time = time_in(word, len, type);
		size_t time_len = time ? len - (size_t)(time - word) : 0;
		const char *copy;

		if (!time || !time_len || time_len > RESTART_TIME_MAX)
			continue;
		copy = arena_strndup(arena, time, time_len);
		if (!latest || strcmp(copy, latest) > 0)
			latest = copy;
	}
	return latest;
}

const char *restart_add(struct arena *arena, const char *value, const char *type, const char *time)
{
	const char *text = "", *word;
	size_t len;

	if (!type)
		return arena_strdup(arena, time);
	while (value && (word = next_word(&value, &len)) != NULL) {
		bool same = memchr(word, '=', len) && time_in(word, len, type);

		if (!same)
			text = arena_printf(arena, "%s%.*s ", text, (int)len, word);
	}
	return arena_printf(arena, "%s%s=%s", text, type, time);
}
