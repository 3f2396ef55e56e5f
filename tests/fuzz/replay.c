/*
 * In libFuzzer's place where there is none: gives a fuzz target every file of the folders that are
 * named, each once: replay_NAME FOLDER...
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *path)
{
	perror(path);
	exit(EXIT_FAILURE);
}

/* Memory of the input's own size, so that a sanitizer notices who reads beyond it. */
static void replay(const char *path)
{
	FILE *file = fopen(path, "re");
	struct stat status;

	if (!file || fstat(fileno(file), &status) < 0) {
		fail(path);
	}
	size_t size = (size_t)status.st_size;
	uint8_t *data = malloc(size > 0 ? size : 1);

	if (!data || fread(data, 1, size, file) != size) {
		fail(path);
	}
	fclose(file);
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
}

static int is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int replay_folder(const char *folder)
{
	struct dirent **entries;
	char path[4096];
	int count = scandir(folder, &entries, is_file, alphasort);

	if (count < 0) {
		fail(folder);
	}
	for (int i = 0; i < count; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		(void)puts(path);
		replay(path);
		free(entries[i]);
	}
	free(entries);
	return count;
}

int main(int argc, char **argv)
{
	int count = 0;

	for (int i = 1; i < argc; i++) {
		count += replay_folder(argv[i]);
	}
	if (count == 0) {
		(void)fputs("replay: there is nothing to be tried\n", stderr);
	}
	return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
