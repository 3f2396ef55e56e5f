/* What operators may do to people, and how many people and lines there may be. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <ctype.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"

static struct turnstiled server;
static struct talk boss, ann, bob;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_moderation, .init = init, .fini = finish, .timeout = 60);

static void enter(struct talk *talk, unsigned worker, const char *nick)
{
	open_on(talk, server.lines_port, worker);
	ask(talk, text_of("+nick %s$", nick), "/nick %s", nick);
	ask(talk, "+join #r ", "/join #r");
}

/* The operator and bob at one worker, ann at another; bob hears ann. */
static void start(void)
{
	turnstiled_start(&server, "--workers", "2", "--adopt", "off", "--op-password-file",
			 password_file(&server));
	enter(&boss, 1, "boss");
	enter(&ann, 2, "ann");
	enter(&bob, 1, "bob");
	become_operator(&boss);
	talk_expect_event(&ann, "*join #r bob");
}

Test(programs_moderation, only_an_operator_kicks_mutes_and_bans)
{
	start();
	ask(&ann, "-DENIED ", "/kick bob");
	ask(&ann, "-DENIED ", "/mute bob 10");
	ask(&ann, "-DENIED ", "/ban 192.0.2.1 10");
	ask(&boss, "-BADARG ", "/kick");
	ask(&boss, "-NOTFOUND ", "/kick nobody");
	ask(&boss, "-BADARG ", "/mute bob");
	ask(&boss, "-BADARG ", "/mute bob x");
	ask(&boss, "-BADARG ", "/mute bob -1");
	ask(&boss, "-NOTFOUND ", "/mute nobody 1");
	ask(&boss, "-BADARG ", "/ban");
	ask(&boss, "-BADARG ", "/ban bob 10");
	ask(&boss, "-BADARG ", "/ban 192.0.2.256 10");
	ask(&boss, "-BADARG ", "/ban 192.0.2.1");
	talk_say(&bob, "still here");
	talk_expect_event(&ann, "*say #r bob still here");
}

/* Connections from other addresses of this machine */

static void open_from(struct talk *talk, const char *address)
{
	talk_open_from(talk, server.lines_port, address);
}

Test(programs_moderation, the_muted_are_told_for_how_long_and_may_all_else)
{
	int left = 0;

	start();
	ask(&boss, "+mute ann 100$", "/mute ann 100");
	talk_expect_event(&ann, "*notice boss muted you for 100 seconds");
	talk_say(&ann, "hello");
	sscanf(talk_expect_answer(&ann, "-DENIED "), "%*[^0-9]%d", &left);
	cr_expect(left > 90 && left <= 100, "%d", left);
	ask(&ann, "-DENIED ", "/say #r hello");
	ask(&ann, "-DENIED ", "/tell bob hello");
	ask(&ann, "-DENIED ", "/topic #r hello");
	ask(&ann, "+topic #r$", "/topic #r");
	ask(&ann, "+nick anna$", "/nick anna"); /* another name is no way out */
	ask(&ann, "-DENIED ", "/say #r hello");
	ask(&boss, "+mute anna 0$", "/mute anna 0");
	talk_expect_event(&ann, "*notice boss lets you speak again");
	talk_say(&ann, "at last");
	talk_expect_event(&bob, "*nick ann anna");
	talk_expect_event(&bob, "*say #r anna at last");
}

Test(programs_moderation, a_mute_ends_by_itself)
{
	start();
	ask(&boss, "+mute ann 1$", "/mute ann 1");
	ask(&ann, "-DENIED ", "/say #r too early");
	do {
		talk_say(&ann, "/say #r late");
	} while (talk_expect_answer(&ann, "")[0] == '-');
	talk_expect_event(&bob, "*say #r ann late");
	talk_close(&ann);
	cr_assert(eventually(stat_of(&boss, "turnstile_connections") == 2));
	enter(&ann, 2, "ann");
	ask(&ann, "+say #r$", "/say #r a seat is not muted for who takes it next");
}

