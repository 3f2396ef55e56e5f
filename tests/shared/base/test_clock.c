#include <criterion/criterion.h>
#include <signal.h>
#include <sys/time.h>

#include "shared/base/clock.h"

TestSuite(clock);

static const char *formatted(int64_t wall_ns)
{
	static char text[CLOCK_TEXT_SIZE];

	clock_format(wall_ns, text);
	return text;
}

Test(clock, formats_as_rfc_3339)
{
	cr_assert_str_eq(formatted(0), "1970-01-01T00:00:00Z");
	cr_assert_str_eq(formatted(INT64_C(1795168800) * NS_PER_SECOND), "2026-11-20T10:00:00Z");
	cr_assert_str_eq(formatted(INT64_C(1709251199) * NS_PER_SECOND + 999999999),
			 "2024-02-29T23:59:59Z");
}

Test(clock, formats_a_time_before_1970)
{
	cr_assert_str_eq(formatted(-1), "1969-12-31T23:59:59Z");
	cr_assert_str_eq(formatted(-NS_PER_SECOND), "1969-12-31T23:59:59Z");
}

Test(clock, monotonic_never_goes_back)
{
	int64_t last = clock_monotonic_ns();

	for (int i = 0; i < 10000; i++) {
		int64_t now = clock_monotonic_ns();
		cr_assert_geq(now, last);
		last = now;
	}
}

Test(clock, wall_time_is_the_date)
{
	cr_assert_leq(llabs(clock_wall_ns() / NS_PER_SECOND - time(NULL)), 1);
}

Test(clock, deadlines_are_dates_whether_started_or_not)
{
	cr_assert_leq(llabs(clock_deadlines_ns() / NS_PER_SECOND - time(NULL)), 1);
	clock_start_deadlines();
	cr_assert_leq(llabs(clock_deadlines_ns() / NS_PER_SECOND - time(NULL)), 1);
	int64_t before_ns = clock_deadlines_ns();
	cr_assert_geq(clock_deadlines_ns(), before_ns);
}

Test(clock, a_deadline_too_far_to_count_never_comes)
{
	cr_assert_eq(clock_deadline(INT64_MAX), INT64_MAX);
	cr_assert_geq(clock_deadline(NS_PER_SECOND), NS_PER_SECOND);
}

static volatile sig_atomic_t interruptions;

static void interrupt(int number)
{
	(void)number;
	interruptions++;
}

Test(clock, sleeps_on_through_signals)
{
	struct sigaction action = { .sa_handler = interrupt };
	struct itimerval often = { { 0, 2000 }, { 0, 2000 } };
	struct itimerval never = { { 0, 0 }, { 0, 0 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	int64_t begin = clock_monotonic_ns();
	clock_sleep(30 * NS_PER_MS);
	int64_t slept = clock_monotonic_ns() - begin;
	setitimer(ITIMER_REAL, &never, NULL);
	cr_assert_gt(interruptions, 0);
	cr_assert_geq(slept, 30 * NS_PER_MS);
}

Test(clock, seconds_are_written_as_people_say_them_and_a_part_of_one_as_one)
{
	static const struct {
		int64_t ns;
		const char *text;
	} durations[] = { { 0, "0 seconds" },
			  { 1, "1 second" },
			  { NS_PER_SECOND, "1 second" },
			  { NS_PER_SECOND + 1, "2 seconds" },
			  { 90 * NS_PER_SECOND, "90 seconds" } };
	char text[CLOCK_SECONDS_SIZE];

	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		clock_seconds(durations[i].ns, text);
		cr_expect_str_eq(text, durations[i].text);
	}
}
