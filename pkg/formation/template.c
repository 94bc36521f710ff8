#include "formation/template.h"

#include <assert.h>
#include <string.h>

#include "api/resource.h"
#include "codec/quantity.h"
#include "formation/desired.h"
#include "formation/env.h"
#include "formation/permit.h"
#include "formation/restart.h"
#include "formation/schema.h"
#include "formation/sized.h"

void template_selector(struct arena *arena, struct json *labels, const struct formation *formation,
                       const struct process *process)
{
	json_set_string(arena, labels, LABEL_FORMATION, formation->name);
	json_set_string(arena, labels, LABEL_TYPE, process->type);
	if (process->singleton)
		json_set_string(arena, labels, LABEL_SINGLETON, "true");
}

void template_labels(struct arena *arena, struct json *labels, const struct formation *formation,
                     const struct process *process)
{
	json_set_string(arena, labels, LABEL_FORMATION, formation->name);
	json_set_string(arena, labels, LABEL_TYPE, process->type);
	json_set_string(arena, labels, "app.kubernetes.io/name", formation->name);
	json_set_string(arena, labels, "app.kubernetes.io/component", process->type);
	json_set_string(arena, labels, "app.kubernetes.io/part-of", formation->name);
	json_set_string(arena, labels, "app.kubernetes.io/managed-by", FIELD_MANAGER);
}

/* --- version 1 ----------------------------------------------------- */

static void v1_command(struct arena *arena, struct json *container, const struct process *process)
{
	struct json *list;

	if (process->command) {
		list = json_set_array(arena, container, "command");
		json_add(list, json_new_string(arena, "/bin/sh"));
		json_add(list, json_new_string(arena, "-c"));
		json_add(list, json_new_string(arena, env_escape(arena, process->command)));
	} else if (process->args) {
		json_set(arena, container, "args", json_clone(arena, process->args));
	}
}

static void v1_resources(struct arena *arena, struct json *container, const struct dyno_size *size)
{
	static const char *const RESOURCES[] = { "cpu", "memory" };
	struct json *resources = json_set_object(arena, container, "resources");
	struct json *limits = json_set_object(arena, resources, "limits");
	struct json *requests = json_set_object(arena, resources, "requests");
	struct json *policies = json_set_array(arena, container, "resizePolicy");
	int64_t cpu_limit = size->dedicated ? size->cpu_milli : size->cpu_limit_milli;
	char memory[QUANTITY_TEXT_MAX], cpu[QUANTITY_TEXT_MAX];

	quantity_format_bytes(size->memory_bytes, memory);
	if (cpu_limit > 0) {
		quantity_format_cpu(cpu_limit, cpu);
		json_set_string(arena, limits, "cpu", cpu);
	}
	json_set_string(arena, limits, "memory", memory);
	quantity_format_cpu(size->cpu_milli, cpu);
	json_set_string(arena, requests, "cpu", cpu);
	json_set_string(arena, requests, "memory", memory);
	for (size_t i = 0; i < 2; i++) {
		struct json *policy = json_add(policies, json_new_object(arena));

		json_set_string(arena, policy, "resourceName", RESOURCES[i]);
		json_set_string(arena, policy, "restartPolicy", "NotRequired");
	}
}

/*
 * The sleep lies within the grace period, so a short one is shared with it.
 * The probe looks more often than the API's default of 10 s, and gives a busy dyno longer
 * than its 1 s.
 */