static void enter_from(struct talk *talk, const char *address, const char *nick)
{
	open_from(talk, address);
	talk_expect_start(talk, "+turnstile 1 ");
	ask(talk, text_of("+nick %s$", nick), "/nick %s", nick);
	ask(talk, "+join #r ", "/join #r");
}

Test(programs_moderation, the_kicked_are_told_and_gone_on_every_worker)
{
	start();
	ask(&boss, "+kick ann$", "/kick ANN for \x1b[31m reasons");
	talk_expect_event(&ann, "*notice boss kicked you: for \xef\xbf\xbd[31m reasons");
	talk_expect_end(&ann);
	talk_expect_event(&bob, "*part #r ann");
	ask(&boss, "+kick bob$", "/kick bob");
	talk_expect(&bob, "*notice boss kicked you");
	talk_expect_end(&bob);
	talk_close(&ann);
	cr_assert(eventually(stat_of(&boss, "turnstile_connections") == 2));
	enter(&ann, 2, "ann"); /* a kick is no ban */
}

#define UNREAD_LINES 3000 /* of a kilobyte: more than a socket takes, less than --send-queue */

/* Tells somebody who reads none of it more than the sockets take. */
static void let_fall_behind(const char *nick)
{
	static char line[1000];

	memset(line, 'x', sizeof(line) - 1);
	for (int i = 0; i < UNREAD_LINES; i++) {
		talk_say(&boss, "/tell %s %s", nick, line);
		(void)talk_expect_answer(&boss, ""); /* or -BUSY, which fills as well */
	}
}

Test(programs_moderation, a_kick_frees_nick_rooms_and_holds_of_one_who_does_not_read)
{
	turnstiled_start(&server, "--workers", "2", "--op-password-file", password_file(&server),
			 "--event", "rush=5", "--send-queue", "64MiB", "--rate", "0");
	enter(&boss, 1, "boss");
	enter(&ann, 2, "ann");
	become_operator(&boss);
	ask(&ann, "+held ", "/hold rush 5 tied");
	let_fall_behind("ann");
	ask(&boss, "+kick ann$", "/kick ann");
	talk_expect_event(&boss, "*part #r ann");
	cr_expect(eventually(left_of(&boss, "rush") == 5));
	enter(&bob, 1, "ann"); /* the socket of the first is still open at its peer's */
}

/* Stops ann's worker, and tells her so much that no more letter gets there. */
static pid_t fill_the_inbox_of_ann(void)
{
	static char line[1000];
	pid_t pid;

	memset(line, 'x', sizeof(line) - 1);
	serving(&ann, &pid);
	cr_assert(watch_signal(server.pid, pid, SIGSTOP));
	do {
		talk_say(&boss, "/tell ann %s", line);
	} while (talk_expect_answer(&boss, "")[0] == '+');
	ask(&boss, "-BUSY ", "/tell ann %s", line);
	return pid;
}

/*
 * Lets ann's worker go on: she hears this last. If it stood still holding the store's lock, it was
 * killed by now, and there is nobody to tell her.
 */
static void expect_ann_to_go(pid_t pid, const char *notice)
{
	if (watch_signal(server.pid, pid, SIGCONT)) {
		while (strcmp(talk_line(&ann), notice) != 0) {
		}
		talk_expect_end(&ann);
	}
}

Test(programs_moderation, a_kick_takes_effect_though_no_letter_gets_to_the_kicked_ones_worker)
{
	turnstiled_start(&server, "--workers", "2", "--op-password-file", password_file(&server),
			 "--event", "rush=5", "--rate", "0");
	enter(&boss, 1, "boss");
	enter(&ann, 2, "ann");
	become_operator(&boss);
	ask(&ann, "+held ", "/hold rush 5 tied");
	pid_t pid = fill_the_inbox_of_ann();
	ask(&boss, "+kick ann$", "/kick ann for reasons");
	talk_expect_event(&boss, "*part #r ann");
	ask(&boss, "-NOTFOUND ", "/kick ann");
	ask(&boss, "+nick ann$", "/nick ann");
	ask(&boss, "+who 1$", "/who #r");
	cr_expect(eventually(left_of(&boss, "rush") == 5));
	talk_say(&ann, "/say #r not any more");
	expect_ann_to_go(pid, "*notice an operator kicked you");
}

