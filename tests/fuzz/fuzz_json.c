/* The JSON reader: what it takes, it writes so that it reads the same again. */
#include "codec/json.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct json *value = NULL, *again = NULL;
	struct err err = ERR_INIT;
	const char *text;

	if (json_parse(&arena, (const char *)data, size, NULL, &value, &err) == 0) {
		text = json_text(&arena, value);
		holds(json_parse(&arena, text, strlen(text), NULL, &again, &err) == 0);
		holds(json_equal(value, again));
		holds(strcmp(text, json_text(&arena, again)) == 0);
	} else {
		holds(err.code != ERR_NONE && *err.msg);
	}
	arena_release(&arena);
	return 0;
}
