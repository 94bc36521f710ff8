/*
 * Runs a target without libFuzzer: every file of a corpus, then changes of
 * them by chance.
 *
 *   TARGET [-runs=N] [-seed=N] FILE|FOLDER…
 *
 * Folders are read one level deep; of a folder of golden tests the input.json
 * below it. The input that is being tried is kept in ./crash-input until it has passed.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

enum { INPUT_MAX = 1 << 16, FILES_MAX = 4096 };

struct input {
	uint8_t *data;
	size_t size;
};

static struct input corpus[FILES_MAX];
static size_t corpus_count;
static uint64_t state = 1;

static uint64_t chance(uint64_t limit)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (state >> 33) % limit;
}

static void read_file(const char *path)
{
	struct input *input = &corpus[corpus_count];
	FILE *file = fopen(path, "rb");

	if (!file || corpus_count == FILES_MAX)
		return;
	input->data = malloc(INPUT_MAX);
	input->size = fread(input->data, 1, INPUT_MAX, file);
	fclose(file);
	corpus_count++;
}

static void read_path(const char *path, int depth)
{
	struct stat info;
	struct dirent *entry;
	char below[4096];
	DIR *folder;

	if (stat(path, &info) != 0)
		return;
	if (!S_ISDIR(info.st_mode)) {
		read_file(path);
		return;
	}
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		if (entry->d_name[0] != '.' &&
		    (depth == 0 || strcmp(entry->d_name, "input.json") == 0))
			read_path(below, depth + 1);
	}
	if (folder)
		closedir(folder);
}

/* Some bytes changed, removed, doubled, or taken from another input. */
static size_t mutate(uint8_t *data, size_t size)
{
	const struct input *other = &corpus[chance(corpus_count)];
	size_t at = size ? chance(size) : 0, len = size ? 1 + chance(size - at) : 0, from;

	if (len > 64)
		len = 1 + len % 64;
	switch (chance(5)) {
	case 0:
		if (size)
			data[at] = (uint8_t)chance(256);
		return size;
	case 1:
		memmove(data + at, data + at + len, size - at - len);
		return size - len;
	case 2:
		if (size + len > INPUT_MAX)
			return size;
		memmove(data + at + len, data + at, size - at);
		return size + len;
	case 3:
		if (size)
			data[at] ^= (uint8_t)(1u << chance(8));
		return size;
	default:
		from = other->size ? chance(other->size) : 0;
		len = other->size - from < 32 ? other->size - from : 32;
		if (at + len > INPUT_MAX)
			return size;
		memcpy(data + at, other->data + from, len);
		return at + len > size ? at + len : size;
	}
}

static void try(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1); /* so that a sanitizer sees its end */

	memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static void keep(const uint8_t *data, size_t size)
{
	int fd = open("crash-input", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd >= 0 && write(fd, data, size) < 0)
		perror("crash-input");
	close(fd);
}

int main(int argc, char **argv)
{
	static uint8_t data[INPUT_MAX];
	unsigned long runs = 0;

	for (int i = 1; i < argc; i++) {
		if (sscanf(argv[i], "-runs=%lu", &runs) == 1 ||
		    sscanf(argv[i], "-seed=%lu", &state) == 1)
			continue;
		read_path(argv[i], 0);
	}
	for (size_t i = 0; i < corpus_count; i++) {
		keep(corpus[i].data, corpus[i].size);
		try(corpus[i].data, corpus[i].size);
	}
	for (unsigned long i = 0; i < runs && corpus_count; i++) {
		const struct input *input = &corpus[chance(corpus_count)];
		size_t size = input->size;

		memcpy(data, input->data, size);
		for (uint64_t changes = 1 + chance(8); changes > 0; changes--)
			size = mutate(data, size);
		keep(data, size);
		try(data, size);
	}
	unlink("crash-input");
	printf("# %zu inputs, %lu changed ones\n", corpus_count, runs);
	for (size_t i = 0; i < corpus_count; i++)
		free(corpus[i].data);
	return corpus_count == 0;
}
