#include "kube/kubeconfig.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "codec/digest.h"
#include "codec/yaml.h"
#include "kube/file.h"

enum { NAMES_SHOWN = 10 };

static const struct {
	const char *list;   /* member of the file */
	const char *member; /* of each of its entries */
} KINDS[KUBECONFIG_KINDS] = {
	[KUBECONFIG_CLUSTER] = { "clusters", "cluster" },
	[KUBECONFIG_USER] = { "users", "user" },
	[KUBECONFIG_CONTEXT] = { "contexts", "context" },
};

void kubeconfig_init(struct kubeconfig *kubeconfig, struct arena *arena)
{
	*kubeconfig = (struct kubeconfig){ .arena = arena };
}

/* --- secrets ---------------------------------------------------------- */

static void wipe(const struct json *value)
{
	if (!value)
		return;
	if (value->text)
		explicit_bzero((char *)value->text, strlen(value->text));
	json_for_each(item, value)
		wipe(item);
}

void kubeconfig_wipe(struct kubeconfig *kubeconfig)
{
	for (int kind = 0; kind < KUBECONFIG_KINDS; kind++)
		for (struct kubeconfig_entry *entry = kubeconfig->first[kind]; entry;
		     entry = entry->next)
			wipe(entry->value);
}

/* --- reading ---------------------------------------------------------- */

/* A file being read: everything from it says so. */
struct reading {
	struct kubeconfig *kubeconfig;
	const char *file;
	const char *source; /* "kubeconfig FILE" */
};

static int add_entry(const struct reading *reading, enum kubeconfig_kind kind,
		     const struct json *item, struct err *err)
{
	struct kubeconfig *kubeconfig = reading->kubeconfig;
	const char *name = json_string_or(json_get(item, "name"), NULL);
	const struct json *value = json_get(item, KINDS[kind].member);
	const struct kubeconfig_entry *same;
	struct kubeconfig_entry *entry;

	if (!name || !*name)
		return err_set(err, ERR_INVALID,
			       "%s: an entry of %s has no name (a text): give it one",
			       reading->source, KINDS[kind].list);
	same = kubeconfig_find(kubeconfig, kind, name);
	if (same && same->file == reading->file)
		return err_set(err, ERR_INVALID, "%s: %s \"%s\" is there twice: remove one",
			       reading->source, KINDS[kind].member, name);
	if (same)
		return 0;
	if (value && value->type != JSON_OBJECT && value->type != JSON_NULL)
		return err_set(err, ERR_INVALID, "%s: %s \"%s\" is no mapping: see kubectl config",
			       reading->source, KINDS[kind].member, name);
	entry = arena_new(kubeconfig->arena, struct kubeconfig_entry);
	entry->where = arena_printf(kubeconfig->arena, "%s: %s \"%s\"", reading->source,
				    KINDS[kind].member, name);
	entry->file = reading->file;
	entry->name = name;
	entry->value = value;
	if (kubeconfig->last[kind])
		kubeconfig->last[kind]->next = entry;
	else
		kubeconfig->first[kind] = entry;
	kubeconfig->last[kind] = entry;
	return 0;
}

static int add_list(const struct reading *reading, enum kubeconfig_kind kind,
		    const struct json *list, struct err *err)
{
	if (!list || list->type == JSON_NULL)
		return 0;
	if (list->type != JSON_ARRAY)
		return err_set(err, ERR_INVALID, "%s: %s is no list: see kubectl config",
			       reading->source, KINDS[kind].list);
	json_for_each(item, list)
		if (add_entry(reading, kind, item, err) < 0)
			return -1;
	return 0;
}

static int add_document(const struct reading *reading, const struct json *document,
			struct err *err)
{
	const char *kind = json_string_or(json_get(document, "kind"), "Config");
	const char *version = json_string_or(json_get(document, "apiVersion"), "v1");
	const char *context = json_string_or(json_get(document, "current-context"), "");

	if (document->type == JSON_NULL)
		return 0; /* an empty file */
	if (document->type != JSON_OBJECT || strcmp(kind, "Config") != 0 ||
	    strcmp(version, "v1") != 0)
		return err_set(err, ERR_INVALID,
			       "%s: not a kubeconfig (apiVersion v1, kind Config): name another file "
			       "with --kubeconfig",
			       reading->source);
	if (!reading->kubeconfig->current_context && *context)
		reading->kubeconfig->current_context = context;
	for (int i = 0; i < KUBECONFIG_KINDS; i++)
		if (add_list(reading, (enum kubeconfig_kind)i, json_get(document, KINDS[i].list),
			     err) < 0)
			return -1;
	return 0;
}

/* The text of a file error, with the remedy behind it. */
static int unreadable(struct err *err, const char *clause, const char *remedy)
{
	struct err cause = *err;

	err_set(err, cause.code, "%s%s: %s", clause, cause.msg, remedy);
	return -1;
}

