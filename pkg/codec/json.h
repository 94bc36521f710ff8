/* JSON: trees in an arena, read by yajl (SAX), whole or as a stream. */
#ifndef CODEC_JSON_H
#define CODEC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/*
 * One value. Members and elements are a linked list in document order.
 * Everything lives in the arena it was read or built in. Strings are
 * valid UTF-8 without NUL, so `text` is a C string; numbers keep the text
 * they were written with, which is a JSON number.
 */
struct json {
	enum json_type type;
	bool boolean;       /* JSON_BOOL */
	const char *text;   /* JSON_STRING, JSON_NUMBER; else NULL */
	const char *key;    /* the member's name while it stands in an object */
	struct json *first; /* first member or element */
	struct json *last;  /* last member or element */
	struct json *next;  /* next sibling */
};

/*
 * What to keep of an object while it is read: an array ended by a NULL
 * key, of which the first entry that matches counts. A member that is not
 * named is skipped and costs no memory; nothing in it is looked at but that
 * it is JSON and not nested too deeply. The children of an array's entry
 * apply to each of its elements. A `*` at the end of a key stands for any
 * rest of a name: "*" for all names, "app.*" for those that begin so.
 * The tree points to the keys, so the table must live as long.
 */
struct json_keep {
	const char *key;                  /* member's name; may end in `*` */
	const struct json_keep *children; /* what to keep of its value; NULL: everything */
};

/* --- reading ------------------------------------------------------- */

/*
 * Read one whole document.
 * `keep` may be NULL (everything). On success *ret_value is in `arena`.
 * Errors: ERR_PARSE (not JSON, NUL or bad UTF-8 in a string, half a
 * surrogate pair, trailing text, a duplicate member), ERR_LIMIT
 * (LIMIT_JSON_DEPTH, _JSON_VALUES, _DOCUMENT, _STRING). The text names the
 * position, never the content.
 */
int json_parse(struct arena *arena, const char *text, size_t len, const struct json_keep *keep,
	       struct json **ret_value, struct err *err);

/*
 * A stream of objects that arrives in pieces: watch events one after the
 * other, or one list whose `items` are handed out one by one. It holds one
 * element and the list's own members at a time, however long the list is.
 * A NUL in a kept string becomes U+FFFD here instead of an error: whoever
 * may write an annotation must not be able to stop everyone's stream.
 */
struct json_stream;

/*
 * Called for every element of the array member `items` (element = true)
 * and every completed document (element = false; the array stands in it,
 * empty). Members that come after the array, such as a list's metadata may,
 * are only in the document. `value` and all below it live in `arena` until
 * the callback returns; `arena` may be used for more.
 * Return 0 to go on, -1 with `err` set to stop the stream.
 */
typedef int json_stream_fn(void *arg, struct arena *arena, struct json *value, bool element,
			   struct err *err);

struct json_stream_config {
	const struct json_keep *keep; /* for the whole document; borrowed */
	const char *items;            /* top-level array handed out by element, or NULL; in `keep` too */
	size_t max_value_bytes;       /* ceiling of one element or document without its elements */
	json_stream_fn *on_value;     /* never NULL */
	void *arg;                    /* its first argument */
};

/* `config` is copied, what it points to is borrowed. */

struct json_stream *json_stream_new(const struct json_stream_config *config);
void json_stream_free(struct json_stream *stream);

/*
 * Feed the next bytes, cut anywhere.
 * Errors: as json_parse (LIMIT_DOCUMENT is max_value_bytes here; a document
 * that is no object is ERR_PARSE), or what on_value said. After an error the
 * stream takes nothing more and repeats the error. Callbacks: calls
 * on_value, which must neither feed nor free it.
 */
int json_stream_feed(struct json_stream *stream, const char *data, size_t len, struct err *err);

/* The end of input; none at all is fine. Errors: ERR_PARSE when a document was cut off. */
int json_stream_finish(struct json_stream *stream, struct err *err);

/* --- looking ------------------------------------------------------- */

/* The member, or NULL; `value` may be NULL or no object. */
const struct json *json_get(const struct json *value, const char *key);

/* Follow members: json_path(v, "spec", "template", NULL). */
const struct json *json_path(const struct json *value, ...) __attribute__((sentinel));

/* The text of a string, or `fallback` for anything else (NULL included). */
const char *json_string_or(const struct json *value, const char *fallback);

/* The text of a string or number, "true", "false", or `fallback` for anything else. */
const char *json_scalar_or(const struct json *value, const char *fallback);

/* The truth of a bool, or `fallback` for anything else. */
bool json_bool_or(const struct json *value, bool fallback);

/* The whole number, or `fallback` for anything else (fraction, exponent, overflow). */
int64_t json_int_or(const struct json *value, int64_t fallback);

/* Number of members or elements. */
size_t json_count(const struct json *value);

#define json_for_each(item, value) \
	for (const struct json *item = (value) ? (value)->first : NULL; item; item = item->next)

/*
 * Deep equality; object members in any order, numbers by text.
 */
bool json_equal(const struct json *a, const struct json *b);

/* --- building ------------------------------------------------------ */

struct json *json_new_object(struct arena *arena);
struct json *json_new_array(struct arena *arena);
struct json *json_new_string(struct arena *arena, const char *text); /* NULL text gives null */
struct json *json_new_printf(struct arena *arena, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
struct json *json_new_int(struct arena *arena, int64_t number);
struct json *json_new_bool(struct arena *arena, bool boolean);

/* A deep copy into `arena`. */
struct json *json_clone(struct arena *arena, const struct json *value);

/*
 * Set a member, at its old place when it exists, else at the end. The key
 * is copied. Takes `value` as it is: it must stand nowhere else (clone it
 * first). Returns it.
 */
struct json *json_set(struct arena *arena, struct json *object, const char *key,
		      struct json *value);
void json_set_string(struct arena *arena, struct json *object, const char *key, const char *text);
void json_set_int(struct arena *arena, struct json *object, const char *key, int64_t number);
void json_set_bool(struct arena *arena, struct json *object, const char *key, bool boolean);
struct json *json_set_object(struct arena *arena, struct json *object, const char *key);
struct json *json_set_array(struct arena *arena, struct json *object, const char *key);

/* Append an element; takes it as json_set does. Returns it. */
struct json *json_add(struct json *array, struct json *value);

/* --- writing ------------------------------------------------------- */

/*
 * Append compact JSON text; a ceiling shows in buf->overflow. Bytes of a
 * built string that are no UTF-8 are written as U+FFFD. NULL is null.
 */
void json_write(struct buf *buf, const struct json *value);

/* Append JSON text indented by two spaces, with a newline at the end. */
void json_write_pretty(struct buf *buf, const struct json *value);

/* Append `text` as a JSON string with its quotes. */
void json_write_string(struct buf *buf, const char *text);

/* Compact JSON text in the arena. */
const char *json_text(struct arena *arena, const struct json *value);

#endif
