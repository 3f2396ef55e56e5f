/*
 * The lock file beside a store, with anything in front of the lock itself: it is refused as another
 * version's, or there is a lock that can be taken and given back.
 *
 * The input is a row of changes to a good file: a byte of where, four of what.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/store/lock_file.h"
#include "shared/base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHANGE    5 /* bytes of one */
#define FILE_MOST (1 << 16)

static char folder[] = "/dev/shm/fuzz-XXXXXX";
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

static void make_good(void)
{
	expect(mkdtemp(folder));
	(void)atexit(remove_folder);
	(void)snprintf(store, sizeof(store), "%s/s", folder);
	(void)snprintf(path, sizeof(path), "%s/s-lock", folder);
	expect(lockfile_open(store));
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t count = read(file, good, sizeof(good));

	expect(count > 0 && count < FILE_MOST);
	good_size = (size_t)count;
	close(file);
}

/* What a broken lock does is pthread's; it stands at the end. */
static size_t header_size(void)
{
	return good_size - (sizeof(struct mutex) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

/* The same file each time: it is mapped for good. */
static void write_changed(const uint8_t *data, size_t size)
{
	static unsigned char changed[FILE_MOST + CHANGE];
	int file = open(path, O_WRONLY | O_CLOEXEC);

	memcpy(changed, good, good_size);
	for (size_t at = 0; at + CHANGE <= size; at += CHANGE) {
		size_t where = data[at] % (header_size() - CHANGE);

		memcpy(changed + where, data + at + 1, CHANGE - 1);
	}
	expect(pwrite(file, changed, good_size, 0) == (ssize_t)good_size);
	close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (good_size == 0) {
		make_good();
	}
	write_changed(data, size);
	struct mutex *mutex = lockfile_open(store);

	if (mutex) {
		expect(mutex_try(mutex, NULL) == MUTEX_TAKEN);
		mutex_unlock(mutex);
	} else {
		expect(errno == EPROTO);
	}
	return 0;
}
