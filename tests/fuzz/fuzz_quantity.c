/* Quantities: what is formatted reads as what it was. */
#include "base/mem.h"
#include "codec/quantity.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = x_strndup((const char *)data, size), formatted[QUANTITY_TEXT_MAX];
	int64_t number, again;
	struct err err = ERR_INIT;

	if (quantity_parse_milli(text, &number, &err) == 0) {
		quantity_format_cpu(number, formatted);
		holds(quantity_parse_milli(formatted, &again, &err) == 0 && again == number);
		holds(quantity_equal(text, text));
	}
	if (quantity_parse_units(text, &number, &err) == 0) {
		quantity_format_bytes(number, formatted);
		holds(quantity_parse_units(formatted, &again, &err) == 0 && again == number);
	}
	free(text);
	return 0;
}
