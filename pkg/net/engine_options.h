/* What every transfer has in common, told to libcurl; for engine.c only. */
#ifndef NET_ENGINE_OPTIONS_H
#define NET_ENGINE_OPTIONS_H

#include "net/settings.h"

/*
 * Set all of a new CURL easy handle that follows from the settings but
 * their identity: TLS, what libcurl may not do by itself, proxy and password. `settings` are
 * borrowed and must outlive the handle.
 */
void engine_set_options(void *easy, const struct settings *settings);

/*
 * Use these certificates from the handle's next connection on; it must
 * have a reference. A connection that was made with others is not used.
 */
void engine_set_identity(void *easy, const struct identity *identity);

/* End the process unless `code` is CURLE_OK: memory, or a libcurl that lacks what we were built with. */
void engine_must(int code);

#endif
