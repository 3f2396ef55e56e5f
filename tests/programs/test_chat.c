/* Chat across workers: one order for everybody, also while workers are killed; and *sale. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "shared/base/clock.h"
#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"
#include "tests/support/server.h"

static struct turnstiled server;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_chat, .init = init, .fini = finish, .timeout = 120);

static void join(struct talk *talk, const char *nick, const char *room)
{
	char line[64], answer[64];

	snprintf(line, sizeof(line), "/nick %s", nick);
	snprintf(answer, sizeof(answer), "+nick %s", nick);
	talk_ask(talk, line, answer);
	snprintf(line, sizeof(line), "/join %s", room);
	snprintf(answer, sizeof(answer), "+join %s ", room);
	talk_ask(talk, line, answer);
}

Test(programs_chat, two_on_two_workers_chat_on_when_a_third_worker_is_killed)
{
	static struct talk ann, bob, eve, heir;
	pid_t pid;

	turnstiled_start(&server, "--workers", "3", "--adopt", "off");
	open_on(&ann, server.lines_port, 1);
	open_on(&bob, server.lines_port, 2);
	open_on(&eve, server.lines_port, 3);
	join(&ann, "ann", "#r");
	join(&bob, "bob", "#r");
	join(&eve, "eve", "#r");
	serving(&eve, &pid);
	talk_say(&ann, "before");
	talk_expect_event(&bob, "*join #r eve");
	talk_expect_event(&bob, "*say #r ann before");

	cr_assert(watch_signal(server.pid, pid, SIGKILL));
	talk_say(&bob, "after");
	talk_expect_event(&ann, "*join #r bob");
	talk_expect_event(&ann, "*join #r eve");
	talk_expect_event(&ann, "*"); /* the two come in either order */
	talk_expect_event(&ann, "*");
	talk_expect_event(&bob, "*part #r eve");
	talk_ask(&ann, "/who #r", "=");
	talk_expect_answer(&ann, "=");
	talk_expect_answer(&ann, "+who 2");

	open_on(&heir, server.lines_port, 3);
	join(&heir, "eve", "#r");
	talk_expect_event(&bob, "*join #r eve");
	talk_say(&heir, "again");
	talk_expect_event(&bob, "*say #r eve again");
}

Test(programs_chat, who_goes_in_any_way_is_parted_once_and_the_nick_is_free)
{
	static struct talk stays, goes;

	turnstiled_start(&server, "--workers", "2");
	open_on(&stays, server.lines_port, 1);
	join(&stays, "stays", "#r");
	for (int way = 0; way < 4; way++) {
		open_on(&goes, server.lines_port, 2);
		join(&goes, "goes", "#r");
		talk_expect(&stays, "*join #r goes");
		if (way == 0) {
			talk_say(&goes, "/quit until  later");
		} else if (way == 1) {
			talk_say(&goes, "/part");
		} else if (way == 2) {
			talk_end_output(&goes);
		}
		talk_close(&goes);
		talk_expect(&stays, way == 0 ? "*part #r goes until  later" : "*part #r goes");
	}
	cr_assert(eventually(stat_of(&stays, "turnstile_connections") == 1));
	talk_ask(&stays, "/nick goes", "+nick goes");
}

Test(programs_chat, a_new_nick_is_told_once_to_who_shares_several_rooms)
{
	static struct talk ann, bob;
	char room[8];

	turnstiled_start(&server, "--workers", "2");
	open_on(&ann, server.lines_port, 1);
	open_on(&bob, server.lines_port, 2);
	for (int i = 0; i < 5; i++) {
		snprintf(room, sizeof(room), "#r%d", i);
		join(&bob, "bob", room);
		join(&ann, "ann", room);
		talk_expect_event(&bob, "*join ");
	}
	talk_ask(&ann, "/nick anna", "+nick anna");
	for (int i = 0; i < 5; i++) {
		snprintf(room, sizeof(room), "#r%d", i);
		talk_say(&ann, "/say %s the last one here", room);
		talk_expect_answer(&ann, "+say ");
	}
	unsigned nicks = 0;
	for (unsigned says = 0; says < 5;) {
		const char *line = talk_expect_start(&bob, "*");
		says += strncmp(line, "*say ", 5) == 0;
		nicks += strcmp(line, "*nick ann anna") == 0;
	}
	cr_expect_eq(nicks, 1);
}

#define SHARED_ROOMS 10
#define NEW_NICKS    200

