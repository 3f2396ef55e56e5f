/* What strangers do who mean no good, and that others go on meanwhile. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/programs/office.h"
#include "tests/programs/watch.h"

#define ROOMS_AN_ADDRESS 128
#define GREEDY           8
#define ROOMS_A_GREEDY   32

static struct turnstiled server;
static struct talk ann;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_strangers, .init = init, .fini = finish, .timeout = 120);

/* Rooms */

/* Tries to be in as many rooms as one connection can; returns how many it came into. */
static int join_many(struct talk *talk, int first)
{
	int joined = 0;

	for (int i = 0; i < ROOMS_A_GREEDY; i++) {
		talk_say(talk, "/join #mine-%d", first + i);
	}
	for (int i = 0; i < ROOMS_A_GREEDY; i++) {
		const char *answer = talk_expect_answer(talk, "");

		joined += strncmp(answer, "+join ", 6) == 0;
		cr_assert(joined > i || strncmp(answer, "-LIMIT your address has ", 24) == 0, "%s",
			  answer);
	}
	return joined;
}

Test(programs_strangers, one_address_leaves_rooms_to_others)
{
	static struct talk greedy[GREEDY];
	int joined = 0;

	turnstiled_start(&server, "--workers", "2", "--event", "rush=10", "--rate", "0");
	for (int i = 0; i < GREEDY; i++) {
		talk_open_from(&greedy[i], server.lines_port, "127.0.0.9");
		talk_expect_start(&greedy[i], "+turnstile 1 ");
		joined += join_many(&greedy[i], i * ROOMS_A_GREEDY);
	}
	cr_expect_eq(joined, ROOMS_AN_ADDRESS);
	for (int i = 0; i < 3000; i++) { /* leaving gives it a room, and no more than that */
		ask(&greedy[0], "+part ", "/part");
		ask(&greedy[0], "+join ", "/join #again-%d", i);
		ask(&greedy[GREEDY - 1], "-LIMIT your address has opened 128 rooms", "/join #more");
	}
	talk_open_from(&ann, server.lines_port, "127.0.0.10");
	talk_expect_start(&ann, "+turnstile 1 ");
	ask(&ann, "+join #new 1$", "/join #new");
	ask(&ann, "+join #rush 1$", "/join #rush");
	ask(&ann, "+booked ", "/book rush");
	talk_expect_event(&ann, "*sale rush 9 10");
}
