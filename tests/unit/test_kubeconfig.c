#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "kube/config.h"
#include "support_tls.h"
#include "unit.h"

/* A folder of files, and what was loaded from them. */
struct fixture {
	char folder[32];
	struct kube_config_options options;
	struct kube_config *config;
	struct err err;
	struct arena arena; /* of paths */
};

static const char *const VARIABLES[] = { "KUBECONFIG", "HOME", "KUBERNETES_SERVICE_HOST",
					 "KUBERNETES_SERVICE_PORT", "POD_NAMESPACE" };

static int setup(void **state)
{
	struct fixture *f = x_calloc(1, sizeof(*f));

	strcpy(f->folder, "/tmp/kubeconfig-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	for (size_t i = 0; i < ARRAY_SIZE(VARIABLES); i++)
		unsetenv(VARIABLES[i]);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char *command = x_asprintf("rm -rf '%s'", f->folder);

	kube_config_free(f->config);
	assert_int_equal(system(command), 0);
	free(command);
	arena_release(&f->arena);
	free(f);
	return 0;
}

/* The path of a file in the folder. */
static const char *path_of(struct fixture *f, const char *name)
{
	return arena_printf(&f->arena, "%s/%s", f->folder, name);
}

static const char *write_file(struct fixture *f, const char *name, const char *text)
{
	const char *path = path_of(f, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return path;
}

/* Load; the result has to be there. */
static const struct kube_config *load(struct fixture *f)
{
	kube_config_free(f->config);
	f->config = kube_config_load(&f->options, &f->err);
	if (!f->config)
		fail_msg("%s", f->err.msg);
	return f->config;
}

/* The kubeconfig `text` as --kubeconfig. */
static const struct kube_config *load_text(struct fixture *f, const char *text)
{
	f->options.kubeconfig = write_file(f, "config", text);
	return load(f);
}

/* Loading has to fail with this one line; %s in it is the folder. */
static void refuse(struct fixture *f, enum err_code code, const char *line)
{
	struct buf text = BUF_INIT(LIMIT_CONFIG);

	for (const char *c = line; *c; c++) {
		if (c[0] == '%' && c[1] == 's') {
			buf_puts(&text, f->folder);
			c++;
		} else {
			buf_putc(&text, *c);
		}
	}
	assert_null(kube_config_load(&f->options, &f->err));
	assert_string_equal(f->err.msg, buf_cstr(&text));
	assert_string_equal(err_code_name(f->err.code), err_code_name(code));
	assert_null(strchr(f->err.msg, '\n'));
	buf_release(&text);
}

static void refuse_text(struct fixture *f, const char *text, enum err_code code, const char *line)
{
	f->options.kubeconfig = write_file(f, "config", text);
	refuse(f, code, line);
}

#define CLUSTER "clusters: [{name: c, cluster: {server: 'https://api:6443'}}]\n"
#define CONTEXT "contexts: [{name: prod, context: {cluster: c, user: eve}}]\ncurrent-context: prod\n"
#define USER(members) CLUSTER CONTEXT "users: [{name: eve, user: {" members "}}]\n"
#define CLUSTER_WITH(members)                                                                      \
	"clusters: [{name: c, cluster: {server: 'https://api:6443', " members "}}]\n"              \
	"contexts: [{name: prod, context: {cluster: c}}]\ncurrent-context: prod\n"

/* --- what is read ----------------------------------------------------- */

static void test_context_cluster_and_user_are_followed(void **state)
{
	struct fixture *f = *state;
	const struct kube_config *config = load_text(f,
		"apiVersion: v1\nkind: Config\n"
		"clusters:\n"
		"- name: other\n  cluster: {server: 'https://other'}\n"
		"- name: c\n  cluster: {server: 'https://api:6443/prefix', tls-server-name: kube.example,\n"
		"    proxy-url: 'socks5://proxy:1080', certificate-authority-data: Q0EgUEVN}\n"
		"contexts:\n- name: prod\n  context: {cluster: c, user: eve, namespace: shop}\n"
		"users:\n- name: eve\n  user: {token: abc}\n"
		"current-context: prod\npreferences: {}\n");

	assert_string_equal(config->http.server, "https://api:6443/prefix");
	assert_string_equal(config->http.tls_server_name, "kube.example");
	assert_string_equal(config->http.proxy_url, "socks5://proxy:1080");
	assert_string_equal(config->http.ca_pem, "CA PEM");
	assert_string_equal(config->http.bearer_token, "abc");
	assert_false(config->http.insecure_skip_verify);
	assert_string_equal(config->ns, "shop");
	assert_string_equal(config->context, "prod");
	assert_null(config->token_file);
	assert_null(config->ca_file);
}

static void test_json_is_yaml_too(void **state)
{
	const struct kube_config *config = load_text(
		*state, "{\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":\"https://a\"}}],"
			"\"contexts\":[{\"name\":\"x\",\"context\":{\"cluster\":\"c\"}}],"
			"\"current-context\":\"x\"}");

	assert_string_equal(config->http.server, "https://a");
	assert_string_equal(config->ns, "default");
}

static void test_options_come_before_the_context(void **state)
{
	struct fixture *f = *state;
	const struct kube_config *config;

	f->options = (struct kube_config_options){ .context = "b", .cluster = "d", .user = "bob",
						   .ns = "mine", .user_agent = "me/1" };
	config = load_text(f, "clusters: [{name: c, cluster: {server: 'https://c'}},\n"
			      "  {name: d, cluster: {server: 'https://d'}}]\n"
			      "users: [{name: eve, user: {token: t1}}, {name: bob, user: {token: t2}}]\n"
			      "contexts: [{name: a, context: {cluster: nowhere}},\n"
			      "  {name: b, context: {cluster: c, user: eve, namespace: theirs}}]\n"
			      "current-context: a\n");
	assert_string_equal(config->http.server, "https://d");
	assert_string_equal(config->http.bearer_token, "t2");
	assert_string_equal(config->http.user_agent, "me/1");
	assert_string_equal(config->ns, "mine");
	assert_string_equal(config->context, "b");
}

static void test_a_cluster_can_be_chosen_without_a_context(void **state)
{
	struct fixture *f = *state;

	f->options.cluster = "c";
	assert_string_equal(load_text(f, CLUSTER)->http.server, "https://api:6443");
}

static void test_files_are_found_from_the_file_that_names_them(void **state)
{
	struct fixture *f = *state;
	const struct kube_config *config;

	write_file(f, "ca.pem", "CA");
	write_file(f, "cert.pem", "CERT");
	write_file(f, "key.pem", "KEY");
	config = load_text(f, CLUSTER_WITH("certificate-authority: ca.pem")
			      "users: [{name: eve, user: {client-certificate: ./cert.pem,\n"
			      "  client-key: key.pem}}]\n");
	assert_string_equal(config->http.ca_pem, "CA");
	assert_null(config->http.cert_pem);
	f->options.user = "eve";
	config = load(f);
	assert_string_equal(config->http.cert_pem, "CERT");
	assert_string_equal(config->http.key_pem, "KEY");
	assert_string_equal(config->ca_file, path_of(f, "ca.pem"));
	assert_string_equal(config->cert_file, path_of(f, "./cert.pem"));
	assert_string_equal(config->key_file, path_of(f, "key.pem"));
}

static void test_inline_data_beats_a_file(void **state)
{
	struct fixture *f = *state;
	const struct kube_config *config = load_text(
		f, CLUSTER_WITH("certificate-authority: /nowhere, certificate-authority-data: Q0E="));

	assert_string_equal(config->http.ca_pem, "CA");
	assert_null(config->ca_file);
}

static void test_a_token_file_beats_a_token(void **state)
{
	struct fixture *f = *state;
	const struct kube_config *config;

	write_file(f, "token", "  from-file\n");
	config = load_text(f, USER("token: inline, tokenFile: token"));
	assert_string_equal(config->http.bearer_token, "from-file");
	assert_string_equal(config->token_file, path_of(f, "token"));
}

static void test_user_name_and_password_are_basic_authentication(void **state)
{
	const struct kube_config *config = load_text(*state, USER("username: eve, password: 'p:w'"));

	assert_string_equal(config->http.username, "eve");
	assert_string_equal(config->http.password, "p:w");
	assert_null(config->http.bearer_token);
}

static void test_insecure_is_only_what_the_file_says(void **state)
{
	struct fixture *f = *state;

	assert_true(load_text(f, CLUSTER_WITH("insecure-skip-tls-verify: true"))
			    ->http.insecure_skip_verify);
	assert_true(load_text(f, CLUSTER_WITH("insecure-skip-tls-verify: yes"))
			    ->http.insecure_skip_verify);
	assert_false(load_text(f, CLUSTER_WITH("insecure-skip-tls-verify: false"))
			     ->http.insecure_skip_verify);
}

static void test_impersonation_becomes_headers(void **state)
{
	const struct kube_config *config = load_text(
		*state, USER("token: t, as: system:serviceaccount:a:b, as-uid: u1, as-groups: [g1, g2],\n"
			     "as-user-extra: {Example.com/Scope: [x, z], plain: [w]}"));
	static const char *const expected[] = {
		"Impersonate-User: system:serviceaccount:a:b",
		"Impersonate-Uid: u1",
		"Impersonate-Group: g1",
		"Impersonate-Group: g2",
		"Impersonate-Extra-example.com%2Fscope: x",
		"Impersonate-Extra-example.com%2Fscope: z",
		"Impersonate-Extra-plain: w",
	};

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_string_equal(config->http.headers[i], expected[i]);
	assert_null(config->http.headers[ARRAY_SIZE(expected)]);
}

static void test_a_plugin_beside_another_credential_is_left_alone(void **state)
{
	assert_string_equal(load_text(*state, USER("token: t, exec: {command: aws}"))
				    ->http.bearer_token,
			    "t");
}

static void test_plain_http_is_for_this_machine(void **state)
{
	struct fixture *f = *state;

	f->options.cluster = "c";
	load_text(f, "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:8001'}}]\n");
	load_text(f, "clusters: [{name: c, cluster: {server: 'http://localhost:8001'}}]\n");
	load_text(f, "clusters: [{name: c, cluster: {server: 'http://[::1]:8001'}}]\n");
	refuse_text(f, "clusters: [{name: c, cluster: {server: 'http://api:80'}}]\n", ERR_INVALID,
		    "kubeconfig %s/config: cluster \"c\": server \"http://api:80\" is no https:// URL: "
		    "write one (http:// goes for this machine only)");
}

/* --- which files ------------------------------------------------------ */

static void test_the_first_file_of_the_list_to_have_a_name_wins_wholly(void **state)
{
	struct fixture *f = *state;
	const struct kube_config *config;
	char *list;

	mkdir(path_of(f, "sub"), 0700);
	write_file(f, "sub/token", "second");
	write_file(f, "one", "clusters: [{name: c, cluster: {server: 'https://one'}}]\n"
			     "current-context: prod\n");
	write_file(f, "sub/two", "clusters: [{name: c, cluster: {server: 'https://two', proxy-url: "
				 "'http://p'}}]\nusers: [{name: eve, user: {tokenFile: token}}]\n"
				 "contexts: [{name: prod, context: {cluster: c, user: eve}}]\n"
				 "current-context: other\n");
	list = x_asprintf("%s/missing:%s/one::%s/sub/two:", f->folder, f->folder, f->folder);
	setenv("KUBECONFIG", list, 1);
	free(list);
	config = load(f);
	assert_string_equal(config->http.server, "https://one");
	assert_null(config->http.proxy_url);
	assert_string_equal(config->http.bearer_token, "second");
	assert_string_equal(config->context, "prod");
}

static void test_the_option_beats_the_environment(void **state)
{
	struct fixture *f = *state;

	setenv("KUBECONFIG", "/nowhere/at/all", 1);
	assert_string_equal(load_text(f, CLUSTER_WITH(""))->http.server, "https://api:6443");
}

static void test_without_a_list_the_home_has_the_file(void **state)
{
	struct fixture *f = *state;

	mkdir(path_of(f, ".kube"), 0700);
	write_file(f, ".kube/config", CLUSTER_WITH(""));
	setenv("HOME", f->folder, 1);
	assert_string_equal(load(f)->http.server, "https://api:6443");
}

static void test_nothing_at_all_says_where_it_looked(void **state)
{
	struct fixture *f = *state;

	setenv("HOME", f->folder, 1);
	refuse(f, ERR_NOT_FOUND,
	       "no kubeconfig: $KUBECONFIG is not set, ~/.kube/config is not there and this is no "
	       "pod: name one with --kubeconfig");
	setenv("KUBECONFIG", "/nowhere/a:/nowhere/b", 1);
	refuse(f, ERR_NOT_FOUND,
	       "kubeconfig /nowhere/a:/nowhere/b ($KUBECONFIG): there is no such file: name one that "
	       "is with --kubeconfig");
}

static void test_a_pod_uses_its_service_account(void **state)
{
	struct fixture *f = *state;
	const struct kube_config *config;

	f->options.service_account = f->folder;
	setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	write_file(f, "token", "pod-token\n");
	write_file(f, "ca.crt", "CA");
	write_file(f, "namespace", "formation-system\n");
	config = load(f);
	assert_string_equal(config->http.server, "https://[fd00::1]:443");
	assert_string_equal(config->http.bearer_token, "pod-token");
	assert_string_equal(config->http.ca_pem, "CA");
	assert_string_equal(config->token_file, path_of(f, "token"));
	assert_string_equal(config->ns, "formation-system");
	assert_string_equal(config->context, "in-cluster");
	setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
	setenv("POD_NAMESPACE", "other", 1);
	config = load(f);
	assert_string_equal(config->http.server, "https://10.96.0.1:443");
	assert_string_equal(config->ns, "other");
}

static void test_a_pod_without_a_token_says_so(void **state)
{
	struct fixture *f = *state;

	f->options.service_account = f->folder;
	setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	refuse(f, ERR_NOT_FOUND,
	       "in-cluster configuration: %s/token: No such file or directory: give the pod a service "
	       "account token (automountServiceAccountToken), or name a file with --kubeconfig");
}

static void test_a_list_beats_the_pod_and_the_pod_beats_the_home(void **state)
{
	struct fixture *f = *state;

	f->options.service_account = f->folder;
	setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	setenv("HOME", f->folder, 1);
	write_file(f, "token", "pod-token");
	write_file(f, "ca.crt", "CA");
	mkdir(path_of(f, ".kube"), 0700);
	write_file(f, ".kube/config", CLUSTER_WITH(""));
	assert_string_equal(load(f)->context, "in-cluster");
	setenv("KUBECONFIG", write_file(f, "listed", CLUSTER_WITH("")), 1);
	assert_string_equal(load(f)->context, "prod");
	unsetenv("KUBECONFIG");
	f->options.context = "prod";
	assert_string_equal(load(f)->context, "prod");
}

/* --- what is refused, in one line each -------------------------------- */

static void test_a_missing_file_is_named(void **state)
{
	struct fixture *f = *state;

	f->options.kubeconfig = path_of(f, "none");
	refuse(f, ERR_NOT_FOUND,
	       "kubeconfig %s/none: No such file or directory: name another file with --kubeconfig or "
	       "$KUBECONFIG");
}

static void test_a_folder_is_no_kubeconfig(void **state)
{
	struct fixture *f = *state;

	f->options.kubeconfig = f->folder;
	refuse(f, ERR_INVALID, "kubeconfig %s: not a file: make it readable for this user");
}

static void test_an_unreadable_file_is_named(void **state)
{
	struct fixture *f = *state;

	uid_t me = geteuid();

	f->options.kubeconfig = write_file(f, "config", CLUSTER);
	chmod(f->folder, 0755);
	chmod(f->options.kubeconfig, 0);
	if (me == 0) /* to whom every file is readable */
		assert_int_equal(seteuid(65534), 0);
	refuse(f, ERR_SYSTEM,
	       "kubeconfig %s/config: Permission denied: make it readable for this user");
	assert_int_equal(seteuid(me), 0);
}

static void test_a_file_over_the_limit_is_refused(void **state)
{
	struct fixture *f = *state;
	char *text = x_malloc(LIMIT_CONFIG + 2);

	memset(text, '#', LIMIT_CONFIG + 1);
	text[LIMIT_CONFIG + 1] = '\0';
	f->options.kubeconfig = write_file(f, "config", text);
	free(text);
	assert_null(kube_config_load(&f->options, &f->err));
	assert_int_equal(f->err.code, ERR_LIMIT);
}

static void test_bad_yaml_is_named_with_its_line(void **state)
{
	struct fixture *f = *state;

	f->options.kubeconfig = write_file(f, "config", "clusters:\n- name: [\n");
	assert_null(kube_config_load(&f->options, &f->err));
	assert_int_equal(f->err.code, ERR_PARSE);
	assert_memory_equal(f->err.msg, "kubeconfig /tmp/kubeconfig-", 27);
	assert_non_null(strstr(f->err.msg, "/config:3:"));
	assert_null(strchr(f->err.msg, '\n'));
}

static void test_every_mistake_names_file_entry_and_remedy(void **state)
{
	static const struct {
		const char *text, *line;
	} cases[] = {
		{ "[]", "kubeconfig %s/config: not a kubeconfig (apiVersion v1, kind Config): name "
			"another file with --kubeconfig" },
		{ "apiVersion: v1\nkind: Pod\n",
		  "kubeconfig %s/config: not a kubeconfig (apiVersion v1, kind Config): name another file "
		  "with --kubeconfig" },
		{ "", "kubeconfig %s/config: current-context is not set: choose one with --context "
		      "(there is: none)" },
		{ "clusters: {}", "kubeconfig %s/config: clusters is no list: see kubectl config" },
		{ "clusters: [{cluster: {}}]",
		  "kubeconfig %s/config: an entry of clusters has no name (a text): give it one" },
		{ "users: [{name: eve}, {name: eve}]",
		  "kubeconfig %s/config: user \"eve\" is there twice: remove one" },
		{ "users: [{name: eve, user: 3}]",
		  "kubeconfig %s/config: user \"eve\" is no mapping: see kubectl config" },
		{ "contexts: [{name: a}, {name: b}]",
		  "kubeconfig %s/config: current-context is not set: choose one with --context (there is: "
		  "a, b)" },
		{ "contexts: [{name: a}]\ncurrent-context: b",
		  "kubeconfig %s/config: context \"b\" is not in contexts: choose another with --context "
		  "(there is: a)" },
		{ "contexts: [{name: a}]\ncurrent-context: a",
		  "kubeconfig %s/config: context \"a\" names no cluster: add one, or choose one with "
		  "--cluster" },
		{ CONTEXT, "kubeconfig %s/config: context \"prod\" names cluster \"c\", which is not in "
			   "clusters: add it or choose another context with --context" },
		{ CLUSTER CONTEXT,
		  "kubeconfig %s/config: context \"prod\" names user \"eve\", which is not in users: add "
		  "it or choose another context with --context" },
		{ "clusters: [{name: c, cluster: {}}]\n" CONTEXT,
		  "kubeconfig %s/config: cluster \"c\": has no server: add \"server: https://HOST:PORT\"" },
		{ "clusters: [{name: c, cluster: {server: 'api:6443'}}]\n" CONTEXT,
		  "kubeconfig %s/config: cluster \"c\": server \"api:6443\" is no https:// URL: write one "
		  "(http:// goes for this machine only)" },
		{ CLUSTER_WITH("insecure-skip-tls-verify: 1"),
		  "kubeconfig %s/config: cluster \"c\": insecure-skip-tls-verify is neither true nor "
		  "false: write one" },
		{ CLUSTER_WITH("insecure-skip-tls-verify: true, certificate-authority-data: Q0E="),
		  "kubeconfig %s/config: cluster \"c\": has both certificate-authority and "
		  "insecure-skip-tls-verify: remove the latter" },
		{ CLUSTER_WITH("certificate-authority-data: '!!'"),
		  "kubeconfig %s/config: cluster \"c\": certificate-authority-data is no base64 of a text: "
		  "write it as `base64 -w0` does" },
		{ CLUSTER_WITH("certificate-authority: gone.pem"),
		  "kubeconfig %s/config: cluster \"c\": certificate-authority %s/gone.pem: No such file or "
		  "directory: correct the path, or make the file readable" },
		{ USER("token: 123"),
		  "kubeconfig %s/config: user \"eve\": token is no text: put it in quotes" },
		{ USER("token: \"a\\nb\""),
		  "kubeconfig %s/config: user \"eve\": token: holds a control character" },
		{ USER("tokenFile: gone"), "kubeconfig %s/config: user \"eve\": tokenFile %s/gone: No such "
					   "file or directory: correct the path or the file" },
		{ USER("as: 3"), "kubeconfig %s/config: user \"eve\": a value for Impersonate-User is no "
				 "text: put it in quotes" },
		{ USER("client-certificate-data: Q0E="),
		  "kubeconfig %s/config: user \"eve\": has a client-certificate but no client-key: add it" },
		{ USER("client-key-data: Q0E="),
		  "kubeconfig %s/config: user \"eve\": has a client-key but no client-certificate: add it" },
		{ USER("token: t, username: eve, password: p"),
		  "kubeconfig %s/config: user \"eve\": has both a token and a password: remove one" },
		{ USER("exec: [aws]"), "kubeconfig %s/config: user \"eve\": exec: is no object: write command and "
				       "apiVersion under it" },
		{ USER("auth-provider: {name: oidc}"),
		  "kubeconfig %s/config: user \"eve\": auth-provider is not supported: give it exec, a "
		  "token, a tokenFile or a client-certificate" },
		{ USER("as-groups: [g]"), "kubeconfig %s/config: user \"eve\": has as-uid, as-groups or "
					  "as-user-extra without as: add it" },
		{ USER("as: \"a\\r\\nX: y\""), "kubeconfig %s/config: user \"eve\": a value for "
					       "Impersonate-User: holds a control character" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refuse_text(*state, cases[i].text,
			    strstr(cases[i].line, "No such file") ? ERR_NOT_FOUND : ERR_INVALID,
			    cases[i].line);
}

static void test_an_option_that_names_nothing_says_what_there_is(void **state)
{
	struct fixture *f = *state;

	f->options.kubeconfig = write_file(f, "config", USER("token: t"));
	f->options.context = "staging";
	refuse(f, ERR_INVALID, "kubeconfig %s/config: context \"staging\" is not in contexts: choose "
			       "another with --context (there is: prod)");
	f->options.context = NULL;
	f->options.user = "bob";
	refuse(f, ERR_INVALID, "kubeconfig %s/config: user \"bob\" is not in users: choose another with "
			       "--user (there is: eve)");
	f->options.cluster = "d";
	refuse(f, ERR_INVALID, "kubeconfig %s/config: cluster \"d\" is not in clusters: choose another "
			       "with --cluster (there is: c)");
}

/* --- what only OpenSSL can tell --------------------------------------- */

static void refuse_connect(struct fixture *f, const char *line)
{
	struct loop *loop = loop_new(clock_system(), &f->err);
	char *expected = x_asprintf("kubeconfig %s/config: %s", f->folder, line);

	load(f);
	assert_non_null(loop);
	assert_null(kube_config_connect(f->config, loop, &f->err));
	if (strncmp(f->err.msg, expected, strlen(expected)) != 0)
		assert_string_equal(f->err.msg, expected);
	loop_free(loop);
	free(expected);
}

static void test_an_expired_certificate_is_named_before_the_first_request(void **state)
{
	struct fixture *f = *state;
	const struct test_cert_options options = { .name = "eve", .not_after_s = -3600 };
	struct test_cert cert = test_cert_new(&options);

	write_file(f, "cert.pem", cert.cert);
	write_file(f, "key.pem", cert.key);
	f->options.kubeconfig =
		write_file(f, "config", USER("client-certificate: cert.pem, client-key: key.pem"));
	refuse_connect(f, "user \"eve\": client certificate expired on ");
	assert_non_null(strstr(f->err.msg, ": renew it, or choose another user with --user"));
	test_cert_release(&cert);
}

static void test_a_bad_authority_is_named_with_its_cluster(void **state)
{
	struct fixture *f = *state;

	f->options.kubeconfig =
		write_file(f, "config", CLUSTER_WITH("certificate-authority-data: Q0E="));
	refuse_connect(f, "cluster \"c\": certificate authority: holds no PEM certificate: correct it "
			  "there");
}

#define config_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		config_test(test_context_cluster_and_user_are_followed),
		config_test(test_json_is_yaml_too),
		config_test(test_options_come_before_the_context),
		config_test(test_a_cluster_can_be_chosen_without_a_context),
		config_test(test_files_are_found_from_the_file_that_names_them),
		config_test(test_inline_data_beats_a_file),
		config_test(test_a_token_file_beats_a_token),
		config_test(test_user_name_and_password_are_basic_authentication),
		config_test(test_insecure_is_only_what_the_file_says),
		config_test(test_impersonation_becomes_headers),
		config_test(test_a_plugin_beside_another_credential_is_left_alone),
		config_test(test_plain_http_is_for_this_machine),
		config_test(test_the_first_file_of_the_list_to_have_a_name_wins_wholly),
		config_test(test_the_option_beats_the_environment),
		config_test(test_without_a_list_the_home_has_the_file),
		config_test(test_nothing_at_all_says_where_it_looked),
		config_test(test_a_pod_uses_its_service_account),
		config_test(test_a_pod_without_a_token_says_so),
		config_test(test_a_list_beats_the_pod_and_the_pod_beats_the_home),
		config_test(test_a_missing_file_is_named),
		config_test(test_a_folder_is_no_kubeconfig),
		config_test(test_an_unreadable_file_is_named),
		config_test(test_a_file_over_the_limit_is_refused),
		config_test(test_bad_yaml_is_named_with_its_line),
		config_test(test_every_mistake_names_file_entry_and_remedy),
		config_test(test_an_option_that_names_nothing_says_what_there_is),
		config_test(test_an_expired_certificate_is_named_before_the_first_request),
		config_test(test_a_bad_authority_is_named_with_its_cluster),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
