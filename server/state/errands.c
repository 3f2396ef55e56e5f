#include "server/state/errands.h"

size_t errands_size(void)
{
	return sizeof(struct errands) + CACHE_LINE;
}

struct errands *errands_create(struct memory *memory)
{
	return memory_take(memory, sizeof(struct errands), CACHE_LINE);
}

bool errand_move(struct errand_table *table, int place, enum errand_state from,
		 enum errand_state to)
{
	uint32_t expected = from;

	return atomic_compare_exchange_strong(&table->states[place], &expected, to);
}

int errand_take(struct errand_table *table)
{
	for (int i = 0; i < ERRANDS; i++) {
		if (table->states[i] == ERRAND_FREE &&
		    errand_move(table, i, ERRAND_FREE, ERRAND_WRITING)) {
			return i;
		}
	}
	return -1;
}
