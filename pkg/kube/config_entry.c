#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "kube/config_loaded.h"
#include "kube/exec_run.h"
#include "kube/file.h"

/* --- clusters --------------------------------------------------------- */

static bool starts_with(const char *text, const char *prefix)
{
	return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

/* Credentials travel in the clear over http, so it stays on this machine. */
static bool is_safe_server(const char *server)
{
	return starts_with(server, "https://") || starts_with(server, "http://localhost") ||
	       starts_with(server, "http://127.") || starts_with(server, "http://[::1]");
}

static int use_server(struct config_loaded *loaded, const struct kubeconfig_entry *cluster,
		      struct err *err)
{
	const char *server;

	if (kubeconfig_string(cluster, "server", &server, err) < 0)
		return -1;
	if (!server)
		return err_set(err, ERR_INVALID, "%s: has no server: add \"server: https://HOST:PORT\"",
			       cluster->where);
	if (!is_safe_server(server))
		return err_set(err, ERR_INVALID,
			       "%s: server \"%s\" is no https:// URL: write one (http:// goes for "
			       "this machine only)",
			       cluster->where, server);
	loaded->config.http.server = arena_strdup(&loaded->arena, server);
	return 0;
}

static int use_authority(struct config_loaded *loaded, const struct kubeconfig_entry *cluster,
			 struct err *err)
{
	struct kube_config *config = &loaded->config;
	char *pem;

	if (kubeconfig_data(&loaded->arena, cluster, "certificate-authority", &pem,
			    &config->ca_file, err) < 0 ||
	    kubeconfig_bool(cluster, "insecure-skip-tls-verify", &config->http.insecure_skip_verify,
			    err) < 0)
		return -1;
	config->http.ca_pem = config_secret(loaded, pem);
	if (pem && config->http.insecure_skip_verify)
		return err_set(err, ERR_INVALID,
			       "%s: has both certificate-authority and insecure-skip-tls-verify: "
			       "remove the latter",
			       cluster->where);
	return 0;
}

int config_use_cluster(struct config_loaded *loaded, const struct kubeconfig_entry *cluster,
		       struct err *err)
{
	struct http_client_config *http = &loaded->config.http;
	const char *server_name, *proxy_url;

	if (use_server(loaded, cluster, err) < 0 || use_authority(loaded, cluster, err) < 0 ||
	    kubeconfig_string(cluster, "tls-server-name", &server_name, err) < 0 ||
	    kubeconfig_string(cluster, "proxy-url", &proxy_url, err) < 0)
		return -1;
	http->tls_server_name = arena_strdup(&loaded->arena, server_name);
	http->proxy_url = arena_strdup(&loaded->arena, proxy_url);
	loaded->cluster = cluster;
	loaded->config.cluster_name = arena_strdup(&loaded->arena, cluster->where);
	return 0;
}

/* --- users: credentials ----------------------------------------------- */

static int use_certificate(struct config_loaded *loaded, const struct kubeconfig_entry *user,
			   struct err *err)
{
	struct kube_config *config = &loaded->config;
	char *cert, *key;

	if (kubeconfig_data(&loaded->arena, user, "client-certificate", &cert, &config->cert_file,
			    err) < 0)
		return -1;
	config->http.cert_pem = config_secret(loaded, cert);
	if (kubeconfig_data(&loaded->arena, user, "client-key", &key, &config->key_file, err) < 0)
		return -1;
	config->http.key_pem = config_secret(loaded, key);
	if (cert && !key)
		return err_set(err, ERR_INVALID, "%s: has a client-certificate but no client-key: add it",
			       user->where);
	if (key && !cert)
		return err_set(err, ERR_INVALID, "%s: has a client-key but no client-certificate: add it",
			       user->where);
	return 0;
}

static int bad_token_file(const struct kubeconfig_entry *user, struct err *err)
{
	struct err cause = *err;

	return err_set(err, cause.code, "%s: tokenFile %s: correct the path or the file", user->where,
		       cause.msg);
}

/* tokenFile, which is read again later, before token. */
static int use_token(struct config_loaded *loaded, const struct kubeconfig_entry *user,
		     struct err *err)
{
	struct kube_config *config = &loaded->config;
	const char *token;
	char *text;

	if (kubeconfig_string(user, "token", &token, err) < 0 ||
	    kubeconfig_path(&loaded->arena, user, "tokenFile", &config->token_file, err) < 0)
		return -1;
	if (config->token_file) {
		text = file_read_token(config->token_file, err);
		if (!text)
			return bad_token_file(user, err);
		config->http.bearer_token = config_secret(loaded, text);
	} else if (token) {
		config->http.bearer_token = config_secret(loaded, x_strdup(token));
		if (header_text_check(token, err) < 0)
			return err_wrap(err, "%s: token", user->where);
	}
	return 0;
}

static int use_password(struct config_loaded *loaded, const struct kubeconfig_entry *user,
			struct err *err)
{
	struct http_client_config *http = &loaded->config.http;
	const char *username, *password;

	if (kubeconfig_string(user, "username", &username, err) < 0 ||
	    kubeconfig_string(user, "password", &password, err) < 0)
		return -1;
	if ((username || password) && http->bearer_token)
		return err_set(err, ERR_INVALID, "%s: has both a token and a password: remove one",
			       user->where);
	http->username = arena_strdup(&loaded->arena, username);
	if (password)
		http->password = config_secret(loaded, x_strdup(password));
	return 0;
}

/* Run the plugin once; what it makes fills the fields that are set above. */
static int use_plugin(struct config_loaded *loaded, const struct kubeconfig_entry *user,
		      struct err *err)
{
	struct exec_plugin *plugin = arena_new(&loaded->arena, struct exec_plugin);
	struct http_client_config *http = &loaded->config.http;
	struct exec_credential made;

	if (exec_plugin_read(&loaded->arena, user, plugin, err) < 0 ||
	    exec_plugin_describe(&loaded->arena, plugin, http, loaded->cluster,
				 isatty(STDIN_FILENO), err) < 0 ||
	    exec_run_now(plugin, &made, err) < 0)
		return -1;
	http->bearer_token = config_secret(loaded, made.token);
	http->cert_pem = config_secret(loaded, made.cert_pem);
	http->key_pem = config_secret(loaded, made.key_pem);
	loaded->config.plugin = plugin;
	loaded->config.plugin_expires_ms = made.expires_ms;
	return 0;
}

/* Plugins come last and only when nothing else is there. */
static int use_plugins(struct config_loaded *loaded, const struct kubeconfig_entry *user,
		       struct err *err)
{
	const struct http_client_config *http = &loaded->config.http;
	const struct json *exec = json_get(user->value, "exec");
	const struct json *provider = json_get(user->value, "auth-provider");

	if (http->bearer_token || http->username || http->cert_pem)
		return 0;
	if (exec && exec->type != JSON_NULL)
		return use_plugin(loaded, user, err);
	if (provider && provider->type != JSON_NULL)
		return err_set(err, ERR_INVALID,
			       "%s: auth-provider is not supported: give it exec, a token, a tokenFile or "
			       "a client-certificate",
			       user->where);
	return 0;
}

/* --- users: impersonation --------------------------------------------- */

enum { HEADERS_MAX = 64 }; /* of impersonation */

struct headers {
	struct config_loaded *loaded;
	const struct kubeconfig_entry *user;
	const char **lines; /* HEADERS_MAX of them and a NULL */
	size_t count;
};

static int add_header(struct headers *headers, const char *name, const struct json *value,
		      struct err *err)
{
	const char *text = json_string_or(value, NULL);

	if (!text)
		return err_set(err, ERR_INVALID, "%s: a value for %s is no text: put it in quotes",
			       headers->user->where, name);
	if (header_text_check(text, err) < 0)
		return err_wrap(err, "%s: a value for %s", headers->user->where, name);
	if (headers->count == HEADERS_MAX)
		return err_set(err, ERR_LIMIT, "%s: more than %d values to impersonate: name fewer",
			       headers->user->where, HEADERS_MAX);
	headers->lines[headers->count++] =
		arena_printf(&headers->loaded->arena, "%s: %s", name, text);
	return 0;
}

static int add_headers(struct headers *headers, const char *name, const struct json *list,
		       struct err *err)
{
	json_for_each(item, list)
		if (add_header(headers, name, item, err) < 0)
			return -1;
	return 0;
}

/* A key of as-user-extra as a header's name: lower case, what no name may have as %XX. */
static const char *extra_name(struct arena *arena, const char *key)
{
	const char *name = "Impersonate-Extra-";

	for (; *key; key++) {
		unsigned char c = (unsigned char)*key;
		bool plain = c < 0x80 && (isalnum(c) || strchr("!#$&'*+-.^_`|~", c));

		name = arena_printf(arena, plain ? "%s%c" : "%s%%%02X", name,
				    plain ? tolower(c) : c);
	}
	return name;
}

static int add_extra(struct headers *headers, const struct json *extra, struct err *err)
{
	json_for_each(item, extra)
		if (add_headers(headers, extra_name(&headers->loaded->arena, item->key), item, err) < 0)
			return -1;
	return 0;
}

static int use_impersonation(struct config_loaded *loaded, const struct kubeconfig_entry *user,
			     struct err *err)
{
	const struct json *as = json_get(user->value, "as");
	const struct json *uid = json_get(user->value, "as-uid");
	const struct json *groups = json_get(user->value, "as-groups");
	const struct json *extra = json_get(user->value, "as-user-extra");
	struct headers headers = { .loaded = loaded, .user = user };

	if (!as && !uid && !groups && !extra)
		return 0;
	if (!as)
		return err_set(err, ERR_INVALID,
			       "%s: has as-uid, as-groups or as-user-extra without as: add it",
			       user->where);
	headers.lines = arena_array(&loaded->arena, const char *, HEADERS_MAX + 1);
	loaded->config.http.headers = headers.lines;
	if (add_header(&headers, "Impersonate-User", as, err) < 0 ||
	    (uid && add_header(&headers, "Impersonate-Uid", uid, err) < 0) ||
	    add_headers(&headers, "Impersonate-Group", groups, err) < 0)
		return -1;
	return add_extra(&headers, extra, err);
}

int config_use_user(struct config_loaded *loaded, const struct kubeconfig_entry *user,
		    struct err *err)
{
	loaded->config.user_name = arena_strdup(&loaded->arena, user->where);
	if (use_certificate(loaded, user, err) < 0 || use_token(loaded, user, err) < 0 ||
	    use_password(loaded, user, err) < 0 || use_plugins(loaded, user, err) < 0)
		return -1;
	return use_impersonation(loaded, user, err);
}
