/*
 * People of two servers on one NATS: each machine knows who is on the other, and in which rooms,
 * whatever is killed.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/programs/nodes.h"
#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"

#define MANY 300

static struct talk ann, bob;

static void init(void)
{
	nodes_init();
	nats_start(&nats);
}

TestSuite(programs_presence, .init = init, .fini = nodes_finish, .timeout = 120);

/* What /who ROOM lists, in the order of the names: "ann bob@b". */
static const char *who(struct talk *talk, const char *room)
{
	static char list[4096];
	size_t length = 0;

	list[0] = '\0';
	talk_say(talk, "/who %s", room);
	for (const char *line = ""; line[0] != '+' && line[0] != '-';) {
		line = talk_line(talk);
		if (line[0] == '=') {
			length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%s",
						   length > 0 ? " " : "", line + 1);
		}
	}
	return list;
}

/* The row of ROOM in /rooms; "" if there is none. */
static const char *room_row(struct talk *talk, const char *room)
{
	static char row[4096];

	row[0] = '\0';
	talk_say(talk, "/rooms");
	for (const char *line = ""; line[0] != '+';) {
		line = talk_line(talk);
		if (line[0] == '=' && strncmp(line + 1, room, strlen(room)) == 0) {
			(void)snprintf(row, sizeof(row), "%s", line);
		}
	}
	return row;
}

static void start_both(void)
{
	nodes_start(&a, "a");
	nodes_start(&b, "b");
	nodes_enter(&ann, &a, "ann", "#tea");
	nodes_enter(&bob, &b, "bob", "#tea");
	cr_assert(eventually(strcmp(who(&ann, "#tea"), "ann bob@b") == 0));
	cr_assert(eventually(strcmp(who(&bob, "#tea"), "bob ann@a") == 0));
}

/* The next event that starts so; others are skipped. */
static void await(struct talk *talk, const char *start)
{
	while (strncmp(talk_expect_event(talk, "*"), start, strlen(start)) != 0) {
		/* something else */
	}
}

Test(programs_presence, lists_and_counts_are_of_all_machines)
{
	static struct talk eve;

	start_both();
	cr_assert_str_eq(room_row(&ann, "#tea"), "=#tea 2");
	nodes_enter(&eve, &b, "eve", "#coffee");
	cr_assert(eventually(strcmp(room_row(&ann, "#coffee"), "=#coffee 1") == 0));
	cr_assert_str_eq(who(&ann, "#coffee"), "eve@b");
	ask(&ann, "+who 3$", "/who");
	ask(&ann, "+join #coffee 2$", "/join #COFFEE");
	talk_close(&eve);
	cr_assert(eventually(strcmp(who(&ann, "#coffee"), "ann") == 0));
	ask(&ann, "+part #coffee$", "/part #coffee");
	cr_assert(eventually(strcmp(room_row(&ann, "#coffee"), "") == 0));
}

Test(programs_presence, who_comes_goes_and_changes_names_is_heard_everywhere)
{
	static struct talk eve;

	start_both();
	nodes_enter(&eve, &b, "eve", "#tea");
	await(&ann, "*join #tea eve@b");
	ask(&eve, "+nick eva$", "/nick eva");
	ask(&eve, "+say #tea$", "/say it is me");
	await(&ann, "*nick eve@b eva@b");
	cr_assert_str_eq(talk_expect_event(&ann, "*"), "*say #tea eva@b it is me");
	await(&bob, "*nick eve eva");
	cr_assert_str_eq(talk_expect_event(&bob, "*"), "*say #tea eva it is me");
	ask(&eve, "+bye", "/quit good night");
	await(&ann, "*part #tea eva@b good night");
	await(&bob, "*part #tea eva good night");
}

/* One who shares several rooms hears a new nick once, before anything that is said under it. */
Test(programs_presence, a_new_nick_is_heard_once)
{
	start_both();
	ask(&ann, "+join #two", "/join #two");
	ask(&bob, "+join #two", "/join #two");
	await(&ann, "*join #two bob@b");
	ask(&bob, "+nick ben$", "/nick ben");
	ask(&bob, "+say #two$", "/say #two one");
	ask(&bob, "+say #two$", "/say #two two");
	await(&ann, "*nick bob@b ben@b");
	cr_assert_str_eq(talk_expect_event(&ann, "*"), "*say #two ben@b one");
	cr_assert_str_eq(talk_expect_event(&ann, "*"), "*say #two ben@b two");
}

