/* Memory: allocation that cannot fail, and arenas. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

/*
 * As malloc and its kin, but out of memory ends the process with one
 * line and status 1: the API server holds all state, a restart loses
 * nothing. Give back by free().
 */
void *x_malloc(size_t size);
void *x_calloc(size_t count, size_t size);
void *x_realloc(void *p, size_t size);
char *x_strdup(const char *s);
char *x_strndup(const char *s, size_t len);
char *x_asprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Run `fn(&var)` when a local goes out of scope:
 *   char *text cleanup(free_charp) = x_strdup(…);
 */
#define cleanup(fn) __attribute__((cleanup(fn)))
void free_charp(char **p);

struct arena_chunk;

/*
 * Memory that is given back all at once.
 * Invariant: everything handed out lives until arena_reset or
 * arena_release; nothing in an arena is freed by itself.
 */
struct arena {
	struct arena_chunk *chunks; /* newest first */
	char *next;                 /* first free byte of the newest chunk */
	char *end;                  /* its end */
	size_t used;                /* bytes handed out since the last reset */
};

#define ARENA_INIT { 0 }

void arena_init(struct arena *arena);
void arena_release(struct arena *arena);

/* Give everything back, but keep one chunk for the next user. */
void arena_reset(struct arena *arena);

/* Zeroed memory, aligned for any type (strings are not). Never fails. `size` may be 0. */
void *arena_alloc(struct arena *arena, size_t size);

/* The same for an array; a product that overflows is out of memory. */
void *arena_calloc(struct arena *arena, size_t count, size_t size);

/* Copies, NUL-terminated. arena_strdup of NULL is NULL. */
char *arena_strdup(struct arena *arena, const char *s);
char *arena_strndup(struct arena *arena, const char *s, size_t len);
char *arena_printf(struct arena *arena, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define arena_array(arena, type, n) ((type *)arena_calloc((arena), (n), sizeof(type)))

#endif
