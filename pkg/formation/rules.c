#include "formation/rules.h"

#include <ctype.h>
#include <string.h>

#include "base/limits.h"

/* --- patterns ------------------------------------------------------ */

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_lower_or_digit(char c)
{
	return is_lower(c) || is_digit(c);
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

bool match_type(const char *text)
{
	size_t len = strlen(text);

	if (!is_lower(text[0]) || !is_lower_or_digit(text[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_lower_or_digit(text[i]) && text[i] != '-')
			return false;
	}
	return true;
}

/* Labels of letters, digits and inner dashes, joined by dots. */
static bool match_labels(const char *text, bool upper)
{
	char before = '.';

	for (;; text++) {
		char c = upper ? (char)tolower((unsigned char)*text) : *text;

		if (c == '\0' || c == '.') {
			if (before == '.' || before == '-')
				return false;
			if (c == '\0')
				return true;
		} else if (c == '-') {
			if (before == '.')
				return false;
		} else if (!is_lower_or_digit(c)) {
			return false;
		}
		before = c;
	}
}

bool match_subdomain(const char *text)
{
	return match_labels(text, false);
}

static bool match_size_name(const char *text)
{
	return match_labels(text, true);
}

bool match_size(const char *text)
{
	return strlen(text) <= LABEL_VALUE_MAX && match_size_name(text);
}

static bool match_no_space(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++) {
		if (is_space(*text))
			return false;
	}
	return true;
}

static bool match_url_path(const char *text)
{
	return *text == '/' && match_no_space(text);
}

static bool match_env_prefix(const char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~' || *text == '=')
			return false;
	}
	return true;
}

static bool match_env_name(const char *text)
{
	return *text && match_env_prefix(text);
}

static bool match_keyed(const char *text, const char *map)
{
	size_t len = strlen(map);
	const char *quote;

	if (strncmp(text, map, len) != 0 || strncmp(text + len, "['", 2) != 0)
		return false;
	quote = strchr(text + len + 2, '\'');
	return quote && quote > text + len + 2 && strcmp(quote, "']") == 0;
}

static bool match_field_path(const char *text)
{
	static const char *const FIELDS[] = {
		"metadata.name",  "metadata.namespace", "metadata.uid",
		"spec.nodeName",  "status.hostIP",      "spec.serviceAccountName",
		"status.hostIPs", "status.podIP",       "status.podIPs",
	};

	for (size_t i = 0; i < sizeof(FIELDS) / sizeof(FIELDS[0]); i++) {
		if (strcmp(FIELDS[i], text) == 0)
			return true;
	}
	return match_keyed(text, "metadata.labels") || match_keyed(text, "metadata.annotations");
}

static bool match_resource(const char *text)
{
	static const char *const NAMES[] = { "cpu", "memory", "ephemeral-storage" };
	const char *dot = strchr(text, '.');

	if (strncmp(text, "limits.", 7) != 0 && strncmp(text, "requests.", 9) != 0)
		return false;
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		if (strcmp(NAMES[i], dot + 1) == 0)
			return true;
	}
	return strncmp(dot + 1, "hugepages-", 10) == 0 && dot[11];
}

#define PATTERN_TYPE      "^[a-z]([-a-z0-9]*[a-z0-9])?$"
#define PATTERN_SUBDOMAIN "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
#define PATTERN_SIZE \
	"^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?(\\.[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?)*$"

/* --- tables -------------------------------------------------------- */

enum { ENV_MAX = 256, OBJECT_NAME_MAX = 253, UID_LARGEST = 2147483647 };

#define NAME(k, need)                                                            \
	{                                                                        \
		.key = (k), .type = SCHEMA_STRING, .required = (need), .min = 1, \
		.max = OBJECT_NAME_MAX                                           \
	}
#define SUBDOMAIN(k)                                                       \
	{                                                                  \
		.key = (k), .type = SCHEMA_STRING, .max = OBJECT_NAME_MAX, \
		.matches = match_subdomain, .pattern = PATTERN_SUBDOMAIN   \
	}
