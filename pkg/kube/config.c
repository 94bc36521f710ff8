#include "kube/config.h"

#include <stdlib.h>
#include <string.h>

#include "kube/config_loaded.h"
#include "kube/file.h"

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

const char *config_secret(struct config_loaded *loaded, char *text)
{
	struct config_secret *secret;

	if (!text)
		return NULL;
	secret = arena_new(&loaded->arena, struct config_secret);
	*secret = (struct config_secret){ .next = loaded->secrets, .text = text };
	loaded->secrets = secret;
	return text;
}

/* An environment variable, NULL when it is empty. */
static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* --- in a pod --------------------------------------------------------- */

static bool is_in_cluster(void)
{
	return environment("KUBERNETES_SERVICE_HOST") && environment("KUBERNETES_SERVICE_PORT");
}

static int pod_error(struct err *err)
{
	struct err cause = *err;

	return err_set(err, cause.code,
		       "in-cluster configuration: %s: give the pod a service account token "
		       "(automountServiceAccountToken), or name a file with --kubeconfig",
		       cause.msg);
}

/* The namespace of the pod: $POD_NAMESPACE, its file, "default". */
static const char *pod_namespace(struct config_loaded *loaded, const char *folder)
{
	const char *ns = environment("POD_NAMESPACE");
	struct err ignored = ERR_INIT;
	char *text;

	if (ns)
		return arena_strdup(&loaded->arena, ns);
	text = file_read_token(arena_printf(&loaded->arena, "%s/namespace", folder), &ignored);
	ns = arena_strdup(&loaded->arena, text);
	secret_free(text);
	return ns;
}

static int load_in_cluster(struct config_loaded *loaded, const struct kube_config_options *options,
			   struct err *err)
{
	const char *folder = options->service_account ? options->service_account : SERVICE_ACCOUNT;
	const char *host = environment("KUBERNETES_SERVICE_HOST");
	struct kube_config *config = &loaded->config;
	struct arena *arena = &loaded->arena;
	bool v6 = strchr(host, ':') != NULL;

	config->source = config->cluster_name = config->user_name = "in-cluster configuration";
	config->context = "in-cluster";
	config->http.server = arena_printf(arena, "https://%s%s%s:%s", v6 ? "[" : "", host,
					   v6 ? "]" : "", environment("KUBERNETES_SERVICE_PORT"));
	config->token_file = arena_printf(arena, "%s/token", folder);
	config->http.bearer_token =
		config_secret(loaded, file_read_token(config->token_file, err));
	if (!config->http.bearer_token)
		return pod_error(err);
	config->ca_file = arena_printf(arena, "%s/ca.crt", folder);
	config->http.ca_pem = config_secret(loaded, file_read(config->ca_file, NULL, err));
	if (!config->http.ca_pem)
		return pod_error(err);
	config->ns = pod_namespace(loaded, folder);
	return 0;
}

/* --- a context of the merged files ------------------------------------ */

/* The names that a context, or the options in its place, give. */
struct choice {
	const struct kubeconfig_entry *context; /* or NULL */
	const char *cluster;
	const char *user;
	const char *ns;
};

static int choose_context(const struct kubeconfig *kubeconfig,
			  const struct kube_config_options *options, struct choice *choice,
			  struct err *err)
{
	const char *name = options->context ? options->context : kubeconfig->current_context;
	const char *names = kubeconfig_names(kubeconfig, KUBECONFIG_CONTEXT);

	if (!name && options->cluster)
		return 0;
	if (!name)
		return err_set(err, ERR_INVALID,
			       "%s: current-context is not set: choose one with --context (there is: "
			       "%s)",
			       kubeconfig->source, names);
	choice->context = kubeconfig_find(kubeconfig, KUBECONFIG_CONTEXT, name);
	if (!choice->context)
		return err_set(err, ERR_INVALID,
			       "%s: context \"%s\" is not in contexts: choose another with --context "
			       "(there is: %s)",
			       kubeconfig->source, name, names);
	if (kubeconfig_string(choice->context, "cluster", &choice->cluster, err) < 0 ||
	    kubeconfig_string(choice->context, "user", &choice->user, err) < 0)
		return -1;
	return kubeconfig_string(choice->context, "namespace", &choice->ns, err);
}

/* "context "prod" names user "eve"", or "--user names "eve"": who is wrong. */
static int no_such_entry(const struct kubeconfig *kubeconfig, const struct choice *choice,
			 enum kubeconfig_kind kind, const char *option, const char *name,
			 struct err *err)
{
	const char *what = kind == KUBECONFIG_USER ? "user" : "cluster";

	if (option)
		return err_set(err, ERR_INVALID,
			       "%s: %s \"%s\" is not in %ss: choose another with --%s (there is: %s)",
			       kubeconfig->source, what, name, what, what,
			       kubeconfig_names(kubeconfig, kind));
	return err_set(err, ERR_INVALID,
		       "%s names %s \"%s\", which is not in %ss: add it or choose another context "
		       "with --context",
		       choice->context->where, what, name, what);
}

static int use_choice(struct config_loaded *loaded, const struct kubeconfig *kubeconfig,
		      const struct kube_config_options *options, const struct choice *choice,
		      struct err *err)
{
	const char *cluster = options->cluster ? options->cluster : choice->cluster;
	const char *user = options->user ? options->user : choice->user;
	const struct kubeconfig_entry *entry;