Test(programs_presence, people_of_a_machine_that_was_killed_leave)
{
	start_both();
	turnstiled_kill(&b);
	await(&ann, "*part #tea bob@b");
	cr_assert(eventually(strcmp(who(&ann, "#tea"), "ann") == 0));
	cr_assert(eventually(strcmp(room_row(&ann, "#tea"), "=#tea 1") == 0));
	nodes_start(&b, "b");
	nodes_enter(&bob, &b, "bob", "#tea");
	await(&ann, "*join #tea bob@b");
	cr_assert(eventually(strcmp(who(&ann, "#tea"), "ann bob@b") == 0));
}

/* Each process of it is stopped, so that nothing of it is heard; then it goes on. */
Test(programs_presence, people_of_a_machine_that_is_heard_again_come_back)
{
	pid_t children[WATCH_CHILDREN_MAX];

	start_both();
	size_t count = watch_children(b.pid, children);

	kill(b.pid, SIGSTOP);
	for (size_t i = 0; i < count; i++) {
		(void)watch_signal(b.pid, children[i], SIGSTOP);
	}
	await(&ann, "*part #tea bob@b");
	cr_assert_str_eq(who(&ann, ""), "ann");
	for (size_t i = 0; i < count; i++) {
		(void)watch_signal(b.pid, children[i], SIGCONT);
	}
	kill(b.pid, SIGCONT);
	await(&ann, "*join #tea bob@b");
	cr_assert(eventually(strcmp(who(&ann, "#tea"), "ann bob@b") == 0));
}

static void kill_bus(struct turnstiled *server, struct talk *talk)
{
	become_operator(talk);
	const pid_t before = nodes_bus_of(talk);

	cr_assert(watch_signal(server->pid, before, SIGKILL));
	cr_assert(eventually(nodes_bus_of(talk) != before && nodes_bus_of(talk) != 0));
}

Test(programs_presence, killed_bus_processes_lose_nobody)
{
	static struct talk eve;

	start_both();
	kill_bus(&a, &ann);
	kill_bus(&b, &bob);
	nodes_enter(&eve, &b, "eve", "#tea");
	cr_assert(eventually(strcmp(who(&ann, "#tea"), "ann bob@b eve@b") == 0));
	talk_close(&eve);
	cr_assert(eventually(strcmp(who(&ann, "#tea"), "ann bob@b") == 0));
	cr_assert(eventually(strcmp(who(&bob, "#tea"), "bob ann@a") == 0));
	cr_assert_str_eq(room_row(&bob, "#tea"), "=#tea 2");
}

Test(programs_presence, killed_workers_and_a_killed_nats_lose_nobody)
{
	static unsigned seed = 3;

	start_both();
	for (int i = 0; i < 5; i++) {
		(void)watch_signal_any(b.pid, &seed, SIGKILL);
	}
	nats_stop(&nats, SIGKILL);
	nats_start(&nats);
	nodes_enter(&bob, &b, "ben", "#coffee");
	cr_assert(eventually(strcmp(who(&ann, "#coffee"), "ben@b") == 0));
	cr_assert(eventually(strcmp(who(&ann, "#tea"), "ann bob@b") == 0 ||
			     strcmp(who(&ann, "#tea"), "ann") == 0));
}

Test(programs_presence, an_upgrade_knows_the_others_again)
{
	start_both();
	turnstiled_upgrade(&a);
	cr_assert(eventually(strcmp(who(&ann, "#tea"), "ann bob@b") == 0));
	cr_assert(eventually(strcmp(who(&bob, "#tea"), "bob ann@a") == 0));
}

