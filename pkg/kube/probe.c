#include "kube/probe.h"

#include <stdlib.h>

#include "base/mem.h"

enum {
	QUIET_MS = 30 * 1000,
	ANSWER_MS = 15 * 1000,
};

struct probe {
	struct loop *loop;
	struct transport *transport;
	struct loop_timer *timer;
	struct http_call *call; /* or NULL */
};

static int on_data(void *arg, const char *data, size_t len, struct err *err)
{
	(void)arg;
	(void)data;
	(void)len;
	(void)err;
	return 0;
}

static void on_done(void *arg, const struct http_result *result, const struct err *err)
{
	struct probe *probe = arg;

	(void)result;
	(void)err;
	probe->call = NULL;
	loop_timer_start(probe->timer, QUIET_MS);
}

static void on_timer(void *arg)
{
	static const struct http_handlers handlers = { .on_data = on_data, .on_done = on_done };
	struct probe *probe = arg;
	const struct http_request request = {
		.method = "GET",
		.path = "/livez",
		.accept = "*/*",
		.timeout_ms = ANSWER_MS,
		.priority = HTTP_PRIORITY_HIGH,
	};

	probe->call = transport_start(probe->transport, &request, &handlers, probe);
}

struct probe *probe_new(struct loop *loop, struct transport *transport)
{
	struct probe *probe = x_calloc(1, sizeof(*probe));

	probe->loop = loop;
	probe->transport = transport;
	probe->timer = loop_timer_new(loop, on_timer, probe);
	loop_timer_start(probe->timer, QUIET_MS);
	return probe;
}

void probe_free(struct probe *probe)
{
	if (!probe)
		return;
	if (probe->call)
		transport_cancel(probe->transport, probe->call);
	loop_timer_free(probe->timer);
	free(probe);
}
