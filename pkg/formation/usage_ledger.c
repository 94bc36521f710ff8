#include "formation/usage_ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/timestamp.h"
#include "formation/hash.h"
#include "formation/usage.h"

uint64_t usage_id(const char *uid)
{
	return hash_text(HASH_INIT, uid);
}

/* --- reading ------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	const struct usage_dyno *x = *(struct usage_dyno *const *)a;
	const struct usage_dyno *y = *(struct usage_dyno *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

static int64_t positive(const struct json *value)
{
	int64_t number = json_int_or(value, 0);

	return number > 0 ? number : 0;
}

/* A mark and a number behind it; false where something else stands. */
static bool read_mark(const char **at, char mark, long long most, long long *ret_number)
{
	char *end = NULL;

	if (**at != mark)
		return true;
	if ((*at)[1] < '0' || (*at)[1] > '9')
		return false;
	*ret_number = strtoll(*at + 1, &end, 10);
	*at = end;
	return *ret_number <= most;
}

/* "6f1c09ab6f1c09ab@1764000000#3", or with "!" for "@" when it left. */
static void read_dyno(struct usage_ledger *ledger, struct usage_process *process, const char *text)
{
	long long since = 0, left = 0, counted = 0;
	struct usage_dyno *dyno;
	char *end = NULL;
	uint64_t id = strtoull(text, &end, 16);
	const char *at = end;

	if (at - text != 16 || !read_mark(&at, '@', INT64_MAX / 1000, &since) ||
	    !read_mark(&at, '!', INT64_MAX / 1000, &left) ||
	    !read_mark(&at, '#', INT32_MAX, &counted) || *at)
		return;
	dyno = usage_ledger_add(ledger, id);
	dyno->process = process;
	dyno->since_s = since ? since : left;
	dyno->left = left != 0;
	dyno->counted = (int)counted;
}

static void index_dynos(struct usage_ledger *ledger)
{
	ledger->by_id = arena_array(ledger->arena, struct usage_dyno *, ledger->dyno_count + 1);
	for (struct usage_dyno *dyno = ledger->dynos; dyno; dyno = dyno->next)
		ledger->by_id[ledger->by_id_count++] = dyno;
	qsort(ledger->by_id, ledger->by_id_count, sizeof(*ledger->by_id), by_id);
}

void usage_ledger_read(struct arena *arena, const struct json *usage,
                       struct usage_ledger *ret_ledger)
{
	struct usage_ledger *ledger = ret_ledger;
	int64_t observed_ms =
		timestamp_parse(json_string_or(json_get(usage, "observedAt"), ""));

	*ledger = (struct usage_ledger){ .arena = arena };
	ledger->dynos_end = &ledger->dynos;
	ledger->observed_s = observed_ms > 0 ? observed_ms / 1000 : 0;
	ledger->version = (uint64_t)positive(json_get(usage, "version"));
	json_for_each (entry, json_get(usage, "processes")) {
		struct usage_process *process = usage_ledger_process(
			ledger, json_string_or(json_get(entry, "type"), ""),
			json_string_or(json_get(entry, "size"), ""));

		process->seconds += positive(json_get(entry, "seconds"));
		process->uncertain_s += positive(json_get(entry, "uncertainSeconds"));
		json_for_each (text, json_get(entry, "dynos")) {
			read_dyno(ledger, process, json_string_or(text, ""));
		}
	}
	index_dynos(ledger);
}

/* --- finding and adding -------------------------------------------- */

struct usage_dyno *usage_ledger_find(const struct usage_ledger *ledger, uint64_t id)
{
	const struct usage_dyno key = { .id = id }, *pointer = &key;
	struct usage_dyno **found = bsearch(&pointer, ledger->by_id, ledger->by_id_count,
	                                    sizeof(*ledger->by_id), by_id);

	return found ? *found : NULL;
}

struct usage_dyno *usage_ledger_add(struct usage_ledger *ledger, uint64_t id)
{
	struct usage_dyno *dyno = arena_new(ledger->arena, struct usage_dyno);

	dyno->id = id;
	*ledger->dynos_end = dyno;
	ledger->dynos_end = &dyno->next;
	ledger->dyno_count++;
	return dyno;
}

struct usage_process *usage_ledger_process(struct usage_ledger *ledger, const char *type,
                                           const char *size)
{
	struct usage_process **place = &ledger->processes;

	for (; *place; place = &(*place)->next) {
		if (strcmp((*place)->type, type) == 0 && strcmp((*place)->size, size) == 0)
			return *place;
	}
	if (ledger->process_count >= USAGE_PROCESSES_MAX && strcmp(type, "*") != 0)
		return usage_ledger_process(ledger, "*", "*");
	*place = arena_new(ledger->arena, struct usage_process);
	(*place)->type = type;
	(*place)->size = size;
	ledger->process_count++;
	return *place;
}

/* --- writing ------------------------------------------------------- */

static struct json *dyno_text(struct arena *arena, const struct usage_dyno *dyno)
{
	char since[32] = "", counted[16] = "";

	if (dyno->since_s)
		snprintf(since, sizeof(since), "%c%lld", dyno->left ? '!' : '@',
		         (long long)dyno->since_s);
	if (dyno->counted)
		snprintf(counted, sizeof(counted), "#%d", dyno->counted);
	return json_new_printf(arena, "%016llx%s%s", (unsigned long long)dyno->id, since, counted);
}

static struct json *process_json(const struct usage_ledger *ledger,
                                 const struct usage_process *process)
{
	struct arena *arena = ledger->arena;
	struct json *entry = json_new_object(arena), *dynos = NULL;

	json_set_string(arena, entry, "type", process->type);
	json_set_string(arena, entry, "size", process->size);
	json_set_int(arena, entry, "seconds", process->seconds);
	if (process->uncertain_s)
		json_set_int(arena, entry, "uncertainSeconds", process->uncertain_s);
	for (const struct usage_dyno *dyno = ledger->dynos; dyno; dyno = dyno->next) {
		if (dyno->process != process || (!dyno->since_s && !dyno->counted))
			continue;
		if (!dynos)
			dynos = json_set_array(arena, entry, "dynos");
		json_add(dynos, dyno_text(arena, dyno));
	}
	return entry;
}

struct json *usage_ledger_write(const struct usage_ledger *ledger)
{
	struct arena *arena = ledger->arena;
	struct json *usage = json_new_object(arena), *list;
	char observed[TIMESTAMP_MAX];

	timestamp_format(ledger->observed_s * 1000, observed);
	json_set_string(arena, usage, "observedAt", observed);
	json_set_int(arena, usage, "version", (int64_t)ledger->version);
	list = json_set_array(arena, usage, "processes");
	for (const struct usage_process *process = ledger->processes; process;
	     process = process->next)
		json_add(list, process_json(ledger, process));
	return usage;
}
