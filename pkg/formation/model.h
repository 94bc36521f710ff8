/* What users write: a Formation and its DynoSizes, decoded. */
#ifndef FORMATION_MODEL_H
#define FORMATION_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/json.h"

enum {
	QUANTITY_UNSET = -1,  /* left out: an autoscaler or `kubectl scale` owns replicas */
	PORT_DEFAULT = 5000,  /* PORT of a routed process that names none */
	GRACE_DEFAULT_S = 30, /* terminationGracePeriodSeconds */
	PRESTOP_SLEEP_S = 5,  /* a routed dyno's wait for its endpoints to go */
	RESIZE_DEADLINE_DEFAULT_S = 60,
};

#define SIZE_DEFAULT "1X"

/* One entry of spec.processes, with every default filled in. */
struct process {
	size_t index; /* in spec.processes, for messages */
	const char *type;
	const char *command; /* a shell line, or NULL */
	const struct json
		*args;     /* array of strings, or NULL; with command only where a problem is */
	const char *image; /* its own, else the formation's */
	int quantity;      /* 0..1000 or QUANTITY_UNSET; a singleton has 0 or 1 */
	const char *size;  /* canonical: upper case, "1X" by default */
	const struct json *env; /* its own EnvVars, or NULL */
	int grace_s; /* 0 to INT32_MAX; of a singleton at least 1 */
	bool singleton;
	bool routed;              /* web, or has a port: gets a Service */
	int port;                 /* of a routed process */
	const char *health_path;  /* HTTP readiness, or NULL: TCP */
	const char *problem;      /* a rule it breaks, with the field's path, or NULL */
	const char *restarted_at; /* annotation dyno.dev/restarted-at as it concerns this type, or
	                             NULL */
	bool repeated;            /* its type stood before: that entry counts */
};

/* A Formation. Everything points into the arena it was decoded into. */
struct formation {
	const char *ns;
	const char *name;
	const char *uid;
	uint64_t version; /* resourceVersion */
	int64_t generation;
	int64_t created_ms; /* creationTimestamp, Unix time, 0 unknown */
	bool deleting;
	bool paused;
	const char *image;
	const char *image_pull_policy;   /* or NULL */
	const char *service_account;     /* or NULL */
	const struct json *pull_secrets; /* or NULL, as are the next three */
	const struct json *env;
	const struct json *env_from;
	const struct json *security; /* securityContext */
	struct process *processes;
	size_t process_count;           /* 0 only with a problem: the default formation has web */
	const char *problem;            /* a rule that the whole Formation breaks, or NULL */
	const struct json *status;      /* as last observed, or NULL */
	const struct json *annotations; /* those of dyno.dev/, or NULL */
	const struct json *managers;    /* managedFields, as KEEP_FORMATION keeps them, or NULL */
};

/* What a Formation's stored JSON keeps (metadata, spec, status). */
extern const struct json_keep KEEP_FORMATION[];

/*
 * Decode a Formation and check it again, as the CRD does.
 * A violation never fails the whole: it becomes the `problem` of the
 * process (or of the formation), so that the others go on. Types that are
 * wrong in a way that leaves nothing to decode are problems too.
 * Errors: ERR_PARSE, only when it has no name, namespace or uid.
 */
int formation_decode(struct arena *arena, const struct json *value, struct formation *ret_formation,
                     struct err *err);

/* A DynoSize, decoded. */
struct dyno_size {
	const char *name; /* canonical: upper case of metadata.name */
	int64_t memory_bytes;
	int64_t cpu_milli;
	int64_t cpu_limit_milli; /* 0: none */
	bool dedicated;
	const struct json *node_selector; /* or NULL, as tolerations */
	const struct json *tolerations;
	const char *priority_class; /* or NULL */
	const char *runtime_class;  /* or NULL */
	int resize_deadline_s;
	const char *problem; /* a rule it breaks, or NULL */
	uint64_t hash;       /* of the whole spec */
};

extern const struct json_keep KEEP_DYNO_SIZE[];

int dyno_size_decode(struct arena *arena, const struct json *value, struct dyno_size *ret_size,
                     struct err *err);

/* All sizes that are known. */
struct dyno_sizes {
	const struct dyno_size *items;
	size_t count;
};

/* The size of that name without regard to case, or NULL. */
const struct dyno_size *dyno_sizes_find(const struct dyno_sizes *sizes, const char *name);

/* "1X, 2X, PX" in the arena, sorted; "none" when there are none. */
const char *dyno_sizes_names(struct arena *arena, const struct dyno_sizes *sizes);

/* The size with the least memory above that of `size`, or NULL: what to grow to. */
const struct dyno_size *dyno_sizes_next(const struct dyno_sizes *sizes,
                                        const struct dyno_size *size);

/* "<formation>-<type>", the name of everything a process becomes. */
const char *process_object_name(struct arena *arena, const struct formation *formation,
                                const char *type);

/* The (first) process whose objects have that name, or NULL. */
const struct process *formation_process_of(const struct formation *formation, const char *name);

#endif
