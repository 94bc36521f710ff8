/* What an exec plugin prints: a credential that has something, or a refusal that quotes nothing. */
#include "fuzz.h"
#include "kube/exec_plugin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct exec_plugin plugin = { .where = "fuzz",
		                      .api_version = "client.authentication.k8s.io/v1",
		                      .command = "plugin" };
	struct exec_credential credential = { 0 };
	struct err err = ERR_INIT;

	if (exec_credential_read(&plugin, (const char *)data, size, &credential, &err) == 0)
		holds(credential.token || (credential.cert_pem && credential.key_pem));
	else
		holds(err.code != ERR_NONE);
	exec_credential_release(&credential);
	return 0;
}
