#include "kube/exec_plugin.h"

#include <string.h>

#include "base/limits.h"
#include "codec/timestamp.h"
#include "kube/file.h"

#define GROUP "client.authentication.k8s.io/"

/* --- what the kubeconfig says ----------------------------------------- */

static int wrong(const struct exec_plugin *plugin, const char *what, struct err *err)
{
	return err_set(err, ERR_INVALID, "%s: %s", plugin->where, what);
}

static int read_version(struct exec_plugin *plugin, const struct kubeconfig_entry *exec,
			struct err *err)
{
	if (kubeconfig_string(exec, "apiVersion", &plugin->api_version, err) < 0)
		return -1;
	if (plugin->api_version && (strcmp(plugin->api_version, GROUP "v1") == 0 ||
				    strcmp(plugin->api_version, GROUP "v1beta1") == 0))
		return 0;
	return err_set(err, ERR_INVALID,
		       "%s: apiVersion \"%s\" is neither " GROUP "v1 nor " GROUP
		       "v1beta1: get a plugin that speaks one of them",
		       plugin->where, plugin->api_version ? plugin->api_version : "");
}

/* v1 demands the field; before it, it was IfAvailable. */
static int read_interactive(struct exec_plugin *plugin, const struct kubeconfig_entry *exec,
			    struct err *err)
{
	static const char *const names[] = {
		[EXEC_NEVER] = "Never",
		[EXEC_IF_AVAILABLE] = "IfAvailable",
		[EXEC_ALWAYS] = "Always",
	};
	const char *mode;

	if (kubeconfig_string(exec, "interactiveMode", &mode, err) < 0)
		return -1;
	plugin->interactive = EXEC_IF_AVAILABLE;
	if (!mode && strcmp(plugin->api_version, GROUP "v1beta1") == 0)
		return 0;
	for (int i = 0; mode && i < 3; i++) {
		if (strcmp(mode, names[i]) == 0) {
			plugin->interactive = (enum exec_interactive)i;
			return 0;
		}
	}
	return wrong(plugin, "interactiveMode has to be Never, IfAvailable or Always: write one", err);
}

static int read_args(struct arena *arena, struct exec_plugin *plugin, const struct json *args,
		     struct err *err)
{
	size_t count = 0;

	plugin->args = arena_array(arena, const char *, json_count(args) + 1);
	json_for_each(arg, args) {
		if (arg->type != JSON_STRING)
			return wrong(plugin, "args: an element is no text: put it in quotes", err);
		plugin->args[count++] = arena_strdup(arena, arg->text);
	}
	return 0;
}

static int read_env(struct arena *arena, struct exec_plugin *plugin, const struct json *env,
		    struct err *err)
{
	plugin->env = arena_array(arena, struct exec_env, json_count(env));
	json_for_each(item, env) {
		const char *name = json_string_or(json_get(item, "name"), "");
		const char *value = json_string_or(json_get(item, "value"), NULL);

		if (!*name || strchr(name, '=') || !value)
			return wrong(plugin, "env: each element needs a name, and a value in quotes", err);
		plugin->env[plugin->env_count++] = (struct exec_env){
			.name = arena_strdup(arena, name), .value = arena_strdup(arena, value)
		};
	}
	return 0;
}

static int read_command(struct arena *arena, struct exec_plugin *plugin,
			const struct kubeconfig_entry *exec, struct err *err)
{
	const char *command;

	if (kubeconfig_string(exec, "command", &command, err) < 0)
		return -1;
	if (!command)
		return wrong(plugin, "has no command: add it", err);
	if (strchr(command, '/'))
		return kubeconfig_path(arena, exec, "command", &plugin->command, err);
	plugin->command = arena_strdup(arena, command);
	return 0;
}

int exec_plugin_read(struct arena *arena, const struct kubeconfig_entry *user,
		     struct exec_plugin *ret_plugin, struct err *err)
{
	struct exec_plugin plugin = { .where = arena_printf(arena, "%s: exec", user->where) };
	const struct kubeconfig_entry exec = {
		.where = plugin.where,
		.file = user->file,
		.value = json_get(user->value, "exec"),
	};

	if (exec.value->type != JSON_OBJECT)
		return wrong(&plugin, "is no object: write command and apiVersion under it", err);
	if (read_command(arena, &plugin, &exec, err) < 0 || read_version(&plugin, &exec, err) < 0 ||
	    read_interactive(&plugin, &exec, err) < 0 ||
	    read_args(arena, &plugin, json_get(exec.value, "args"), err) < 0 ||
	    read_env(arena, &plugin, json_get(exec.value, "env"), err) < 0 ||
	    kubeconfig_bool(&exec, "provideClusterInfo", &plugin.cluster_info, err) < 0 ||
	    kubeconfig_string(&exec, "installHint", &plugin.hint, err) < 0)
		return -1;
	plugin.api_version = arena_strdup(arena, plugin.api_version);
	plugin.hint = arena_strdup(arena, plugin.hint);
	*ret_plugin = plugin;
	return 0;
}

/* --- what the plugin is told ------------------------------------------ */

static const char *base64(struct arena *arena, const char *text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = strlen(text);
	char *out = arena_alloc(arena, (len + 2) / 3 * 4 + 1), *at = out;

	for (size_t i = 0; i < len; i += 3) {
		unsigned a = (unsigned char)text[i];
		unsigned b = i + 1 < len ? (unsigned char)text[i + 1] : 0;
		unsigned c = i + 2 < len ? (unsigned char)text[i + 2] : 0;

		*at++ = digits[a >> 2];
		*at++ = digits[(a & 3) << 4 | b >> 4];
		*at++ = i + 1 < len ? digits[(b & 15) << 2 | c >> 6] : '=';
		*at++ = i + 2 < len ? digits[c & 63] : '=';
	}
	return out;
}

