/* Reading small files that may hold secrets. */
#ifndef KUBE_FILE_H
#define KUBE_FILE_H

#include <stddef.h>

#include "base/err.h"

/*
 * Read a regular file of at most LIMIT_CONFIG bytes.
 * Returns its bytes with a NUL after them, for secret_free; ret_len may be
 * NULL.
 * Errors: ERR_NOT_FOUND, ERR_SYSTEM (unreadable), ERR_INVALID (a folder, a
 * device), ERR_LIMIT. The text begins with the path.
 */
char *file_read(const char *path, size_t *ret_len, struct err *err);

/*
 * Read a token: what the file holds without white space around it.
 * Errors: as file_read; ERR_INVALID (empty, or characters that no token has).
 */
char *file_read_token(const char *path, struct err *err);

/* Overwrite and free a string. NULL is taken. */
void secret_free(char *secret);

/* Whether text can stand in a header: not empty, no control characters. */
int header_text_check(const char *text, struct err *err);

#endif
