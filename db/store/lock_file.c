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
	int descriptor; /* open in the process OPENED_BY, to ask for the locks of servers */
	pid_t opened_by;
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
	*mapping = (struct mapping){
		.device = status->st_dev, .inode = status->st_ino, .file = start, .next = mappings
	};
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

static struct mapping *mapping_of(const struct mutex *mutex)
{
	struct mapping *mapping = mappings;
	while (mapping && &mapping->file->mutex != mutex) {
		mapping = mapping->next;
	}
	return mapping;
}

/* The first in each process is kept: what it inherits may be closed. */
static bool keep(const struct mutex *mutex, int descriptor)
{
	pthread_mutex_lock(&mappings_lock);
	struct mapping *mapping = mapping_of(mutex);
	bool first = mapping->opened_by != getpid();
	if (first) {
		mapping->descriptor = descriptor;
		mapping->opened_by = getpid();
	}
	pthread_mutex_unlock(&mappings_lock);
	return first;
}

struct mutex *lockfile_open(const char *store_path)
{
	int descriptor = open_file(store_path);
	if (descriptor < 0) {
		return NULL;
	}
	struct mutex *mutex = use_under_flock(descriptor);
	int problem = errno;
	if (!mutex || !keep(mutex, descriptor)) {
		close(descriptor);
	}
	errno = problem;
	return mutex;
}

/* Which byte of the file stands for what. */
#define ANY_SERVER_BYTE   0
#define FIRST_SERVER_BYTE 1
#define LAST_SERVER_BYTE  (FIRST_SERVER_BYTE + (off_t)UINT32_MAX)
#define SERVERS_SPREAD    UINT64_C(0x9e3779b97f4a7c15) /* so that sums of bytes differ */

static off_t byte_of(uint32_t server)
{
	return FIRST_SERVER_BYTE + (off_t)server;
}

static bool lock_byte(int descriptor, off_t byte, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
	return fcntl(descriptor, F_OFD_SETLK, &lock) == 0;
}

/* The descriptor stays open for good: the locks go with it. */
bool lockfile_serve(const char *store_path, uint32_t server)
{
	int descriptor = open_file(store_path);
	if (descriptor < 0) {
		return false;
	}
	bool alone = lock_byte(descriptor, ANY_SERVER_BYTE, F_WRLCK);
	return lock_byte(descriptor, byte_of(server), F_WRLCK) &&
	       lock_byte(descriptor, ANY_SERVER_BYTE, F_RDLCK) && alone;
}

/* A byte from FIRST to LAST that somebody has locked, to BYTE; 0 if there is none, -1: unknown. */
static int find_locked(const struct mutex *mutex, off_t first, off_t last, off_t *byte)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = first, .l_len = last - first + 1
	};
	pthread_mutex_lock(&mappings_lock);
	const struct mapping *mapping = mapping_of(mutex);
	int descriptor = mapping && mapping->opened_by == getpid() ? mapping->descriptor : -1;
	pthread_mutex_unlock(&mappings_lock);
	if (fcntl(descriptor, F_OFD_GETLK, &lock) < 0) {
		return -1;
	}
	*byte = lock.l_start;
	return lock.l_type != F_UNLCK;
}

bool lockfile_is_served_by(const struct mutex *mutex, uint32_t server)
{
	off_t byte;
	return find_locked(mutex, byte_of(server), byte_of(server), &byte) != 0;
}

static uint64_t sum_locked(const struct mutex *mutex, off_t first, off_t last)
{
	off_t byte;
	if (first > last || find_locked(mutex, first, last, &byte) != 1) {
		return 0;
	}
	return (uint64_t)byte * SERVERS_SPREAD + sum_locked(mutex, first, byte - 1) +
	       sum_locked(mutex, byte + 1, last);
}

uint64_t lockfile_servers(const struct mutex *mutex)
{
	return sum_locked(mutex, FIRST_SERVER_BYTE, LAST_SERVER_BYTE);
}
