#include "preview.h"

#include <stdlib.h>
#include <string.h>

#include "codec/quantity.h"
#include "formation/desired.h"
#include "formation/reconcile.h"
#include "formation/template.h"
#include "target.h"

/* What the controller would know. */
struct preview {
	struct cli *cli;
	struct session *session;
	struct session_call calls[4]; /* sizes, Deployments, Services, budgets */
	struct dyno_sizes sizes;
	struct formation before, after;
	struct observed_child **children[4]; /* by call; from 1 on */
	size_t counts[4];
};

enum { SIZES, DEPLOYMENTS, SERVICES, BUDGETS, KINDS };

static const struct resource *const RESOURCES[KINDS] = {
	&RESOURCE_DYNO_SIZE, &RESOURCE_DEPLOYMENT, &RESOURCE_SERVICE, &RESOURCE_BUDGET};

static int read_objects(struct preview *preview, struct err *err)
{
	struct arena *arena = &preview->cli->arena;

	for (size_t i = 0; i < KINDS; i++) {
		preview->calls[i] = (struct session_call){
			.arena = arena,
			.request = {.verb = "list", .resource = RESOURCES[i]},
		};
		if (i != SIZES) {
			preview->calls[i].request.ns = preview->before.ns;
			preview->calls[i].request.query =
				target_query(arena, preview->before.name);
		}
		session_start(preview->session, &preview->calls[i]);
	}
	if (session_wait(preview->session, err) != 0)
		return -1;
	for (size_t i = 0; i < KINDS; i++) {
		if (!preview->calls[i].answer) {
			*err = preview->calls[i].err;
			return -1;
		}
	}
	return 0;
}

static void decode_sizes(struct preview *preview)
{
	struct arena *arena = &preview->cli->arena;
	const struct json *items = json_get(preview->calls[SIZES].answer, "items");
	struct dyno_size *table = arena_array(arena, struct dyno_size, json_count(items) + 1);
	struct err err = ERR_INIT;
	size_t count = 0;

	json_for_each (item, items)
		count += dyno_size_decode(arena, item, &table[count], &err) == 0;
	preview->sizes = (struct dyno_sizes){.items = table, .count = count};
}

/* Project the objects of one kind, compared with what is wanted of them after the change. */
static void project(struct preview *preview, size_t kind)
{
	struct arena *arena = &preview->cli->arena;
	const struct json *items = json_get(preview->calls[kind].answer, "items");
	struct observed_child **list =
		arena_array(arena, struct observed_child *, json_count(items) + 1);
	struct err err = ERR_INIT;
	size_t count = 0;

	json_for_each (item, items) {
		struct observed_child *child =
			kind == DEPLOYMENTS
				? (struct observed_child *)observed_deployment_new(item, &err)
				: observed_child_new(item, &err);

		if (!child)
			continue;
		desired_compare(arena, &preview->after, &preview->sizes, RESOURCES[kind], item,
				child);
		list[count++] = child;
	}
	preview->children[kind] = list;
	preview->counts[kind] = count;
}

static void release(struct preview *preview)
{
	for (size_t kind = DEPLOYMENTS; kind < KINDS; kind++) {
		for (size_t i = 0; i < preview->counts[kind]; i++)
			free(preview->children[kind][i]);
	}
}

/* --- telling ------------------------------------------------------- */

static void print_step(struct preview *preview, const struct step *step)
{
	const char *what = step->kind == STEP_DELETE ? "delete"
			   : step->uid		     ? "change"
						     : "create";

	if (step->kind == STEP_APPLY || step->kind == STEP_DELETE || step->kind == STEP_PATCH)
		output_printf(&preview->cli->out, "  %s %s %s\n", what, step->resource->kind,
			      step->name);
}

