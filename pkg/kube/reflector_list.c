#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "kube/escape.h"
#include "kube/reflector_private.h"

enum {
	PAGE_ITEMS = 500, /* of a list, as client-go asks for */
};

static int on_list_value(void *arg, struct arena *arena, struct json *value, bool element,
			 struct err *err)
{
	struct reflector *reflector = arg;
	const char *page;

	if (element) {
		if (reflector_is_kind(reflector, value, "", true))
			reflector->handlers.list_item(reflector->handlers.arg, arena, value);
		else
			log_warn(reflector->name, "an item of another kind is left out");
		return 0;
	}
	if (!reflector_is_kind(reflector, value, "List", false))
		return err_set(err, ERR_PARSE, "the answer is no %sList", reflector->resource->kind);
	reflector->list_version = reflector_version_of(value);
	if (!reflector->list_version)
		return err_set(err, ERR_PARSE, "the list has no resourceVersion");
	page = json_string_or(json_path(value, "metadata", "continue", NULL), "");
	free(reflector->page);
	reflector->page = *page ? x_strdup(page) : NULL;
	reflector->whole = true;
	return 0;
}

/*
 * Ask for a page. The first one names no version: a consistent read, so
 * that a restart never sees the past. The next ones name nothing but their
 * token. Source: KEP-2340, client-go/tools/pager.
 */
void reflector_list_page(struct reflector *reflector)
{
	const struct json_stream_config config = {
		.keep = reflector->keep_list,
		.items = "items",
		.max_value_bytes = LIMIT_DOCUMENT,
		.on_value = on_list_value,
		.arg = reflector,
	};
	struct buf query = BUF_INIT(LIMIT_HTTP_HEAD);

	if (!reflector->page)
		reflector_list_begin(reflector);
	reflector->whole = false;
	buf_puts(&query, reflector->selector);
	if (!reflector->unpaged)
		buf_printf(&query, "limit=%d", PAGE_ITEMS);
	if (reflector->page) {
		buf_puts(&query, "&continue=");
		escape_url(&query, reflector->page);
	}
	reflector_open_call(reflector, buf_cstr(&query), LIST_TIMEOUT_MS, &config);
	buf_release(&query);
}

static void list_failed(struct reflector *reflector, const struct err *err)
{
	bool paging = reflector->page != NULL;

	free(reflector->page);
	reflector->page = NULL;
	if (err->code == ERR_GONE) {
		reflector->unpaged = paging;
		reflector_list_again(reflector, err);
	} else {
		reflector_wait(reflector, REFLECTOR_WAITING_TO_LIST, err);
	}
}

void reflector_list_done(struct reflector *reflector, const struct http_result *result,
			 struct err *err)
{
	if (err->code == ERR_NONE && json_stream_finish(reflector->stream, err) == 0 &&
	    (!reflector->whole || !result->complete))
		err_set(err, ERR_PARSE, "the list was cut off after %zu bytes",
			reflector->received);
	reflector_close_call(reflector);
	if (err->code != ERR_NONE) {
		err_wrap(err, "list");
		list_failed(reflector, err);
	} else if (reflector->page) {
		loop_task_post(reflector->next);
	} else {
		reflector->unpaged = false;
		reflector_list_end(reflector, reflector->list_version);
		reflector_proceed(reflector, REFLECTOR_WATCHING);
	}
}

