/*
 * memory: memory that a process shares with the children it will fork.
 *
 * An anonymous file (memfd_create(2)) mapped shared and sealed against growing and shrinking, so
 * that no holder of its descriptor can take pages away under the others (SIGBUS). Pages that nobody
 * touched cost nothing. It lies at the same address in all of the family, so pointers into it stay
 * good across fork. It is given back when the last process that maps it ends.
 */
#ifndef SHARED_BASE_MEMORY_H
#define SHARED_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes between fields that different processes write, so that they do not share a cache line. */
#define CACHE_LINE 64

struct memory {
	void *start;
	size_t length;
	size_t used; /* by memory_take */
};

/* Maps LENGTH zeroed bytes under NAME (seen in /proc/PID/maps). Dies when it cannot. */
void memory_init(struct memory *memory, const char *name, size_t length);

/*
 * The same, and the descriptor with which a process that is no child can map it, too: the caller's,
 * close-on-exec.
 */
int memory_open(struct memory *memory, const char *name, size_t length);

/* Maps the first LENGTH bytes of what FILE, still the caller's, is: false when that cannot be. */
bool memory_join(struct memory *memory, int file, size_t length);

/*
 * Takes the next LENGTH bytes, aligned to ALIGNMENT (a power of two). A bug when they are not
 * there: sizes are summed before memory_init.
 */
void *memory_take(struct memory *memory, size_t length, size_t alignment);

/*
 * Gives the whole pages within [START, START + LENGTH) back to the system; they read as zeroes
 * when they are next touched. Only for what nobody uses.
 */
void memory_discard(void *start, size_t length);

/* Unmaps. Never while another process may still hold a mutex in it that we could have held. */
void memory_finish(struct memory *memory);

#endif
