/*
 * Golden tests: JSON in, JSON out.
 *
 *   golden [--update] FOLDER [CASE…]
 *
 * Each folder below FOLDER with an input.json is a case: the plan for that
 * input has to be its plan.json. --update writes plan.json anew where it
 * differs: look at what git says has changed.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "world.h"

/* A run over all cases. */
struct run {
	const char *folder;
	bool update;
	int number; /* of the case, as TAP counts */
	int passed;
	int failed;
};

static char *read_file(const char *path)
{
	struct buf text = BUF_INIT(LIMIT_DOCUMENT);
	FILE *file = fopen(path, "re");
	char piece[4096];
	size_t n;

	if (!file)
		return NULL;
	while ((n = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_append(&text, piece, n);
	fclose(file);
	buf_append(&text, "", 0);
	return buf_detach(&text, NULL);
}

static bool write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	bool written = file && fputs(text, file) >= 0;

	return (!file || fclose(file) == 0) && written;
}

static const char *plan_text(struct arena *arena, const struct reconcile_input *input,
                             bool rendering)
{
	struct buf text = BUF_INIT(LIMIT_DOCUMENT);
	struct plan plan;
	const char *copy;

	formation_reconcile(arena, input, &plan);
	json_write_pretty(&text, world_plan(arena, &plan, rendering));
	copy = arena_strdup(arena, buf_cstr(&text));
	buf_release(&text);
	return copy;
}

/* The plan for a case's input, decided twice, or NULL. */
static const char *decide(struct arena *arena, const char *text, struct err *err)
{
	struct json *value = NULL;
	struct world world;
	const char *plan = NULL, *again;
	bool rendering;

	if (json_parse(arena, text, strlen(text), NULL, &value, err) < 0 ||
	    world_read(arena, value, &world, err) < 0)
		return NULL;
	rendering = json_bool_or(json_get(value, "rendering"), false);
	plan = plan_text(arena, &world.input, rendering);
	again = plan_text(arena, &world.input, rendering);
	world_release(&world);
	if (strcmp(plan, again) == 0)
		return plan;
	err_set(err, ERR_INVALID, "the same input gave two plans");
	return NULL;
}

static void print_difference(const char *path, const char *plan)
{
	char temporary[] = "/tmp/golden-XXXXXX";
	char *command;
	int fd = mkstemp(temporary);

	if (fd < 0 || close(fd) < 0 || !write_file(temporary, plan))
		return;
	fflush(stdout);
	command = x_asprintf("diff -u '%s' '%s' | sed 's/^/# /'", path, temporary);
	if (system(command) < 0)
		printf("# diff could not be run\n");
	free(command);
	unlink(temporary);
}

static bool compare(const struct run *run, const char *path, const char *plan)
{
	char *expected = read_file(path);
	bool same = expected && strcmp(expected, plan) == 0;

	free(expected);
	if (same)
		return true;
	if (run->update)
		return write_file(path, plan);
	print_difference(path, plan);
	return false;
}

static void run_case(struct run *run, const char *name)
{
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	char *input = x_asprintf("%s/%s/input.json", run->folder, name);
	char *path = x_asprintf("%s/%s/plan.json", run->folder, name);
	char *text = read_file(input);
	const char *plan = NULL;
	bool passed;

	if (text)
		plan = decide(&arena, text, &err);
	else
		err_set(&err, ERR_NOT_FOUND, "%s: %s", input, strerror(errno));
	if (!plan)
		printf("# %s\n", err.msg);
	passed = plan && compare(run, path, plan);
	printf("%s %d - %s\n", passed ? "ok" : "not ok", ++run->number, name);
	run->passed += passed;
	run->failed += !passed;
	free(text);
	free(path);
	free(input);
	arena_release(&arena);
}

static int is_case(const struct dirent *entry)
{
	return entry->d_type == DT_DIR && entry->d_name[0] != '.';
}

static int run_all(struct run *run)
{
	struct dirent **entries = NULL;
	int count = scandir(run->folder, &entries, is_case, alphasort);

	if (count < 0) {
		fprintf(stderr, "%s: %s\n", run->folder, strerror(errno));
		return -1;
	}
	for (int i = 0; i < count; i++) {
		run_case(run, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

int main(int argc, char **argv)
{
	struct run run = { 0 };
	int at = 1;

	if (at < argc && strcmp(argv[at], "--update") == 0) {
		run.update = true;
		at++;
	}
	if (at >= argc) {
		fprintf(stderr, "usage: golden [--update] FOLDER [CASE...]\n");
		return 2;
	}
	run.folder = argv[at++];
	for (int i = at; i < argc; i++)
		run_case(&run, argv[i]);
	if (at == argc && run_all(&run) < 0)
		return 1;
	printf("1..%d\n", run.number);
	printf("%d passed, %d failed\n", run.passed, run.failed);
	return run.failed > 0 || run.number == 0;
}
