#include "controller/departed.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "formation/text.h"
#include "formation/usage.h"

/* One pod; one allocation with its strings. */
struct departed_pod {
	struct list link;
	const char *ns;
	const char *formation;
	struct gone_pod gone;
	char uid[UID_MAX];
};

void departed_init(struct departed *departed)
{
	*departed = (struct departed){0};
	list_init(&departed->pods);
}

static void drop(struct departed *departed, struct departed_pod *pod)
{
	list_remove(&pod->link);
	departed->count--;
	free(pod);
}

static struct departed_pod *first_of(struct departed *departed)
{
	return list_entry(departed->pods.next, struct departed_pod, link);
}

void departed_release(struct departed *departed)
{
	while (departed->count > 0)
		drop(departed, first_of(departed));
}

static struct departed_pod *find(struct departed *departed, const char *uid)
{
	list_for_each(link, &departed->pods) {
		struct departed_pod *pod = list_entry(link, struct departed_pod, link);

		if (strcmp(pod->gone.life.uid, uid) == 0)
			return pod;
	}
	return NULL;
}

static void add(struct departed *departed, const struct observed_pod *from, int64_t now_ms,
		bool final)
{
	const struct object *object = &from->object;
	struct departed_pod *pod;
	char *at;

	if (!object->formation || from->runs.count == 0)
		return;
	pod = x_calloc(1, sizeof(*pod) + text_packed(object->ns) +
				  text_packed(object->formation) + text_packed(from->type) + text_packed(from->size));
	at = (char *)(pod + 1);
	pod->ns = text_pack(&at, object->ns);
	pod->formation = text_pack(&at, object->formation);
	pod->gone = (struct gone_pod){
		.life = dyno_life_of(from),
		.gone_ms = now_ms,
		.final = final,
	};
	memcpy(pod->uid, object->uid, sizeof(pod->uid));
	pod->gone.life.uid = pod->uid;
	pod->gone.life.type = text_pack(&at, from->type);
	pod->gone.life.size = text_pack(&at, from->size);
	if (departed->count == DEPARTED_MAX)
		drop(departed, first_of(departed));
	list_add_tail(&departed->pods, &pod->link);
	departed->count++;
}

void departed_said(struct departed *departed, const struct observed_pod *pod, int64_t now_ms)
{
	struct departed_pod *known = find(departed, pod->object.uid);

	if (known)
		drop(departed, known);
	add(departed, pod, now_ms, true);
}

void departed_lost(struct departed *departed, const struct observed_pod *pod, int64_t now_ms)
{
	if (!find(departed, pod->object.uid))
		add(departed, pod, now_ms, false);
}

const struct gone_pod *departed_gather(struct departed *departed, struct arena *arena,
				       const struct formation *formation, size_t *ret_count)
{
	const struct json *usage = json_get(formation->status, "usage");
	struct gone_pod *gone = arena_array(arena, struct gone_pod, departed->count + 1);
	size_t count = 0;

	list_for_each_safe(link, next, &departed->pods) {
		struct departed_pod *pod = list_entry(link, struct departed_pod, link);

		if (strcmp(pod->ns, formation->ns) != 0 ||
		    strcmp(pod->formation, formation->name) != 0)
			continue;
		if (usage_has(usage, &pod->gone))
			drop(departed, pod);
		else
			gone[count++] = pod->gone;
	}
	*ret_count = count;
	return gone;
}