/* The cluster's extension of that name is the plugin's own configuration. */
static const struct json *plugin_config(const struct kubeconfig_entry *cluster)
{
	json_for_each(item, cluster ? json_get(cluster->value, "extensions") : NULL) {
		if (strcmp(json_string_or(json_get(item, "name"), ""), GROUP "exec") == 0)
			return json_get(item, "extension");
	}
	return NULL;
}

static void describe_cluster(struct arena *arena, struct json *spec,
			     const struct http_client_config *http,
			     const struct kubeconfig_entry *cluster)
{
	struct json *info = json_set_object(arena, spec, "cluster");
	const struct json *config = plugin_config(cluster);

	json_set_string(arena, info, "server", http->server);
	if (http->tls_server_name)
		json_set_string(arena, info, "tls-server-name", http->tls_server_name);
	if (http->insecure_skip_verify)
		json_set_bool(arena, info, "insecure-skip-tls-verify", true);
	if (http->ca_pem)
		json_set_string(arena, info, "certificate-authority-data",
				base64(arena, http->ca_pem));
	if (http->proxy_url)
		json_set_string(arena, info, "proxy-url", http->proxy_url);
	if (config)
		json_set(arena, info, "config", json_clone(arena, config));
}

int exec_plugin_describe(struct arena *arena, struct exec_plugin *plugin,
			 const struct http_client_config *http,
			 const struct kubeconfig_entry *cluster, bool terminal, struct err *err)
{
	struct json *info = json_new_object(arena), *spec;

	if (plugin->interactive == EXEC_ALWAYS && !terminal)
		return wrong(plugin, "wants to ask at a terminal (interactiveMode: Always), and there is "
				     "none: use another user here",
			     err);
	if (!terminal)
		plugin->interactive = EXEC_NEVER;
	json_set_string(arena, info, "kind", "ExecCredential");
	json_set_string(arena, info, "apiVersion", plugin->api_version);
	spec = json_set_object(arena, info, "spec");
	json_set_bool(arena, spec, "interactive", plugin->interactive != EXEC_NEVER);
	if (plugin->cluster_info)
		describe_cluster(arena, spec, http, cluster);
	plugin->info = json_text(arena, info);
	return 0;
}

/* --- what it answers -------------------------------------------------- */

static char *secret_of(const struct json *status, const char *key)
{
	const char *text = json_string_or(json_get(status, key), "");

	return *text ? x_strdup(text) : NULL;
}

static int check_credential(const struct exec_plugin *plugin, const struct exec_credential *got,
			    struct err *err)
{
	if (!got->cert_pem != !got->key_pem)
		return wrong(plugin, "gave a certificate without its key, or a key without its "
				     "certificate",
			     err);
	if (!got->token && !got->cert_pem)
		return wrong(plugin, "gave neither a token nor a certificate", err);
	if (got->token && header_text_check(got->token, err) < 0)
		return err_wrap(err, "%s: its token", plugin->where);
	if (got->expires_ms < 0)
		return wrong(plugin, "gave an expirationTimestamp that is no time", err);
	return 0;
}

static int read_answer(const struct exec_plugin *plugin, const struct json *answer,
		       struct exec_credential *got, struct err *err)
{
	const struct json *status = json_get(answer, "status");
	const char *version = json_string_or(json_get(answer, "apiVersion"), "");
	const char *expires = json_string_or(json_get(status, "expirationTimestamp"), "");

	if (strcmp(json_string_or(json_get(answer, "kind"), ""), "ExecCredential") != 0)
		return wrong(plugin, "printed something that is no ExecCredential", err);
	if (strcmp(version, plugin->api_version) != 0)
		return err_set(err, ERR_INVALID,
			       "%s: answered with apiVersion \"%.64s\" in place of \"%s\": correct "
			       "apiVersion in the kubeconfig",
			       plugin->where, version, plugin->api_version);
	got->token = secret_of(status, "token");
	got->cert_pem = secret_of(status, "clientCertificateData");
	got->key_pem = secret_of(status, "clientKeyData");
	got->expires_ms = *expires ? timestamp_parse(expires) : 0;
	return check_credential(plugin, got, err);
}

static void wipe(const struct json *value)
{
	if (value->text)
		explicit_bzero((char *)value->text, strlen(value->text));
	json_for_each(member, value)
		wipe(member);
}

int exec_credential_read(const struct exec_plugin *plugin, const char *text, size_t len,
			 struct exec_credential *ret_credential, struct err *err)
{
	struct exec_credential got = { 0 };
	struct arena arena = ARENA_INIT;
	struct json *answer = NULL;
	int result = -1;

	if (json_parse(&arena, text, len, NULL, &answer, err) < 0) {
		err_wrap(err, "%s: what it printed is no ExecCredential", plugin->where);
	} else {
		result = read_answer(plugin, answer, &got, err);
		wipe(answer);
	}
	arena_release(&arena);
	if (result == 0)
		*ret_credential = got;
	else
		exec_credential_release(&got);
	return result;
}

void exec_credential_release(struct exec_credential *credential)
{
	secret_free(credential->token);
	secret_free(credential->cert_pem);
	secret_free(credential->key_pem);
	*credential = (struct exec_credential){ 0 };
}
