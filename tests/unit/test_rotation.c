/* Certificates that are exchanged under a running program. */
#include <stdio.h>
#include <unistd.h>

#include "kube/rotation.h"
#include "unit.h"
#include "virtual_loop.h"

struct fixture {
	struct loop *loop;
	char folder[32];
	char *files[3];
	struct kube_config config;
	struct rotation *rotation;
	char *got; /* "authority|certificate|key", of the last one */
	int count;
	bool refuse;
};

static int on_identity(void *arg, const struct tls_identity *identity, struct err *err)
{
	struct fixture *f = arg;

	f->count++;
	if (f->refuse)
		return err_set(err, ERR_INVALID, "client key: does not belong to it");
	free(f->got);
	f->got = x_asprintf("%s|%s|%s", identity->ca_pem ? identity->ca_pem : "-",
			    identity->cert_pem ? identity->cert_pem : "-",
			    identity->key_pem ? identity->key_pem : "-");
	return 0;
}

static void put(struct fixture *f, int file, const char *text)
{
	FILE *out = fopen(f->files[file], "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static int setup(void **state)
{
	struct fixture *f = x_calloc(1, sizeof(*f));
	struct err err;

	strcpy(f->folder, "/tmp/rotation-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	for (int i = 0; i < 3; i++) {
		f->files[i] = x_asprintf("%s/%d", f->folder, i);
		put(f, i, "old");
	}
	f->loop = loop_new(NULL, &err);
	f->config = (struct kube_config){
		.ca_file = f->files[0],
		.cert_file = f->files[1],
		.key_file = f->files[2],
		.http = { .ca_pem = "old", .cert_pem = "old", .key_pem = "old" },
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	rotation_free(f->rotation);
	loop_free(f->loop);
	for (int i = 0; i < 3; i++) {
		unlink(f->files[i]);
		free(f->files[i]);
	}
	rmdir(f->folder);
	free(f->got);
	free(f);
	return 0;
}

static void begin(struct fixture *f)
{
	f->rotation = rotation_new(f->loop, &f->config, on_identity, f);
	assert_non_null(f->rotation);
}

static void files_that_stay_are_left_alone(void **state)
{
	struct fixture *f = *state;

	begin(f);
	loop_pass(f->loop, 600000);
	assert_int_equal(f->count, 0);
}

static void a_changed_file_is_used_within_a_minute(void **state)
{
	struct fixture *f = *state;

	begin(f);
	put(f, 0, "new");
	loop_pass(f->loop, 60000);
	assert_string_equal(f->got, "new|old|old");
	put(f, 1, "cert");
	put(f, 2, "key");
	loop_pass(f->loop, 60000);
	assert_string_equal(f->got, "new|cert|key");
	loop_pass(f->loop, 600000);
	assert_int_equal(f->count, 2);
}

static void what_is_refused_is_tried_again_and_the_old_stays(void **state)
{
	struct fixture *f = *state;

	begin(f);
	f->refuse = true;
	put(f, 1, "cert");
	loop_pass(f->loop, 120000);
	assert_int_equal(f->count, 2);
	assert_null(f->got);
	f->refuse = false;
	put(f, 2, "key");
	loop_pass(f->loop, 60000);
	assert_string_equal(f->got, "old|cert|key");
}

static void a_missing_or_empty_file_changes_nothing(void **state)
{
	struct fixture *f = *state;

	begin(f);
	unlink(f->files[1]);
	loop_pass(f->loop, 60000);
	assert_int_equal(f->count, 0);
	put(f, 1, "old");
	put(f, 0, "");
	loop_pass(f->loop, 60000);
	assert_int_equal(f->count, 0);
	put(f, 0, "new");
	loop_pass(f->loop, 60000);
	assert_string_equal(f->got, "new|old|old");
}

static void texts_without_a_file_stay_as_they_are(void **state)
{
	struct fixture *f = *state;

	f->config.cert_file = f->config.key_file = NULL;
	begin(f);
	put(f, 0, "new");
	put(f, 1, "not looked at");
	loop_pass(f->loop, 60000);
	assert_string_equal(f->got, "new|old|old");
}

static void without_files_there_is_nothing_to_do(void **state)
{
	struct fixture *f = *state;

	f->config = (struct kube_config){ .http = { .ca_pem = "old" } };
	assert_null(rotation_new(f->loop, &f->config, on_identity, f));
}

#define rotation_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		rotation_test(files_that_stay_are_left_alone),
		rotation_test(a_changed_file_is_used_within_a_minute),
		rotation_test(what_is_refused_is_tried_again_and_the_old_stays),
		rotation_test(a_missing_or_empty_file_changes_nothing),
		rotation_test(texts_without_a_file_stay_as_they_are),
		rotation_test(without_files_there_is_nothing_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
