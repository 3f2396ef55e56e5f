/*
 * The file of keys beside a store, with anything changed in it: it is used or made anew, what is
 * added to it is found, and looking comes to an end.
 *
 * The input is a row of changes to a good file: two bytes of where, eight of what.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/store/key_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STORE_ID   7
#define KEYS_THERE 20 /* in the good file */
#define KEYS_ADDED 20
#define CHANGE     10        /* bytes of one */
#define FILE_MOST  (1 << 18) /* bytes */
#define FOUND_MOST (1 << 16) /* candidates for one key: more than slots */

static char folder[] = "fuzz-XXXXXX"; /* where it was started */
static char store[sizeof(folder) + 8], path[sizeof(folder) + 16];
static unsigned char good[FILE_MOST];
static size_t good_size;

static void expect(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void remove_folder(void)
{
	unlink(path);
	rmdir(folder);
}

static void add(struct keyindex *index, int64_t from, int64_t count)
{
	for (int64_t number = from; number < from + count; number++) {
		char key[32];

		(void)snprintf(key, sizeof(key), "a-key-of-%d", (int)number);
		expect(keyindex_add(index, key, number));
	}
}

static bool finds(struct keyindex *index, int64_t wanted)
{
	uint64_t position = 0;
	int64_t number;
	char key[32];

	(void)snprintf(key, sizeof(key), "a-key-of-%d", (int)wanted);
	for (int i = 0; keyindex_next(index, key, &position, &number); i++) {
		if (number == wanted) {
			return true;
		}
		expect(i < FOUND_MOST);
	}
	return false;
}

static void make_good(void)
{
	expect(mkdtemp(folder));
	(void)atexit(remove_folder);
	(void)snprintf(store, sizeof(store), "%s/s", folder);
	(void)snprintf(path, sizeof(path), "%s/s-keys", folder);
	struct keyindex *index = keyindex_open(store, STORE_ID);

	expect(index);
	add(index, 1, KEYS_THERE);
	keyindex_set_covered(index, (struct keyindex_reach){ KEYS_THERE, 1 });
	keyindex_close(index);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t count = read(file, good, sizeof(good));

	expect(count > 0 && count < FILE_MOST);
	good_size = (size_t)count;
	close(file);
}

static void write_changed(const uint8_t *data, size_t size)
{
	static unsigned char changed[FILE_MOST];
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	memcpy(changed, good, good_size);
	for (size_t at = 0; at + CHANGE <= size; at += CHANGE) {
		size_t where = (size_t)data[at] << 8 | data[at + 1];

		memcpy(changed + where, data + at + 2, CHANGE - 2);
	}
	expect(write(file, changed, good_size) == (ssize_t)good_size);
	close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (good_size == 0) {
		make_good();
	}
	write_changed(data, size);
	struct keyindex *index = keyindex_open(store, STORE_ID);

	expect(index && keyindex_covered(index).number >= 0);
	for (int64_t number = 1; number <= KEYS_THERE; number++) {
		(void)finds(index, number);
	}
	add(index, KEYS_THERE + 1, KEYS_ADDED);
	for (int64_t number = KEYS_THERE + 1; number <= KEYS_THERE + KEYS_ADDED; number++) {
		expect(finds(index, number));
	}
	keyindex_close(index);
	return 0;
}