Test(programs_moderation, a_ban_takes_effect_though_no_letter_gets_there)
{
	start();
	do {
		talk_close(&ann);
		enter_from(&ann, "127.0.0.9", "anna");
	} while (serving(&ann, NULL) != 2);
	ask(&ann, "+nick ann$", "/nick ann");
	pid_t pid = fill_the_inbox_of_ann();
	ask(&boss, "+ban 127.0.0.9 100$", "/ban 127.0.0.9 100");
	expect_ann_to_go(pid, "*notice an operator banned your address");
}

Test(programs_moderation, a_kicked_one_who_does_not_end_has_no_nick_any_more)
{
	start();
	ask(&boss, "+kick ann$", "/kick ann");
	talk_expect_event(&bob, "*part #r ann");
	ask(&bob, "+nick ann$", "/nick ann");
}

Test(programs_moderation, a_mute_is_its_addresss_whoever_comes_from_there)
{
	static struct talk again, other;

	start();
	enter_from(&again, "127.0.0.9", "mallory");
	ask(&boss, "+mute mallory 100$", "/mute mallory 100");
	talk_close(&again);
	for (int i = 0; i < 4; i++) { /* whichever worker it gets to */
		enter_from(&again, "127.0.0.9", text_of("mallory-%d", i));
		ask(&again, "-DENIED you are muted for ", "/say #r hello");
		ask(&again, "-DENIED you are muted for ", "/tell bob hello");
		talk_close(&again);
	}
	enter_from(&other, "127.0.0.10", "other");
	ask(&other, "+say #r$", "/say #r others are not concerned");
	ask(&ann, "+say #r$", "/say #r hello");
	ask(&boss, "+mute ann 100$", "/mute ann 100");
	ask(&bob, "-DENIED ", "/say #r from the same address");
	ask(&boss, "+say #r$", "/say #r an operator may always speak");
}

static void kill_worker_of(struct talk *talk)
{
	pid_t pid;

	serving(talk, &pid);
	cr_assert(watch_signal(server.pid, pid, SIGKILL));
	talk_expect_end(talk);
	talk_close(talk);
}

Test(programs_moderation, a_mute_outlasts_the_worker_of_who_is_muted)
{
	static struct talk again;

	start();
	enter_from(&again, "127.0.0.9", "mallory");
	ask(&boss, "+mute mallory 100$", "/mute mallory 100");
	talk_expect_event(&again, "*notice boss muted you for 100 seconds");
	kill_worker_of(&again);
	enter_from(&again, "127.0.0.9", "again");
	ask(&again, "-DENIED you are muted for ", "/say #r hello");
}

static bool may_enter(const char *address)
{
	static struct talk talk;

	open_from(&talk, address);
	bool in = strncmp(talk_line(&talk), "+turnstile ", 11) == 0;
	talk_close(&talk);
	return in;
}

/* Nothing is said there: either bytes come back, or the connection ends. */
static bool gets_echo(const char *address)
{
	static struct talk talk;
	char back = 0;

	talk_open_from(&talk, server.echo_port, address);
	(void)send(talk.descriptor, "X", 1, MSG_NOSIGNAL);
	bool echoed = recv(talk.descriptor, &back, 1, 0) == 1;
	talk_close(&talk);
	return echoed;
}

static void expect_denied(const char *address)
{
	static struct talk talk;

	open_from(&talk, address);
	talk_expect_start(&talk, "-DENIED ");
	talk_expect_end(&talk);
	talk_close(&talk);
}

/* Two people from the same other address, on two workers. */
static void two_enter_from(const char *address)
{
	open_from(&ann, address);
	open_from(&bob, address);
	talk_expect_start(&ann, "+turnstile 1 ");
	talk_expect_start(&bob, "+turnstile 1 ");
}

