#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "codec/yaml.h"

const char *input_name(const char *path)
{
	return strcmp(path, "-") == 0 ? "stdin" : path;
}

/* --- bytes --------------------------------------------------------- */

static int read_all(int fd, const char *name, struct buf *buf, struct err *err)
{
	char piece[16384];
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "%s", name);
		if (buf_append(buf, piece, (size_t)n) < 0)
			return err_set(err, ERR_LIMIT, "%s: over the limit of %lu bytes", name,
			               LIMIT_CONFIG);
	}
	return 0;
}

/* A regular file, or what a shell gives for <(…): a pipe. */
static int open_file(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "%s: there is no such file: name another", path);
	if (fd < 0)
		return err_errno(err, errno, "%s", path);
	if (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode)))
		return fd;
	close(fd);
	return err_set(err, ERR_SYSTEM, "%s: not a regular file: name the files themselves", path);
}

char *input_read(struct arena *arena, const char *path, size_t *ret_len, struct err *err)
{
	struct buf buf = BUF_INIT(LIMIT_CONFIG);
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open_file(path, err);
	char *text = NULL;

	if (fd >= 0 && read_all(fd, input_name(path), &buf, err) == 0) {
		text = arena_alloc(arena, buf.len + 1);
		memcpy(text, buf_cstr(&buf), buf.len + 1);
		*ret_len = buf.len;
	}
	if (fd >= 0 && !standard)
		close(fd);
	buf_release(&buf);
	return text;
}

/* --- objects ------------------------------------------------------- */

void manifests_init(struct manifests *manifests, struct arena *arena)
{
	*manifests = (struct manifests){ .arena = arena };
	marks_init(&manifests->marks, arena);
}

static void add(struct manifests *manifests, const struct manifest *manifest)
{
	struct manifest *grown;

	/* Room for a power of two of them; grows when that is full. */
	if ((manifests->count & (manifests->count - 1)) == 0) {
		grown = arena_array(manifests->arena, struct manifest, 2 * manifests->count + 1);
		if (manifests->count)
			memcpy(grown, manifests->items, manifests->count * sizeof(*grown));
		manifests->items = grown;
	}
	manifests->items[manifests->count++] = *manifest;
}

static void add_document(struct manifests *manifests, const char *name, const struct json *root)
{
	const char *kind = json_string_or(json_get(root, "kind"), "");
	const struct json *items = json_get(root, "items");
	struct manifest manifest = { .file = name, .value = root, .root = root, .prefix = "" };
	size_t index = 0;

	if (root->type == JSON_NULL)
		return;
	if (!items || items->type != JSON_ARRAY || strlen(kind) < 4 ||
	    strcmp(kind + strlen(kind) - 4, "List") != 0) {
		add(manifests, &manifest);
		return;
	}
	json_for_each (item, items) {
		manifest.value = item;
		manifest.prefix = arena_printf(manifests->arena, "items[%zu].", index++);
		add(manifests, &manifest);
	}
}

/* JSON as such (YAML has other escapes); what is none is YAML. */
static struct json *parse_json(struct manifests *manifests, const char *text, size_t len)
{
	struct json *value = NULL;
	struct err ignored = ERR_INIT;

	if (text[strspn(text, " \t\r\n")] != '{' ||
	    json_parse(manifests->arena, text, len, NULL, &value, &ignored) != 0)
		return NULL;
	marks_json(&manifests->marks, text, value);
	return value;
}

int manifests_add_text(struct manifests *manifests, const char *name, const char *text, size_t len,
                       struct err *err)
{
	struct json *documents, *value = parse_json(manifests, text, len);

	if (value) {
		add_document(manifests, name, value);
		return 0;
	}
	if (yml_parse_all(manifests->arena, name, text, len, &manifests->marks, &documents, err) !=
	    0)
		return -1;
	json_for_each (document, documents)
		add_document(manifests, name, document);
	return 0;
}

int manifests_add(struct manifests *manifests, const char *path, struct err *err)
{
	size_t len;
	const char *text = input_read(manifests->arena, path, &len, err);

	if (!text)
		return -1;
	return manifests_add_text(manifests, input_name(path), text, len, err);
}

struct place manifest_place(const struct manifests *manifests, const struct manifest *manifest,
                            const char *message)
{
	return marks_of_path(&manifests->marks, manifest->root,
	                     arena_printf(manifests->arena, "%s%s", manifest->prefix, message));
}
