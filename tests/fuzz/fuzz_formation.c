/* Formations and DynoSizes, of any shape: decoded with a problem at most. */
#include "formation/model.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct json *value = NULL;
	struct formation formation;
	struct dyno_size dyno_size;
	struct err err = ERR_INIT;

	if (json_parse(&arena, (const char *)data, size, NULL, &value, &err) == 0) {
		if (formation_decode(&arena, value, &formation, &err) == 0) {
			holds(formation.process_count > 0 || formation.problem);
			for (size_t i = 0; i < formation.process_count; i++)
				holds(formation.processes[i].type != NULL);
		}
		err = (struct err)ERR_INIT;
		if (dyno_size_decode(&arena, value, &dyno_size, &err) != 0)
			holds(err.code == ERR_PARSE);
	}
	arena_release(&arena);
	return 0;
}
