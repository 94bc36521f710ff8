/* kubeconfig files, read and merged; no meaning is given to them here. */
#ifndef KUBE_KUBECONFIG_H
#define KUBE_KUBECONFIG_H

#include "base/err.h"
#include "base/mem.h"
#include "codec/json.h"

enum kubeconfig_kind { KUBECONFIG_CLUSTER, KUBECONFIG_USER, KUBECONFIG_CONTEXT };
enum { KUBECONFIG_KINDS = 3 };

/* One named cluster, user or context, whole, from the first file that has it. */
struct kubeconfig_entry {
	struct kubeconfig_entry *next;
	const char *where;        /* "kubeconfig /a/b: user \"eve\"", for messages */
	const char *file;         /* that defined it; relative paths start from its folder */
	const char *name;
	const struct json *value; /* its members, or NULL */
};

struct kubeconfig {
	struct arena *arena;          /* of everything here; holds secrets, see kubeconfig_wipe */
	struct kubeconfig_entry *first[KUBECONFIG_KINDS]; /* in the order of the files */
	struct kubeconfig_entry *last[KUBECONFIG_KINDS];
	const char *current_context;  /* or NULL */
	const char *source;           /* "kubeconfig /a/b", of several files "kubeconfig /a/b:/c" */
	int files;                    /* how many were read */
};

/* `arena` is borrowed and takes everything. */
void kubeconfig_init(struct kubeconfig *kubeconfig, struct arena *arena);

/* Overwrite every text that was read, before the arena is released. */
void kubeconfig_wipe(struct kubeconfig *kubeconfig);

/*
 * Read one file behind those already read: what they have stays. A file
 * that is not there is no error when `may_miss`.
 * Errors: of file_read and yml_parse; ERR_INVALID (not a kubeconfig, two
 * entries of one name).
 */
int kubeconfig_add(struct kubeconfig *kubeconfig, const char *path, bool may_miss,
		   struct err *err);

/* The entry of that name, or NULL. */
const struct kubeconfig_entry *kubeconfig_find(const struct kubeconfig *kubeconfig,
					       enum kubeconfig_kind kind, const char *name);

/* "a, b, c": the names there are, some of them when they are many; "none". */
const char *kubeconfig_names(const struct kubeconfig *kubeconfig, enum kubeconfig_kind kind);

/*
 * A member of an entry. *ret_text is NULL when it is absent or empty.
 * Errors: ERR_INVALID (of another type), with the entry named.
 */
int kubeconfig_string(const struct kubeconfig_entry *entry, const char *key, const char **ret_text,
		      struct err *err);
int kubeconfig_bool(const struct kubeconfig_entry *entry, const char *key, bool *ret_value,
		    struct err *err);

/* A member that is a path: absolute, or made so by the entry's file; in `arena`. */
int kubeconfig_path(struct arena *arena, const struct kubeconfig_entry *entry, const char *key,
		    const char **ret_path, struct err *err);

/*
 * Contents that stand in `<key>-data` (base64) or else in the file `<key>`.
 * *ret_text is malloc'ed, for secret_free, NULL when neither is there;
 * *ret_path, in `arena`, is the file's, or NULL.
 * Errors: ERR_INVALID (not base64, not text), those of file_read.
 */
int kubeconfig_data(struct arena *arena, const struct kubeconfig_entry *entry, const char *key,
		    char **ret_text, const char **ret_path, struct err *err);

#endif
