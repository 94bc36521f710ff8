#include "verbs.h"

const struct verb *const VERBS[] = {
	NULL,
};