Test(programs_presence, many_people_are_known_within_a_moment)
{
	static struct talk crowd[MANY];

	nodes_start(&a, "a");
	nodes_start(&b, "b");
	for (int i = 0; i < MANY; i++) {
		talk_open_greeted(&crowd[i], b.lines_port);
		ask(&crowd[i], "+join #tea", "/join #tea");
	}
	nodes_enter(&ann, &a, "ann", "#tea");
	cr_assert(eventually(strcmp(room_row(&ann, "#tea"), text_of("=#tea %d", MANY + 1)) == 0));
	talk_say(&ann, "/who #tea");
	for (const char *line = ""; line[0] != '+';) {
		line = talk_line(&ann);
		cr_assert(line[0] != '+' || strcmp(line, text_of("+who %d", MANY + 1)) == 0);
	}
	turnstiled_kill(&b);
	cr_assert(eventually(strcmp(room_row(&ann, "#tea"), "=#tea 1") == 0));
}

/* One person there */

Test(programs_presence, somebody_elsewhere_is_told_as_somebody_here)
{
	start_both();
	ask(&ann, "+tell bob@b$", "/tell BOB@b one");
	ask(&ann, "+tell bob@b$", "/tell bob@b  two  blanks");
	await(&bob, "*tell ann@a one");
	cr_assert_str_eq(talk_expect_event(&bob, "*"), "*tell ann@a two  blanks");
	ask(&bob, "+tell ann@a$", "/tell ann@a three");
	await(&ann, "*tell bob@b three");
	ask(&ann, "+tell ann$", "/tell ann@a myself");
	await(&ann, "*tell ann myself");
}

Test(programs_presence, a_name_that_nobody_has_there_is_refused_as_here)
{
	start_both();
	ask(&ann, "-NOTFOUND", "/tell eve@b hello");
	ask(&ann, "-NOTFOUND", "/tell bob@a hello");
	ask(&ann, "-NOTFOUND", "/tell bob hello");
	ask(&ann, "-NOTFOUND", "/tell bob@c hello");
	ask(&ann, "-NOTFOUND", "/where eve@b");
	ask(&ann, "-BADARG", "/tell bob@B hello");
	ask(&ann, "-BADARG", "/tell bob@ hello");
	ask(&ann, "-BADARG", "/tell @b hello");
	ask(&ann, "-BADARG", "/tell bob@b");
}

Test(programs_presence, replies_are_in_order_when_one_comes_from_elsewhere)
{
	start_both();
	talk_say(&ann, "/ping 1\n/tell bob@b one\n/ping 2\n/tell eve@b two\n/ping 3");
	talk_expect_answer(&ann, "+pong 1");
	talk_expect_answer(&ann, "+tell bob@b");
	talk_expect_answer(&ann, "+pong 2");
	talk_expect_answer(&ann, "-NOTFOUND nobody has that nick; /who lists everybody");
	talk_expect_answer(&ann, "+pong 3");
}

Test(programs_presence, where_says_which_worker_there)
{
	char there[256];

	start_both();
	(void)snprintf(there, sizeof(there), "%s", ask(&bob, "+where bob ", "/where"));
	ask(&ann, text_of("+where bob@b %s$", there + strlen("+where bob ")), "/where bob@b");
}

Test(programs_presence, an_operator_mutes_and_kicks_people_elsewhere)
{
	start_both();
	ask(&ann, "-DENIED", "/kick bob@b");
	become_operator(&ann);
	ask(&ann, "+mute bob@b 60$", "/mute bob@b 60");
	await(&bob, "*notice ann@a muted you for 60 seconds");
	ask(&bob, "-DENIED", "/say hush");
	ask(&bob, "-DENIED", "/tell ann@a hush");
	ask(&ann, "+mute bob@b 0$", "/mute bob@b 0");
	ask(&bob, "+say #tea$", "/say again");
	ask(&ann, "+kick bob@b$", "/kick bob@b enough");
	await(&bob, "*notice ann@a kicked you: enough");
	talk_expect_end(&bob);
	cr_assert(eventually(strcmp(who(&ann, "#tea"), "ann") == 0));
	ask(&ann, "-NOTFOUND", "/kick bob@b");
	cr_assert(eventually(log_has(&b, "ann@a kicked bob")));
}

static void signal_all(const struct turnstiled *server, int signal)
{
	pid_t children[WATCH_CHILDREN_MAX];
	size_t count = watch_children(server->pid, children);

	for (size_t i = 0; i < count; i++) {
		(void)watch_signal(server->pid, children[i], signal);
	}
}

