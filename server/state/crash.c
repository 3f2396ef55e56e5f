#include "server/state/crash.h"

#include <signal.h>
#include <stddef.h>

#define SIGNALS_MAX 64

static const struct {
	int number;
	bool ignored; /* they may reach the whole group, and the master decides (worker.c) */
} signals[] = {
	{ SIGKILL, false }, { SIGABRT, false }, { SIGSEGV, false }, { SIGBUS, false },
	{ SIGFPE, false },  { SIGILL, false },  { SIGSYS, false },  { SIGTRAP, false },
	{ SIGQUIT, false }, { SIGSTOP, false }, { SIGTERM, true },  { SIGINT, true },
};

#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

/* Its row; SIGNALS: it has none. */
static size_t row_of(int signal)
{
	size_t i = 0;

	while (i < SIGNALS && signals[i].number != signal) {
		i++;
	}
	return i;
}

bool crash_has_signal(int signal)
{
	return row_of(signal) < SIGNALS;
}

bool crash_is_ignored(int signal)
{
	return crash_has_signal(signal) && signals[row_of(signal)].ignored;
}

bool crash_read_signal(struct span word, int *signal)
{
	struct span name = word;
	int64_t number = 0;

	if (word.length > 3 && span_equals_ignoring_case((struct span){ word.text, 3 }, "SIG")) {
		name = (struct span){ word.text + 3, word.length - 3 };
	}
	if (words_number(word, 1, SIGNALS_MAX, &number)) {
		*signal = (int)number;
		return crash_has_signal(*signal);
	}
	for (size_t i = 0; i < SIGNALS; i++) {
		if (span_equals_ignoring_case(name, sigabbrev_np(signals[i].number))) {
			*signal = signals[i].number;
			return true;
		}
	}
	return false;
}
