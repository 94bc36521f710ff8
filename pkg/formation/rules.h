/* The tables of what a Formation and a DynoSize may hold, after crds/. */
#ifndef FORMATION_RULES_H
#define FORMATION_RULES_H

#include <stdbool.h>

#include "formation/schema.h"

enum {
	TYPE_MAX = 57,        /* characters of a type, and of a Formation's name */
	NAMES_MAX = 62,       /* of both together: with the dash a label's 63 */
	LABEL_VALUE_MAX = 63, /* of a label's value, so of a size's name */
};

extern const struct schema RULE_SPEC;    /* a Formation's spec; of processes only how many */
extern const struct schema RULE_PROCESS; /* one entry of spec.processes */
extern const struct schema RULE_SIZE;    /* a DynoSize's spec */

/* Whether a text is a process type: ^[a-z]([-a-z0-9]*[a-z0-9])?$ */
bool match_type(const char *text);

/* Whether a text can be the name of an object: labels of lower-case letters, digits and inner
 * dashes, with dots between. */
bool match_subdomain(const char *text);

/* Whether a text can be the name of a size, in upper or lower case. */
bool match_size(const char *text);

#endif