int kubeconfig_add(struct kubeconfig *kubeconfig, const char *path, bool may_miss,
		   struct err *err)
{
	struct reading reading = {
		.kubeconfig = kubeconfig,
		.file = arena_strdup(kubeconfig->arena, path),
		.source = arena_printf(kubeconfig->arena, "kubeconfig %s", path),
	};
	struct json *document = NULL;
	size_t len;
	char *text = file_read(path, &len, err);
	int rc;

	if (!text && err->code == ERR_NOT_FOUND && may_miss) {
		*err = (struct err)ERR_INIT;
		return 0;
	}
	if (!text)
		return unreadable(err, "kubeconfig ",
				  err->code == ERR_NOT_FOUND ?
					  "name another file with --kubeconfig or $KUBECONFIG" :
					  "make it readable for this user");
	rc = yml_parse(kubeconfig->arena, reading.source, text, len, &document, err);
	explicit_bzero(text, len);
	free(text);
	if (rc < 0)
		return -1;
	kubeconfig->source = kubeconfig->source ?
				     arena_printf(kubeconfig->arena, "%s:%s", kubeconfig->source, path) :
				     reading.source;
	kubeconfig->files++;
	return add_document(&reading, document, err);
}

/* --- looking ---------------------------------------------------------- */

const struct kubeconfig_entry *kubeconfig_find(const struct kubeconfig *kubeconfig,
					       enum kubeconfig_kind kind, const char *name)
{
	const struct kubeconfig_entry *entry = kubeconfig->first[kind];

	while (entry && strcmp(entry->name, name) != 0)
		entry = entry->next;
	return entry;
}

const char *kubeconfig_names(const struct kubeconfig *kubeconfig, enum kubeconfig_kind kind)
{
	const struct kubeconfig_entry *entry = kubeconfig->first[kind];
	const char *names = "none";

	for (int n = 0; entry; entry = entry->next, n++) {
		if (n == NAMES_SHOWN)
			return arena_printf(kubeconfig->arena, "%s, …", names);
		names = n ? arena_printf(kubeconfig->arena, "%s, %s", names, entry->name) :
			    entry->name;
	}
	return names;
}

int kubeconfig_string(const struct kubeconfig_entry *entry, const char *key, const char **ret_text,
		      struct err *err)
{
	const struct json *value = json_get(entry->value, key);

	if (value && value->type != JSON_STRING && value->type != JSON_NULL)
		return err_set(err, ERR_INVALID, "%s: %s is no text: put it in quotes",
			       entry->where, key);
	*ret_text = value && value->text && *value->text ? value->text : NULL;
	return 0;
}

int kubeconfig_bool(const struct kubeconfig_entry *entry, const char *key, bool *ret_value,
		    struct err *err)
{
	const struct json *value = json_get(entry->value, key);

	if (value && value->type != JSON_BOOL && value->type != JSON_NULL)
		return err_set(err, ERR_INVALID, "%s: %s is neither true nor false: write one",
			       entry->where, key);
	*ret_value = json_bool_or(value, false);
	return 0;
}

int kubeconfig_path(struct arena *arena, const struct kubeconfig_entry *entry, const char *key,
		    const char **ret_path, struct err *err)
{
	const char *slash = strrchr(entry->file, '/');
	const char *path;

	if (kubeconfig_string(entry, key, &path, err) < 0)
		return -1;
	if (!path)
		*ret_path = NULL;
	else if (*path == '/' || !slash)
		*ret_path = arena_strdup(arena, path);
	else
		*ret_path = arena_printf(arena, "%.*s/%s", (int)(slash - entry->file), entry->file,
					 path);
	return 0;
}

static int decode_data(const struct kubeconfig_entry *entry, const char *key, const char *data,
		       char **ret_text, struct err *err)
{
	size_t cap = strlen(data);
	char *text = x_calloc(1, cap + 1);
	long len = base64_decode(data, (unsigned char *)text, cap);

	if (len > 0 && !memchr(text, '\0', (size_t)len)) {
		*ret_text = text;
		return 0;
	}
	explicit_bzero(text, cap);
	free(text);
	return err_set(err, ERR_INVALID, "%s: %s is no base64 of a text: write it as `base64 -w0` does",
		       entry->where, key);
}

int kubeconfig_data(struct arena *arena, const struct kubeconfig_entry *entry, const char *key,
		    char **ret_text, const char **ret_path, struct err *err)
{
	const char *data_key = arena_printf(arena, "%s-data", key);
	const char *data, *path;
	char *text;

	if (kubeconfig_string(entry, data_key, &data, err) < 0 ||
	    kubeconfig_path(arena, entry, key, &path, err) < 0)
		return -1;
	*ret_text = NULL;
	*ret_path = NULL;
	if (data)
		return decode_data(entry, data_key, data, ret_text, err);
	if (!path)
		return 0;
	text = file_read(path, NULL, err);
	if (!text)
		return unreadable(err, arena_printf(arena, "%s: %s ", entry->where, key),
				  "correct the path, or make the file readable");
	*ret_text = text;
	*ret_path = path;
	return 0;
}
