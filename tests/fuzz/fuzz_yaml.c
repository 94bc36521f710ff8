/* YAML: what is read is JSON, and reads the same as such. */
#include "codec/yaml.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct json *value = NULL, *again = NULL;
	struct err err = ERR_INIT;
	const char *text;

	if (yml_parse(&arena, "fuzz", (const char *)data, size, &value, &err) == 0) {
		text = json_text(&arena, value);
		holds(json_parse(&arena, text, strlen(text), NULL, &again, &err) == 0);
		holds(json_equal(value, again));
	} else {
		holds(strncmp(err.msg, "fuzz", 4) == 0);
	}
	arena_release(&arena);
	return 0;
}
