#include "shared/base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/log.h"
#include "shared/base/memory.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, length)   ((void)(start), (void)(length))
#define ASAN_UNPOISON_MEMORY_REGION(start, length) ((void)(start), (void)(length))
#endif

/*
 * What nobody has is watched by the sanitizer up to here: its own notes of an arena of many
 * gigabytes would take an eighth of them.
 */
#define WATCHED_MOST (UINT64_C(256) * 1024 * 1024)

#define LEAST_SHIFT 6  /* of ARENA_CHUNK_LEAST */
#define MOST_SHIFT  30 /* of ARENA_CHUNK_MOST */
#define CLASSES     (MOST_SHIFT - LEAST_SHIFT + 1)

/* The free chunks of one size, a stack: those that lay there longest are at its bottom. */
struct stack {
	void **chunks;
	size_t count;
	size_t room;
	size_t idle;  /* so many at the bottom were not taken since the last tick */
	size_t clean; /* so many at the bottom have no pages */
};

struct range {
	unsigned char *start;
	unsigned char *end;
};

struct arena {
	struct range whole;
	struct stack stacks[CLASSES];
	struct range *ranges; /* never taken; before the first arena_take: the chunks kept */
	size_t range_count;
	size_t range_room;
	size_t page; /* bytes */
	bool settled;
};

static unsigned class_of(size_t size)
{
	unsigned shift = LEAST_SHIFT;

	while ((size_t)1 << shift < size) {
		shift++;
	}
	if (shift > MOST_SHIFT) {
		bug("a chunk of %zu bytes", size);
	}
	return shift - LEAST_SHIFT;
}

static size_t size_of(unsigned class)
{
	return (size_t)ARENA_CHUNK_LEAST << class;
}

/* Makes an array one entry longer. */
static void *grow(void *array, size_t *room, size_t count, size_t entry)
{
	if (count < *room) {
		return array;
	}
	*room = *room ? *room * 2 : 16;
	array = realloc(array, *room * entry);
	if (!array) {
		die("out of memory");
	}
	return array;
}

static void add_range(struct arena *arena, unsigned char *start, unsigned char *end)
{
	arena->ranges =
		grow(arena->ranges, &arena->range_room, arena->range_count, sizeof(*arena->ranges));
	arena->ranges[arena->range_count++] = (struct range){ start, end };
}

struct arena *arena_create(void *start, size_t length)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (!arena) {
		die("out of memory");
	}
	arena->page = (size_t)sysconf(_SC_PAGESIZE);
	arena->whole = (struct range){ start, (unsigned char *)start + length };
	return arena;
}

void arena_keep(struct arena *arena, const void *chunk, size_t size)
{
	unsigned char *start =
		arena->whole.start + ((const unsigned char *)chunk - arena->whole.start);

	if (start < arena->whole.start || start + size > arena->whole.end || arena->settled) {
		bug("a chunk that is not the arena's");
	}
	add_range(arena, start, start + size_of(class_of(size)));
}

static int by_start(const void *a, const void *b)
{
	const struct range *first = a;
	const struct range *second = b;

	return (first->start > second->start) - (first->start < second->start);
}

/* Slabs between START and END are free; what else is there is too small to be of use. */
static void add_gap(struct arena *arena, unsigned char *start, unsigned char *end)
{
	size_t skip = -(uintptr_t)start & (ARENA_SLAB - 1);

	if (start < end && (size_t)(end - start) >= skip + ARENA_SLAB) {
		add_range(arena, start + skip, end);
		memory_discard(start + skip, (size_t)(end - start) - skip);
	}
}

/* The part of the arena that the sanitizer watches where nobody has it. */
static size_t watched(const struct arena *arena)
{
	const size_t length = (size_t)(arena->whole.end - arena->whole.start);

	return length < WATCHED_MOST ? length : WATCHED_MOST;
}

/* All that lies between the chunks kept is free. */
static void settle(struct arena *arena)
{
	struct range *kept = arena->ranges;
	size_t count = arena->range_count;
	unsigned char *start = arena->whole.start;

	arena->settled = true;
	arena->ranges = NULL;
	arena->range_count = arena->range_room = 0;
	ASAN_POISON_MEMORY_REGION(start, watched(arena));
	if (count > 0) {
		qsort(kept, count, sizeof(*kept), by_start);
	}
	for (size_t i = 0; i < count; i++) {
		ASAN_UNPOISON_MEMORY_REGION(kept[i].start, (size_t)(kept[i].end - kept[i].start));
		add_gap(arena, start, kept[i].start);
		start = kept[i].end > start ? kept[i].end : start;
	}
	if (count > 0) {
		add_gap(arena, start, arena->whole.end);
	} else {
		add_range(arena, start, arena->whole.end);
	}
	free(kept);
}

void arena_destroy(struct arena *arena)
{
	ASAN_UNPOISON_MEMORY_REGION(arena->whole.start, watched(arena));
	for (unsigned class = 0; class < CLASSES; class ++) {
		free(arena->stacks[class].chunks);
	}
	free(arena->ranges);
	free(arena);
}

/* LENGTH bytes that were never taken: whole slabs, so that a chunk of a page begins with one. */
static unsigned char *cut(struct arena *arena, size_t length)
{
	length = (length + ARENA_SLAB - 1) & ~(ARENA_SLAB - 1);
	for (size_t i = arena->range_count; i-- > 0;) {
		struct range *range = &arena->ranges[i];

		if ((size_t)(range->end - range->start) >= length) {
			unsigned char *start = range->start;

			range->start += length;
			return start;
		}
	}
	die("out of memory: all %zu bytes for what connections are sent are taken",
	    (size_t)(arena->whole.end - arena->whole.start));
}

static void push(struct stack *stack, void *chunk)
{
	stack->chunks = grow(stack->chunks, &stack->room, stack->count, sizeof(*stack->chunks));
	stack->chunks[stack->count++] = chunk;
}

static void fill(struct arena *arena, unsigned class)
{
	size_t size = size_of(class);
	unsigned char *start = cut(arena, size);
	size_t at = 0;

	do {
		push(&arena->stacks[class], start + at);
		at += size;
	} while (at < ARENA_SLAB);
}

void *arena_take(struct arena *arena, size_t size)
{
	unsigned class = class_of(size);
	struct stack *stack = &arena->stacks[class];

	if (!arena->settled) {
		settle(arena);
	}
	if (stack->count == 0) {
		fill(arena, class);
	}
	void *chunk = stack->chunks[--stack->count];

	stack->idle = stack->idle < stack->count ? stack->idle : stack->count;
	stack->clean = stack->clean < stack->count ? stack->clean : stack->count;
	ASAN_UNPOISON_MEMORY_REGION(chunk, size);
	return chunk;
}

void arena_give(struct arena *arena, void *chunk, size_t size)
{
	if (chunk) {
		unsigned class = class_of(size);

		ASAN_POISON_MEMORY_REGION(chunk, size_of(class));
		push(&arena->stacks[class], chunk);
	}
}

void arena_tick(struct arena *arena)
{
	for (unsigned class = class_of(arena->page); class < CLASSES; class ++) {
		struct stack *stack = &arena->stacks[class];

		for (; stack->clean < stack->idle; stack->clean++) {
			memory_discard(stack->chunks[stack->clean], size_of(class));
		}
		stack->idle = stack->count;
	}
}
