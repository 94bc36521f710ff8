#include "api/resource.h"

const struct resource RESOURCE_FORMATION = {
	.group = "dyno.dev",
	.version = "v1",
	.plural = "formations",
	.kind = "Formation",
	.api_version = "dyno.dev/v1",
	.namespaced = true,
};

const struct resource RESOURCE_DYNO_SIZE = {
	.group = "dyno.dev",
	.version = "v1",
	.plural = "dynosizes",
	.kind = "DynoSize",
	.api_version = "dyno.dev/v1",
	.namespaced = false,
};

const struct resource RESOURCE_DEPLOYMENT = {
	.group = "apps",
	.version = "v1",
	.plural = "deployments",
	.kind = "Deployment",
	.api_version = "apps/v1",
	.namespaced = true,
};

const struct resource RESOURCE_SERVICE = {
	.group = "",
	.version = "v1",
	.plural = "services",
	.kind = "Service",
	.api_version = "v1",
	.namespaced = true,
};

const struct resource RESOURCE_BUDGET = {
	.group = "policy",
	.version = "v1",
	.plural = "poddisruptionbudgets",
	.kind = "PodDisruptionBudget",
	.api_version = "policy/v1",
	.namespaced = true,
};

const struct resource RESOURCE_REPLICA_SET = {
	.group = "apps",
	.version = "v1",
	.plural = "replicasets",
	.kind = "ReplicaSet",
	.api_version = "apps/v1",
	.namespaced = true,
};

const struct resource RESOURCE_POD = {
	.group = "",
	.version = "v1",
	.plural = "pods",
	.kind = "Pod",
	.api_version = "v1",
	.namespaced = true,
};

const struct resource RESOURCE_AUTOSCALER = {
	.group = "autoscaling",
	.version = "v2",
	.plural = "horizontalpodautoscalers",
	.kind = "HorizontalPodAutoscaler",
	.api_version = "autoscaling/v2",
	.namespaced = true,
};

const struct resource RESOURCE_EVENT = {
	.group = "events.k8s.io",
	.version = "v1",
	.plural = "events",
	.kind = "Event",
	.api_version = "events.k8s.io/v1",
	.namespaced = true,
};

const struct resource RESOURCE_LEASE = {
	.group = "coordination.k8s.io",
	.version = "v1",
	.plural = "leases",
	.kind = "Lease",
	.api_version = "coordination.k8s.io/v1",
	.namespaced = true,
};
