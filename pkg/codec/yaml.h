/* YAML, as far as Kubernetes people write it, into JSON trees. */
#ifndef CODEC_YAML_H
#define CODEC_YAML_H

#include "base/err.h"
#include "base/mem.h"
#include "codec/json.h"

/*
 * Read one YAML (or JSON) document into a tree in `arena`.
 * `name` stands in messages ("kubeconfig /etc/kube.conf"). Plain scalars
 * are typed as sigs.k8s.io/yaml does (YAML 1.1 booleans; null; numbers in
 * decimal); quoted ones are strings. An empty document gives JSON null.
 * Errors: ERR_PARSE ("NAME:LINE:COLUMN: …": syntax, duplicate key, tag,
 * alias, merge key, a second document), ERR_LIMIT (LIMIT_YAML_DEPTH,
 * LIMIT_CONFIG).
 */
int yml_parse(struct arena *arena, const char *name, const char *text, size_t len,
	      struct json **ret_value, struct err *err);

/* Read a regular file of at most LIMIT_CONFIG and parse it. Also ERR_SYSTEM, ERR_NOT_FOUND. */
int yml_parse_file(struct arena *arena, const char *path, struct json **ret_value,
		   struct err *err);

#endif