Test(programs_chat, a_new_nick_is_told_before_it_is_used_whichever_room_that_is_in)
{
	static struct talk ann, bob;
	char room[8];
	int told = -1; /* the number of the nick that bob was told of last */

	turnstiled_start(&server, "--workers", "2", "--rate", "0");
	open_on(&ann, server.lines_port, 1);
	open_on(&bob, server.lines_port, 2);
	for (int i = 0; i < SHARED_ROOMS; i++) {
		snprintf(room, sizeof(room), "#r%d", i);
		join(&bob, "bob", room);
		join(&ann, "ann", room);
		talk_expect_event(&bob, "*join ");
	}
	for (int i = 0; i < NEW_NICKS; i++) {
		talk_say(&ann, "/nick ann-%d\n/say #r%d hello", i, i * 7 % SHARED_ROOMS);
	}
	for (int said = 0; said < NEW_NICKS;) {
		const char *line = talk_expect_start(&bob, "*");
		int used;

		if (sscanf(line, "*nick %*s ann-%d", &used) == 1) {
			cr_expect_eq(used, ++told, "each once, in order");
		} else {
			cr_assert_eq(sscanf(line, "*say %*s ann-%d", &used), 1, "%s", line);
			cr_expect_leq(used, told, "%s", line);
			said++;
		}
	}
}

/* One order for everybody */

#define MEMBERS         40
#define SPEAKERS        8
#define LINES_A_SPEAKER 40
#define LINES_ALL       (SPEAKERS * LINES_A_SPEAKER)

struct member {
	struct talk talk;
	bool lost;                 /* its connection ended */
	unsigned heard;            /* lines of others */
	unsigned next[SPEAKERS];   /* the number expected next from each speaker */
	unsigned order[LINES_ALL]; /* speaker * LINES_A_SPEAKER + number, as they came */
	unsigned said;             /* of its own */
};

static struct member members[MEMBERS];

static void take_said(struct member *member, const char *line)
{
	unsigned speaker, number;

	if (sscanf(line, "*say #r speaker%u line %u", &speaker, &number) != 2) {
		return;
	}
	cr_assert_lt(speaker, SPEAKERS);
	cr_assert_eq(member->next[speaker], number, "'%s', but %u was to come", line,
		     member->next[speaker]);
	member->next[speaker]++;
	member->order[member->heard++] = speaker * LINES_A_SPEAKER + number;
}

/* Reads what is there and takes the whole lines; notes an end. */
static void hear(struct member *member)
{
	struct talk *talk = &member->talk;

	memmove(talk->bytes, talk->bytes + talk->start, talk->end - talk->start);
	talk->end -= talk->start;
	talk->start = 0;
	ssize_t count = recv(talk->descriptor, talk->bytes + talk->end,
			     sizeof(talk->bytes) - talk->end, MSG_DONTWAIT);
	member->lost = count == 0 || (count < 0 && errno != EAGAIN);
	talk->end += count > 0 ? (size_t)count : 0;
	for (char *end; (end = memchr(talk->bytes + talk->start, '\n', talk->end - talk->start));) {
		*end = '\0';
		take_said(member, talk->bytes + talk->start);
		talk->start = (size_t)(end + 1 - talk->bytes);
	}
}

static void gather(void)
{
	for (unsigned i = 0; i < MEMBERS; i++) {
		struct member *member = &members[i];
		char nick[32];
		memset(member, 0, sizeof(*member));
		talk_open_greeted(&member->talk, server.lines_port);
		snprintf(nick, sizeof(nick), i < SPEAKERS ? "speaker%u" : "listener%u", i);
		join(&member->talk, nick, "#r");
	}
}

/* Each speaker says one more line, unless its connection is lost or it said all. */
static bool say_some(void)
{
	char line[64];
	bool more = false;

	for (unsigned i = 0; i < SPEAKERS; i++) {
		struct member *speaker = &members[i];
		if (speaker->lost || speaker->said == LINES_A_SPEAKER) {
			continue;
		}
		int length = snprintf(line, sizeof(line), "line %u\n", speaker->said);
		speaker->lost = send(speaker->talk.descriptor, line, (size_t)length,
				     MSG_NOSIGNAL) != length;
		speaker->said++;
		more = true;
	}
	return more;
}

static void hear_all(void)
{
	for (unsigned i = 0; i < MEMBERS; i++) {
		if (!members[i].lost) {
			hear(&members[i]);
		}
	}
}

/* How many lines all of those who are left heard or said themselves: the most of any. */
static unsigned most_from(unsigned speaker)
{
	unsigned most = 0;

	for (unsigned i = 0; i < MEMBERS; i++) {
		if (!members[i].lost && members[i].next[speaker] > most) {
			most = members[i].next[speaker];
		}
	}
	return members[speaker].lost ? most : LINES_A_SPEAKER;
}

static bool all_heard_all(void)
{
	hear_all();
	for (unsigned speaker = 0; speaker < SPEAKERS; speaker++) {
		unsigned most = most_from(speaker);
		for (unsigned i = 0; i < MEMBERS; i++) {
			if (!members[i].lost && i != speaker && members[i].next[speaker] != most) {
				return false;
			}
		}
	}
	return true;
}

