#include "client/race/verdict.h"

#include <stdlib.h>

static bool served(const struct race_buyer *buyer)
{
	return buyer->outcome == RACE_BOUGHT || buyer->outcome == RACE_SOLD_OUT;
}

/* Who comes to stand before the other by the moment MOMENT; ties by number, as it started. */
static int compare(const struct race_buyer *one, const struct race_buyer *other,
		   enum race_moment moment)
{
	if (one->at_ns[moment] != other->at_ns[moment]) {
		return one->at_ns[moment] < other->at_ns[moment] ? -1 : 1;
	}
	return one < other ? -1 : 1;
}

/* Writes the buyers whom KEEP keeps to LIST in the order of MOMENT; returns how many. */
static unsigned list_by(const struct race_heat *heat, enum race_moment moment,
			bool (*keep)(const struct race_buyer *buyer), unsigned *list)
{
	unsigned count = 0;

	for (unsigned i = 0; i < heat->count; i++) {
		if (!keep(&heat->buyers[i])) {
			continue;
		}
		unsigned at = count++;
		for (; at > 0; at--) {
			if (compare(&heat->buyers[list[at - 1]], &heat->buyers[i], moment) < 0) {
				break;
			}
			list[at] = list[at - 1];
		}
		list[at] = i;
	}
	return count;
}

static bool bought(const struct race_buyer *buyer)
{
	return buyer->outcome == RACE_BOUGHT;
}

/* Tickets are written one after the other: those beyond the total were sold too many. */
static void mark_oversold(struct race_heat *heat)
{
	unsigned list[RACE_BUYERS_MAX];
	unsigned count = list_by(heat, RACE_WROTE, bought, list);

	for (unsigned i = 0; i < count; i++) {
		heat->buyers[list[i]].oversold = i >= heat->tickets;
	}
}

static unsigned count_overtakes(const struct race_heat *heat)
{
	const struct race_verdict *verdict = &heat->verdict;
	unsigned overtakes = 0;

	for (unsigned later = 1; later < verdict->served; later++) {
		for (unsigned earlier = 0; earlier < later; earlier++) {
			overtakes += heat->buyers[verdict->order[earlier]].at_ns[RACE_DECIDED] >
				     heat->buyers[verdict->order[later]].at_ns[RACE_DECIDED];
		}
	}
	return overtakes;
}

static int64_t length_ns(const struct race_heat *heat, unsigned buyer, enum race_phase phase)
{
	struct race_stretch stretch = race_stretch(heat, buyer, phase);

	return stretch.to_ns - stretch.from_ns;
}

static void add_up(struct race_heat *heat)
{
	struct race_verdict *verdict = &heat->verdict;

	verdict->critical_ns = 0;
	verdict->longest_wait_ns = 0;
	for (unsigned i = 0; i < verdict->served; i++) {
		unsigned buyer = verdict->order[i];
		int64_t wait_ns = length_ns(heat, buyer, RACE_WAIT);
		if (heat->strategy == RACE_JOIN) {
			wait_ns += length_ns(heat, buyer, RACE_HELD_BACK);
		}
		if (wait_ns > verdict->longest_wait_ns) {
			verdict->longest_wait_ns = wait_ns;
		}
		verdict->critical_ns += length_ns(heat, buyer, RACE_CRITICAL);
	}
}

/* A moment at which one more buyer is at work, or one fewer. */
struct change {
	int64_t at_ns;
	int by;
};

static int by_time(const void *one, const void *other)
{
	const struct change *a = one;
	const struct change *b = other;

	if (a->at_ns != b->at_ns) {
		return a->at_ns < b->at_ns ? -1 : 1;
	}
	return a->by - b->by;
}

static size_t list_changes(const struct race_heat *heat, struct change *changes)
{
	static const enum race_phase working[] = { RACE_SEARCH, RACE_CRITICAL };
	size_t count = 0;

	for (unsigned i = 0; i < heat->count; i++) {
		for (size_t j = 0; j < 2 && served(&heat->buyers[i]); j++) {
			struct race_stretch stretch = race_stretch(heat, i, working[j]);
			changes[count++] = (struct change){ stretch.from_ns, 1 };
			changes[count++] = (struct change){ stretch.to_ns, -1 };
		}
	}
	return count;
}

static double parallel_share(const struct race_heat *heat)
{
	struct change changes[4 * RACE_BUYERS_MAX];
	size_t count = list_changes(heat, changes);
	int64_t together_ns = 0;
	int at_work = 0;

	qsort(changes, count, sizeof(changes[0]), by_time);
	for (size_t i = 0; i + 1 < count; i++) {
		at_work += changes[i].by;
		if (at_work >= 2) {
			together_ns += changes[i + 1].at_ns - changes[i].at_ns;
		}
	}
	return heat->verdict.wall_ns > 0 ? (double)together_ns / (double)heat->verdict.wall_ns : 0;
}

void race_judge(struct race_heat *heat)
{
	struct race_verdict *verdict = &heat->verdict;

	verdict->oversold = verdict->sold > heat->tickets ? verdict->sold - heat->tickets : 0;
	verdict->lost = verdict->sold - verdict->counter;
	verdict->wall_ns = heat->end_ns - heat->start_ns;
	verdict->served = list_by(heat, RACE_ENTERED, served, verdict->order);
	verdict->overtakes = count_overtakes(heat);
	verdict->parallel = parallel_share(heat);
	add_up(heat);
	mark_oversold(heat);
}
