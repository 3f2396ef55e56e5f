#include "shared/sync/futex.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/base/log.h"

int64_t futex_deadline(int64_t timeout_ns)
{
	return timeout_ns < 0 ? INT64_MAX : clock_deadline(timeout_ns);
}

int64_t futex_nap_ns(int64_t deadline_ns)
{
	if (deadline_ns == INT64_MAX) {
		return FUTEX_NAP_NS;
	}
	int64_t left_ns = deadline_ns - clock_monotonic_ns();
	if (left_ns <= 0) {
		return 0;
	}
	return left_ns < FUTEX_NAP_NS ? left_ns : FUTEX_NAP_NS;
}

void futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t most_ns)
{
	struct timespec most = clock_timespec(most_ns);

	if (syscall(SYS_futex, word, FUTEX_WAIT, expected, &most, NULL, 0) < 0 && errno != EAGAIN &&
	    errno != EINTR && errno != ETIMEDOUT) {
		bug("futex wait: %m");
	}
}

void futex_nap(_Atomic uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
	futex_wait(word, expected, futex_nap_ns(deadline_ns));
}

void futex_wake(_Atomic uint32_t *word, int count)
{
	if (syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0) < 0) {
		bug("futex wake: %m");
	}
}