static void start_with_boss(const char *dispatch)
{
	turnstiled_start(&server, "--workers", "2", "--dispatch", dispatch, "--op-password-file",
			 password_file(&server));
	talk_open_greeted(&boss, server.lines_port);
	become_operator(&boss);
}

static void stop(void)
{
	talk_close(&boss);
	cr_assert_eq(turnstiled_stop(&server), 0);
}

static void ban(const char *dispatch)
{
	start_with_boss(dispatch);
	two_enter_from("127.0.0.9");
	ask(&boss, "+ban 127.0.0.9 100$", "/ban 127.0.0.9 100");
	talk_expect_event(&ann, "*notice ");
	talk_expect_end(&ann);
	talk_expect_event(&bob, "*notice ");
	talk_expect_end(&bob);
	for (int i = 0; i < 8; i++) { /* whichever worker it gets to */
		expect_denied("127.0.0.9");
		cr_expect(!gets_echo("127.0.0.9"));
	}
	cr_expect(may_enter("127.0.0.10"));
	ask(&boss, "+ban 127.0.0.9 0$", "/ban 127.0.0.9 0");
	cr_expect(may_enter("127.0.0.9"));
}

Test(programs_moderation, the_banned_are_let_go_and_not_let_in_again)
{
	ban("handoff");
}

Test(programs_moderation, the_banned_are_let_go_where_workers_accept_too)
{
	ban("accept");
}

Test(programs_moderation, a_ban_and_a_kick_reach_those_whose_worker_dies_meanwhile)
{
	static struct talk zoe;
	pid_t pid;

	turnstiled_start(&server, "--workers", "2", "--op-password-file", password_file(&server));
	enter(&boss, 1, "boss");
	become_operator(&boss);
	open_from(&ann, "127.0.0.9");
	talk_expect_start(&ann, "+turnstile 1 ");
	while (serving(&ann, NULL) != 2) {
		talk_close(&ann);
		open_from(&ann, "127.0.0.9");
		talk_expect_start(&ann, "+turnstile 1 ");
	}
	enter(&zoe, 2, "zoe");
	serving(&ann, &pid);
	cr_assert(watch_signal(server.pid, pid, SIGSTOP));
	ask(&boss, "+ban 127.0.0.9 100$", "/ban 127.0.0.9 100");
	ask(&boss, "+kick zoe$", "/kick zoe");
	cr_assert(watch_signal(server.pid, pid, SIGKILL));
	talk_expect_event(&ann, "*notice ");
	talk_expect_end(&ann);
	talk_expect_event(&zoe, "*notice ");
	talk_expect_end(&zoe);
}

Test(programs_moderation, a_ban_of_a_network_holds_for_all_of_it_and_not_for_its_operator)
{
	start_with_boss("handoff");
	two_enter_from("127.0.3.9");
	ask(&boss, "+ban 127.0.2.0/23 100$", "/ban 127.0.3.1/23 100");
	talk_expect_event(&ann, "*notice ");
	talk_expect_end(&ann);
	expect_denied("127.0.2.1");
	cr_expect(may_enter("127.0.4.1"));
	talk_say(&boss, "/ban 127.0.0.0/8 100");
	talk_expect_event(&boss, "*notice your own address is among those: you stay while this "
				 "connection lasts, and cannot come again");
	talk_expect_answer(&boss, "+ban 127.0.0.0/8 100");
	expect_denied("127.0.0.1");
	ask(&boss, "+ban 127.0.0.0/8 0$", "/ban 127.0.0.0/8 0");
	cr_expect(may_enter("127.0.0.1"));
	expect_denied("127.0.2.1");
	ask(&boss, "-BADARG ", "/ban 127.0.0.1/33 100");
}

Test(programs_moderation, a_ban_ends_by_itself)
{
	start_with_boss("handoff");
	ask(&boss, "+ban 127.0.0.9 1$", "/ban 127.0.0.9 1");
	expect_denied("127.0.0.9");
	cr_expect(eventually(may_enter("127.0.0.9")));
}