static void v1_routing(struct arena *arena, struct json *container, const struct process *process)
{
	int sleep_s =
		process->grace_s >= 2 * PRESTOP_SLEEP_S ? PRESTOP_SLEEP_S : process->grace_s / 2;
	struct json *port =
		json_add(json_set_array(arena, container, "ports"), json_new_object(arena));
	struct json *probe = json_set_object(arena, container, "readinessProbe");
	struct json *check =
		json_set_object(arena, probe, process->health_path ? "httpGet" : "tcpSocket");
	struct json *hook;

	json_set_string(arena, port, "name", PORT_NAME);
	json_set_int(arena, port, "containerPort", process->port);
	json_set_string(arena, port, "protocol", "TCP");
	if (process->health_path)
		json_set_string(arena, check, "path", process->health_path);
	json_set_string(arena, check, "port", PORT_NAME);
	json_set_int(arena, probe, "periodSeconds", 5);
	json_set_int(arena, probe, "timeoutSeconds", 5);
	if (sleep_s > 0) {
		hook = json_set_object(arena, container, "lifecycle");
		hook = json_set_object(arena, hook, "preStop");
		hook = json_set_object(arena, hook, "sleep");
		json_set_int(arena, hook, "seconds", sleep_s);
	}
}

/*
 * Sent even when it is left out: the API server's default is set once, and
 * would stay what it was for the first image's tag.
 * Source: k8s.io/kubernetes/pkg/apis/core/v1/defaults.go.
 */
static const char *v1_pull_policy(const struct formation *formation, const char *image)
{
	const char *name = strrchr(image, '/');
	const char *digest = strchr(name ? name : image, '@');
	const char *tag = strchr(name ? name : image, ':');

	if (formation->image_pull_policy)
		return formation->image_pull_policy;
	if (!tag || (digest && tag > digest))
		return digest ? "IfNotPresent" : "Always";
	return strcmp(tag, ":latest") == 0 || strncmp(tag, ":latest@", 8) == 0 ? "Always"
	                                                                       : "IfNotPresent";
}

static struct json *v1_container(struct arena *arena, const struct formation *formation,
                                 const struct process *process, const struct dyno_size *size)
{
	struct json *container = json_new_object(arena);
	struct json *security;

	json_set_string(arena, container, "name", CONTAINER_NAME);
	json_set_string(arena, container, "image", process->image);
	json_set_string(arena, container, "imagePullPolicy",
	                v1_pull_policy(formation, process->image));
	v1_command(arena, container, process);
	json_set(arena, container, "env", env_render(arena, formation, process));
	if (formation->env_from)
		json_set(arena, container, "envFrom", schema_clone(arena, formation->env_from));
	v1_resources(arena, container, size);
	if (process->routed)
		v1_routing(arena, container, process);
	security = json_set_object(arena, container, "securityContext");
	json_set_bool(arena, security, "allowPrivilegeEscalation", false);
	security = json_set_object(arena, security, "capabilities");
	json_add(json_set_array(arena, security, "drop"), json_new_string(arena, "ALL"));
	return container;
}

static void v1_security(struct arena *arena, struct json *spec, const struct formation *formation)
{
	static const char *const FIELDS[] = { "runAsNonRoot", "runAsUser", "runAsGroup",
		                              "fsGroup" };
	struct json *security = json_set_object(arena, spec, "securityContext");
	struct json *seccomp;

	for (size_t i = 0; i < sizeof(FIELDS) / sizeof(FIELDS[0]); i++) {
		const struct json *field = schema_member(formation->security, FIELDS[i]);

		if (field)
			json_set(arena, security, FIELDS[i], json_clone(arena, field));
	}
	seccomp = json_set_object(arena, security, "seccompProfile");
	json_set_string(arena, seccomp, "type", "RuntimeDefault");
}

/* No two pods of dedicated sizes on one node, in whichever namespace. */
static void v1_anti_affinity(struct arena *arena, struct json *spec)
{
	struct json *term = json_new_object(arena);
	struct json *affinity = json_set_object(arena, spec, "affinity");
	struct json *labels;

	affinity = json_set_object(arena, affinity, "podAntiAffinity");
	json_add(json_set_array(arena, affinity, "requiredDuringSchedulingIgnoredDuringExecution"),
	         term);
	labels = json_set_object(arena, term, "labelSelector");
	labels = json_set_object(arena, labels, "matchLabels");
	json_set_string(arena, labels, LABEL_DEDICATED, "true");
	json_set_object(arena, term, "namespaceSelector");
	json_set_string(arena, term, "topologyKey", "kubernetes.io/hostname");
}

