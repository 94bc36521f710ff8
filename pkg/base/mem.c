#include "base/mem.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	CHUNK_FIRST = 4096,            /* bytes of an arena's first chunk, its head included */
	CHUNK_LARGEST = 65536,         /* chunks double up to here */
	CHUNK_OWN = CHUNK_LARGEST / 4, /* what is larger gets a chunk of its own */
	ALIGNMENT = alignof(max_align_t),
};

static _Noreturn void die(void)
{
	static const char line[] = "out of memory\n";
	ssize_t ignored = write(STDERR_FILENO, line, sizeof(line) - 1);

	(void)ignored;
	_exit(1);
}

void *x_malloc(size_t size)
{
	void *p = size <= PTRDIFF_MAX ? malloc(size ? size : 1) : NULL;

	if (!p)
		die();
	return p;
}

void *x_calloc(size_t count, size_t size)
{
	size_t total;
	void *p;

	if (__builtin_mul_overflow(count, size, &total) || total > PTRDIFF_MAX)
		die();
	p = calloc(total ? total : 1, 1);
	if (!p)
		die();
	return p;
}

void *x_realloc(void *p, size_t size)
{
	void *moved = size <= PTRDIFF_MAX ? realloc(p, size ? size : 1) : NULL;

	if (!moved)
		die();
	return moved;
}

char *x_strdup(const char *s)
{
	return x_strndup(s, strlen(s));
}

char *x_strndup(const char *s, size_t len)
{
	char *copy = x_malloc(len + 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *x_asprintf(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		die();
	return text;
}

void free_charp(char **p)
{
	free(*p);
	*p = NULL;
}

struct arena_chunk {
	struct arena_chunk *next;         /* older */
	size_t size;                      /* bytes of `data` */
	alignas(max_align_t) char data[]; /* what is handed out */
};

void arena_init(struct arena *arena)
{
	*arena = (struct arena)ARENA_INIT;
}

void arena_release(struct arena *arena)
{
	struct arena_chunk *next;

	for (struct arena_chunk *chunk = arena->chunks; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	arena_init(arena);
}

/* Large blocks stand behind the chunk in use, unless nothing else was ever asked for. */
void arena_reset(struct arena *arena)
{
	struct arena_chunk *keep = arena->chunks;

	if (!keep)
		return;
	arena->chunks = keep->next;
	keep->next = NULL;
	arena_release(arena);
	if (keep->size > CHUNK_LARGEST) {
		free(keep);
		return;
	}
	arena->chunks = keep;
	arena->next = keep->data;
	arena->end = keep->data + keep->size;
}

static struct arena_chunk *chunk_new(size_t size)
{
	struct arena_chunk *chunk;

	if (size > PTRDIFF_MAX - sizeof(*chunk))
		die();
	chunk = x_malloc(sizeof(*chunk) + size);
	chunk->next = NULL;
	chunk->size = size;
	return chunk;
}

/* A block too large to share a chunk; the chunk in use stays in use. */
static char *arena_large(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = chunk_new(size);

	if (arena->chunks) {
		chunk->next = arena->chunks->next;
		arena->chunks->next = chunk;
	} else {
		arena->chunks = chunk;
		arena->next = arena->end = chunk->data + size;
	}
	return chunk->data;
}

/* Begin the next chunk, twice as large as the last, where `need` bytes fit. */
static void arena_grow(struct arena *arena, size_t need)
{
	const size_t head = sizeof(struct arena_chunk);
	size_t size = arena->chunks ? (arena->chunks->size + head) * 2 : CHUNK_FIRST;
	struct arena_chunk *chunk;

	while (size - head < need)
		size *= 2;
	if (size > CHUNK_LARGEST)
		size = CHUNK_LARGEST;
	chunk = chunk_new(size - head);
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	arena->next = chunk->data;
	arena->end = chunk->data + chunk->size;
}

/* Bytes that are not zeroed; `align` is a power of two. */
static char *arena_take(struct arena *arena, size_t size, size_t align)
{
	size_t pad = -(uintptr_t)arena->next & (align - 1);
	char *block;

	if (size > CHUNK_OWN) {
		block = arena_large(arena, size);
	} else {
		if (pad + size > (size_t)(arena->end - arena->next)) {
			arena_grow(arena, size);
			pad = 0;
		}
		block = arena->next + pad;
		arena->next = block + size;
	}
	arena->used += size;
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	return memset(arena_take(arena, size ? size : 1, ALIGNMENT), 0, size);
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		die();
	return arena_alloc(arena, total);
}

char *arena_strdup(struct arena *arena, const char *s)
{
	return s ? arena_strndup(arena, s, strlen(s)) : NULL;
}

char *arena_strndup(struct arena *arena, const char *s, size_t len)
{
	char *copy = arena_take(arena, len + 1, 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *arena_vprintf(struct arena *arena, const char *fmt, va_list ap)
{
	va_list again;
	char *text;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		die();
	text = arena_take(arena, (size_t)n + 1, 1);
	vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	return text;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vprintf(arena, fmt, ap);
	va_end(ap);
	return text;
}
