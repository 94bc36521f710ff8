/* A kubeconfig: loaded or refused in one line, whatever is in it. Nothing is run or looked up. */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "kube/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kube_config_options options = { .user_agent = "fuzz" };
	struct kube_config *config;
	struct err err = ERR_INIT;
	int fd = memfd_create("kubeconfig", 0);
	char path[64];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size) {
		close(fd);
		return 0;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	options.kubeconfig = path;
	config = kube_config_load(&options, &err);
	holds(config || (err.code != ERR_NONE && !strchr(err.msg, '\n')));
	kube_config_free(config);
	close(fd);
	return 0;
}