	if (!cluster)
		return err_set(err, ERR_INVALID, "%s names no cluster: add one, or choose one with --cluster",
			       choice->context->where);
	entry = kubeconfig_find(kubeconfig, KUBECONFIG_CLUSTER, cluster);
	if (!entry)
		return no_such_entry(kubeconfig, choice, KUBECONFIG_CLUSTER, options->cluster, cluster,
				     err);
	if (config_use_cluster(loaded, entry, err) < 0)
		return -1;
	if (!user)
		return 0; /* anonymous */
	entry = kubeconfig_find(kubeconfig, KUBECONFIG_USER, user);
	if (!entry)
		return no_such_entry(kubeconfig, choice, KUBECONFIG_USER, options->user, user, err);
	return config_use_user(loaded, entry, err);
}

static int use_kubeconfig(struct config_loaded *loaded, const struct kubeconfig *kubeconfig,
			  const struct kube_config_options *options, struct err *err)
{
	struct kube_config *config = &loaded->config;
	struct choice choice = { 0 };

	config->source = arena_strdup(&loaded->arena, kubeconfig->source);
	config->user_name = config->source;
	if (choose_context(kubeconfig, options, &choice, err) < 0 ||
	    use_choice(loaded, kubeconfig, options, &choice, err) < 0)
		return -1;
	config->context = arena_strdup(&loaded->arena, choice.context ? choice.context->name : "");
	config->ns = arena_strdup(&loaded->arena, choice.ns);
	return 0;
}

/* --- which files ------------------------------------------------------ */

/* Each file of a list as $KUBECONFIG has it. */
static int add_list(struct kubeconfig *kubeconfig, const char *list, struct err *err)
{
	while (*list) {
		size_t len = strcspn(list, ":");

		if (len && kubeconfig_add(kubeconfig, arena_strndup(kubeconfig->arena, list, len), true,
					  err) < 0)
			return -1;
		list += len;
		list += *list == ':';
	}
	return 0;
}

static int add_home(struct kubeconfig *kubeconfig, struct err *err)
{
	const char *home = environment("HOME");

	if (!home)
		return 0;
	return kubeconfig_add(kubeconfig, arena_printf(kubeconfig->arena, "%s/.kube/config", home),
			      true, err);
}

static int nothing_found(struct err *err)
{
	const char *list = environment("KUBECONFIG");

	if (list)
		return err_set(err, ERR_NOT_FOUND,
			       "kubeconfig %s ($KUBECONFIG): there is no such file: name one that is "
			       "with --kubeconfig",
			       list);
	return err_set(err, ERR_NOT_FOUND,
		       "no kubeconfig: $KUBECONFIG is not set, ~/.kube/config is not there and this is "
		       "no pod: name one with --kubeconfig");
}

static int load(struct config_loaded *loaded, struct kubeconfig *kubeconfig,
		const struct kube_config_options *options, struct err *err)
{
	const char *list = environment("KUBECONFIG");
	bool chosen = options->context || options->cluster || options->user;
	int rc = 0;

	if (options->kubeconfig)
		rc = kubeconfig_add(kubeconfig, options->kubeconfig, false, err);
	else if (list)
		rc = add_list(kubeconfig, list, err);
	if (rc == 0 && !kubeconfig->files && is_in_cluster() && !chosen)
		return load_in_cluster(loaded, options, err);
	if (rc == 0 && !kubeconfig->files && !list)
		rc = add_home(kubeconfig, err);
	if (rc == 0 && !kubeconfig->files)
		rc = nothing_found(err);
	return rc < 0 ? -1 : use_kubeconfig(loaded, kubeconfig, options, err);
}

/* --- the configuration ------------------------------------------------ */

struct kube_config *kube_config_load(const struct kube_config_options *options, struct err *err)
{
	struct config_loaded *loaded = x_calloc(1, sizeof(*loaded));
	struct arena arena = ARENA_INIT;
	struct kubeconfig kubeconfig;
	int rc;

	kubeconfig_init(&kubeconfig, &arena);
	rc = load(loaded, &kubeconfig, options, err);
	kubeconfig_wipe(&kubeconfig);
	arena_release(&arena);
	if (rc < 0) {
		kube_config_free(&loaded->config);
		return NULL;
	}
	if (options->ns)
		loaded->config.ns = arena_strdup(&loaded->arena, options->ns);
	if (!loaded->config.ns)
		loaded->config.ns = "default";
	loaded->config.http.user_agent = arena_strdup(&loaded->arena, options->user_agent);
	return &loaded->config;
}

void kube_config_free(struct kube_config *config)
{
	struct config_loaded *loaded = (struct config_loaded *)config;

	if (!loaded)
		return;
	for (struct config_secret *secret = loaded->secrets; secret; secret = secret->next)
		secret_free(secret->text);
	arena_release(&loaded->arena);
	free(loaded);
}

struct http_client *kube_config_connect(const struct kube_config *config, struct loop *loop,
					struct err *err)
{
	struct http_client *client = http_client_new(loop, &config->http, err);
	struct err cause = *err;
	bool user;

	if (client)
		return client;
	user = strncmp(cause.msg, "client ", 7) == 0 || strncmp(cause.msg, "token", 5) == 0;
	err_set(err, cause.code, "%s: %s: %s", user ? config->user_name : config->cluster_name,
		cause.msg, user ? "renew it, or choose another user with --user" : "correct it there");
	return NULL;
}