/* What was answered -BUSY has not arrived when it is heard again. */
Test(programs_presence, a_machine_that_does_not_answer_is_busy)
{
	start_both();
	kill(b.pid, SIGSTOP);
	signal_all(&b, SIGSTOP);
	ask(&ann, "-BUSY", "/tell bob@b lost");
	signal_all(&b, SIGCONT);
	kill(b.pid, SIGCONT);
	ask(&ann, "+tell bob@b$", "/tell bob@b found");
	await(&bob, "*tell ");
	cr_assert_str_eq(bob.line, "*tell ann@a found");
}

Test(programs_presence, without_the_bus_telling_elsewhere_is_busy)
{
	start_both();
	nats_stop(&nats, SIGKILL);
	cr_assert(eventually(stat_of(&ann, "turnstile_bus_connected") == 0));
	ask(&ann, "-BUSY", "/tell bob@b hello");
	ask(&ann, "+tell ann$", "/tell ann hello");
	nats_start(&nats);
	cr_assert(eventually(stat_of(&ann, "turnstile_bus_connected") == 1));
	cr_assert(eventually(strncmp(ask(&ann, "", "/tell bob@b again"), "+tell", 5) == 0));
}

/* Each one hears what was answered, and what was answered + arrives, once. */
Test(programs_presence, a_worker_that_is_killed_while_it_waits_leaves_no_doubt)
{
	static unsigned seed = 5;
	int told = 0;

	start_both();
	for (int i = 0; i < 40; i++) {
		talk_say(&ann, "/tell bob@b %d", i);
		if (i % 8 == 7) {
			(void)watch_signal_any(a.pid, &seed, SIGKILL);
		}
		const char *answer = ask(&ann, "", "/ping");

		told += strncmp(answer, "+tell", 5) == 0;
		talk_expect_answer(&ann, "+pong");
	}
	ask(&bob, "+pong", "/ping");
	cr_assert_geq(told, 30);
}

/* What strangers send: nothing but a line in the log. */
Test(programs_presence, what_strangers_tell_changes_nobody)
{
	static struct talk stranger;

	start_both();
	talk_open(&stranger, nats.port);
	talk_say(&stranger, "CONNECT {\"verbose\":false}\r");
	for (int i = 0; i < 3; i++) {
		const char *subject = i == 0 ? "turnstile-now.all" : "turnstile-now.to.a";

		talk_say(&stranger, "PUB %s 5\r\nhello\r", subject);
	}
	talk_say(&stranger, "PING\r");
	while (strncmp(talk_line(&stranger), "PONG", 4) != 0) {
		/* what it is */
	}
	cr_assert(eventually(log_has(&a, "is none of ours")));
	cr_assert_str_eq(who(&ann, "#tea"), "ann bob@b");
	ask(&ann, "+tell bob@b$", "/tell bob@b still here");
}

/* Penalties are an address's, on whichever machine. */
Test(programs_presence, mutes_and_bans_hold_on_all_machines)
{
	static struct talk eve, fay;

	start_both();
	become_operator(&ann);
	talk_open_from(&eve, a.lines_port, "127.0.0.8");
	talk_open_from(&fay, b.lines_port, "127.0.0.8");
	talk_expect_start(&eve, "+turnstile 1");
	talk_expect_start(&fay, "+turnstile 1");
	ask(&fay, "+nick fay$", "/nick fay");
	ask(&eve, "+tell ann$", "/tell ann may I");
	ask(&ann, "+mute fay@b 60$", "/mute fay@b 60");
	cr_assert(eventually(strncmp(ask(&eve, "", "/tell ann hello"), "-DENIED", 7) == 0));
	ask(&ann, "+ban 127.0.0.8 60$", "/ban 127.0.0.8 60");
	talk_expect_event(&fay, "*notice ann@a muted you");
	talk_expect_event(&fay, "*notice an operator banned your address");
	talk_expect_end(&fay);
	cr_assert_eq(turnstiled_stop(&b), 0);
	nodes_start(&b, "c");
	talk_open_from(&fay, b.lines_port, "127.0.0.8");
	talk_expect_start(&fay, "-DENIED");
}
