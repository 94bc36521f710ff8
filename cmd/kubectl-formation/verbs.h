/* Every verb; each is in verb_NAME.c. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli.h"

extern const struct verb VERB_PS;
extern const struct verb VERB_SCALE;
extern const struct verb VERB_RESIZE;
extern const struct verb VERB_RESTART;
extern const struct verb VERB_LOGS;
extern const struct verb VERB_USAGE;
extern const struct verb VERB_INIT;
extern const struct verb VERB_RENDER;
extern const struct verb VERB_VALIDATE;

#endif
