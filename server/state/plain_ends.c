#include "server/state/plain_ends.h"

size_t plain_ends_size(uint32_t places)
{
	return sizeof(struct plain_ends) + places * sizeof(struct plain_end) + CACHE_LINE;
}

struct plain_ends *plain_ends_create(struct memory *memory, uint32_t places)
{
	struct plain_ends *ends =
		memory_take(memory, sizeof(*ends) + places * sizeof(struct plain_end), CACHE_LINE);

	ends->places = places;
	return ends;
}

void plain_ends_forget(struct plain_ends *ends)
{
	for (uint32_t i = 0; i < ends->places; i++) {
		atomic_store(&ends->ends[i].number, 0);
	}
}

/* Its place can be told from a number. */
static uint64_t use(struct plain_ends *ends, uint32_t place)
{
	struct plain_end *end = &ends->ends[place];
	uint64_t number = ++end->uses * ends->places + place;

	atomic_store(&end->count.version, 0);
	atomic_store(&end->count.given, 0);
	atomic_store(&end->count.taken, 0);
	atomic_store(&end->number, number);
	return number;
}

uint64_t plain_ends_take(struct plain_ends *ends)
{
	for (uint32_t i = 0; i < ends->places; i++) {
		uint32_t place = ends->next++ % ends->places;

		if (ends->ends[place].number == 0) {
			return use(ends, place);
		}
	}
	return 0;
}

static struct plain_end *place_of(struct plain_ends *ends, uint64_t number)
{
	return &ends->ends[number % ends->places];
}

struct relay_count *plain_ends_count(struct plain_ends *ends, uint64_t number)
{
	return number == 0 ? NULL : &place_of(ends, number)->count;
}

void plain_ends_give(struct plain_ends *ends, uint64_t number)
{
	if (number != 0) {
		atomic_store(&place_of(ends, number)->number, 0);
	}
}

const struct plain_end *plain_ends_find(const struct plain_ends *ends, uint64_t number)
{
	const struct plain_end *end = &ends->ends[number % ends->places];

	return number != 0 && atomic_load(&end->number) == number ? end : NULL;
}

bool plain_end_is_still(const struct plain_end *end, uint32_t *version)
{
	*version = atomic_load(&end->count.version);
	return *version % 2 == 0;
}

bool plain_end_was_still(const struct plain_end *end, uint64_t number, uint32_t version)
{
	return atomic_load(&end->count.version) == version && atomic_load(&end->number) == number;
}
