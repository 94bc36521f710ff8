/* Watch framing: the same events however the bytes are cut. The first byte says how. */
#include "base/limits.h"
#include "codec/json.h"
#include "fuzz.h"
#include "kube/keep.h"

struct seen {
	struct buf text;
	struct err err;
};

static int on_value(void *arg, struct arena *arena, struct json *value, bool element,
                    struct err *err)
{
	struct seen *seen = arg;

	(void)arena;
	(void)element;
	(void)err;
	json_write(&seen->text, value);
	buf_putc(&seen->text, '\n');
	return 0;
}

static void feed(const char *data, size_t size, size_t chunk, const char *items,
                 struct seen *ret_seen)
{
	const struct json_stream_config config = { .items = items,
		                                   .max_value_bytes = 4096,
		                                   .on_value = on_value,
		                                   .arg = ret_seen };
	struct json_stream *stream = json_stream_new(&config);
	int result = 0;

	buf_init(&ret_seen->text, LIMIT_DOCUMENT);
	ret_seen->err = (struct err)ERR_INIT;
	for (size_t at = 0; at < size && result == 0; at += chunk)
		result = json_stream_feed(stream, data + at, size - at < chunk ? size - at : chunk,
		                          &ret_seen->err);
	if (result == 0)
		json_stream_finish(stream, &ret_seen->err);
	json_stream_free(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole, cut;
	const char *items;

	if (size == 0)
		return 0;
	items = data[0] & 128 ? "items" : NULL;
	feed((const char *)data + 1, size - 1, size, items, &whole);
	feed((const char *)data + 1, size - 1, 1 + (data[0] & 127), items, &cut);
	/* What comes before an error may be given up with it, but nothing else is ever seen. */
	holds(whole.err.code != ERR_NONE ||
	      strcmp(buf_cstr(&whole.text), buf_cstr(&cut.text)) == 0);
	holds(strncmp(buf_cstr(&whole.text), buf_cstr(&cut.text),
	              whole.text.len < cut.text.len ? whole.text.len : cut.text.len) == 0);
	holds((whole.err.code == ERR_NONE) == (cut.err.code == ERR_NONE));
	buf_release(&whole.text);
	buf_release(&cut.text);
	return 0;
}
