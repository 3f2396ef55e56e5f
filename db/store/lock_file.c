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
#include "db/store/holder.h"
#include "db/store/in_use.h"
#include "db/store/kind.h"
#include "shared/base/clock.h"
#include "shared/base/memory.h"

#define LOCKFILE_MARK      "turnstile lock\n"
#define LOCKFILE_LAYOUT    2  /* changes with the layout of struct mutex */
#define LOCKFILE_HOST_SIZE 64 /* bytes, a NUL counted in */

#define JOIN_TRIES    20 /* others who try at this moment are in the way */
#define JOIN_PAUSE_NS (10 * NS_PER_MS)

/* What lies in the file. `mark` is written last: a file without it was never finished. */
struct lockfile {
	char mark[16];
	uint32_t layout;
	uint32_t size;
	uint64_t pid_space;            /* the pid namespace of all who use it */
	char host[LOCKFILE_HOST_SIZE]; /* what their machine, or container, is called */
	_Alignas(CACHE_LINE) struct mutex mutex;
};

/* The lock files that this process has mapped, by the store's path and the kernel's name. */
struct mapping {
	char *store_path;
	dev_t device;
	ino_t inode;
	struct lockfile *file;
	bool marked;     /* the store is, as in use */
	int descriptor;  /* open in the process OPENED_BY, to ask for servers' locks; -1: it is not
			  */
	pid_t opened_by; /* 0: in none yet */
	struct mapping *next;
};

static pthread_mutex_t mappings_lock = PTHREAD_MUTEX_INITIALIZER;
static struct mapping *mappings;

static struct mapping *find_by_path(const char *store_path)
{
	struct mapping *mapping = mappings;
	while (mapping && strcmp(mapping->store_path, store_path) != 0) {
		mapping = mapping->next;
	}
	return mapping;
}

static struct mapping *find_by_mutex(const struct mutex *mutex)
{
	struct mapping *mapping = mappings;
	while (mapping && &mapping->file->mutex != mutex) {
		mapping = mapping->next;
	}
	return mapping;
}

static struct mapping *find_by_inode(const struct stat *status)
{
	struct mapping *mapping = mappings;
	while (mapping && (mapping->device != status->st_dev || mapping->inode != status->st_ino)) {
		mapping = mapping->next;
	}
	return mapping;
}

static bool name_of(const char *store_path, char *name)
{
	if (snprintf(name, PATH_MAX, "%s-lock", store_path) < PATH_MAX) {
		return true;
	}
	errno = ENAMETOOLONG;
	return false;
}

static bool is_other(const struct mapping *mapping)
{
	char name[PATH_MAX];
	struct stat status;
	return name_of(mapping->store_path, name) && stat(name, &status) == 0 &&
	       (status.st_dev != mapping->device || status.st_ino != mapping->inode);
}

bool lockfile_is_the_one(const struct mutex *mutex)
{
	pthread_mutex_lock(&mappings_lock);
	const struct mapping *mapping = find_by_mutex(mutex);
	pthread_mutex_unlock(&mappings_lock);
	return !mapping || !is_other(mapping);
}

void lockfile_renamed(const char *from, const char *to)
{
	struct mapping *mapping = find_by_path(from);
	char *path = mapping ? strdup(to) : NULL;
	if (path) {
		free(mapping->store_path);
		mapping->store_path = path;
	}
}

/* Where this process lives. */

static bool read_pid_space(uint64_t *pid_space)
{
	struct stat status;
	if (stat("/proc/self/ns/pid", &status) < 0) {
		return false;
	}
	*pid_space = status.st_ino;
	return true;
}

static void write_host(char *host)
{
	if (gethostname(host, LOCKFILE_HOST_SIZE) < 0) {
		host[0] = '\0';
	}
	host[LOCKFILE_HOST_SIZE - 1] = '\0';
	store_holder_show_plainly(host);
}

/* The file */

static bool is_ready(const struct lockfile *file, uint64_t pid_space)
{
	return memcmp(file->mark, LOCKFILE_MARK, sizeof(file->mark)) == 0 &&
	       file->layout == LOCKFILE_LAYOUT && file->size == sizeof(*file) &&
	       file->pid_space == pid_space;
}

static void make_anew(struct lockfile *file, uint64_t pid_space)
{
	memset(file, 0, sizeof(*file));
	mutex_init(&file->mutex, MUTEX_PLAIN);
	file->layout = LOCKFILE_LAYOUT;
	file->size = sizeof(*file);
	file->pid_space = pid_space;
	write_host(file->host);
	atomic_thread_fence(memory_order_release);
	memcpy(file->mark, LOCKFILE_MARK, sizeof(file->mark));
}

