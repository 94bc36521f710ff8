/* Where the API server is and who we are: kubeconfig and in-cluster. */
#ifndef KUBE_CONFIG_H
#define KUBE_CONFIG_H

#include "base/err.h"
#include "net/http_client.h"

/* What was asked for on the command line; NULL fields take the defaults. */
struct kube_config_options {
	const char *kubeconfig; /* --kubeconfig: this file alone, missing is an error */
	const char *context;    /* --context */
	const char *cluster;    /* --cluster, and further overrides below */
	const char *user;
	const char *ns;
	const char *user_agent;
};

/* A loaded configuration; owns its strings, secrets are wiped on free. */
struct kube_config {
	struct http_client_config http; /* server, credentials: borrowed from this struct */
	const char *ns;                 /* the context's namespace, or "default" */
	const char *context;            /* name of the context in use, or "in-cluster" */
	const char *token_file;         /* re-read every minute and on a 401, or NULL */
	const char *source;             /* the file it came from, for messages */
	struct arena *arena;            /* owner of all of the above */
};

/*
 * Load by client-go's order: options->kubeconfig, $KUBECONFIG (a list,
 * first file to set a key wins), in-cluster, ~/.kube/config.
 * Errors: ERR_NOT_FOUND, ERR_SYSTEM, ERR_PARSE, ERR_INVALID; the text is
 * one line that names the file, the entry and the remedy.
 * Source: k8s.io/client-go/tools/clientcmd, rest/config.go.
 */
struct kube_config *kube_config_load(const struct kube_config_options *options, struct err *err);
void kube_config_free(struct kube_config *config);

#endif