Test(programs_moderation, bans_outlast_a_restart_until_they_end)
{
	start_with_boss("handoff");
	ask(&boss, "+ban 127.0.0.9 100$", "/ban 127.0.0.9 100");
	ask(&boss, "+ban 127.0.0.10 1$", "/ban 127.0.0.10 1");
	ask(&boss, "+ban 127.0.0.11 100$", "/ban 127.0.0.11 100");
	ask(&boss, "+ban 127.0.0.11 0$", "/ban 127.0.0.11 0");
	ask(&boss, "+ban 127.0.2.0/23 100$", "/ban 127.0.2.9/23 100");
	ask(&boss, "+ban 2001:db8::/64 100$", "/ban 2001:db8::7 100");
	stop();
	start_with_boss("handoff");
	expect_denied("127.0.3.77");
	cr_expect(may_enter("127.0.4.1"));
	expect_denied("127.0.0.9");
	cr_expect(eventually(may_enter("127.0.0.10")));
	cr_expect(may_enter("127.0.0.11"));
	ask(&boss, "+ban 127.0.0.12 100$", "/ban 127.0.0.12 100");
	clock_sleep(2 * NS_PER_SECOND); /* a crash costs the last second */
	turnstiled_kill(&server);
	start_with_boss("handoff");
	expect_denied("127.0.0.9");
	expect_denied("127.0.0.12");
	ask(&boss, "+ban 127.0.0.9 0$", "/ban 127.0.0.9 0");
	stop();
	start_with_boss("handoff");
	cr_expect(may_enter("127.0.0.9"));
	expect_denied("127.0.0.12");
}

/* Guessing the password */

#define PASSWORDS_FREE 5

static bool lets_in(struct talk *talk)
{
	talk_say(talk, "/op open sesame");
	return talk_expect_answer(talk, "")[0] == '+';
}

static bool is_penalized(struct talk *talk)
{
	talk_say(talk, "/op open sesame");
	return strncmp(talk_expect_answer(talk, ""), "-RATE too many wrong passwords", 30) == 0;
}

static void guess(struct talk *talk, int count)
{
	for (int i = 0; i < count; i++) {
		ask(talk, "-DENIED wrong password$", "/op guess %d", i);
	}
}

/*
 * Guesses with one connection and knows the password on the other; false if it came so late that
 * the penalty of a second was over, which ended the count.
 */
static bool guesses_are_penalized(void)
{
	guess(&ann, PASSWORDS_FREE);
	return is_penalized(&bob);
}

Test(programs_moderation, who_guesses_passwords_waits_on_every_worker_and_others_do_not)
{
	turnstiled_start(&server, "--workers", "2", "--rate", "0", "--op-password-file",
			 password_file(&server));
	open_on(&ann, server.lines_port, 1);
	open_on(&bob, server.lines_port, 2);
	guess(&ann, PASSWORDS_FREE - 1);
	cr_expect(lets_in(&bob), "one more is free");
	cr_assert(eventually(guesses_are_penalized()));
	open_from(&boss, "127.0.0.9");
	talk_expect_start(&boss, "+turnstile 1 ");
	become_operator(&boss);
	cr_expect(eventually(lets_in(&bob)), "asking does not make it longer");
	guess(&bob, PASSWORDS_FREE - 1);
	cr_expect(lets_in(&ann), "a right one ended the count");
}

/* Four guesses, the death of their worker, and a fifth at the next one. */
static bool guesses_outlast_a_worker(void)
{
	open_on(&ann, server.lines_port, 1);
	guess(&ann, PASSWORDS_FREE - 1);
	kill_worker_of(&ann);
	guess(&bob, 1);
	return is_penalized(&bob);
}

Test(programs_moderation, guessed_passwords_are_not_forgotten_with_their_worker)
{
	turnstiled_start(&server, "--workers", "2", "--adopt", "off", "--op-password-file",
			 password_file(&server));
	open_on(&bob, server.lines_port, 2);
	cr_expect(eventually(guesses_outlast_a_worker()));
}

/* The trail */

#define SECRET_KEY "a-key-that-nobody-is-told"

