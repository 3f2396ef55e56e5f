#include <criterion/criterion.h>
#include <string.h>

#include "client/race/run.h"
#include "client/race/schedule.h"
#include "client/race/scheduler.h"
#include "tests/support/folder.h"

#define TEXT_SIZE 64
#define URL_SIZE  (FOLDER_PATH_SIZE + 16)

static struct folder folder;

static void start(void)
{
	folder_init(&folder);
}

static void finish(void)
{
	folder_finish(&folder);
}

TestSuite(schedule, .init = start, .fini = finish, .timeout = 240);

/* What the model says of TEXT with two buyers and one ticket. */
static const char *refusal(enum race_strategy strategy, unsigned buyers, const char *text)
{
	static char problem[SCHEDULE_PROBLEM_SIZE];
	struct race_schedule schedule;
	struct model model = model_start(strategy, buyers, 1);

	problem[0] = '\0';
	cr_assert(schedule_read(&schedule, text, problem), "%s", problem);
	schedule_follow(&schedule, &model, problem);
	return problem;
}

Test(schedule, an_impossible_step_is_said_with_its_reason)
{
	cr_expect_str_eq(refusal(RACE_LOCK, 2, "1l 2l"), "step 2, 2l: buyer 1 holds the lock");
	cr_expect_str_eq(refusal(RACE_LOCK, 2, "1r"),
			 "step 1, 1r: buyer 1 must take the lock first");
	cr_expect_str_eq(refusal(RACE_LOCK, 2, "1l 1w"), "step 2, 1w: buyer 1 has not read yet");
	cr_expect_str_eq(refusal(RACE_LOCK, 2, "1u"), "step 1, 1u: buyer 1 is not in");
	cr_expect_str_eq(refusal(RACE_LOCK, 2, "1l 1x 1r"), "step 3, 1r: buyer 1 was killed");
	cr_expect_str_eq(refusal(RACE_NONE, 2, "1l"),
			 "step 1, 1l: buyer 1 has no lock to take or give back");
	cr_expect_str_eq(refusal(RACE_NONE, 2, "1r 1w 1w"), "step 3, 1w: buyer 1 is done");
	cr_expect_str_eq(refusal(RACE_JOIN, 2, "2r"), "step 1, 2r: buyer 1 is not joined yet");
	cr_expect_str_eq(refusal(RACE_ATOMIC, 2, "1r 2r"),
			 "step 2, 2r: buyer 1 is in its transaction");
	cr_expect_str_eq(refusal(RACE_SEMAPHORE, 4, "1l 2l 3l 4l"),
			 "step 4, 4l: 3 buyers are in, and that is the most");
}

Test(schedule, what_is_no_step_is_refused)
{
	struct race_schedule schedule;
	char problem[SCHEDULE_PROBLEM_SIZE];

	cr_expect_not(schedule_read(&schedule, "", problem));
	cr_expect_not(schedule_read(&schedule, "1r r", problem));
	cr_expect_not_null(strstr(problem, "step 2: must be a buyer"));
	cr_expect_not(schedule_read(&schedule, "0r", problem));
	cr_expect_not(schedule_read(&schedule, "1q", problem));
}

/* Runs it with real processes, and expects what the model says. */
static void run(enum race_strategy strategy, const char *url, const char *text)
{
	static const signal_flag never;
	static struct race_heat heat;
	char problem[STORE_ERROR_SIZE] = "";
	struct race_schedule schedule;

	cr_assert(schedule_read(&schedule, text, problem));
	struct race_plan plan = {
		.buyers = 2, .tickets = 1, .url = url, .quiet = true, .schedule = &schedule
	};
	cr_assert(race_heat_run(&heat, &plan, strategy, &never, problem), "%s: %s: %s",
		  race_strategy_name(strategy), text, problem);
	cr_expect(race_scheduler_compare(&plan, &heat, NULL), "%s, %s: %s: %lld sold", url,
		  race_strategy_name(strategy), text, (long long)heat.verdict.sold);
	race_heat_finish(&heat);
}

/* Every schedule that begins with TEXT. */
static void run_all(const struct model *model, const char *url, const char *text)
{
	char reason[MODEL_REASON_SIZE];

	if (model_all_ended(model)) {
		run(model->strategy, url, text);
	}
	for (unsigned buyer = 0; buyer < model->buyers; buyer++) {
		struct model next = *model;
		char longer[TEXT_SIZE];
		struct race_step step = { buyer, model_next(model, buyer) };
		if (step.letter != '\0' && model_take(&next, step, reason)) {
			snprintf(longer, sizeof(longer), "%s %u%c", text, buyer + 1, step.letter);
			run_all(&next, url, longer);
		}
	}
}

static const char *store_url(const char *kind)
{
	static char url[URL_SIZE];
	char path[FOLDER_PATH_SIZE];

	folder_file(&folder, "race.store", path);
	snprintf(url, sizeof(url), "%s:%s", kind, path);
	return url;
}

static void run_all_strategies(const char *url)
{
	for (enum race_strategy strategy = 0; strategy < RACE_STRATEGIES; strategy++) {
		const struct model model = model_start(strategy, 2, 1);
		run_all(&model, url, "");
	}
}

Test(schedule, real_processes_end_every_schedule_of_two_as_the_model_says_in_sqlite)
{
	run_all_strategies(store_url("sqlite"));
}

Test(schedule, real_processes_end_every_schedule_of_two_as_the_model_says_in_json)
{
	run_all_strategies(store_url("json"));
}

static void kill_at_each_place(const char *url)
{
	run(RACE_LOCK, url, "1x 2l 2r 2w 2u");
	run(RACE_LOCK, url, "1l 1x 2l 2r 2w 2u");
	run(RACE_LOCK, url, "1l 1r 1x 2l 2r 2w 2u");
	run(RACE_LOCK, url, "1l 1r 1w 1x 2l 2r 2w 2u");
	run(RACE_ATOMIC, url, "1r 1x 2r 2w");
	run(RACE_NONE, url, "1r 2r 1x 2w");
	run(RACE_JOIN, url, "1r 1x 2r 2w");
	run(RACE_SEMAPHORE, url, "1l 2l 1r 1x 2r 2w 2u");
}

Test(schedule, who_is_killed_leaves_the_lock_and_the_store_to_the_others)
{
	kill_at_each_place(store_url("sqlite"));
}

Test(schedule, a_killed_transaction_leaves_nothing_in_json_either)
{
	kill_at_each_place(store_url("json"));
}

Test(schedule, one_that_ends_early_ends_its_processes)
{
	run(RACE_ATOMIC, store_url("sqlite"), "1r");
	run(RACE_LOCK, store_url("sqlite"), "1l 1r 1w");
}
