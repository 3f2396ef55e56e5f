#include <criterion/criterion.h>
#include <dirent.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/race/interleavings.h"
#include "client/race/race.h"
#include "client/race/run.h"
#include "shared/base/clock.h"
#include "tests/support/capture.h"
#include "tests/support/folder.h"

#define ARGUMENTS_MAX 16

static struct folder folder;
static struct race_heat heat;
static char url[FOLDER_PATH_SIZE + 16];
static struct race_plan plan;

static void start(void)
{
	char path[FOLDER_PATH_SIZE];

	folder_init(&folder);
	folder_file(&folder, "race.db", path);
	snprintf(url, sizeof(url), "sqlite:%s", path);
	plan = (struct race_plan){ .buyers = 6,
				   .tickets = 2,
				   .think_least_ns = 10 * NS_PER_MS,
				   .think_most_ns = 40 * NS_PER_MS,
				   .url = url,
				   .quiet = true };
}

static void finish(void)
{
	race_heat_finish(&heat);
	folder_finish(&folder);
}

TestSuite(race, .init = start, .fini = finish);

/* Runs a heat and says how it went. */
static const struct race_verdict *run(enum race_strategy strategy)
{
	static const signal_flag never;
	char problem[STORE_ERROR_SIZE];

	race_heat_finish(&heat);
	cr_assert(race_heat_run(&heat, &plan, strategy, &never, problem), "%s", problem);
	return &heat.verdict;
}

static unsigned bought(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < heat.count; i++) {
		count += heat.buyers[i].outcome == RACE_BOUGHT;
	}
	return count;
}

/* Whether two buyers were in the critical section at the same time. */
static bool overlap(void)
{
	for (unsigned i = 0; i < heat.count; i++) {
		for (unsigned j = 0; j < heat.count; j++) {
			struct race_stretch one = race_stretch(&heat, i, RACE_CRITICAL);
			struct race_stretch other = race_stretch(&heat, j, RACE_CRITICAL);
			if (i != j && one.from_ns < other.to_ns && other.from_ns < one.to_ns) {
				return true;
			}
		}
	}
	return false;
}

static void expect_each_sold_once(enum race_strategy strategy)
{
	for (plan.seed = 1; plan.seed <= 3; plan.seed++) {
		const struct race_verdict *verdict = run(strategy);
		cr_expect_eq(verdict->sold, 2);
		cr_expect_eq(verdict->counter, 2);
		cr_expect_eq(verdict->oversold, 0);
		cr_expect_eq(verdict->served, 6);
		cr_expect_eq(bought(), 2);
		cr_expect_not(overlap());
	}
}

Test(race, with_a_lock_each_ticket_is_sold_once)
{
	expect_each_sold_once(RACE_LOCK);
	cr_expect_gt(heat.verdict.longest_wait_ns, 0);
}

Test(race, with_join_each_ticket_is_sold_once_in_the_parents_order)
{
	expect_each_sold_once(RACE_JOIN);
	for (unsigned i = 0; i < heat.verdict.served; i++) {
		cr_expect_eq(heat.verdict.order[i], i);
	}
	cr_expect_eq(heat.verdict.overtakes, 0);
	cr_expect_float_eq(heat.verdict.parallel, 0, 1e-9);
}

Test(race, as_one_transaction_each_ticket_is_sold_once)
{
	expect_each_sold_once(RACE_ATOMIC);
}

Test(race, without_a_lock_tickets_are_sold_that_are_not_there)
{
	unsigned marked = 0;

	plan.think_least_ns = 50 * NS_PER_MS;
	plan.think_most_ns = 100 * NS_PER_MS;
	plan.seed = 7;
	const struct race_verdict *verdict = run(RACE_NONE);
	cr_expect_gt(verdict->sold, 2);
	cr_expect_eq(verdict->oversold, verdict->sold - 2);
	cr_expect_leq(verdict->counter, 2, "the counter does not even notice");
	cr_expect_eq(bought(), verdict->sold);
	for (unsigned i = 0; i < heat.count; i++) {
		marked += heat.buyers[i].oversold;
	}
	cr_expect_eq(marked, verdict->oversold);
	cr_expect(overlap());
}

