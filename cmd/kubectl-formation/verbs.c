#include "verbs.h"

const struct verb *const VERBS[] = {
	&VERB_SCALE,
	&VERB_RESIZE,
	NULL,
};
