/* Exec credential plugins: what a kubeconfig says of one, and what one answers. */
#ifndef KUBE_EXEC_PLUGIN_H
#define KUBE_EXEC_PLUGIN_H

#include "kube/config.h"
#include "kube/kubeconfig.h"

/* When a plugin may ask the user something at the terminal. */
enum exec_interactive { EXEC_NEVER, EXEC_IF_AVAILABLE, EXEC_ALWAYS };

struct exec_env {
	const char *name;
	const char *value;
};

/* A user's `exec`, checked. In the arena of its configuration. */
struct exec_plugin {
	const char *where;       /* "kubeconfig /a/b: user \"eve\": exec", for messages */
	const char *api_version; /* client.authentication.k8s.io/v1 or v1beta1 */
	const char *command;     /* a path, or a name to look for in $PATH */
	const char **args;       /* ended by NULL, without the command */
	struct exec_env *env;    /* added to ours */
	size_t env_count;
	const char *hint;        /* installHint, or NULL */
	const char *info;        /* value of KUBERNETES_EXEC_INFO; set by exec_plugin_describe */
	enum exec_interactive interactive;
	bool cluster_info;       /* provideClusterInfo */
};

/* What a plugin gave: a token, a certificate with its key, or all three. Owned, secrets are wiped. */
struct exec_credential {
	char *token;
	char *cert_pem;
	char *key_pem;
	int64_t expires_ms; /* Unix time; 0: never */
};

void exec_credential_release(struct exec_credential *credential);

/*
 * Read the member `exec` of a user. A command with a slash that is no
 * absolute path starts from the folder of its kubeconfig.
 * Errors: ERR_INVALID, with the field and what to do.
 * Source: k8s.io/client-go/plugin/pkg/client/auth/exec, KEP-541.
 */
int exec_plugin_read(struct arena *arena, const struct kubeconfig_entry *user,
		     struct exec_plugin *ret_plugin, struct err *err);

/*
 * Decide what the plugin is told: about the cluster where it wants that
 * (`cluster` is the kubeconfig's entry, NULL for none), and whether it may ask.
 * Errors: ERR_INVALID, it has to ask and there is no terminal.
 */
int exec_plugin_describe(struct arena *arena, struct exec_plugin *plugin,
			 const struct http_client_config *http,
			 const struct kubeconfig_entry *cluster, bool terminal, struct err *err);

/*
 * Read what a plugin printed. Errors: ERR_PARSE, ERR_INVALID; the text
 * names the plugin and never quotes what it printed.
 */
int exec_credential_read(const struct exec_plugin *plugin, const char *text, size_t len,
			 struct exec_credential *ret_credential, struct err *err);

#endif
