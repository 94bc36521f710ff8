#include "target.h"

#include <string.h>

#include "base/limits.h"
#include "kube/escape.h"

void target_start(struct cli *cli, struct session *session, struct target *target)
{
	*target = (struct target){0};
	target->call.arena = &cli->arena;
	target->call.request = (struct client_request){
		.verb = cli->options.app ? "get" : "list",
		.resource = &RESOURCE_FORMATION,
		.ns = session_ns(session),
		.name = cli->options.app,
	};
	session_start(session, &target->call);
}

static const char *name_of(const struct json *value)
{
	return json_string_or(json_path(value, "metadata", "name", NULL), "");
}

static const char *names_of(struct arena *arena, const struct json *items)
{
	const char *list = "";
	int count = 0;

	json_for_each (item, items) {
		if (++count > 8)
			return arena_printf(arena, "%s, …", list);
		list = arena_printf(arena, "%s%s%s", list, *list ? ", " : "", name_of(item));
	}
	return list;
}

/* Of a list: the one that the first word names, else the only one. */
static const struct json *choose(struct cli *cli, struct target *target, struct err *err)
{
	const struct json *items = json_get(target->call.answer, "items");
	const char *ns = target->call.request.ns;

	json_for_each (item, items) {
		if (cli->arg_count > 0 && strcmp(name_of(item), cli->args[0]) == 0) {
			target->used = 1;
			return item;
		}
	}
	if (json_count(items) == 1)
		return items->first;
	if (json_count(items) == 0)
		err_set(err, ERR_NOT_FOUND,
			"there is no Formation in namespace %s: choose another with -n, or apply one",
			ns);
	else
		err_set(err, ERR_INVALID,
			"namespace %s has %zu Formations (%s): say which with -a NAME", ns,
			json_count(items), names_of(&cli->arena, items));
	return NULL;
}

/* What a failed read means. */
static int explain(struct cli *cli, const struct target *target, struct err *err)
{
	const char *ns = target->call.request.ns;

	*err = target->call.err;
	if (err->code != ERR_NOT_FOUND)
		return -1;
	if (!cli->options.app || strstr(err->msg, "could not find the requested resource"))
		return err_set(err, ERR_NOT_FOUND,
			       "this cluster knows no Formations: install the CRDs first, or choose "
			       "another --context");
	return err_set(err, ERR_NOT_FOUND,
		       "there is no Formation %s in namespace %s: choose another namespace with -n, or "
		       "see `kubectl get formations`",
		       cli->options.app, ns);
}

int target_resolve(struct cli *cli, struct target *target, struct err *err)
{
	if (!target->call.answer)
		return explain(cli, target, err);
	target->value = cli->options.app ? target->call.answer : choose(cli, target, err);
	if (!target->value)
		return -1;
	return formation_decode(&cli->arena, target->value, &target->formation, err);
}

int target_find(struct cli *cli, struct session *session, struct target *target, struct err *err)
{
	target_start(cli, session, target);
	if (session_wait(session, err) != 0)
		return -1;
	return target_resolve(cli, target, err);
}

const char *target_query(struct arena *arena, const char *name)
{
	struct buf query = BUF_INIT(LIMIT_HTTP_HEAD);
	const char *text;

	buf_puts(&query, "labelSelector=");
	escape_url(&query, LABEL_FORMATION);
	if (name) {
		buf_puts(&query, "%3D");
		escape_url(&query, name);
	}
	text = arena_strdup(arena, buf_cstr(&query));
	buf_release(&query);
	return text;
}