static void expect_logged(const char *text)
{
	cr_expect(eventually(log_has(&server, text)), "%s", text);
}

static void operate(const char *code)
{
	ask(&boss, "+mute ann 10$", "/mute ann 10");
	ask(&boss, "+mute ann 0$", "/mute ann 0");
	ask(&boss, "+kick ann$", "/kick ann");
	ask(&boss, "+ban 127.0.2.0/24 10$", "/ban 127.0.2.0/24 10");
	ask(&boss, "+ban 127.0.2.0/24 0$", "/ban 127.0.2.0/24 0");
	ask(&boss, "+event talk 5$", "/event new talk 5");
	ask(&boss, "+event talk closed$", "/event close talk");
	ask(&boss, "+event talk open$", "/event open talk");
	ask(&boss, "+event talk 7$", "/event grow talk 2");
	ask(&boss, "+admitted ", "/admit %s", code);
	ask(&boss, "-USED ", "/admit %s", code);
}

Test(programs_moderation, what_operators_do_is_logged_with_who_and_from_where_and_no_secret)
{
	char code[TICKET_CODE_SIZE];

	turnstiled_start(&server, "--workers", "2", "--event", "rush=5", "--log-level", "debug",
			 "--op-password-file", password_file(&server));
	enter(&boss, 1, "boss");
	enter(&ann, 2, "ann");
	ask(&boss, "-DENIED ", "/op let me guess");
	become_operator(&boss);
	ask_code(&ann, code, "+booked ", "/book rush 2 key=" SECRET_KEY);
	operate(code);
	stop();
	expect_logged("worker 1 notice: boss (127.0.0.1) gave a wrong password\n");
	expect_logged("notice: boss (127.0.0.1) is an operator now\n");
	expect_logged("notice: boss (127.0.0.1) muted ann (127.0.0.1) for 10 seconds\n");
	expect_logged("notice: boss (127.0.0.1) kicked ann (127.0.0.1)\n");
	expect_logged("notice: boss (127.0.0.1) banned 127.0.2.0/24 for 10 seconds\n");
	expect_logged("notice: boss (127.0.0.1) lets ann (127.0.0.1) speak again\n");
	expect_logged("notice: boss (127.0.0.1) lifted the ban of 127.0.2.0/24\n");
	expect_logged("notice: boss (127.0.0.1) made event talk of 5 tickets\n");
	expect_logged("notice: boss (127.0.0.1) closed event talk\n");
	expect_logged("notice: boss (127.0.0.1) opened event talk\n");
	expect_logged("notice: boss (127.0.0.1) grew event talk by 2 to 7 tickets\n");
	expect_logged("notice: boss (127.0.0.1) admitted 2 to event rush\n");
	cr_expect_not(log_has(&server, "let me guess"));
	cr_expect_not(log_has(&server, "open sesame"));
	cr_expect_not(log_has(&server, SECRET_KEY));
	cr_expect_not(log_has(&server, code));
}

Test(programs_moderation, of_what_operators_do_in_hundreds_the_rest_is_counted)
{
	start_with_boss("handoff");
	for (int i = 1; i <= 50; i++) {
		ask(&boss, "+ban ", "/ban 127.0.2.9 %d", i);
	}
	stop();
	expect_logged("banned 127.0.2.9 for 20 seconds\n");
	cr_expect_not(log_has(&server, "banned 127.0.2.9 for 21 seconds\n"));
	expect_logged("notice: bans: … 30 more in the last minute\n");
}

/* How many there may be */

static bool gets_busy(struct talk *talk, const char *address)
{
	open_from(talk, address);
	if (strncmp(talk_line(talk), "-BUSY ", 6) != 0) {
		return false;
	}
	talk_expect_end(talk);
	talk_close(talk);
	return true;
}

