#include "server/booking/back_off.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/child.h"

TestSuite(back_off);

Test(back_off, the_pause_grows_from_the_least_to_the_most)
{
	struct back_off back_off = { .failures = 0 };
	int64_t last_ns = back_off_note(&back_off, "full");

	cr_expect_eq(last_ns, BACK_OFF_PAUSE_LEAST_NS);
	for (int i = 0; i < 100; i++) {
		int64_t pause_ns = back_off_note(&back_off, "full");

		cr_assert(pause_ns == 2 * last_ns || pause_ns == BACK_OFF_PAUSE_MOST_NS);
		last_ns = pause_ns;
	}
	cr_expect_eq(last_ns, BACK_OFF_PAUSE_MOST_NS);
}

Test(back_off, when_it_is_over_the_next_one_starts_anew)
{
	struct back_off back_off = { .failures = 0 };

	cr_expect_eq(back_off.pause_ns, 0);
	back_off_note(&back_off, "full");
	back_off_note(&back_off, "full");
	cr_expect_gt(back_off.pause_ns, 0);
	back_off_end(&back_off);
	cr_expect_eq(back_off.pause_ns, 0);
	cr_expect_eq(back_off_note(&back_off, "full"), BACK_OFF_PAUSE_LEAST_NS);
}

static int fail_and_recover(void *argument)
{
	struct back_off back_off = { .failures = 0 };

	(void)argument;
	back_off_end(&back_off);
	for (int i = 0; i < 5; i++) {
		back_off_note(&back_off, "no room");
	}
	back_off_end(&back_off);
	back_off_end(&back_off);
	return 0;
}

Test(back_off, the_log_says_once_that_it_begins_and_once_that_it_ends)
{
	char text[4096];

	cr_assert_eq(child_run_caught(fail_and_recover, NULL, STDERR_FILENO, text, sizeof(text)),
		     0);
	const char *begin = strstr(text, "the store failed: no room\n");
	cr_assert_not_null(begin, "%s", text);
	cr_expect_null(strstr(begin + strlen("the store failed: "), "failed: "), "%s", text);
	const char *end = strstr(begin, "the store works again: it failed 5 times\n");
	cr_assert_not_null(end, "%s", text);
	cr_expect_null(strstr(end + strlen("the store works again"), "again"), "%s", text);
}