/* Two members' orders are the same but for their own lines, which they do not get. */
static void check_same_order(unsigned a, unsigned b)
{
	unsigned i = 0, j = 0;

	for (;;) {
		while (i < members[a].heard && members[a].order[i] / LINES_A_SPEAKER == b) {
			i++;
		}
		while (j < members[b].heard && members[b].order[j] / LINES_A_SPEAKER == a) {
			j++;
		}
		if (i == members[a].heard || j == members[b].heard) {
			break;
		}
		cr_assert_eq(members[a].order[i++], members[b].order[j++],
			     "members %u and %u heard another order", a, b);
	}
	cr_assert(i == members[a].heard && j == members[b].heard);
}

/* Returns how many members are left. */
static unsigned check_orders(void)
{
	unsigned last = MEMBERS, left = 0;

	for (unsigned i = 0; i < MEMBERS; i++) {
		if (members[i].lost) {
			continue;
		}
		if (last < MEMBERS) {
			check_same_order(last, i);
		}
		last = i;
		left++;
	}
	return left;
}

Test(programs_chat, everyone_hears_the_same_lines_in_the_same_order)
{
	turnstiled_start(&server, "--workers", "4");
	gather();
	while (say_some()) {
		hear_all();
	}
	cr_assert(eventually(all_heard_all()), "lines are missing");
	cr_expect_eq(check_orders(), MEMBERS);
}

/* Kills a worker, but not the first member's, so that somebody is left to tell. */
static bool kill_another_than(pid_t spared)
{
	pid_t children[WATCH_CHILDREN_MAX];
	size_t count = watch_children(server.pid, children);

	for (size_t i = 0; i < count; i++) {
		if (children[i] != spared) {
			return watch_signal(server.pid, children[i], SIGKILL);
		}
	}
	return false;
}

Test(programs_chat, who_is_left_when_workers_are_killed_heard_all_in_the_same_order)
{
	pid_t spared;
	unsigned kills = 0;

	turnstiled_start(&server, "--workers", "4", "--adopt", "off");
	gather();
	serving(&members[0].talk, &spared);
	while (say_some()) {
		if (members[0].said % 15 == 0) {
			kills += kill_another_than(spared);
		}
		hear_all();
	}
	cr_expect_eq(kills, 2);
	cr_assert(eventually(all_heard_all()), "lines are missing");
	unsigned left = check_orders();
	cr_expect(left >= MEMBERS / 4 && left < MEMBERS, "%u are left", left);
}

/* *sale */

#define SALES 400

/* One ticket after the other; what is heard of it is merged, but not by more than a little. */
static void watch_sales(unsigned workers)
{
	static struct talk seller, watcher;
	unsigned lines = 0;
	int left = SALES, total = 0;

	open_on(&seller, server.lines_port, 1);
	open_on(&watcher, server.lines_port, workers);
	talk_ask(&watcher, "/join #rush", "+join #rush 1");
	const int64_t start_ns = clock_monotonic_ns();
	for (int i = 0; i < SALES; i++) {
		talk_ask(&seller, "/book rush", "+booked ");
		clock_sleep(5 * NS_PER_MS);
	}
	while (left > 0) {
		int before = left;
		const char *line = talk_expect_event(&watcher, "*sale rush ");
		cr_assert_eq(sscanf(line, "*sale rush %d %d", &left, &total), 2);
		cr_assert_lt(left, before, "the same twice, or an old one");
		cr_assert_eq(total, SALES);
		lines++;
	}
	int64_t quarters = (clock_monotonic_ns() - start_ns) / (NS_PER_SECOND / 4);
	cr_expect_leq(lines, quarters + 2, "%u lines", lines);
	cr_expect_gt(lines, 1, "only the last is told");
}

Test(programs_chat, sale_follows_every_change_merged_and_the_last_is_always_sent)
{
	turnstiled_start(&server, "--workers", "1", "--event", "rush=400:A rush");
	watch_sales(1);
}

Test(programs_chat, sale_reaches_the_other_workers_too)
{
	turnstiled_start(&server, "--workers", "2", "--event", "rush=400");
	watch_sales(2);
}

/* Receivers that do not read */

Test(programs_chat, who_does_not_read_is_cut_off_and_slows_nobody)
{
	static struct talk slow, talker, listener;
	char text[901];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	turnstiled_start(&server, "--workers", "2", "--send-queue", "64KiB");
	open_on(&slow, server.lines_port, 1);
	open_on(&talker, server.lines_port, 1);
	open_on(&listener, server.lines_port, 2);
	join(&slow, "slow", "#r");
	join(&talker, "talker", "#r");
	join(&listener, "listener", "#r");
	for (int i = 0; i < 10000; i++) {
		talk_say(&talker, "%d %s", i, text);
		int number = -1;
		sscanf(talk_expect_event(&listener, "*"), "*say #r talker %d", &number);
		if (strncmp(listener.line, "*part #r slow", 13) == 0) {
			break;
		}
		cr_assert_eq(number, i);
	}
	if (strncmp(listener.line, "*part #r slow", 13) != 0) {
		talk_expect_event(&listener, "*part #r slow");
	}
	cr_expect(eventually(
		log_has(&server, " notice: slow (127.0.0.1) was cut off: it has not read ")));
}
