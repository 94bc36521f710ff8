#include "change.h"

#include <string.h>
#include <strings.h>

#include "base/limits.h"

static const struct process *find_process(const struct formation *formation, const char *type)
{
	for (size_t i = 0; i < formation->process_count; i++) {
		if (!formation->processes[i].repeated &&
		    strcmp(formation->processes[i].type, type) == 0)
			return &formation->processes[i];
	}
	return NULL;
}

static int unknown_type(struct arena *arena, const struct formation *formation,
			const struct scale_word *word, struct err *err)
{
	const char *list = "";

	for (size_t i = 0; i < formation->process_count; i++)
		list = arena_printf(arena, "%s%s%s", list, i ? ", " : "",
				    formation->processes[i].type);
	return err_set(err, ERR_INVALID, "%s: %s has no process type %s: it has %s", word->text,
		       formation->name, word->type, list);
}

static int known_replicas(const struct process *process, replicas_fn *replicas, void *arg)
{
	int number;

	if (process->quantity != QUANTITY_UNSET)
		return process->quantity;
	number = replicas ? replicas(arg, process) : -1;
	return number >= 0 ? number : 1;
}

/* How many there will be. */
static int decide_quantity(const struct change *change, int *ret_after, struct err *err)
{
	const struct scale_word *word = change->word;
	const char *text = word->text;
	int after = word->number;

	if (!word->op)
		after = change->before;
	else if (word->op == '+')
		after = change->before + word->number;
	else if (word->op == '-')
		after = change->before - word->number;
	if (after < 0)
		return err_set(err, ERR_INVALID, "%s: %s has %d, and never fewer than 0", text,
			       word->type, change->before);
	if (after > LIMIT_QUANTITY)
		return err_set(err, ERR_INVALID, "%s: that would be %d, and a quantity is at most %d",
			       text, after, LIMIT_QUANTITY);
	if (after > 1 && change->process->singleton && word->op)
		return err_set(err, ERR_INVALID,
			       "%s: %s is a singleton and never runs more than one dyno", text,
			       word->type);
	*ret_after = after;
	return 0;
}

static int decide_size(struct arena *arena, const struct dyno_sizes *sizes, struct change *change,
		       struct err *err)
{
	const char *size = change->word->size;
	const struct dyno_size *found;
	char *upper;

	change->size = change->process->size;
	if (!size)
		return 0;
	upper = arena_strdup(arena, size);
	for (char *at = upper; *at; at++) {
		if (*at >= 'a' && *at <= 'z')
			*at = (char)(*at - 'a' + 'A');
	}
	change->writes_size = strcasecmp(size, change->size) != 0;
	change->size = upper;
	found = sizes ? dyno_sizes_find(sizes, size) : NULL;
	if (sizes && !found)
		return err_set(err, ERR_INVALID, "%s: there is no size %s: there are %s",
			       change->word->text, size, dyno_sizes_names(arena, sizes));
	return 0;
}

int changes_decide(struct arena *arena, const struct formation *formation,
		   const struct dyno_sizes *sizes, const struct scale_word *words, size_t count,
		   replicas_fn *replicas, void *arg, struct changes *ret_changes,
		   struct err *err)
{
	struct changes changes = {.items = arena_array(arena, struct change, count),
				  .count = count};

	for (size_t i = 0; i < count; i++) {
		struct change *change = &changes.items[i];

		change->word = &words[i];
		change->process = find_process(formation, words[i].type);
		if (!change->process)
			return unknown_type(arena, formation, &words[i], err);
		change->before = known_replicas(change->process, replicas, arg);
		change->quantity_named = words[i].op != 0;
		if (decide_quantity(change, &change->after, err) != 0 ||
		    decide_size(arena, sizes, change, err) != 0)
			return -1;
		change->writes_quantity =
			change->quantity_named && change->process->quantity != change->after;
		changes.any = changes.any || change->writes_quantity || change->writes_size;
	}
	*ret_changes = changes;
	return 0;
}