#define BOOL(k)                                 \
	{                                       \
		.key = (k), .type = SCHEMA_BOOL \
	}
#define OBJECT(k, m)                                              \
	{                                                         \
		.key = (k), .type = SCHEMA_OBJECT, .members = (m) \
	}
#define INTEGER(k, low, high)                                                   \
	{                                                                       \
		.key = (k), .type = SCHEMA_INTEGER, .min = (low), .max = (high) \
	}
#define TEXT(k, most)                                            \
	{                                                        \
		.key = (k), .type = SCHEMA_STRING, .max = (most) \
	}

static const struct schema SECRETS[] = { NAME("name", true), { 0 } };
static const struct schema SECRET = OBJECT(NULL, SECRETS);

static const struct schema FIELD_REF[] = {
	TEXT("apiVersion", 64),
	{ .key = "fieldPath",
	  .type = SCHEMA_STRING,
	  .required = true,
	  .max = 512,
	  .matches = match_field_path,
	  .pattern = "^(metadata\\.(name|namespace|uid|(labels|annotations)\\['[^']+'\\])|spec\\."
	             "(nodeName|serviceAccountName)|status\\.(hostIPs?|podIPs?))$" },
	{ 0 },
};

static const struct schema RESOURCE_REF[] = {
	TEXT("containerName", 63),
	{ .key = "divisor", .type = SCHEMA_QUANTITY, .max = 64 },
	{ .key = "resource",
	  .type = SCHEMA_STRING,
	  .required = true,
	  .max = OBJECT_NAME_MAX,
	  .matches = match_resource,
	  .pattern = "^(limits|requests)\\.(cpu|memory|ephemeral-storage|hugepages-.+)$" },
	{ 0 },
};

static const struct schema KEY_REF[] = {
	NAME("name", true),
	NAME("key", true),
	BOOL("optional"),
	{ 0 },
};

static const struct schema VALUE_FROM[] = {
	OBJECT("fieldRef", FIELD_REF),
	OBJECT("resourceFieldRef", RESOURCE_REF),
	OBJECT("configMapKeyRef", KEY_REF),
	OBJECT("secretKeyRef", KEY_REF),
	{ 0 },
};

static const struct schema VARIABLES[] = {
	{ .key = "name",
	  .type = SCHEMA_STRING,
	  .required = true,
	  .min = 1,
	  .max = 256,
	  .matches = match_env_name,
	  .pattern = "^[ -<>-~]+$" },
	TEXT("value", 131072),
	OBJECT("valueFrom", VALUE_FROM),
	{ 0 },
};
static const struct schema VARIABLE = OBJECT(NULL, VARIABLES);

#define ENV                                                                              \
	{                                                                                \
		.key = "env", .type = SCHEMA_LIST, .max = ENV_MAX, .element = &VARIABLE, \
		.list_key = "name"                                                       \
	}

static const struct schema SOURCE_REF[] = { NAME("name", true), BOOL("optional"), { 0 } };
static const struct schema SOURCES[] = {
	{ .key = "prefix",
	  .type = SCHEMA_STRING,
	  .max = 256,
	  .matches = match_env_prefix,
	  .pattern = "^[ -<>-~]*$" },
	OBJECT("configMapRef", SOURCE_REF),
	OBJECT("secretRef", SOURCE_REF),
	{ 0 },
};
static const struct schema SOURCE = OBJECT(NULL, SOURCES);

static const struct schema SECURITY[] = {
	BOOL("runAsNonRoot"),
	INTEGER("runAsUser", 0, UID_LARGEST),
	INTEGER("runAsGroup", 0, UID_LARGEST),
	INTEGER("fsGroup", 0, UID_LARGEST),
	{ 0 },
};

#define IMAGE                                                                 \
	{                                                                     \
		.key = "image", .type = SCHEMA_STRING, .min = 1, .max = 1024, \
		.matches = match_no_space, .pattern = "^\\S+$"                \
	}