/* Which byte of the file stands for what. */
#define ANY_SERVER_BYTE   0
#define FIRST_SERVER_BYTE 1
#define LAST_SERVER_BYTE  (FIRST_SERVER_BYTE + (off_t)UINT32_MAX)
#define SERVERS_SPREAD    UINT64_C(0x9e3779b97f4a7c15) /* so that sums of bytes differ */

static bool lock_byte(int descriptor, off_t byte, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
	return fcntl(descriptor, F_OFD_SETLK, &lock) == 0;
}

/* Version 0.1.0 has no flock on it while it runs, but its servers have the byte of all. */
static bool is_served(int descriptor)
{
	bool served = !lock_byte(descriptor, ANY_SERVER_BYTE, F_WRLCK);
	(void)lock_byte(descriptor, ANY_SERVER_BYTE, F_UNLCK);
	return served;
}

static bool refuse_for_errno(const char *store_path, char *error)
{
	return store_refuse(error, "%s-lock: %s", store_path, strerror(errno));
}

/* Why a file that others use is none for us. */
static bool refuse(const struct lockfile *file, const char *store_path, char *error)
{
	char host[LOCKFILE_HOST_SIZE];
	if (file->layout != LOCKFILE_LAYOUT || file->size != sizeof(*file)) {
		return store_refuse(error,
				    "%s-lock is used by another version of this program: stop all "
				    "that use the store first",
				    store_path);
	}
	memcpy(host, file->host, sizeof(host));
	host[sizeof(host) - 1] = '\0';
	store_holder_show_plainly(host);
	return store_refuse(error,
			    "%s is in use in another container (pid namespace %llu, on %s): only "
			    "processes that see each other can share a store",
			    store_path, (unsigned long long)file->pid_space, host);
}

/*
 * Alone, the lock is made anew; changing from that to being one of many lets others in between.
 * False with errno, EWOULDBLOCK where others are in the way.
 */
static bool try_to_join(int descriptor, struct lockfile *file, uint64_t pid_space)
{
	if (flock(descriptor, LOCK_EX | LOCK_NB) == 0 && !is_served(descriptor)) {
		make_anew(file, pid_space);
	}
	if (flock(descriptor, LOCK_SH | LOCK_NB) < 0) {
		return false;
	}
	if (is_ready(file, pid_space)) {
		return true;
	}
	(void)flock(descriptor, LOCK_UN);
	errno = EWOULDBLOCK;
	return false;
}

static bool join(int descriptor, struct lockfile *file, const char *store_path, char *error)
{
	uint64_t pid_space;
	if (!read_pid_space(&pid_space)) {
		return store_refuse(error, "/proc/self/ns/pid: %s", strerror(errno));
	}
	for (int i = 0; i < JOIN_TRIES; i++) {
		if (try_to_join(descriptor, file, pid_space)) {
			return true;
		}
		if (errno != EWOULDBLOCK && errno != EINTR) {
			return refuse_for_errno(store_path, error);
		}
		clock_sleep(JOIN_PAUSE_NS);
	}
	return refuse(file, store_path, error);
}

/*
 * Its whole size is taken on disk first: a page that cannot be written when it is first touched
 * would be a SIGBUS.
 */
static struct lockfile *map(int descriptor)
{
	int problem = posix_fallocate(descriptor, 0, (off_t)sizeof(struct lockfile));
	if (problem != 0) {
		errno = problem;
		return NULL;
	}
	void *start = mmap(NULL, sizeof(struct lockfile), PROT_READ | PROT_WRITE, MAP_SHARED,
			   descriptor, 0);
	return start == MAP_FAILED ? NULL : start;
}

/* Made only where nobody uses the store by a lock that was taken away. */
static int make_file(const char *name, const char *store_path, char *error)
{
	if (in_use_is_marked(store_path)) {
		store_refuse(error, "%s was taken away while others use the store: stop them first",
			     name);
		return -1;
	}
	int descriptor = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (descriptor < 0) {
		(void)refuse_for_errno(store_path, error);
	}
	return descriptor;
}

