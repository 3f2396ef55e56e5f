#include "server/session/trail.h"

#include <criterion/criterion.h>

#include "shared/base/clock.h"

#define NOW_NS    (1000 * NS_PER_SECOND) /* any time will do */
#define MINUTE_NS (60 * NS_PER_SECOND)

static struct trail trail;

TestSuite(trail);

static int lines_of(int count, enum trail_kind kind, int64_t now_ns)
{
	int lines = 0;

	for (int i = 0; i < count; i++) {
		lines += trail_enter(&trail, kind, now_ns);
	}
	return lines;
}

Test(trail, what_comes_in_hundreds_is_counted_once_it_was_said_twenty_times)
{
	cr_expect_eq(lines_of(TRAIL_LINES_A_MINUTE + 312, TRAIL_KICK, NOW_NS),
		     TRAIL_LINES_A_MINUTE);
	cr_expect_eq(lines_of(1, TRAIL_MUTE, NOW_NS), 1, "other kinds are not concerned");
	cr_expect_eq(trail_end_minute(&trail, TRAIL_KICK, NOW_NS + MINUTE_NS - 1), 0);
	cr_expect_eq(trail_end_minute(&trail, TRAIL_MUTE, NOW_NS + MINUTE_NS), 0);
	cr_expect_eq(trail_end_minute(&trail, TRAIL_KICK, NOW_NS + MINUTE_NS), 312);
	cr_expect_eq(trail_end_minute(&trail, TRAIL_KICK, NOW_NS + MINUTE_NS), 0, "said once");
}

Test(trail, a_new_minute_has_lines_of_its_own)
{
	lines_of(TRAIL_LINES_A_MINUTE + 1, TRAIL_KICK, NOW_NS);
	trail_end_minute(&trail, TRAIL_KICK, NOW_NS + MINUTE_NS);
	cr_expect_eq(lines_of(TRAIL_LINES_A_MINUTE + 5, TRAIL_KICK, NOW_NS + 2 * MINUTE_NS),
		     TRAIL_LINES_A_MINUTE);
	cr_expect_eq(trail_end_minute(&trail, TRAIL_KICK, NOW_NS + 3 * MINUTE_NS - 1), 0,
		     "it begins with its first line");
	cr_expect_eq(trail_end_minute(&trail, TRAIL_KICK, NOW_NS + 3 * MINUTE_NS), 5);
}

Test(trail, who_is_a_nick_and_an_address)
{
	char text[TRAIL_WHO_SIZE];
	struct peer_address peer;

	cr_assert(peer_address_read(span_of("2001:db8::7"), &peer));
	trail_who("ann", peer, text);
	cr_expect_str_eq(text, "ann (2001:db8::7)");
}