static const char *const PULL_POLICIES[] = { "Always", "IfNotPresent", "Never", NULL };

static const struct schema SPEC[] = {
	IMAGE,
	{ .key = "imagePullPolicy", .type = SCHEMA_STRING, .values = PULL_POLICIES },
	{ .key = "imagePullSecrets",
	  .type = SCHEMA_LIST,
	  .max = 16,
	  .element = &SECRET,
	  .list_key = "name" },
	SUBDOMAIN("serviceAccountName"),
	ENV,
	{ .key = "envFrom", .type = SCHEMA_LIST, .max = 64, .element = &SOURCE },
	OBJECT("securityContext", SECURITY),
	BOOL("paused"),
	{ .key = "processes", .type = SCHEMA_LIST, .min = 1, .max = LIMIT_PROCESSES },
	{ 0 },
};
const struct schema RULE_SPEC = OBJECT(NULL, SPEC);

static const struct schema ARGUMENT = TEXT(NULL, 16384);
static const struct schema HEALTH[] = {
	{ .key = "path",
	  .type = SCHEMA_STRING,
	  .required = true,
	  .max = 1024,
	  .matches = match_url_path,
	  .pattern = "^/\\S*$" },
	{ 0 },
};

static const struct schema PROCESS[] = {
	{ .key = "type",
	  .type = SCHEMA_STRING,
	  .required = true,
	  .max = TYPE_MAX,
	  .matches = match_type,
	  .pattern = PATTERN_TYPE },
	{ .key = "command", .type = SCHEMA_STRING, .min = 1, .max = 16384 },
	{ .key = "args", .type = SCHEMA_LIST, .max = 256, .element = &ARGUMENT },
	IMAGE,
	INTEGER("quantity", 0, LIMIT_QUANTITY),
	{ .key = "size",
	  .type = SCHEMA_STRING,
	  .max = LABEL_VALUE_MAX,
	  .matches = match_size_name,
	  .pattern = PATTERN_SIZE },
	ENV,
	INTEGER("terminationGracePeriodSeconds", 0, UID_LARGEST),
	BOOL("singleton"),
	INTEGER("port", 1, 65535),
	OBJECT("health", HEALTH),
	{ 0 },
};
const struct schema RULE_PROCESS = OBJECT(NULL, PROCESS);

static const char *const OPERATORS[] = { "Equal", "Exists", "Lt", "Gt", NULL };
static const char *const EFFECTS[] = { "NoSchedule", "PreferNoSchedule", "NoExecute", NULL };
static const struct schema TOLERATIONS[] = {
	TEXT("key", 317),
	{ .key = "operator", .type = SCHEMA_STRING, .values = OPERATORS },
	TEXT("value", 63),
	{ .key = "effect", .type = SCHEMA_STRING, .values = EFFECTS },
	{ .key = "tolerationSeconds", .type = SCHEMA_INTEGER },
	{ 0 },
};
static const struct schema TOLERATION = OBJECT(NULL, TOLERATIONS);

static const struct schema SIZE[] = {
	{ .key = "memory", .type = SCHEMA_QUANTITY, .required = true, .max = 64 },
	{ .key = "cpu", .type = SCHEMA_QUANTITY, .required = true, .max = 64 },
	{ .key = "cpuLimit", .type = SCHEMA_QUANTITY, .max = 64 },
	BOOL("dedicated"),
	{ .key = "nodeSelector", .type = SCHEMA_STRINGS, .max = 64 },
	{ .key = "tolerations", .type = SCHEMA_LIST, .max = 64, .element = &TOLERATION },
	SUBDOMAIN("priorityClassName"),
	SUBDOMAIN("runtimeClassName"),
	INTEGER("resizeDeadlineSeconds", 1, 86400),
	{ 0 },
};
const struct schema RULE_SIZE = OBJECT(NULL, SIZE);
