/* The log: one line an event, text or JSON, to standard error. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

enum log_format {
	LOG_FORMAT_TEXT, /* 2026-11-23T21:40:00.123Z INFO default/shop: text */
	LOG_FORMAT_JSON, /* {"time":…,"level":"info","object":"default/shop","msg":"text"} */
};

/*
 * Set level, format and file descriptor of the process's one log sink.
 * The sink is the program's only mutable global.
 */
void log_setup(enum log_level level, enum log_format format, int fd);

/* Whether a line at this level would be written. */
bool log_enabled(enum log_level level);

/*
 * Write one line.
 * `object` is what the line is about ("default/shop", "config", "watch
 * pods"), or NULL. Control characters, marks that change the direction of
 * writing and invalid UTF-8 are escaped, so that no text can forge a line;
 * a line is cut at LIMIT_LOG_LINE. One write(2) each; a line that the
 * descriptor doesn't take is lost.
 * Never log credentials or the value of an environment variable.
 */
void log_write(enum log_level level, const char *object, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(object, ...) log_write(LOG_ERROR, object, __VA_ARGS__)
#define log_warn(object, ...)  log_write(LOG_WARN, object, __VA_ARGS__)
#define log_info(object, ...)  log_write(LOG_INFO, object, __VA_ARGS__)
#define log_debug(object, ...) log_write(LOG_DEBUG, object, __VA_ARGS__)

/* The level or format of that name ("info", "json"), or -1. */
int log_level_parse(const char *name);
int log_format_parse(const char *name);

#endif
