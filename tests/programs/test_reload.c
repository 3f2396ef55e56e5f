/*
 * HUP: everything is read again, and each worker replaced, and nobody who is connected notices.
 */
#include <criterion/criterion.h>
#include <signal.h>

#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"

#define COMERS 200

static struct turnstiled server;
static struct talk ann, bob;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_reload, .init = init, .fini = finish, .timeout = 120);

static void reload(void)
{
	cr_assert_eq(kill(server.pid, SIGHUP), 0);
}

static pid_t pid_of_server_of(struct talk *talk)
{
	pid_t pid;

	serving(talk, &pid);
	return pid;
}

static void enter_both(const char *dispatch)
{
	turnstiled_start(&server, "--workers", "2", "--dispatch", dispatch, "--event", "rush=5",
			 "--op-password-file", password_file(&server));
	open_on(&ann, server.lines_port, 1);
	open_on(&bob, server.lines_port, 2);
	ask(&ann, "+nick ann$", "/nick ann");
	ask(&bob, "+nick bob$", "/nick bob");
	ask(&ann, "+join #r 1$", "/join #r");
	ask(&bob, "+join #r 2$", "/join #r");
	talk_expect_event(&ann, "*join #r bob");
}

static void who_is_connected_goes_on_in_other_processes(const char *dispatch)
{
	char code[TICKET_CODE_SIZE];

	enter_both(dispatch);
	become_operator(&ann);
	ask_code(&ann, code, "+held ", "/hold rush 5 tied");
	ask(&bob, "+waiting rush 1 1$", "/wait rush");
	const pid_t anns = pid_of_server_of(&ann);
	const pid_t bobs = pid_of_server_of(&bob);

	talk_write(&bob, "half ", 5);
	reload();
	cr_expect(eventually(log_has(&server, "reloaded")));
	talk_write(&bob, "a line\n", 7);
	talk_expect_event(&ann, "*say #r bob half a line");
	cr_expect_neq(pid_of_server_of(&ann), anns);
	cr_expect_neq(pid_of_server_of(&bob), bobs);
	ask(&ann, "+mute bob 0$", "/mute bob 0"); /* an operator still */
	talk_expect_event(&bob, "*notice ann lets you speak again");
	ask(&ann, "+cancelled ", "/cancel %s", code);
	expect_offer(&bob, "rush 1", code);
	ask(&ann, "+workers 2$", "/workers");
	cr_expect_eq(turnstiled_stop(&server), 0);
	cr_expect_not(log_has(&server, "warning"), "nothing was wrong");
}

Test(programs_reload, who_is_connected_goes_on_in_other_processes_handoff)
{
	who_is_connected_goes_on_in_other_processes("handoff");
}

Test(programs_reload, who_is_connected_goes_on_in_other_processes_accept)
{
	who_is_connected_goes_on_in_other_processes("accept");
}

static void nobody_who_comes_meanwhile_is_refused(const char *dispatch)
{
	static struct talk comers[COMERS];

	turnstiled_start(&server, "--workers", "1", "--dispatch", dispatch);
	for (int i = 0; i < COMERS; i++) {
		if (i % 20 == 0) {
			reload();
		}
		talk_open(&comers[i], server.lines_port);
	}
	for (int i = 0; i < COMERS; i++) {
		talk_expect_start(&comers[i], "+turnstile 1 ");
		ask(&comers[i], "+pong$", "/ping");
		talk_close(&comers[i]);
	}
}

Test(programs_reload, nobody_who_comes_meanwhile_is_refused_handoff)
{
	nobody_who_comes_meanwhile_is_refused("handoff");
}

Test(programs_reload, nobody_who_comes_meanwhile_is_refused_accept)
{
	nobody_who_comes_meanwhile_is_refused("accept");
}

/* Each final line in its place, and none of them an interruption. */
Test(programs_reload, what_is_under_way_is_answered_in_its_place)
{
	turnstiled_start(&server, "--workers", "1", "--event", "rush=1000", "--rate", "0");
	talk_open_greeted(&ann, server.lines_port);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 10; i++) {
			talk_say(&ann, "/ping %d", i);
			talk_say(&ann, "/book rush");
			talk_say(&ann, "/audit rush");
			talk_say(&ann, "/who");
		}
		reload();
		for (int i = 0; i < 10; i++) {
			talk_expect_answer(&ann, text_of("+pong %d", i));
			talk_expect_answer(&ann, "+booked ");
			talk_expect_answer(&ann, text_of("+audit rush %d ", round * 10 + i + 1));
			talk_expect_answer(&ann, "=");
			talk_expect_answer(&ann, "+who 1");
		}
	}
}

Test(programs_reload, who_stops_it_meanwhile_drains_it)
{
	enter_both("handoff");
	reload();
	cr_expect_eq(turnstiled_stop(&server), 0);
	talk_expect_event(&ann, "*notice the server stops now");
	talk_expect_event(&bob, "*notice the server stops now");
}

Test(programs_reload, a_worker_that_does_not_let_go_is_killed_and_nobody_is_lost)
{
	enter_both("handoff");
	const pid_t pid = pid_of_server_of(&ann);

	cr_assert(watch_signal(server.pid, pid, SIGSTOP));
	reload();
	ask(&ann, "+pong late$", "/ping late");
	cr_expect_neq(pid_of_server_of(&ann), pid);
	cr_expect(eventually(log_has(&server, "reloaded")));
	ask(&ann, "+who 2$", "/who #r");
}

Test(programs_reload, where_connections_cannot_be_moved_all_stays_as_it_was)
{
	turnstiled_start(&server, "--workers", "1", "--adopt", "off");
	talk_open_greeted(&ann, server.lines_port);
	const pid_t pid = pid_of_server_of(&ann);

	reload();
	cr_expect(eventually(log_has(&server, "not reloaded: with --adopt off")));
	cr_expect_eq(pid_of_server_of(&ann), pid);
}
