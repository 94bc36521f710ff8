/* YAML, as far as Kubernetes people write it, into JSON trees. */
#ifndef CODEC_YAML_H
#define CODEC_YAML_H

#include "base/err.h"
#include "base/mem.h"
#include "codec/json.h"
#include "codec/marks.h"

/*
 * Read one YAML (or JSON) document into a tree in `arena`.
 * `name` stands in messages ("kubeconfig /etc/kube.conf"). Plain scalars
 * are typed as sigs.k8s.io/yaml does it: YAML 1.1 booleans (y, yes, on, …),
 * null and ~, whole numbers (decimal, 0x, 0b, 0o, leading 0 for octal, `_`
 * between digits) which become decimal, and decimal fractions; quoted ones
 * are strings. Where a string is wanted, json_scalar_or reads numbers too.
 * Booleans and numbers that are keys become text ("true"). An empty
 * document gives JSON null.
 * Errors: ERR_PARSE ("NAME:LINE:COLUMN: …": syntax, duplicate key, a key
 * that is no scalar or null, anchor, alias, tag, merge key, a second
 * document, NUL, .inf and .nan), ERR_LIMIT (LIMIT_YAML_DEPTH,
 * LIMIT_CONFIG). The text never shows the content.
 * Source: go.yaml.in/yaml/v2 resolve.go, sigs.k8s.io/yaml.
 */
int yml_parse(struct arena *arena, const char *name, const char *text, size_t len,
	      struct json **ret_value, struct err *err);

/*
 * Read all documents of a stream into an array, in the same way; an empty
 * one is null. The places of all values are added to `marks`, or NULL.
 * Errors: as yml_parse, but for the second document.
 */
int yml_parse_all(struct arena *arena, const char *name, const char *text, size_t len,
		  struct marks *marks, struct json **ret_documents, struct err *err);

/*
 * Read a regular file of at most LIMIT_CONFIG and parse it; `path` is the
 * name in messages.
 * Errors: as yml_parse, ERR_NOT_FOUND (no such file), ERR_SYSTEM (not to be
 * opened or read, no regular file).
 */
int yml_parse_file(struct arena *arena, const char *path, struct json **ret_value,
		   struct err *err);

#endif
