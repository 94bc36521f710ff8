/* Checking a tree against a table, as the API server checks a CRD's OpenAPI schema. */
#ifndef FORMATION_SCHEMA_H
#define FORMATION_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "codec/json.h"
#include "formation/path.h"

enum schema_type {
	SCHEMA_STRING,
	SCHEMA_INTEGER,
	SCHEMA_BOOL,
	SCHEMA_OBJECT,   /* `members` */
	SCHEMA_LIST,     /* `element`, told apart by `list_key` */
	SCHEMA_QUANTITY, /* a number or a string, see x-kubernetes-int-or-string */
	SCHEMA_STRINGS,  /* an object of strings under any names */
};

/*
 * One rule for a value. A table of members ends with a NULL key. A member
 * that no rule names is let pass, as the API server prunes it.
 */
struct schema {
	const char *key; /* the member's name */
	enum schema_type type;
	bool required;
	int64_t min; /* integer: smallest; string: characters; list: elements */
	int64_t max; /* likewise, largest; 0: neither is checked */
	bool (*matches)(const char *text); /* string: a pattern by hand, */
	const char *pattern;               /* and how the CRD writes it */
	const char *const *values;         /* string: the only ones allowed, NULL at the end */
	const struct schema *members;      /* object: its members */
	const struct schema *element;      /* list: the rule for each element */
	const char *list_key;              /* list: no two elements have the same here, or NULL */
};

/*
 * The first rule that `value` breaks, in the API server's words with the
 * field's path in front, in the arena; or NULL. `path` is the value's own.
 * An absent value (NULL) and JSON null are no violation here.
 * Source: k8s.io/kube-openapi/pkg/validation, k8s.io/apimachinery/pkg/util/validation/field.
 */
const char *schema_check(struct arena *arena, const struct schema *rule, const struct path *path,
                         const struct json *value);

/* The member, or NULL when it is absent or null. */
const struct json *schema_member(const struct json *value, const char *key);

/* A deep copy without null members, which mean the same as absent ones. */
struct json *schema_clone(struct arena *arena, const struct json *value);

#endif