static void print_objects(struct preview *preview)
{
	const struct reconcile_input input = {
		.formation = &preview->after,
		.sizes = &preview->sizes,
		.deployments = (const struct observed_deployment *const *)
				       preview->children[DEPLOYMENTS],
		.deployment_count = preview->counts[DEPLOYMENTS],
		.services = (const struct observed_child *const *)preview->children[SERVICES],
		.service_count = preview->counts[SERVICES],
		.budgets = (const struct observed_child *const *)preview->children[BUDGETS],
		.budget_count = preview->counts[BUDGETS],
	};
	struct plan plan;

	formation_reconcile(&preview->cli->arena, &input, &plan);
	output_puts(&preview->cli->out, "objects:\n");
	for (size_t i = 0; i < plan.step_count; i++)
		print_step(preview, &plan.steps[i]);
}

static const struct process *same_type(const struct formation *formation, const char *type)
{
	for (size_t i = 0; i < formation->process_count; i++) {
		if (strcmp(formation->processes[i].type, type) == 0)
			return &formation->processes[i];
	}
	return NULL;
}

/* Whether the dynos there are run something else after the change. */
static bool restarts(struct preview *preview, const struct change *change)
{
	struct arena *arena = &preview->cli->arena;
	const struct process *before = same_type(&preview->before, change->process->type);
	const struct process *after = same_type(&preview->after, change->process->type);
	const struct dyno_size *old = dyno_sizes_find(&preview->sizes, before->size);
	const struct dyno_size *size = dyno_sizes_find(&preview->sizes, after->size);

	if (!old || !size || before->problem || after->problem || change->before == 0)
		return false;
	return !json_equal(
		template_render(arena, &preview->before, before, old, TEMPLATE_VERSION),
		template_render(arena, &preview->after, after, size, TEMPLATE_VERSION));
}

static const char *amount_text(struct arena *arena, int64_t amount, bool cpu)
{
	char text[QUANTITY_TEXT_MAX];

	if (cpu)
		quantity_format_cpu(llabs(amount), text);
	else
		quantity_format_bytes(llabs(amount), text);
	return arena_printf(arena, "%c%s", amount < 0 ? '-' : '+', text);
}

static void print_changes(struct preview *preview, const struct changes *changes)
{
	struct arena *arena = &preview->cli->arena;
	struct output *out = &preview->cli->out;
	int64_t cpu = 0, memory = 0;

	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];
		const struct dyno_size *old =
			dyno_sizes_find(&preview->sizes, change->process->size);
		const struct dyno_size *size = dyno_sizes_find(&preview->sizes, change->size);

		output_printf(out, "%s: %s -> %s, %s\n", change->process->type,
			      change_text(arena, change->before, change->process->size),
			      change_text(arena, change->after, change->size),
			      restarts(preview, change) ? "its dynos change size"
							: "no dyno restarts");
		cpu += (size ? size->cpu_milli * change->after : 0) -
		       (old ? old->cpu_milli * change->before : 0);
		memory += (size ? size->memory_bytes * change->after : 0) -
			  (old ? old->memory_bytes * change->before : 0);
	}
	output_printf(out, "reserved: cpu %s, memory %s\n", amount_text(arena, cpu, true),
		      amount_text(arena, memory, false));
}

int preview_print(struct cli *cli, struct session *session, const struct json *value,
		  const struct changes *changes, struct err *err)
{
	struct preview preview = {.cli = cli, .session = session};
	const struct json *after = changes_apply(&cli->arena, value, changes);

	if (formation_decode(&cli->arena, value, &preview.before, err) != 0 ||
	    formation_decode(&cli->arena, after, &preview.after, err) != 0 ||
	    read_objects(&preview, err) != 0)
		return EXIT_FAILED;
	preview.after.generation++;
	decode_sizes(&preview);
	for (size_t kind = DEPLOYMENTS; kind < KINDS; kind++)
		project(&preview, kind);
	print_changes(&preview, changes);
	print_objects(&preview);
	release(&preview);
	return EXIT_DONE;
}
