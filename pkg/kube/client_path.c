#include "base/limits.h"
#include "kube/client.h"
#include "kube/escape.h"

#include <string.h>

/* "/api/v1" or "/apis/group/version", then the namespace and the plural. */
static void put_collection(struct buf *path, const struct client_request *request)
{
	const struct resource *resource = request->resource;

	if (*resource->group)
		buf_printf(path, "/apis/%s/%s", resource->group, resource->version);
	else
		buf_printf(path, "/api/%s", resource->version);
	if (resource->namespaced && request->ns && *request->ns) {
		buf_puts(path, "/namespaces/");
		escape_url(path, request->ns);
	}
	buf_printf(path, "/%s", resource->plural);
}

static void put_parameter(struct buf *path, const char *name, const char *value)
{
	buf_putc(path, memchr(path->data, '?', path->len) ? '&' : '?');
	buf_printf(path, "%s=", name);
	escape_url(path, value);
}

const char *client_path(struct arena *arena, const struct client_request *request)
{
	struct buf path = BUF_INIT(LIMIT_HTTP_HEAD);
	const char *text;

	put_collection(&path, request);
	if (request->name && *request->name) {
		buf_putc(&path, '/');
		escape_url(&path, request->name);
	}
	if (request->subresource)
		buf_printf(&path, "/%s", request->subresource);
	if (request->manager)
		put_parameter(&path, "fieldManager", request->manager);
	if (request->force)
		put_parameter(&path, "force", "true");
	/* A delete says it in its body, which makes the server ignore the query. */
	if (request->dry_run && strcmp(request->verb, "delete") != 0)
		put_parameter(&path, "dryRun", "All");
	if (request->query && *request->query)
		buf_printf(&path, "%c%s", memchr(path.data, '?', path.len) ? '&' : '?',
			   request->query);
	text = path.overflow ? NULL : arena_strdup(arena, buf_cstr(&path));
	buf_release(&path);
	return text;
}
