#include "server/bus/order.h"

#include <string.h>

static bool is_of(const struct bus_source *source, const struct wire_head *head)
{
	return source->epoch == head->epoch && source->worker == head->worker &&
	       strcmp(source->node, head->node) == 0;
}

/* Places are taken in their order, so behind a free one there is nobody. */
static size_t place_of(const struct bus *bus, const struct wire_head *head)
{
	size_t i = 0;

	while (i < BUS_SOURCES && bus->sources[i].node[0] != '\0' &&
	       !is_of(&bus->sources[i], head)) {
		i++;
	}
	return i;
}

static bool is_known(const struct bus *bus, size_t place)
{
	return place < BUS_SOURCES && bus->sources[place].node[0] != '\0';
}

enum order_verdict order_judge(const struct bus *bus, const struct wire_head *head)
{
	const size_t place = place_of(bus, head);

	if (!is_known(bus, place)) {
		return ORDER_COUNTS;
	}
	const struct bus_source *source = &bus->sources[place];

	if (head->number <= source->last) {
		return ORDER_REPEATED;
	}
	return head->number == source->last + 1 || source->holes != bus->holes ? ORDER_COUNTS
									       : ORDER_EARLY;
}

/* The one that was silent for the longest gives way. */
static size_t oldest_place(const struct bus *bus)
{
	size_t oldest = 0;

	for (size_t i = 1; i < BUS_SOURCES; i++) {
		if (bus->sources[i].heard < bus->sources[oldest].heard) {
			oldest = i;
		}
	}
	return oldest;
}

/* Without an epoch it is nobody's, until all of it is there. */
static void begin(struct bus_source *source, const struct wire_head *head)
{
	source->epoch = 0;
	atomic_signal_fence(memory_order_seq_cst);
	memcpy(source->node, head->node, sizeof(source->node));
	source->worker = head->worker;
	atomic_store(&source->last, head->number);
	source->epoch = head->epoch;
}

void order_note(struct bus *bus, const struct wire_head *head, uint64_t sequence)
{
	size_t place = place_of(bus, head);

	if (place == BUS_SOURCES) {
		place = oldest_place(bus);
	}
	struct bus_source *source = &bus->sources[place];

	source->holes = bus->holes;
	source->heard = sequence;
	if (is_of(source, head)) {
		atomic_store(&source->last, head->number);
	} else {
		begin(source, head);
	}
}
