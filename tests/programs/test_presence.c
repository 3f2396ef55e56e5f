/*
 * People of two servers on one NATS: each machine knows who is on the other, and in which rooms,
 * whatever is killed.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"
#include "tests/support/nats.h"

#define MANY 300

static struct nats nats;
static struct turnstiled a, b;
static struct talk ann, bob;

static void init(void)
{
	if (!nats_init(&nats)) {
		cr_skip_test("no nats-server is installed");
	}
	turnstiled_init(&a, TURNSTILED);
	turnstiled_init(&b, TURNSTILED);
	nats_start(&nats);
}

static void finish(void)
{
	turnstiled_finish(&a);
	turnstiled_finish(&b);
	nats_finish(&nats);
}

TestSuite(programs_presence, .init = init, .fini = finish, .timeout = 120);

static void start(struct turnstiled *server, const char *node)
{
	turnstiled_start(server, "--workers", "2", "--node", node, "--bus", nats_url(&nats),
			 "--op-password-file", password_file(server));
}

static void enter(struct talk *talk, const struct turnstiled *server, const char *nick,
		  const char *room)
{
	talk_open_greeted(talk, server->lines_port);
	ask(talk, text_of("+nick %s$", nick), "/nick %s", nick);
	ask(talk, text_of("+join %s", room), "/join %s", room);
}

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
	start(&a, "a");
	start(&b, "b");
	enter(&ann, &a, "ann", "#tea");
	enter(&bob, &b, "bob", "#tea");
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
	enter(&eve, &b, "eve", "#coffee");
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
	enter(&eve, &b, "eve", "#tea");
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
	start(&b, "b");
	enter(&bob, &b, "bob", "#tea");
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

/* The bus process, as /workers has it. */
static pid_t bus_of(struct talk *talk)
{
	int pid = 0;

	talk_say(talk, "/workers");
	for (const char *line = ""; line[0] != '+';) {
		line = talk_line(talk);
		(void)sscanf(line, "=bus %d", &pid);
	}
	return pid;
}

static void kill_bus(struct turnstiled *server, struct talk *talk)
{
	become_operator(talk);
	const pid_t before = bus_of(talk);

	cr_assert(watch_signal(server->pid, before, SIGKILL));
	cr_assert(eventually(bus_of(talk) != before && bus_of(talk) != 0));
}

Test(programs_presence, killed_bus_processes_lose_nobody)
{
	static struct talk eve;

	start_both();
	kill_bus(&a, &ann);
	kill_bus(&b, &bob);
	enter(&eve, &b, "eve", "#tea");
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
	enter(&bob, &b, "ben", "#coffee");
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

	start(&a, "a");
	start(&b, "b");
	for (int i = 0; i < MANY; i++) {
		talk_open_greeted(&crowd[i], b.lines_port);
		ask(&crowd[i], "+join #tea", "/join #tea");
	}
	enter(&ann, &a, "ann", "#tea");
	cr_assert(eventually(strcmp(room_row(&ann, "#tea"), text_of("=#tea %d", MANY + 1)) == 0));
	talk_say(&ann, "/who #tea");
	for (const char *line = ""; line[0] != '+';) {
		line = talk_line(&ann);
		cr_assert(line[0] != '+' || strcmp(line, text_of("+who %d", MANY + 1)) == 0);
	}
	turnstiled_kill(&b);
	cr_assert(eventually(strcmp(room_row(&ann, "#tea"), "=#tea 1") == 0));
}
