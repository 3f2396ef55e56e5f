/*
 * A schedule of the race: what was read is what its steps say; what a lock, joining or a
 * transaction lets through never sells a ticket twice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/race/schedule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TICKETS 2

static bool is_said(const char *problem)
{
	return problem[0] != '\0' && memchr(problem, '\0', SCHEDULE_PROBLEM_SIZE);
}

/* Written anew, it reads the same. */
static void check_steps(const struct race_schedule *schedule)
{
	char text[SCHEDULE_STEPS_MAX * 4 + 1] = "", problem[SCHEDULE_PROBLEM_SIZE];
	struct race_schedule again;
	size_t length = 0;

	for (size_t i = 0; i < schedule->count; i++) {
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%u%c ",
					   schedule->steps[i].buyer + 1, schedule->steps[i].letter);
	}
	if (!schedule_read(&again, text, problem) || again.count != schedule->count ||
	    schedule_buyers(&again) != schedule_buyers(schedule)) {
		abort();
	}
}

static void check_follow(const struct race_schedule *schedule, enum race_strategy strategy)
{
	struct model model = model_start(strategy, schedule_buyers(schedule), TICKETS);
	char problem[SCHEDULE_PROBLEM_SIZE];

	if (!schedule_follow(schedule, &model, problem) && !is_said(problem)) {
		abort();
	}
	bool guarded = strategy != RACE_NONE && strategy != RACE_SEMAPHORE;

	if (model.left < 0 || model.left > TICKETS || (guarded && model_oversold(&model))) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct race_schedule schedule;
	char problem[SCHEDULE_PROBLEM_SIZE] = "";
	char *text = strndup((const char *)data, size);

	if (!schedule_read(&schedule, text, problem)) {
		if (!is_said(problem)) {
			abort();
		}
	} else {
		check_steps(&schedule);
		for (enum race_strategy strategy = 0; strategy < RACE_STRATEGIES; strategy++) {
			check_follow(&schedule, strategy);
		}
	}
	free(text);
	return 0;
}
