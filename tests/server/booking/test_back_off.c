#include "server/booking/back_off.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/child.h"

TestSuite(trouble);

Test(trouble, the_pause_grows_from_the_least_to_the_most)
{
	struct trouble trouble = { .failures = 0 };
	int64_t last_ns = trouble_note(&trouble, "full");

	cr_expect_eq(last_ns, TROUBLE_PAUSE_LEAST_NS);
	for (int i = 0; i < 100; i++) {
		int64_t pause_ns = trouble_note(&trouble, "full");

		cr_assert(pause_ns == 2 * last_ns || pause_ns == TROUBLE_PAUSE_MOST_NS);
		last_ns = pause_ns;
	}
	cr_expect_eq(last_ns, TROUBLE_PAUSE_MOST_NS);
}

Test(trouble, when_it_is_over_the_next_one_starts_anew)
{
	struct trouble trouble = { .failures = 0 };

	cr_expect_not(trouble_is_on(&trouble));
	trouble_note(&trouble, "full");
	trouble_note(&trouble, "full");
	cr_expect(trouble_is_on(&trouble));
	trouble_end(&trouble);
	cr_expect_not(trouble_is_on(&trouble));
	cr_expect_eq(trouble_note(&trouble, "full"), TROUBLE_PAUSE_LEAST_NS);
}

static int fail_and_recover(void *argument)
{
	struct trouble trouble = { .failures = 0 };

	(void)argument;
	trouble_end(&trouble);
	for (int i = 0; i < 5; i++) {
		trouble_note(&trouble, "no room");
	}
	trouble_end(&trouble);
	trouble_end(&trouble);
	return 0;
}

Test(trouble, the_log_says_once_that_it_begins_and_once_that_it_ends)
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
