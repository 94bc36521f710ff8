/* Every ceiling on what comes from outside, in one table, with the reason. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define KIB 1024UL
#define MIB (1024UL * KIB)

enum {
	LIMIT_JSON_DEPTH = 64,      /* nesting; Kubernetes' own types stay under 20 */
	LIMIT_YAML_DEPTH = 32,      /* nesting; libyaml 0.2.5 itself has no limit */
	LIMIT_JSON_VALUES = 262144, /* values kept of one document: `1,` is 2 bytes of text, 48 of tree */
	LIMIT_LOG_LINE = 4096,      /* bytes of one log line with its newline */
	LIMIT_PROCESSES = 64,       /* process types of a Formation, as in its CRD */
	LIMIT_QUANTITY = 1000,      /* dynos of one process type, as in its CRD */
	LIMIT_DYNO_SIZES = 256,     /* sizes in a cluster; more are not read */
	LIMIT_WRITES_IN_FLIGHT = 16, /* own requests at once, watches not counted: more only wait in the server */
	LIMIT_HEADER_LINES = 100,   /* header lines kept of one answer */
};

#define LIMIT_DOCUMENT   (8 * MIB)   /* one object or watch event: etcd takes 1.5 MiB, JSON grows it */
#define LIMIT_LIST       (512 * MIB) /* one whole list answer; its items are read one by one */
#define LIMIT_STRING     (2 * MIB)   /* one JSON string */
#define LIMIT_ERROR_BODY (64 * KIB)  /* what is read of an answer that is an error */
#define LIMIT_REQUEST    (2 * MIB)   /* a body that we send: the API server refuses 3 MiB */
#define LIMIT_CONFIG     (1 * MIB)   /* kubeconfig and --config files */
#define LIMIT_PLUGIN_OUTPUT (1 * MIB) /* what an exec credential plugin prints */
#define LIMIT_METRICS    (8 * MIB)   /* one page of /metrics */
#define LIMIT_ANSWER_HEAD (64 * KIB) /* an answer's head; the API server's stay under 2 KiB */
#define LIMIT_HTTP_HEAD  (16 * KIB)  /* a request's head at our own server */

#endif