Test(race, with_a_semaphore_no_more_than_it_lets_in_are_within)
{
	unsigned most = 0;

	plan.think_least_ns = 50 * NS_PER_MS;
	plan.think_most_ns = 50 * NS_PER_MS;
	cr_expect_gt(run(RACE_SEMAPHORE)->sold, 2, "at once is at once");
	for (unsigned i = 0; i < heat.count; i++) {
		int64_t moment_ns = race_stretch(&heat, i, RACE_CRITICAL).from_ns;
		unsigned within = 0;
		for (unsigned j = 0; j < heat.count; j++) {
			struct race_stretch other = race_stretch(&heat, j, RACE_CRITICAL);
			within += other.from_ns <= moment_ns && moment_ns < other.to_ns;
		}
		most = within > most ? within : most;
	}
	cr_expect(most >= 2 && most <= RACE_AT_ONCE, "%u", most);
}

Test(race, each_heat_has_an_event_of_its_own_in_the_store)
{
	plan.think_most_ns = plan.think_least_ns = NS_PER_MS;
	run(RACE_LOCK);
	cr_expect_str_eq(heat.event, "race-lock-1");
	run(RACE_LOCK);
	cr_expect_str_eq(heat.event, "race-lock-2");
	cr_expect_eq(heat.verdict.sold, 2);
}

Test(race, a_store_that_cannot_be_opened_is_said)
{
	static const signal_flag never;
	char problem[STORE_ERROR_SIZE] = "";

	plan.url = "sqlite:/nowhere/at/all.db";
	cr_expect_not(race_heat_run(&heat, &plan, RACE_LOCK, &never, problem));
	cr_expect_not_null(strstr(problem, "/nowhere/at/all.db"), "%s", problem);
}

Test(race, the_same_seed_gives_the_same_thinking_times)
{
	unsigned differ = 0;

	for (unsigned buyer = 0; buyer < 100; buyer++) {
		plan.seed = 1;
		int64_t one_ns = race_think_ns(&plan, buyer, 0);
		cr_expect_eq(race_think_ns(&plan, buyer, 0), one_ns);
		cr_expect(one_ns >= plan.think_least_ns && one_ns <= plan.think_most_ns);
		plan.seed = 2;
		differ += race_think_ns(&plan, buyer, 0) != one_ns;
	}
	cr_expect_gt(differ, 95);
}

static void expect_count(enum race_strategy strategy, unsigned buyers, int64_t tickets,
			 uint64_t all, uint64_t oversold)
{
	struct interleavings result;

	interleavings_count(&result, strategy, buyers, tickets);
	cr_expect_eq(result.all, all, "%s, %u buyers: %llu", race_strategy_name(strategy), buyers,
		     (unsigned long long)result.all);
	cr_expect_eq(result.oversold, oversold, "%s, %u buyers: %llu", race_strategy_name(strategy),
		     buyers, (unsigned long long)result.oversold);
	cr_expect_eq(result.steps > 0, oversold > 0);
}

/*
 * All: (2n)! / 2^n. With one ticket only those do well in which the first buyer is through before
 * any other reads: n times all of the n - 1 others'.
 */
Test(race, interleavings_without_a_lock_are_counted_as_on_paper)
{
	expect_count(RACE_NONE, 1, 1, 1, 0);
	expect_count(RACE_NONE, 2, 1, 6, 6 - 2 * 1);
	expect_count(RACE_NONE, 3, 1, 90, 90 - 3 * 6);
	expect_count(RACE_NONE, 4, 1, 2520, 2520 - 4 * 90);
	expect_count(RACE_NONE, 5, 1, 113400, 113400 - 5 * 2520);
	expect_count(RACE_NONE, 2, 2, 6, 0);
	expect_count(RACE_NONE, 3, 3, 90, 0);
}

/* A lock and a transaction leave the orders of the buyers; join leaves the parent's alone. */
Test(race, interleavings_of_what_is_in_a_row_are_the_orders_and_none_oversells)
{
	uint64_t orders = 1;

	for (unsigned buyers = 1; buyers <= 5; buyers++) {
		orders *= buyers;
		for (int64_t tickets = 1; tickets <= 3; tickets++) {
			expect_count(RACE_LOCK, buyers, tickets, orders, 0);
			expect_count(RACE_ATOMIC, buyers, tickets, orders, 0);
			expect_count(RACE_JOIN, buyers, tickets, 1, 0);
		}
	}
}