static void cap_an_address(const char *dispatch)
{
	static struct talk talks[3], late;
	pid_t pid;

	turnstiled_start(&server, "--workers", "2", "--dispatch", dispatch, "--max-per-address",
			 "3");
	for (int i = 0; i < 3; i++) {
		open_from(&talks[i], "127.0.0.9");
		talk_expect_start(&talks[i], "+turnstile 1 ");
	}
	cr_expect(gets_busy(&late, "127.0.0.9"));
	cr_expect(gets_busy(&late, "127.0.0.9"));
	cr_expect(!gets_echo("127.0.0.9"));
	cr_expect(may_enter("127.0.0.10"));
	cr_expect(gets_echo("127.0.0.10"));
	talk_close(&talks[0]);
	cr_expect(eventually(may_enter("127.0.0.9")));
	/* What a killed worker counted in is counted out. */
	serving(&talks[1], &pid);
	cr_assert(watch_signal(server.pid, pid, SIGKILL));
	cr_expect(eventually(may_enter("127.0.0.9")));
	expect_logged("notice: somebody (127.0.0.9) was not let in: its address has 3 "
		      "connections, which is the most\n");
}

Test(programs_moderation, an_address_has_so_many_connections_and_no_more)
{
	cap_an_address("handoff");
}

Test(programs_moderation, an_address_has_no_more_where_workers_accept_too)
{
	cap_an_address("accept");
}

Test(programs_moderation, past_the_cap_of_all_each_is_told_that_the_server_is_busy)
{
	static struct talk talks[8], late;

	turnstiled_start(&server, "--workers", "2", "--max-connections", "8");
	for (int i = 0; i < 8; i++) {
		talk_open_greeted(&talks[i], server.lines_port);
	}
	cr_assert(eventually(stat_of(&talks[0], "turnstile_connections") == 8));
	for (int i = 0; i < 4; i++) {
		cr_expect(gets_busy(&late, "127.0.0.9"));
	}
	for (int i = 0; i < 8; i++) {
		ask(&talks[i], "+pong$", "/ping");
	}
	talk_close(&talks[7]);
	cr_expect(eventually(may_enter("127.0.0.9")));
	expect_logged("notice: 127.0.0.9 was not let in: the server has 8 connections, which is "
		      "the most\n");
}

#define BURST 20 /* lines that a person pastes at once, with --rate 10 */

Test(programs_moderation, the_rate_lets_somebody_paste_twenty_lines)
{
	turnstiled_start(&server, "--workers", "2", "--rate", "10");
	talk_open_greeted(&ann, server.lines_port);
	for (int i = 0; i < 3 * BURST; i++) {
		talk_say(&ann, "/ping %d", i);
	}
	for (int i = 0; i < BURST; i++) {
		talk_expect(&ann, text_of("+pong %d", i));
	}
	int passed = BURST;
	for (int i = BURST; i < 3 * BURST; i++) {
		const char *line = talk_line(&ann);
		passed += line[0] == '+';
		cr_assert(line[0] == '+' || strncmp(line, "-RATE ", 6) == 0, "%s", line);
	}
	cr_expect_lt(passed, 2 * BURST);
	/* Who waits a while may speak again; and the others were never concerned. */
	talk_open_greeted(&bob, server.lines_port);
	ask(&bob, "+pong$", "/ping");
	do {
		talk_say(&ann, "/ping again");
	} while (talk_line(&ann)[0] == '-');
}

/* What the log never says */

#define SECRETS_MAX 32

static struct {
	char texts[SECRETS_MAX][TICKET_CODE_SIZE * 4];
	size_t count;
} secrets;

static const char *keep_secret(const char *text)
{
	cr_assert_lt(secrets.count, SECRETS_MAX);
	snprintf(secrets.texts[secrets.count], sizeof(secrets.texts[0]), "%s", text);
	return secrets.texts[secrets.count++];
}

/* As it is told, and as it may be typed: in small letters, without its hyphens. */
static const char *keep_code(const char *code)
{
	char typed[TICKET_CODE_SIZE];
	size_t length = 0;

	for (const char *from = code; *from; from++) {
		if (*from != '-') {
			typed[length++] = (char)tolower((unsigned char)*from);
		}
	}
	typed[length] = '\0';
	(void)keep_secret(typed);
	return keep_secret(code);
}

