/* Signals that a worker may be made to crash by. */
#include <criterion/criterion.h>
#include <signal.h>

#include "server/state/crash.h"

static int read_signal(const char *text)
{
	int signal = 0;

	return crash_read_signal(span_of(text), &signal) ? signal : 0;
}

Test(crash, a_signal_has_a_name_and_a_number)
{
	cr_expect_eq(read_signal("KILL"), SIGKILL);
	cr_expect_eq(read_signal("sigkill"), SIGKILL);
	cr_expect_eq(read_signal("9"), SIGKILL);
	cr_expect_eq(read_signal("Segv"), SIGSEGV);
	cr_expect_eq(read_signal("STOP"), SIGSTOP);
	cr_expect_eq(read_signal("15"), SIGTERM);
}

Test(crash, no_other_word_is_one)
{
	static const char *const words[] = { "",  "SIG", "SIG9", "KILLL", "HUP",  "CONT",
					     "0", "-9",  "9x",   "1",     "1000", "KIL" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		cr_expect_eq(read_signal(words[i]), 0, "'%s'", words[i]);
	}
	cr_expect_not(crash_has_signal(0));
	cr_expect_not(crash_has_signal(SIGCONT));
	cr_expect(crash_has_signal(SIGABRT));
}

Test(crash, who_is_asked_to_stop_by_others_than_the_master_lives_on)
{
	cr_expect(crash_is_ignored(SIGTERM));
	cr_expect(crash_is_ignored(SIGINT));
	cr_expect_not(crash_is_ignored(SIGKILL));
	cr_expect_not(crash_is_ignored(SIGQUIT));
}