void changes_complete(const struct json *value, struct changes *changes)
{
	const struct json *list = json_path(value, "spec", "processes", NULL);

	for (size_t i = 0; i < changes->count; i++) {
		struct change *change = &changes->items[i];
		const struct json *entry = list ? list->first : NULL;

		for (size_t at = 0; entry && at < change->process->index; at++)
			entry = entry->next;
		if (change->quantity_named && json_int_or(json_get(entry, "quantity"), -1) < 0)
			change->writes_quantity = changes->any = true;
	}
}

/* --- the patch ----------------------------------------------------- */

static struct json *add_op(struct arena *arena, struct json *patch, const char *op,
			   const char *path, struct json *value)
{
	struct json *entry = json_add(patch, json_new_object(arena));

	json_set_string(arena, entry, "op", op);
	json_set_string(arena, entry, "path", path);
	json_set(arena, entry, "value", value);
	return entry;
}

/* The default formation has no list: its web is written with it. */
static struct json *default_list(struct arena *arena, const struct changes *changes)
{
	struct json *list = json_new_array(arena);
	struct json *entry = json_add(list, json_new_object(arena));

	json_set_string(arena, entry, "type", changes->items[0].process->type);
	json_set_int(arena, entry, "quantity", changes->items[0].after);
	if (changes->items[0].writes_size)
		json_set_string(arena, entry, "size", changes->items[0].size);
	return list;
}

static bool has_list(const struct json *value)
{
	return json_count(json_path(value, "spec", "processes", NULL)) > 0;
}

struct json *changes_patch(struct arena *arena, const struct json *value,
			   const struct changes *changes)
{
	struct json *patch = json_new_array(arena);
	const char *version =
		json_string_or(json_path(value, "metadata", "resourceVersion", NULL), "");

	add_op(arena, patch, "replace", "/metadata/resourceVersion",
	       json_new_string(arena, version));
	if (!has_list(value)) {
		add_op(arena, patch, "add", "/spec/processes", default_list(arena, changes));
		return patch;
	}
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];
		size_t index = change->process->index;

		if (!change->writes_quantity && !change->writes_size)
			continue;
		add_op(arena, patch, "test", arena_printf(arena, "/spec/processes/%zu/type", index),
		       json_new_string(arena, change->process->type));
		if (change->writes_quantity)
			add_op(arena, patch, "add",
			       arena_printf(arena, "/spec/processes/%zu/quantity", index),
			       json_new_int(arena, change->after));
		if (change->writes_size)
			add_op(arena, patch, "add",
			       arena_printf(arena, "/spec/processes/%zu/size", index),
			       json_new_string(arena, change->size));
	}
	return patch;
}

struct json *changes_apply(struct arena *arena, const struct json *value,
			   const struct changes *changes)
{
	struct json *copy = json_clone(arena, value);
	struct json *spec = (struct json *)json_get(copy, "spec");

	if (!has_list(value)) {
		json_set(arena, spec, "processes", default_list(arena, changes));
		return copy;
	}
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];
		struct json *entry = json_get(spec, "processes")->first;

		for (size_t at = 0; at < change->process->index; at++)
			entry = entry->next;
		if (change->writes_quantity)
			json_set_int(arena, entry, "quantity", change->after);
		if (change->writes_size)
			json_set_string(arena, entry, "size", change->size);
	}
	return copy;
}

/* --- text ---------------------------------------------------------- */

const char *change_text(struct arena *arena, int quantity, const char *size)
{
	if (strcmp(size, SIZE_DEFAULT) == 0)
		return arena_printf(arena, "%d", quantity);
	return arena_printf(arena, "%d:%s", quantity, size);
}

const char *formation_words(struct arena *arena, const struct formation *formation,
			    replicas_fn *replicas, void *arg)
{
	const char *text = "";

	for (size_t i = 0; i < formation->process_count; i++) {
		const struct process *process = &formation->processes[i];

		if (process->repeated)
			continue;
		text = arena_printf(arena, "%s%s%s=%d:%s", text, *text ? " " : "", process->type,
				    known_replicas(process, replicas, arg), process->size);
	}
	return text;
}
