/* A configuration while it is put together: config.c and its parts only. */
#ifndef KUBE_CONFIG_LOADED_H
#define KUBE_CONFIG_LOADED_H

#include "kube/config.h"
#include "kube/kubeconfig.h"

/* A text to overwrite when the configuration is freed. */
struct config_secret {
	struct config_secret *next;
	char *text; /* malloc'ed */
};

/* What kube_config_load really returns. */
struct config_loaded {
	struct kube_config config;
	struct arena arena;             /* of every string in `config` that is no secret */
	struct config_secret *secrets;  /* the others */
	const struct kubeconfig_entry *cluster; /* in use; valid while the files are read */
};

/* Own a malloc'ed text until the configuration is freed; returns it. NULL is taken. */
const char *config_secret(struct config_loaded *loaded, char *text);

/*
 * Read a cluster or user entry into loaded->config.
 * Errors: as kube_config_load.
 */
int config_use_cluster(struct config_loaded *loaded, const struct kubeconfig_entry *cluster,
		       struct err *err);
int config_use_user(struct config_loaded *loaded, const struct kubeconfig_entry *user,
		    struct err *err);

#endif