/* Four steps each; 8! / (4! 4!) and 12! / (4! 4! 4!). */
Test(race, interleavings_in_a_semaphore_are_all_as_long_as_all_may_be_in)
{
	struct interleavings result;

	interleavings_count(&result, RACE_SEMAPHORE, 2, 1);
	cr_expect_eq(result.all, 70);
	interleavings_count(&result, RACE_SEMAPHORE, 3, 1);
	cr_expect_eq(result.all, 34650);
	cr_expect_gt(result.oversold, 0);
	interleavings_count(&result, RACE_SEMAPHORE, 4, 1);
	cr_expect_lt(result.all, 63063000, "the fourth has to wait");
}

Test(race, the_shortest_way_to_oversell_is_two_reads_and_two_writes)
{
	struct interleavings result;

	interleavings_count(&result, RACE_NONE, 3, 1);
	cr_assert_eq(result.steps, 4);
	cr_expect_neq(result.shortest[0].buyer, result.shortest[1].buyer);
	cr_expect(result.shortest[1].letter == 'r' && result.shortest[2].letter == 'w');
}

struct call {
	char *argv[ARGUMENTS_MAX];
	int argc;
};

static int run_call(void *argument)
{
	struct call *call = argument;
	const struct server_address address = { .host = "127.0.0.1", .port = "1" };

	setenv("TMPDIR", folder.path, 1);
	return race_run(&address, call->argc, call->argv);
}

static void start_race(struct capture *capture, const char *const *arguments)
{
	struct call call = { .argc = 0 };

	for (; *arguments; arguments++) {
		call.argv[call.argc++] = strdup(*arguments);
	}
	capture_start(capture, -1, run_call, &call);
	for (int i = 0; i < call.argc; i++) {
		free(call.argv[i]);
	}
}
#define start_race(capture, ...) \
	start_race(capture, (const char *const[]){ "turnstile race", __VA_ARGS__, NULL })

static unsigned files_in(const char *path)
{
	unsigned count = 0;
	DIR *directory = opendir(path);

	cr_assert_not_null(directory);
	for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
		count += entry->d_name[0] != '.';
	}
	closedir(directory);
	return count;
}

Test(race, json_has_every_strategy_and_buyer_and_nothing_is_left_behind)
{
	struct capture capture;

	start_race(&capture, "--json", "--buyers=4", "--tickets=1", "--think=5-20ms",
		   "--serialize=all", "--seed=3");
	capture_wait(&capture);
	cr_expect_eq(capture.status, 0);
	cr_expect_str_eq(capture.errors, "");
	json_t *whole = json_loads(capture.output, 0, NULL);
	cr_assert_not_null(whole, "%s", capture.output);
	json_t *list = json_object_get(whole, "strategies");
	cr_assert_eq(json_array_size(list), RACE_STRATEGIES);
	for (size_t i = 0; i < RACE_STRATEGIES; i++) {
		cr_expect_eq(json_array_size(json_object_get(json_array_get(list, i), "buyers")),
			     4);
	}
	json_decref(whole);
	capture_free(&capture);
	cr_expect_eq(files_in(folder.path), 0);
}

Test(race, ctrl_c_ends_it_and_takes_its_store_away)
{
	struct capture capture;

	start_race(&capture, "--think=5-5");
	cr_assert(eventually(files_in(folder.path) > 0));
	kill(capture.child.pid, SIGINT);
	capture_wait(&capture);
	cr_expect_eq(capture.status, 130, "%d: %s", capture.status, capture.errors);
	cr_expect_str_eq(capture.errors, "");
	capture_free(&capture);
	cr_expect_eq(files_in(folder.path), 0);
}

static void expect_refusal(const char *argument, const char *expected)
{
	struct capture capture;

	start_race(&capture, argument);
	capture_wait(&capture);
	cr_expect_eq(capture.status, 2, "%s", argument);
	cr_expect_not_null(strstr(capture.errors, expected), "%s: %s", argument, capture.errors);
	capture_free(&capture);
}

Test(race, wrong_arguments_are_told_what_would_be_right)
{
	expect_refusal("--serialize=lokc", "there are: none, lock, join, semaphore, atomic");
	expect_refusal("--serialize=lock,lock", "lock stands there twice");
	expect_refusal("--think=3-1", "must be MIN-MAX");
	expect_refusal("--think=5", "must be MIN-MAX");
	expect_refusal("--buyers=0", "must be a number from 1 to 200");
	expect_refusal("--store=sqlite", "--store: no such kind of store");
	expect_refusal("extra", "not an option: extra");
}
