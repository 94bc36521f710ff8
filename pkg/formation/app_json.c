#include "formation/app_json.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "codec/json.h"
#include "codec/marks.h"
#include "codec/yaml.h"
#include "formation/model.h"
#include "formation/rules.h"
#include "formation/schema.h"

struct reader {
	struct arena *arena;
	const char *name;
	struct marks marks;
	struct err *err;
};

static int fail(const struct reader *reader, const struct json *value, const char *path,
                const char *what)
{
	struct place at = marks_value(&reader->marks, value);

	return err_set(reader->err, ERR_PARSE, "%s:%zu:%zu: %s: %s", reader->name, at.line,
	               at.column, path, what);
}

/* --- sizes --------------------------------------------------------- */

static const struct {
	const char *heroku;
	const char *size;
} SIZES[] = {
	{ "eco", "1X" },
	{ "basic", "1X" },
	{ "free", "1X" },
	{ "hobby", "1X" },
	{ "standard", "1X" },
	{ "standard-1x", "1X" },
	{ "private-s", "1X" },
	{ "shield-s", "1X" },
	{ "standard-2x", "2X" },
	{ "private-m", "2X" },
	{ "shield-m", "2X" },
	{ "performance", "PX" },
	{ "performance-m", "PX" },
	{ "performance-l", "PX" },
	{ "performance-l-ram", "PX" },
	{ "performance-xl", "PX" },
	{ "performance-2xl", "PX" },
	{ "private-l", "PX" },
	{ "shield-l", "PX" },
};

static int read_size(const struct reader *reader, const struct json *value, const char *path,
                     struct app_json_entry *entry)
{
	const char *text = json_string_or(value, NULL);
	char *upper;

	if (!text)
		return fail(reader, value, path,
		            "expected the name of a size in quotes, such as \"1X\"");
	for (size_t i = 0; i < sizeof(SIZES) / sizeof(*SIZES); i++) {
		if (strcasecmp(SIZES[i].heroku, text) == 0) {
			entry->size = SIZES[i].size;
			entry->said = text;
			return 0;
		}
	}
	if (!match_size(text))
		return fail(reader, value, path,
		            "expected the name of a size: at most 63 letters, digits, '-' and '.'");
	upper = arena_strdup(reader->arena, text);
	for (char *p = upper; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	entry->size = upper;
	return 0;
}

/* --- entries ------------------------------------------------------- */

static int read_entry(const struct reader *reader, const struct json *value,
                      struct app_json_entry *entry)
{
	const char *path = arena_printf(reader->arena, "formation.%s", value->key);
	const struct json *quantity = schema_member(value, "quantity");
	const struct json *size = schema_member(value, "size");
	struct place at = marks_key(&reader->marks, value);
	int64_t number = json_int_or(quantity, -1);

	*entry = (struct app_json_entry){
		.type = value->key, .quantity = QUANTITY_UNSET, .line = at.line, .column = at.column
	};
	if (value->type != JSON_OBJECT)
		return fail(reader, value, path,
		            "expected an object, such as {\"quantity\": 1, \"size\": \"1X\"}");
	if (quantity && (number < 0 || number > LIMIT_QUANTITY))
		return fail(reader, quantity, arena_printf(reader->arena, "%s.quantity", path),
		            "expected a whole number from 0 to 1000");
	if (quantity)
		entry->quantity = (int)number;
	if (size)
		return read_size(reader, size, arena_printf(reader->arena, "%s.size", path), entry);
	return 0;
}

static int read_formation(const struct reader *reader, const struct json *formation,
                          struct app_json *app_json)
{
	if (!formation)
		return 0;
	if (formation->type != JSON_OBJECT)
		return fail(reader, formation, "formation",
		            "expected an object with a member for each process type");
	if (json_count(formation) > LIMIT_PROCESSES)
		return fail(reader, formation, "formation",
		            "a Formation has at most 64 process types");
	app_json->entries =
		arena_array(reader->arena, struct app_json_entry, json_count(formation) + 1);
	json_for_each (item, formation) {
		if (read_entry(reader, item, &app_json->entries[app_json->count++]) != 0)
			return -1;
	}
	return 0;
}

/* What is no JSON is read once more as YAML, whose errors have lines and columns. */
static int explain(const struct reader *reader, const char *text, size_t len)
{
	struct err err = *reader->err;
	struct json *value;

	if (err.code == ERR_LIMIT ||
	    yml_parse(reader->arena, reader->name, text, len, &value, reader->err) == 0)
		err_set(reader->err, err.code, "%s: %s", reader->name, err.msg);
	return -1;
}

int app_json_parse(struct arena *arena, const char *name, const char *text, size_t len,
                   struct app_json *ret_app_json, struct err *err)
{
	struct reader reader = { .arena = arena, .name = name, .err = err };
	struct app_json app_json = { 0 };
	struct json *root = NULL;

	if (len > LIMIT_CONFIG)
		return err_set(err, ERR_LIMIT, "%s: over the limit of %lu bytes", name,
		               LIMIT_CONFIG);
	if (json_parse(arena, text, len, NULL, &root, err) != 0)
		return explain(&reader, text, len);
	marks_init(&reader.marks, arena);
	marks_json(&reader.marks, text, root);
	if (root->type != JSON_OBJECT)
		return fail(&reader, root, "app.json", "expected an object");
	if (read_formation(&reader, schema_member(root, "formation"), &app_json) != 0)
		return -1;
	*ret_app_json = app_json;
	return 0;
}
