/* The parts of a race that need neither a process nor a store. */
#include "client/race/heat.h"

#include "shared/base/siphash.h"

const char *race_strategy_name(enum race_strategy strategy)
{
	static const char *const names[RACE_STRATEGIES] = { "none", "lock", "join", "semaphore",
							    "atomic" };

	return names[strategy];
}

_Static_assert(RACE_AT_ONCE == 3, "a motto says 3");

const char *race_strategy_motto(enum race_strategy strategy)
{
	static const char *const mottos[RACE_STRATEGIES] = {
		[RACE_NONE] = "nothing around the purchase",
		[RACE_LOCK] = "one lock around the purchase",
		[RACE_JOIN] = "start one, join it, start the next",
		[RACE_SEMAPHORE] = "at most 3 purchases at once",
		[RACE_ATOMIC] = "check and sale are one transaction",
	};

	return mottos[strategy];
}

int64_t race_think_ns(const struct race_plan *plan, unsigned buyer, unsigned turn)
{
	const struct siphash_key key = { { plan->seed, 0 } };
	const uint32_t which[2] = { buyer, turn };
	uint64_t range = (uint64_t)(plan->think_most_ns - plan->think_least_ns) + 1;

	return plan->think_least_ns + (int64_t)(siphash(&key, which, sizeof(which)) % range);
}

struct race_stretch race_stretch(const struct race_heat *heat, unsigned buyer,
				 enum race_phase phase)
{
	static const enum race_moment ends[RACE_PHASES] = { RACE_STARTED, RACE_DECIDED,
							    RACE_ENTERED, RACE_LEFT };
	const int64_t *at_ns = heat->buyers[buyer].at_ns;
	int64_t from_ns = phase == RACE_HELD_BACK ? heat->start_ns : at_ns[ends[phase - 1]];

	return (struct race_stretch){ from_ns - heat->start_ns,
				      at_ns[ends[phase]] - heat->start_ns };
}

int64_t race_longest_ns(const struct race *race)
{
	int64_t longest_ns = 1;

	for (size_t i = 0; i < race->count; i++) {
		int64_t wall_ns = race->heats[i].end_ns - race->heats[i].start_ns;
		longest_ns = wall_ns > longest_ns ? wall_ns : longest_ns;
	}
	return longest_ns;
}
