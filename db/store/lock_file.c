#include "db/store/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/store/beside.h"
#include "db/store/boot.h"
#include "shared/base/memory.h"

#define LOCKFILE_MARK   "turnstile lock\n"
#define LOCKFILE_LAYOUT 1 /* changes with the layout of struct mutex */

/* What lies in the file. `mark` is written last: a file without it was never finished. */
struct lockfile {
	char mark[16];
	uint32_t layout;
	uint32_t size;
	char boot[BOOT_SIZE];
	_Alignas(CACHE_LINE) struct mutex mutex;
};

/* The lock files that this process has mapped, by what the kernel knows them as. */
struct mapping {
	dev_t device;
	ino_t inode;
	struct lockfile *file;
	struct mapping *next;
};

static pthread_mutex_t mappings_lock = PTHREAD_MUTEX_INITIALIZER;
static struct mapping *mappings;

static struct mapping *find_mapping(const struct stat *status)
{
	struct mapping *mapping = mappings;
	while (mapping && (mapping->device != status->st_dev || mapping->inode != status->st_ino)) {
		mapping = mapping->next;
	}
	return mapping;
}

/* Maps the file and remembers it. */
static struct lockfile *map(int descriptor, const struct stat *status)
{
	struct mapping *mapping = malloc(sizeof(*mapping));
	if (!mapping) {
		return NULL;
	}
	void *start = mmap(NULL, sizeof(struct lockfile), PROT_READ | PROT_WRITE, MAP_SHARED,
			   descriptor, 0);
	if (start == MAP_FAILED) {
		free(mapping);
		return NULL;
	}
	*mapping = (struct mapping){ status->st_dev, status->st_ino, start, mappings };
	mappings = mapping;
	return start;
}

/*
 * Makes sure that the file has its whole size, on disk too: a page that cannot be written when it
 * is first touched would be a SIGBUS.
 */
static bool give_size(int descriptor)
{
	int problem = posix_fallocate(descriptor, 0, (off_t)sizeof(struct lockfile));
	errno = problem;
	return problem == 0;
}

static bool is_finished(const struct lockfile *file)
{
	return memcmp(file->mark, LOCKFILE_MARK, sizeof(file->mark)) == 0;
}

static bool is_of_this_boot(const struct lockfile *file, const char *boot)
{
	return memcmp(file->boot, boot, BOOT_SIZE) == 0;
}

static void make_anew(struct lockfile *file, const char *boot)
{
	memset(file, 0, sizeof(*file));
	mutex_init(&file->mutex, MUTEX_PLAIN);
	file->layout = LOCKFILE_LAYOUT;
	file->size = sizeof(*file);
	memcpy(file->boot, boot, BOOT_SIZE);
	atomic_thread_fence(memory_order_release);
	memcpy(file->mark, LOCKFILE_MARK, sizeof(file->mark));
}

/* Another version of the program may hold a lock that this one cannot read: keep off. */
static bool make_ready(struct lockfile *file)
{
	char boot[BOOT_SIZE];
	if (!boot_read(boot)) {
		return false;
	}
	if (!is_finished(file) || !is_of_this_boot(file, boot)) {
		make_anew(file, boot);
		return true;
	}
	if (file->layout == LOCKFILE_LAYOUT && file->size == sizeof(*file)) {
		return true;
	}
	errno = EPROTO;
	return false;
}

/* With the file open and under flock, and the list of mappings locked. */
static struct mutex *use(int descriptor)
{
	struct stat status;
	if (fstat(descriptor, &status) < 0) {
		return NULL;
	}
	const struct mapping *known = find_mapping(&status);
	if (!known && !give_size(descriptor)) {
		return NULL;
	}
	struct lockfile *file = known ? known->file : map(descriptor, &status);
	return file && make_ready(file) ? &file->mutex : NULL;
}

/* Closing would not end the flock: the mapping keeps what was opened open. */
static struct mutex *use_under_flock(int descriptor)
{
	while (flock(descriptor, LOCK_EX) < 0) {
		if (errno != EINTR) {
			return NULL;
		}
	}
	pthread_mutex_lock(&mappings_lock);
	struct mutex *mutex = use(descriptor);
	int problem = errno;
	pthread_mutex_unlock(&mappings_lock);
	flock(descriptor, LOCK_UN);
	errno = problem;
	return mutex;
}

static int open_file(const char *store_path)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof(path), "%s-lock", store_path) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (descriptor >= 0 && !beside_give(descriptor, store_path)) {
		int problem = errno;
		close(descriptor);
		errno = problem;
		return -1;
	}
	return descriptor;
}

struct mutex *lockfile_open(const char *store_path)
{
	int descriptor = open_file(store_path);
	if (descriptor < 0) {
		return NULL;
	}
	struct mutex *mutex = use_under_flock(descriptor);
	int problem = errno;
	close(descriptor);
	errno = problem;
	return mutex;
}

static bool lock_first_byte(int descriptor, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_len = 1 };
	return fcntl(descriptor, F_OFD_SETLK, &lock) == 0;
}

/* The descriptor stays open for good: the lock goes with it. */
bool lockfile_serve(const char *store_path)
{
	int descriptor = open_file(store_path);
	if (descriptor < 0) {
		return false;
	}
	bool alone = lock_first_byte(descriptor, F_WRLCK);
	return lock_first_byte(descriptor, F_RDLCK) && alone;
}
