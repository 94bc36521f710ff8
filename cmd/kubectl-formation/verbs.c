#include "verbs.h"

const struct verb *const VERBS[] = {
	&VERB_PS,
	&VERB_SCALE,
	&VERB_RESIZE,
	&VERB_RESTART,
	&VERB_LOGS,
	&VERB_USAGE,
	&VERB_INIT,
	&VERB_RENDER,
	&VERB_VALIDATE,
	NULL,
};
