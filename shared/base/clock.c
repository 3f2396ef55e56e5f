#include "shared/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* Neither of the two can fail: every Linux has them. */
static int64_t read_clock(clockid_t clock)
{
	struct timespec now = { 0 };

	(void)clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

int64_t clock_monotonic_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

static int64_t boot_to_wall_ns; /* what the wall's clock was ahead of the boot's, at the start */

void clock_start_deadlines(void)
{
	boot_to_wall_ns = read_clock(CLOCK_REALTIME) - read_clock(CLOCK_BOOTTIME);
}

int64_t clock_deadlines_ns(void)
{
	return boot_to_wall_ns != 0 ? boot_to_wall_ns + read_clock(CLOCK_BOOTTIME)
				    : clock_wall_ns();
}

int64_t clock_deadlines_ahead_ns(void)
{
	return boot_to_wall_ns;
}

void clock_go_on_with_deadlines(int64_t ahead_ns)
{
	boot_to_wall_ns = ahead_ns;
}

void clock_format(int64_t wall_ns, char *text)
{
	time_t seconds = wall_ns / NS_PER_SECOND;
	struct tm parts = { 0 };

	if (wall_ns % NS_PER_SECOND < 0) {
		seconds--;
	}
	/* 64 bits of nanoseconds are the years 1677 to 2262: always a date, and always as long. */
	(void)gmtime_r(&seconds, &parts);
	(void)strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

void clock_seconds(int64_t ns, char *text)
{
	int64_t seconds = ns / NS_PER_SECOND + (ns % NS_PER_SECOND > 0);

	(void)snprintf(text, CLOCK_SECONDS_SIZE, "%" PRId64 " second%s", seconds,
		       seconds == 1 ? "" : "s");
}

struct timespec clock_timespec(int64_t ns)
{
	struct timespec parts = {
		.tv_sec = ns / NS_PER_SECOND,
		.tv_nsec = ns % NS_PER_SECOND,
	};

	return parts;
}

int64_t clock_deadline(int64_t timeout_ns)
{
	int64_t now = clock_monotonic_ns();

	return timeout_ns > INT64_MAX - now ? INT64_MAX : now + timeout_ns;
}

void clock_sleep(int64_t duration_ns)
{
	if (duration_ns <= 0) {
		return;
	}
	struct timespec end = clock_timespec(clock_deadline(duration_ns));
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR) {
		/* again */
	}
}
