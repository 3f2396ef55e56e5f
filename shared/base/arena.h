/*
 * arena: memory that one process takes and gives back, laid where its successor finds it.
 *
 * The bytes lie in memory that processes share (memory.h); the bookkeeping is the owner's own. So a
 * process that is killed leaves nothing half done: its successor makes an arena over the same
 * bytes, names the chunks that it found in use (arena_keep), and all else is free. It knows nothing
 * of what lies in the chunks.
 *
 * Chunks are powers of two; who gives one back says its size. Pages of large chunks that nobody
 * took for a while go back to the system (arena_tick).
 */
#ifndef SHARED_BASE_ARENA_H
#define SHARED_BASE_ARENA_H

#include <stddef.h>

#define ARENA_CHUNK_LEAST 64            /* bytes */
#define ARENA_CHUNK_MOST  (1UL << 30)   /* likewise */
#define ARENA_SLAB        (64UL * 1024) /* bytes: smaller chunks are cut from such a piece */

struct arena;

/*
 * Over LENGTH bytes at START, aligned to a page; nothing of it is in use but the chunks that are
 * named by arena_keep before the first arena_take. Dies when private memory is gone.
 */
struct arena *arena_create(void *start, size_t length);
void arena_keep(struct arena *arena, const void *chunk, size_t size);

/* Frees the bookkeeping; the bytes stay as they are. */
void arena_destroy(struct arena *arena);

/* A chunk for SIZE bytes, aligned to ARENA_CHUNK_LEAST, not zeroed. Dies when there is none. */
void *arena_take(struct arena *arena, size_t size);

/* CHUNK was taken for that SIZE, or kept; NULL is fine. */
void arena_give(struct arena *arena, void *chunk, size_t size);

/* Once a second or so: pages of what was free since the last time go back to the system. */
void arena_tick(struct arena *arena);

#endif
