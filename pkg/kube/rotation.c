#include "kube/rotation.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "kube/file.h"

enum { REREAD_MS = 60 * 1000 };

enum { AUTHORITY, CERTIFICATE, KEY, TEXTS };

struct rotation {
	struct loop *loop;
	const char *files[TEXTS]; /* borrowed; NULL: the text never changes */
	char *texts[TEXTS];       /* in use; wiped; or NULL */
	rotation_sink_fn *sink;
	void *arg;
	struct loop_timer *timer;
	bool failing;             /* that was logged */
};

static void forget(char *texts[TEXTS])
{
	for (int i = 0; i < TEXTS; i++)
		secret_free(texts[i]);
}

/* All texts as they are now: from the files, the others as they were. Returns -1 with none. */
static int read_all(const struct rotation *rotation, char *ret_texts[TEXTS], struct err *err)
{
	char *texts[TEXTS] = { NULL };

	for (int i = 0; i < TEXTS; i++) {
		if (rotation->files[i])
			texts[i] = file_read(rotation->files[i], NULL, err);
		else if (rotation->texts[i])
			texts[i] = x_strdup(rotation->texts[i]);
		if (rotation->files[i] && !texts[i]) {
			forget(texts);
			return -1;
		}
	}
	memcpy(ret_texts, texts, sizeof(texts));
	return 0;
}

static bool is_changed(const struct rotation *rotation, char *const texts[TEXTS])
{
	for (int i = 0; i < TEXTS; i++) {
		if (rotation->files[i] &&
		    (!rotation->texts[i] || strcmp(texts[i], rotation->texts[i]) != 0))
			return true;
	}
	return false;
}

/* Put changed texts to use; takes them when that succeeds. */
static int use(struct rotation *rotation, char *texts[TEXTS], struct err *err)
{
	const struct tls_identity identity = {
		.ca_pem = texts[AUTHORITY],
		.cert_pem = texts[CERTIFICATE],
		.key_pem = texts[KEY],
	};

	if (texts[AUTHORITY] && !*texts[AUTHORITY])
		return err_set(err, ERR_INVALID, "certificate authority: is empty");
	if (rotation->sink(rotation->arg, &identity, err) < 0)
		return -1;
	forget(rotation->texts);
	memcpy(rotation->texts, texts, sizeof(rotation->texts));
	log_info("credentials", "certificates read again");
	return 0;
}

static int look(struct rotation *rotation, struct err *err)
{
	char *texts[TEXTS];

	if (read_all(rotation, texts, err) < 0)
		return -1;
	if (!is_changed(rotation, texts)) {
		forget(texts);
		return 0;
	}
	if (use(rotation, texts, err) == 0)
		return 0;
	forget(texts);
	return -1;
}

static void on_timer(void *arg)
{
	struct rotation *rotation = arg;
	struct err err = ERR_INIT;
	bool failing = look(rotation, &err) < 0;

	if (failing && !rotation->failing)
		log_warn("credentials", "%s; keeping the old certificates", err.msg);
	rotation->failing = failing;
	loop_timer_start(rotation->timer, REREAD_MS);
}

static char *copy(const char *text)
{
	return text ? x_strdup(text) : NULL;
}

struct rotation *rotation_new(struct loop *loop, const struct kube_config *config,
			      rotation_sink_fn *sink, void *arg)
{
	struct rotation *rotation;

	if (!config->ca_file && !config->cert_file && !config->key_file)
		return NULL;
	rotation = x_calloc(1, sizeof(*rotation));
	rotation->loop = loop;
	rotation->files[AUTHORITY] = config->ca_file;
	rotation->files[CERTIFICATE] = config->cert_file;
	rotation->files[KEY] = config->key_file;
	rotation->texts[AUTHORITY] = copy(config->http.ca_pem);
	rotation->texts[CERTIFICATE] = copy(config->http.cert_pem);
	rotation->texts[KEY] = copy(config->http.key_pem);
	rotation->sink = sink;
	rotation->arg = arg;
	rotation->timer = loop_timer_new(loop, on_timer, rotation);
	loop_timer_start(rotation->timer, REREAD_MS);
	return rotation;
}

void rotation_free(struct rotation *rotation)
{
	if (!rotation)
		return;
	loop_timer_free(rotation->timer);
	forget(rotation->texts);
	free(rotation);
}
