/* What the API server holds, as far as it matters here: stored projections. */
#ifndef FORMATION_OBSERVED_H
#define FORMATION_OBSERVED_H

#include "api/object.h"
#include "codec/digest.h"
#include "formation/model.h"
#include "formation/pod_runs.h"

/*
 * Each is one allocation that begins with a struct object; free() gives it
 * back. A projection of an object that a Formation may own says which
 * desired state it satisfied when it was read (`satisfied`, see
 * formation/desired.h), so that the object itself need not be kept.
 */

/* A Formation is kept as the JSON text of what KEEP_FORMATION keeps. */
struct stored_formation {
	struct object object; /* object.formation is its own name */
	size_t json_len;
	const char *json;
};

/* So is a DynoSize. */
struct stored_size {
	struct object object;
	int dynos; /* status.dynos, -1 when it says nothing */
	size_t json_len;
	const char *json;
};

/* Deployment, Service or PodDisruptionBudget of a process. */
struct observed_child {
	struct object object;
	const char *type;               /* label dyno.dev/type, or "" */
	struct digest satisfied;        /* desired state it satisfies, or none */
	struct digest satisfied_before; /* what an earlier version satisfied last, or none */
	uint64_t satisfied_key;         /* what `satisfied` was rendered from, see desired_key */
	uint64_t meta_hash;             /* labels, annotations, owners, as read */
};

struct observed_deployment {
	struct observed_child child;
	int replicas;                     /* spec.replicas */
	int quantity_annotation;          /* dyno.dev/quantity, or QUANTITY_UNSET */
	int template_version;             /* dyno.dev/template-version, 0 when absent */
	struct digest template_satisfied; /* pod template of an older version it has, or none */
	bool singleton;                   /* its selector has dyno.dev/singleton; immutable */
	bool rolling;                     /* spec.strategy.rollingUpdate is there */
	bool paused;                      /* spec.paused: by a person, unless */
	bool resizing;                    /* dyno.dev/resizing: we did it, see formation/resize.h */
	const char *resources;            /* dyno.dev/resources of its pod template, or NULL */
	struct digest unsized;            /* dyno.dev/unsized, or none */
	int64_t observed_generation;      /* status.… from here */
	int status_replicas;
	int updated;
	int ready;
	int available;
	bool deadline_exceeded; /* Progressing=False, ProgressDeadlineExceeded */
	const char *failure;    /* message of ReplicaFailure=True, or NULL */
	const char *scaler;     /* field manager that wrote the replicas last, if not us, or NULL */
};

enum pod_phase { POD_PENDING, POD_RUNNING, POD_SUCCEEDED, POD_FAILED, POD_UNKNOWN };

/* A pod, with the state of the dyno's own container. */
struct observed_pod {
	struct object object;
	const char *type;
	const char *size;       /* label dyno.dev/size */
	const char *resources;  /* dyno.dev/resources, or NULL */
	const char *resize;     /* why another size has not been taken yet, in one word, or NULL */
	const char *resize_message;
	uint64_t resources_hash; /* of what the container has, by the kubelet's word */
	int dyno;               /* number in dyno.dev/dyno, 0 when it has none */
	bool has_deletion_cost; /* the annotation is there and is minus the number */
	enum pod_phase phase;
	bool ready;          /* condition Ready */
	bool running;        /* the container runs */
	bool gated;          /* has scheduling gates */
	int singleton_gate;  /* index of SINGLETON_GATE among them, -1 when it isn't */
	const char *waiting; /* state.waiting.reason, or NULL */
	const char *waiting_message;
	const char *unschedulable; /* message of PodScheduled=False/Unschedulable, or NULL */
	const char *node;          /* or NULL */
	int restarts;
	int last_exit_code;   /* of the last termination, -1 when there was none */
	bool oom_killed;      /* the last termination was by the memory limit */
	int64_t last_exit_ms; /* when it was, 0 unknown */
	int64_t since_ms;     /* when the present state began, 0 unknown */
	int64_t unready_ms;   /* since when it isn't ready, 0 when it is or unknown */
	int64_t deleting_ms;  /* when its deletion was asked for, 0 when it wasn't */
	struct pod_runs runs; /* when the container ran */
};

extern const struct json_keep KEEP_CHILD[]; /* Service, PodDisruptionBudget: all owned fields */
extern const struct json_keep KEEP_DEPLOYMENT[];
extern const struct json_keep KEEP_POD[];

/*
 * Project an object from the API server; members that are missing have
 * their defaults. The tables above name every member that is looked at.
 * Return NULL with ERR_PARSE when it is not of its kind's shape.
 * `satisfied` and `satisfied_before` are left none: formation/desired.h.
 */
struct stored_formation *stored_formation_new(const struct json *value, struct err *err);
struct stored_size *stored_size_new(const struct json *value, struct err *err);
struct observed_child *observed_child_new(const struct json *value, struct err *err);
struct observed_deployment *observed_deployment_new(const struct json *value, struct err *err);
struct observed_pod *observed_pod_new(const struct json *value, struct err *err);

/*
 * Carry over to `child` what has to survive its replacing `before`, an
 * older version: satisfied_before becomes what `before` satisfied, or if it
 * satisfied nothing what one before it did. Another uid is another object:
 * nothing is carried over.
 */
void observed_child_follow(struct observed_child *child, const struct observed_child *before);

/* A pod whose container will not run again; it holds no number and counts as no dyno. */
static inline bool observed_pod_is_terminal(const struct observed_pod *pod)
{
	return pod->phase == POD_SUCCEEDED || pod->phase == POD_FAILED;
}

#endif
