/* What every unit test needs: cmocka with its own needs, and short words for JSON. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/json.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Fail the test with the error's text when a call failed. */
#define assert_ok(call, err)                                                                       \
	do {                                                                                       \
		if ((call) != 0)                                                                   \
			fail_msg("%s: %s", #call, (err)->msg);                                     \
	} while (0)

/* The tree of a text that has to be JSON. */
static inline struct json *unit_json(struct arena *arena, const char *text)
{
	struct json *value = NULL;
	struct err err = ERR_INIT;

	if (json_parse(arena, text, strlen(text), NULL, &value, &err) < 0)
		fail_msg("%s: %s", text, err.msg);
	return value;
}

#endif
