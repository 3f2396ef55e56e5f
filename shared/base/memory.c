#include "shared/base/memory.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/base/log.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

bool memory_join(struct memory *memory, int file, size_t length)
{
	void *start = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	*memory = (struct memory){ .start = start == MAP_FAILED ? NULL : start, .length = length };
	return memory->start;
}

int memory_open(struct memory *memory, const char *name, size_t length)
{
	int file = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (file < 0) {
		die("shared memory for %s: %m", name);
	}
	if (ftruncate(file, (off_t)length) != 0 || fcntl(file, F_ADD_SEALS, SEALS) != 0 ||
	    !memory_join(memory, file, length)) {
		die("%zu bytes of shared memory for %s: %m", length, name);
	}
	return file;
}

void memory_init(struct memory *memory, const char *name, size_t length)
{
	close(memory_open(memory, name, length));
}

void *memory_take(struct memory *memory, size_t length, size_t alignment)
{
	size_t from = (memory->used + alignment - 1) & ~(alignment - 1);

	if (from > memory->length || length > memory->length - from) {
		bug("%zu bytes of shared memory asked for, %zu of %zu used", length, memory->used,
		    memory->length);
	}
	memory->used = from + length;
	return (unsigned char *)memory->start + from;
}

void memory_discard(void *start, size_t length)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t skip = -(uintptr_t)start & (page - 1); /* up to the first page that begins here */

	if (length < skip + page) {
		return;
	}
	unsigned char *first = (unsigned char *)start + skip;
	size_t whole = (length - skip) & ~(page - 1);
	/* Locked pages cannot be given back, but are to read as zeroes nevertheless. */
	if (madvise(first, whole, MADV_REMOVE) != 0) {
		memset(first, 0, whole);
	}
}

void memory_finish(struct memory *memory)
{
	if (memory->start) {
		munmap(memory->start, memory->length);
	}
	*memory = (struct memory){ .start = NULL };
}
