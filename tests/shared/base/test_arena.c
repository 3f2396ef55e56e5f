#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/arena.h"
#include "shared/base/memory.h"

#define LENGTH (16UL * 1024 * 1024)
#define CHUNKS 2000

static struct memory memory;
static struct arena *arena;

static void begin(void)
{
	memory_init(&memory, "arena", LENGTH);
	arena = arena_create(memory.start, LENGTH);
}

static void end(void)
{
	arena_destroy(arena);
	memory_finish(&memory);
}

TestSuite(arena, .init = begin, .fini = end);

struct chunk {
	unsigned char *bytes;
	size_t size;
	unsigned char mark;
};

static struct chunk chunks[CHUNKS];

static void take(struct chunk *chunk, unsigned number)
{
	chunk->size = (size_t)rand() % (number % 50 == 0 ? 100000 : 1500) + 1;
	chunk->bytes = arena_take(arena, chunk->size);
	chunk->mark = (unsigned char)number;
	memset(chunk->bytes, chunk->mark, chunk->size);
}

static void check(const struct chunk *chunk)
{
	for (size_t i = 0; i < chunk->size; i++) {
		cr_assert_eq(chunk->bytes[i], chunk->mark, "a chunk's bytes are another's");
	}
}

Test(arena, chunks_do_not_overlap_however_they_are_taken_and_given_back)
{
	srand(1);
	for (unsigned i = 0; i < 10 * CHUNKS; i++) {
		struct chunk *chunk = &chunks[rand() % CHUNKS];

		if (chunk->bytes) {
			check(chunk);
			arena_give(arena, chunk->bytes, chunk->size);
			chunk->bytes = NULL;
		} else {
			take(chunk, i);
		}
		if (i % 1000 == 0) {
			arena_tick(arena);
		}
	}
}

Test(arena, what_is_given_back_is_taken_again)
{
	void *first = arena_take(arena, 100);

	for (size_t i = 0; i < LENGTH; i++) {
		arena_give(arena, arena_take(arena, 100000), 100000);
	}
	arena_give(arena, first, 100);
	cr_assert_eq(arena_take(arena, 100), first);
}

Test(arena, a_successor_finds_what_it_keeps_and_takes_all_else)
{
	srand(2);
	for (unsigned i = 0; i < CHUNKS; i++) {
		take(&chunks[i], i);
	}
	for (unsigned generation = 0; generation < 20; generation++) {
		arena_destroy(arena);
		arena = arena_create(memory.start, LENGTH);
		for (unsigned i = 0; i < CHUNKS; i++) {
			if (chunks[i].bytes && rand() % 2) {
				arena_keep(arena, chunks[i].bytes, chunks[i].size);
			} else {
				chunks[i].bytes = NULL;
			}
		}
		for (unsigned i = 0; i < CHUNKS; i++) {
			if (!chunks[i].bytes) {
				take(&chunks[i], i);
			}
		}
		for (unsigned i = 0; i < CHUNKS; i++) {
			check(&chunks[i]);
		}
	}
}

Test(arena, pages_of_large_chunks_go_back_after_a_while)
{
	unsigned char *chunk = arena_take(arena, 100000);

	memset(chunk, 1, 100000);
	arena_give(arena, chunk, 100000);
	arena_tick(arena);
	arena_tick(arena);
	cr_assert_eq(arena_take(arena, 100000), chunk);
	cr_assert_eq(chunk[5000], 0, "the page is still there");
}