static const char *sell(struct talk *talk, const char *answer, const char *request)
{
	char code[TICKET_CODE_SIZE];

	ask_code(talk, code, answer, "%s", request);
	return keep_code(code);
}

static void use_tickets(void)
{
	const char *booked = sell(&ann, "+booked ", "/book rush 2 key=the-first-of-the-keys");
	const char *held = sell(&ann, "+held ", "/hold rush 1 key=the-second-of-the-keys");
	const char *given_back = sell(&ann, "+held ", "/hold rush 1 tied");
	const char *guessed = keep_code("0000-0000-0000-0000");

	(void)keep_secret("the-first-of-the-keys");
	(void)keep_secret("the-second-of-the-keys");
	ask(&ann, "+booked ", "/book rush 2 key=the-first-of-the-keys");
	ask(&ann, "-BADARG ", "/book rush 1 key=the-first-of-the-keys");
	ask(&ann, "-BADARG ", "/book rush 1 key=%s", keep_secret("key-too-short"));
	ask(&ann, "-BADCMD ", "/bok rush 1 key=%s", keep_secret("a-key-after-a-slip"));
	ask(&ann, "+booked ", "/confirm %s", held);
	ask(&ann, "+cancelled ", "/cancel %s", held);
	ask(&ann, "-USED ", "/confirm %s", held);
	ask(&ann, "+ticket ", "/ticket %s", booked);
	ask(&ann, "-NOTFOUND ", "/ticket %s", guessed);
	ask(&ann, "+cancelled ", "/cancel %s", given_back);
	ask(&boss, "+admitted ", "/admit %s", booked);
	ask(&boss, "-USED ", "/admit %s", booked);
	ask(&boss, "-NOTFOUND ", "/admit %s", guessed);
}

static void use_passwords(void)
{
	ask(&ann, "-DENIED ", "/op %s", keep_secret("let me guess"));
	ask(&ann, "-BADCMD ", "/opp %s", keep_secret("a password after a slip"));
	become_operator(&boss);
	(void)keep_secret("open sesame");
}

/* Connections and a worker that end with what they have, and one who cannot be served. */
static void end_badly(void)
{
	char code[TICKET_CODE_SIZE];
	pid_t pid;

	(void)sell(&bob, "+held ", "/hold rush 1 tied");
	ask(&boss, "+kick bob$", "/kick bob for reasons");
	cr_assert(eventually(left_of(&boss, "rush") == 9));
	(void)sell(&ann, "+held ", "/hold rush 9 tied");
	talk_open_greeted(&bob, server.lines_port);
	ask(&bob, "+waiting ", "/wait rush 1");
	serving(&ann, &pid);
	cr_assert_neq(serving(&boss, NULL), serving(&ann, NULL));
	bool same = serving(&bob, NULL) == serving(&ann, NULL);
	cr_assert(watch_signal(server.pid, pid, SIGKILL));
	if (!same) {
		expect_offer(&bob, "rush 1", code);
		(void)keep_code(code);
	}
}

static void work_and_look(const char *store, const char *serialize)
{
	secrets.count = 0;
	turnstiled_start(&server, "--workers", "2", "--event", "rush=11", "--log-level", "debug",
			 "--store", store, "--serialize", serialize, "--op-password-file",
			 password_file(&server));
	enter(&boss, 1, "boss");
	enter(&ann, 2, "ann");
	enter(&bob, 1, "bob");
	use_passwords();
	use_tickets();
	end_badly();
	cr_assert_eq(turnstiled_stop(&server), 0);
	expect_logged(" debug: ");
	for (size_t i = 0; i < secrets.count; i++) {
		cr_expect_not(log_has(&server, secrets.texts[i]), "%s", secrets.texts[i]);
	}
}

Test(programs_moderation, no_password_no_key_and_no_code_is_in_the_log_at_any_level)
{
	work_and_look(store_url(&server, "sqlite", "busy.db"), "lock");
}

Test(programs_moderation, none_is_there_where_bookings_are_joined_or_the_store_is_a_file)
{
	work_and_look(store_url(&server, "json", "busy.json"), "join");
}