static void v1_placement(struct arena *arena, struct json *spec, const struct dyno_size *size)
{
	if (size->dedicated)
		v1_anti_affinity(arena, spec);
	if (size->node_selector)
		json_set(arena, spec, "nodeSelector", schema_clone(arena, size->node_selector));
	if (size->tolerations)
		json_set(arena, spec, "tolerations", schema_clone(arena, size->tolerations));
	if (size->priority_class)
		json_set_string(arena, spec, "priorityClassName", size->priority_class);
	if (size->runtime_class)
		json_set_string(arena, spec, "runtimeClassName", size->runtime_class);
}

/*
 * The API server mirrors serviceAccountName into its old name, and takes it
 * back from there when it is dropped: only who owns both can drop it.
 */
static void v1_account(struct arena *arena, struct json *spec, const struct formation *formation)
{
	if (formation->service_account) {
		json_set_string(arena, spec, "serviceAccountName", formation->service_account);
		json_set_string(arena, spec, "serviceAccount", formation->service_account);
	} else {
		json_set_bool(arena, spec, "automountServiceAccountToken", false);
	}
	if (formation->pull_secrets)
		json_set(arena, spec, "imagePullSecrets",
		         schema_clone(arena, formation->pull_secrets));
}

/* Nothing of a singleton runs before the controller lets it: formation/permit.h. */
static void v1_gate(struct arena *arena, struct json *spec)
{
	struct json *gates = json_set_array(arena, spec, "schedulingGates");

	json_set_string(arena, json_add(gates, json_new_object(arena)), "name", SINGLETON_GATE);
}

static struct json *v1_render(struct arena *arena, const struct formation *formation,
                              const struct process *process, const struct dyno_size *size)
{
	struct json *template = json_new_object(arena);
	struct json *metadata = json_set_object(arena, template, "metadata");
	struct json *labels = json_set_object(arena, metadata, "labels");
	struct json *annotations = json_set_object(arena, metadata, "annotations");
	struct json *spec = json_set_object(arena, template, "spec");

	template_labels(arena, labels, formation, process);
	template_selector(arena, labels, formation, process);
	json_set_string(arena, labels, LABEL_SIZE, process->size);
	if (size->dedicated)
		json_set_string(arena, labels, LABEL_DEDICATED, "true");
	json_set_string(arena, annotations, ANNOTATION_RESOURCES, sized_text(arena, process, size));
	if (process->restarted_at)
		json_set_string(arena, annotations, ANNOTATION_RESTARTED, process->restarted_at);
	json_add(json_set_array(arena, spec, "containers"),
	         v1_container(arena, formation, process, size));
	json_set_int(arena, spec, "terminationGracePeriodSeconds", process->grace_s);
	json_set_bool(arena, spec, "enableServiceLinks", false);
	v1_account(arena, spec, formation);
	v1_security(arena, spec, formation);
	v1_placement(arena, spec, size);
	if (process->singleton)
		v1_gate(arena, spec);
	return template;
}

/* --- all versions -------------------------------------------------- */

typedef struct json *template_fn(struct arena *arena, const struct formation *formation,
                                 const struct process *process, const struct dyno_size *size);

static template_fn *const VERSIONS[TEMPLATE_VERSION + 1] = { [1] = v1_render };

bool template_known(int version)
{
	return version >= 1 && version <= TEMPLATE_VERSION;
}

int template_version_next(int made_by, int newest, bool same)
{
	return made_by >= 1 && made_by <= newest && same ? made_by : newest;
}

struct json *template_render(struct arena *arena, const struct formation *formation,
                             const struct process *process, const struct dyno_size *size,
                             int version)
{
	assert(template_known(version));
	return VERSIONS[version](arena, formation, process, size);
}
