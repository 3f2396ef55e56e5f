/*
 * A disk that is slow, full or failing, in front of the C library's: loaded into turnstiled
 * (LD_PRELOAD) by tests/prove/server.py, which says through a file mapped by both (TURNSTILE_DISK)
 * what is the matter. What the store writes with is here, and no more: logs and sockets go through
 * other calls.
 *
 * Everything is done or fails as a whole, but for a sync: a failing one has done nothing, while
 * what was written stays to be read, as it does in a page cache.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define PER_MILLE      1000
#define NS_PER_US      1000
#define US_PER_SECOND  1000000
#define GOLDEN_RATIO64 UINT64_C(0x9e3779b97f4a7c15)

/* Written by server.py, read here; only `calls` is ours, all processes'. */
struct disk {
	_Atomic uint32_t full;        /* of a thousand writes, how many find no room */
	_Atomic uint32_t write_fails; /* of a thousand writes, how many fail with EIO */
	_Atomic uint32_t sync_fails;  /* of a thousand syncs, likewise */
	_Atomic uint32_t sync_us;     /* microseconds that a sync takes at most */
	_Atomic uint64_t seed;
	_Atomic uint64_t calls;
};

static struct disk well;
static struct disk *disk = &well;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("TURNSTILE_DISK");
	int descriptor = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (descriptor < 0) {
		return;
	}
	void *memory = mmap(NULL, sizeof(*disk), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
	if (memory != MAP_FAILED) {
		disk = memory;
	}
	close(descriptor);
}

/* By lot, from the seed and the number of the call (splitmix64). */
static uint64_t lot(void)
{
	uint64_t z = disk->seed + GOLDEN_RATIO64 * atomic_fetch_add(&disk->calls, 1);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static int fails_with(int problem)
{
	errno = problem;
	return -1;
}

static int may_write(void)
{
	uint64_t drawn = lot() % PER_MILLE;
	if (drawn < disk->full) {
		return fails_with(ENOSPC);
	}
	return drawn < disk->write_fails ? fails_with(EIO) : 0;
}

static int may_sync(void)
{
	uint64_t drawn = lot();
	if (disk->sync_us > 0) {
		long us = (long)(drawn / PER_MILLE % disk->sync_us) % US_PER_SECOND;
		struct timespec pause = { .tv_nsec = us * NS_PER_US };
		nanosleep(&pause, NULL);
	}
	return drawn % PER_MILLE < disk->sync_fails ? fails_with(EIO) : 0;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off64_t offset)
{
	return may_write() < 0 ? -1 : syscall(SYS_pwrite64, descriptor, bytes, length, offset);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t length, off_t offset)
{
	return pwrite64(descriptor, bytes, length, offset);
}

int ftruncate64(int descriptor, off64_t length)
{
	return may_write() < 0 ? -1 : (int)syscall(SYS_ftruncate, descriptor, length);
}

int ftruncate(int descriptor, off_t length)
{
	return ftruncate64(descriptor, length);
}

int posix_fallocate(int descriptor, off_t offset, off_t length)
{
	return may_write() < 0 || syscall(SYS_fallocate, descriptor, 0, offset, length) < 0 ? errno
											    : 0;
}

int rename(const char *from, const char *to)
{
	return may_write() < 0 ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int fdatasync(int descriptor)
{
	return may_sync() < 0 ? -1 : (int)syscall(SYS_fdatasync, descriptor);
}

int fsync(int descriptor)
{
	return may_sync() < 0 ? -1 : (int)syscall(SYS_fsync, descriptor);
}