static int open_by_name(const char *store_path)
{
	char name[PATH_MAX];
	return name_of(store_path, name) ? open(name, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;
}

static int open_file(const char *store_path, char *error)
{
	char name[PATH_MAX];
	int descriptor = open_by_name(store_path);
	if (descriptor < 0 && errno == ENOENT && name_of(store_path, name)) {
		descriptor = make_file(name, store_path, error);
	} else if (descriptor < 0) {
		(void)refuse_for_errno(store_path, error);
	}
	if (descriptor >= 0 && !beside_give(descriptor, store_path)) {
		(void)refuse_for_errno(store_path, error);
		close(descriptor);
		return -1;
	}
	return descriptor;
}

/* NULL when memory is gone. */
static struct mapping *make_mapping(const char *store_path, const struct stat *status,
				    struct lockfile *file)
{
	struct mapping *mapping = calloc(1, sizeof(*mapping));
	char *path = strdup(store_path);
	if (!mapping || !path) {
		free(mapping);
		free(path);
		return NULL;
	}
	*mapping = (struct mapping){ .store_path = path,
				     .device = status->st_dev,
				     .inode = status->st_ino,
				     .file = file,
				     .next = mappings };
	mappings = mapping;
	return mapping;
}

/* Maps what DESCRIPTOR has open, for as long as this process is there. */
static struct mapping *use(int descriptor, const struct stat *status, const char *store_path,
			   char *error)
{
	struct lockfile *file = map(descriptor);
	struct mapping *mapping = NULL;
	if (!file) {
		(void)refuse_for_errno(store_path, error);
		return NULL;
	}
	if (join(descriptor, file, store_path, error)) {
		mapping = make_mapping(store_path, status, file);
		if (!mapping) {
			(void)refuse_for_errno(store_path, error);
		}
	}
	if (!mapping) {
		munmap(file, sizeof(*file));
	}
	return mapping;
}

/* A mapping that is known, by another name of the store, or a new one. */
static struct mapping *find_or_use(int descriptor, const char *store_path, char *error)
{
	struct stat status;
	if (fstat(descriptor, &status) < 0) {
		(void)refuse_for_errno(store_path, error);
		return NULL;
	}
	struct mapping *known = find_by_inode(&status);
	return known ? known : use(descriptor, &status, store_path, error);
}

/* The mapping keeps the file open that is closed here, and its flock. */
static struct mapping *open_mapping(const char *store_path, char *error)
{
	struct mapping *known = find_by_path(store_path);
	if (known && is_other(known)) {
		store_refuse(error, "%s-lock is another file now: stop all that use the store",
			     store_path);
		return NULL;
	}
	if (known) {
		return known;
	}
	int descriptor = open_file(store_path, error);
	if (descriptor < 0) {
		return NULL;
	}
	struct mapping *mapping = find_or_use(descriptor, store_path, error);
	close(descriptor);
	return mapping;
}

struct mutex *lockfile_open(const char *store_path, char *error)
{
	pthread_mutex_lock(&mappings_lock);
	const struct mapping *mapping = open_mapping(store_path, error);
	pthread_mutex_unlock(&mappings_lock);
	return mapping ? &mapping->file->mutex : NULL;
}

/*
 * Once, since the descriptor stays open for good: closing it would take SQLite's locks away. Forked
 * children close it; a mapping goes on to them, and keeps the mark.
 */
static bool mark(struct mapping *mapping)
{
	int descriptor = open(mapping->store_path, O_RDONLY | O_CLOEXEC);
	mapping->marked = descriptor >= 0 && in_use_mark(descriptor) &&
			  mmap(NULL, 1, PROT_NONE, MAP_SHARED, descriptor, 0) != MAP_FAILED;
	return mapping->marked;
}

bool lockfile_mark_store(const char *store_path)
{
	pthread_mutex_lock(&mappings_lock);
	struct mapping *mapping = find_by_path(store_path);
	bool marked = !mapping || mapping->marked || mark(mapping);
	pthread_mutex_unlock(&mappings_lock);
	return marked;
}

/* Servers */

static off_t byte_of(uint32_t server)
{
	return FIRST_SERVER_BYTE + (off_t)server;
}

static int serving = -1;

int lockfile_serving(void)
{
	return serving;
}

void lockfile_go_on_serving(int descriptor)
{
	serving = descriptor;
}

/* The descriptor stays open for good: the locks go with it. */
bool lockfile_serve(const char *store_path, uint32_t server)
{
	int descriptor = open_by_name(store_path);
	if (descriptor < 0) {
		return false;
	}
	serving = descriptor;
	bool alone = lock_byte(descriptor, ANY_SERVER_BYTE, F_WRLCK);
	return lock_byte(descriptor, byte_of(server), F_WRLCK) &&
	       lock_byte(descriptor, ANY_SERVER_BYTE, F_RDLCK) && alone;
}

/* Opened once in each process, since what it inherits may be closed. -1 where it has no name. */
static int descriptor_of(struct mapping *mapping)
{
	if (mapping->opened_by != getpid()) {
		mapping->opened_by = getpid();
		mapping->descriptor = is_other(mapping) ? -1 : open_by_name(mapping->store_path);
	}
	return mapping->descriptor;
}

/* A byte from FIRST to LAST that somebody has locked, to BYTE; 0 if there is none, -1: unknown. */
static int find_locked(const struct mutex *mutex, off_t first, off_t last, off_t *byte)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = first, .l_len = last - first + 1
	};
	pthread_mutex_lock(&mappings_lock);
	struct mapping *mapping = find_by_mutex(mutex);
	int descriptor = mapping ? descriptor_of(mapping) : -1;
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
