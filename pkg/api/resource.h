/* The kinds this project speaks of, and where the API server keeps them. */
#ifndef API_RESOURCE_H
#define API_RESOURCE_H

#include <stdbool.h>

/* Group, version and resource, with the kind; static, compared by address. */
struct resource {
	const char *group;   /* "" for the core group */
	const char *version;
	const char *plural;  /* as in the URL */
	const char *kind;
	const char *api_version; /* "apps/v1", as in an object */
	bool namespaced;
};

extern const struct resource RESOURCE_FORMATION;
extern const struct resource RESOURCE_DYNO_SIZE;
extern const struct resource RESOURCE_DEPLOYMENT;
extern const struct resource RESOURCE_SERVICE;
extern const struct resource RESOURCE_BUDGET; /* PodDisruptionBudget */
extern const struct resource RESOURCE_REPLICA_SET;
extern const struct resource RESOURCE_POD;
extern const struct resource RESOURCE_AUTOSCALER; /* HorizontalPodAutoscaler */
extern const struct resource RESOURCE_EVENT; /* events.k8s.io */
extern const struct resource RESOURCE_LEASE; /* coordination.k8s.io */

/* Labels, annotations and names of the contract (docs/api.md). */
#define LABEL_FORMATION "dyno.dev/formation"
#define LABEL_TYPE      "dyno.dev/type"
#define LABEL_SIZE      "dyno.dev/size"
#define LABEL_DYNO      "dyno.dev/dyno"
#define LABEL_SINGLETON "dyno.dev/singleton"
#define ANNOTATION_QUANTITY      "dyno.dev/quantity"
#define ANNOTATION_TEMPLATE      "dyno.dev/template-version"
#define ANNOTATION_MESSAGE       "dyno.dev/message"     /* why, by whoever changes a Formation */
#define ANNOTATION_CHANGED_BY    "dyno.dev/changed-by"  /* by the policy of deploy/actor, as is */
#define ANNOTATION_CHANGED_FOR   "dyno.dev/changed-for" /* the message that came with the change */
#define ANNOTATION_DELETION_COST "controller.kubernetes.io/pod-deletion-cost"
#define FIELD_MANAGER          "formation-controller"
#define FIELD_MANAGER_HANDOVER "formation-controller-handover"

#endif
