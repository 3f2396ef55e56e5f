#include "client/race/timeline.h"

#include <stdio.h>

#include "shared/base/clock.h"

int64_t timeline_step_ns(int64_t longest_ns, unsigned most)
{
	static const int64_t factors[] = { 1, 2, 5 };

	for (int64_t power_ns = NS_PER_US; power_ns < NS_PER_SECOND * 10000; power_ns *= 10) {
		for (int i = 0; i < 3; i++) {
			if (longest_ns / (power_ns * factors[i]) < most) {
				return power_ns * factors[i];
			}
		}
	}
	return longest_ns;
}

void timeline_verdict(const struct race_heat *heat, char *text)
{
	const struct race_verdict *verdict = &heat->verdict;

	if (verdict->oversold > 0) {
		snprintf(text, TIMELINE_TEXT_SIZE, "%lld sold of %lld: %lld too many",
			 (long long)verdict->sold, (long long)heat->tickets,
			 (long long)verdict->oversold);
	} else if (verdict->lost > 0) {
		snprintf(text, TIMELINE_TEXT_SIZE, "%lld sold of %lld, %lld not counted",
			 (long long)verdict->sold, (long long)heat->tickets,
			 (long long)verdict->lost);
	} else {
		snprintf(text, TIMELINE_TEXT_SIZE, "%lld sold of %lld, each once",
			 (long long)verdict->sold, (long long)heat->tickets);
	}
}

void timeline_outcome(const struct race_buyer *buyer, const char *arrow, char *text)
{
	if (buyer->outcome == RACE_BOUGHT) {
		snprintf(text, TIMELINE_TEXT_SIZE, "%lld %s %lld", (long long)buyer->left + 1,
			 arrow, (long long)buyer->left);
	} else if (buyer->outcome == RACE_SOLD_OUT) {
		snprintf(text, TIMELINE_TEXT_SIZE, "sold out");
	} else {
		snprintf(text, TIMELINE_TEXT_SIZE, "%s",
			 buyer->outcome == RACE_KILLED ? "killed" : "not finished");
	}
}
