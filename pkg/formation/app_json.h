/* The `formation` section of an app.json: how many dynos of which size an app begins with. */
#ifndef FORMATION_APP_JSON_H
#define FORMATION_APP_JSON_H

#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"

/* What is said of one process type. */
struct app_json_entry {
	const char *type;    /* as it stands there */
	int quantity;        /* QUANTITY_UNSET: not said */
	const char *size;    /* a DynoSize, canonical, or NULL: not said */
	const char *said;    /* what stood there where `size` is another name, or NULL */
	size_t line, column; /* of the type, from 1 */
};

struct app_json {
	struct app_json_entry *entries; /* in the order of the file */
	size_t count;
};

/*
 * Read the text of an app.json; `name` stands in messages. Anything but
 * its `formation` is let be. Heroku's names for dynos become the sizes that
 * come with Formation: eco, basic, hobby, free, private-s, standard-1x and
 * their like 1X; standard-2x and private-m 2X; performance-* PX.
 * Everything is in the arena.
 * Errors: ERR_PARSE ("NAME:LINE:COLUMN: …": no JSON, another type of value
 * than there must be, a quantity below 0 or above LIMIT_QUANTITY, a size
 * that can be none), ERR_LIMIT.
 * Source: devcenter.heroku.com/articles/app-json-schema, "formation".
 */
int app_json_parse(struct arena *arena, const char *name, const char *text, size_t len,
                   struct app_json *ret_app_json, struct err *err);

#endif
