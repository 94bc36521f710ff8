/* Where the API server is and who we are: kubeconfig and in-cluster. */
#ifndef KUBE_CONFIG_H
#define KUBE_CONFIG_H

#include "base/err.h"
#include "net/http_client.h"

struct exec_plugin;

/* What was asked for on the command line; NULL fields take the defaults. */
struct kube_config_options {
	const char *kubeconfig; /* --kubeconfig: this file alone, missing is an error */
	const char *context;    /* --context */
	const char *cluster;    /* in place of the context's, as the next two */
	const char *user;
	const char *ns;
	const char *user_agent;
	const char *service_account; /* folder of the pod's token, NULL for Kubernetes' own */
};

/* A loaded configuration; owns its strings, secrets are wiped on free. */
struct kube_config {
	struct http_client_config http; /* server, credentials: borrowed from this struct */
	const char *ns;                 /* the context's namespace, or "default" */
	const char *context;            /* name of the context in use, or "in-cluster" */
	const char *token_file;         /* re-read every minute and on a 401, or NULL */
	const char *ca_file;            /* files behind http.…_pem, NULL when they were inline: */
	const char *cert_file;          /* for reading them again when they are rotated */
	const char *key_file;
	const struct exec_plugin *plugin; /* that made the credentials, for making them again; or NULL */
	int64_t plugin_expires_ms;      /* when they end, Unix time; 0: never */
	const char *source;             /* "kubeconfig FILE" or "in-cluster configuration" */
	const char *cluster_name;       /* for messages: "kubeconfig FILE: cluster \"a\"" */
	const char *user_name;          /* the same of the user, or `source` without one */
};

/*
 * Load by client-go's order: options->kubeconfig, $KUBECONFIG (a list,
 * first file to set a key wins, missing ones are left out), in-cluster
 * (unless a context, cluster or user is asked for), ~/.kube/config.
 * tokenFile beats token and inline data beats a file, as in client-go. A
 * user's exec plugin is run, which can take a minute, and auth providers are
 * refused; both are passed over when the user has another credential.
 * Errors: those of kube/exec_run.h; ERR_NOT_FOUND, ERR_SYSTEM, ERR_PARSE, ERR_INVALID, ERR_LIMIT;
 * the text is one line that names the file, the entry and the remedy.
 * Source: k8s.io/client-go/tools/clientcmd, rest/config.go.
 */
struct kube_config *kube_config_load(const struct kube_config_options *options, struct err *err);
void kube_config_free(struct kube_config *config);

/*
 * An HTTP client by config->http; what it refuses (an expired certificate,
 * a key of another one, a bad URL) is told as kube_config_load tells it.
 * The result needs the config no longer.
 * Errors: ERR_INVALID.
 */
struct http_client *kube_config_connect(const struct kube_config *config, struct loop *loop,
					struct err *err);

#endif
