/*
 * Connections outlive the worker that serves them.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"

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

TestSuite(programs_adopt, .init = init, .fini = finish, .timeout = 120);

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

static void kill_worker_of(struct talk *talk)
{
	pid_t pid;
	pid_t next;

	serving(talk, &pid);
	cr_assert(watch_signal(server.pid, pid, SIGKILL));
	serving(talk, &next);
	cr_expect_neq(pid, next, "another process serves it now");
}

static void who_you_are_and_where_outlives_it(const char *dispatch)
{
	enter_both(dispatch);
	become_operator(&ann);
	kill_worker_of(&ann);
	kill_worker_of(&bob);
	kill_worker_of(&ann);
	talk_say(&bob, "good morning");
	talk_expect_event(&ann, "*say #r bob good morning");
	ask(&ann, "+mute bob 0$", "/mute bob 0"); /* an operator still */
	ask(&ann, "+who 2$", "/who #r");
	talk_expect_event(&bob, "*notice ann lets you speak again");
	talk_say(&ann, "and to you"); /* in the room that was current */
	talk_expect_event(&bob, "*say #r ann and to you");
}

Test(programs_adopt, who_you_are_and_where_outlives_it_handoff)
{
	who_you_are_and_where_outlives_it("handoff");
}

Test(programs_adopt, who_you_are_and_where_outlives_it_accept)
{
	who_you_are_and_where_outlives_it("accept");
}

Test(programs_adopt, a_tied_hold_and_a_place_in_the_row_outlive_it)
{
	char code[TICKET_CODE_SIZE];

	enter_both("handoff");
	ask_code(&ann, code, "+held ", "/hold rush 5 tied");
	ask(&bob, "+waiting rush 1 1$", "/wait rush");
	kill_worker_of(&ann);
	kill_worker_of(&bob);
	ask(&ann, "+audit rush 0 5 0 5 ok$", "/audit rush");
	ask(&ann, "+cancelled ", "/cancel %s", code);
	expect_offer(&bob, "rush 1", code);
	kill_worker_of(&bob);
	ask(&bob, "+booked ", "/confirm %s", code);
	talk_close(&bob);
	ask(&ann, "+audit rush 1 0 4 5 ok$", "/audit rush");
}

Test(programs_adopt, half_a_line_outlives_it)
{
	enter_both("handoff");
	talk_write(&ann, "/say #r half ", 13);
	ask(&bob, "+pong$", "/ping");
	clock_sleep(100 * NS_PER_MS);
	pid_t pid;

	serving(&bob, &pid);
	pid_t children[WATCH_CHILDREN_MAX];
	size_t count = watch_children(server.pid, children);

	for (size_t i = 0; i < count; i++) {
		watch_signal(server.pid, children[i], SIGKILL);
	}
	talk_write(&ann, "a line\n", 7);
	talk_expect_event(&bob, "*say #r ann half a line");
}

Test(programs_adopt, what_is_asked_of_a_worker_that_hangs_is_answered_by_the_next)
{
	pid_t pid;

	enter_both("handoff");
	serving(&ann, &pid);
	cr_assert(watch_signal(server.pid, pid, SIGSTOP));
	ask(&ann, "+pong late$", "/ping late");
	ask(&ann, "+who 2$", "/who #r");
}

Test(programs_adopt, an_echo_outlives_it)
{
	char text[6] = "";

	turnstiled_start(&server, "--workers", "1");
	talk_open(&ann, server.echo_port);
	talk_write(&ann, "hello", 5);
	talk_read(&ann, text, 5);
	cr_expect_str_eq(text, "HELLO");
	for (int i = 0; i < 3; i++) {
		pid_t children[WATCH_CHILDREN_MAX];

		cr_assert_eq(watch_children(server.pid, children), 1);
		watch_signal(server.pid, children[0], SIGKILL);
		talk_write(&ann, "again", 5);
		talk_read(&ann, text, 5);
		cr_expect_str_eq(text, "AGAIN");
	}
}

Test(programs_adopt, the_copies_of_ended_connections_are_closed)
{
	turnstiled_start(&server, "--workers", "2");
	talk_open_greeted(&ann, server.lines_port);
	const size_t before = watch_descriptors(server.pid);

	for (int i = 0; i < 500; i++) {
		talk_open_greeted(&bob, server.lines_port);
		talk_close(&bob);
	}
	cr_expect(eventually(watch_descriptors(server.pid) <= before));
}

Test(programs_adopt, without_it_connections_end_with_their_worker)
{
	pid_t pid;

	turnstiled_start(&server, "--workers", "2", "--adopt", "off");
	open_on(&ann, server.lines_port, 1);
	serving(&ann, &pid);
	cr_assert(watch_signal(server.pid, pid, SIGKILL));
	talk_expect_end(&ann);
}
