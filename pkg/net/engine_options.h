/* What every transfer has in common, told to libcurl; for engine.c only. */
#ifndef NET_ENGINE_OPTIONS_H
#define NET_ENGINE_OPTIONS_H

#include "net/settings.h"

/*
 * Set all of a new CURL easy handle that follows from the settings: TLS,
 * what libcurl may not do by itself, proxy and password. `settings` are
 * borrowed and must outlive the handle.
 */
void engine_set_options(void *easy, const struct settings *settings);

/* End the process unless `code` is CURLE_OK: memory, or a libcurl that lacks what we were built with. */
void engine_must(int code);

#endif
