/*
 * /crash: a worker is made to crash, who asked hears what it cost, and nobody else notices; and
 * what the log, /workers and /stats say of deaths.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

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

TestSuite(programs_crash, .init = init, .fini = finish, .timeout = 120);

/* Ann is an operator on worker 1, bob sits on worker 2. */
static void start(const char *option, const char *value)
{
	turnstiled_start(&server, "--workers", "2", "--op-password-file", password_file(&server),
			 "--event", "rush=5", option, value);
	open_on(&ann, server.lines_port, 1);
	open_on(&bob, server.lines_port, 2);
	become_operator(&ann);
}

static pid_t pid_of(struct talk *talk)
{
	pid_t pid;

	serving(talk, &pid);
	return pid;
}

/* Whether the log has one line on PID's death, with WHY in it. */
static bool died_once(pid_t pid, const char *why)
{
	const char *line = text_of("(pid %d) %s: its successor (pid", (int)pid, why);

	return log_has(&server, line);
}

Test(programs_crash, who_asked_may_sit_on_the_worker_that_ends)
{
	start("--chaos", "--dispatch=handoff");
	const pid_t before = pid_of(&ann);

	ask(&ann, text_of("+crash %d 1 ", (int)before), "/crash");
	cr_expect_neq(pid_of(&ann), before);
	ask(&ann, text_of("+crash %d 1 ", (int)pid_of(&ann)), "/crash 1 KILL");
	ask(&ann, text_of("+crash %d 1 ", (int)pid_of(&bob)), "/crash 2");
	cr_expect(died_once(before, "was killed by SIGKILL"));
}

Test(programs_crash, workers_that_accept_by_themselves_crash_too)
{
	start("--chaos", "--dispatch=accept");
	const pid_t before = pid_of(&ann);

	ask(&ann, text_of("+crash %d 1 ", (int)before), "/crash ABRT");
	cr_expect(died_once(before, "was killed by SIGABRT"));
	ask(&bob, "+pong$", "/ping");
}

Test(programs_crash, all_have_a_row_each)
{
	start("--chaos", "--dispatch=handoff");
	const pid_t anns = pid_of(&ann), bobs = pid_of(&bob);

	ask(&ann, text_of("=1 %d 1 ", (int)anns), "/crash all");
	talk_expect_start(&ann, text_of("=2 %d 1 ", (int)bobs));
	talk_expect_start(&ann, "+crash all 2 ");
	ask(&bob, "+pong$", "/ping");
}

Test(programs_crash, what_is_asked_along_with_it_is_answered_in_order)
{
	start("--chaos", "--dispatch=handoff");
	talk_say(&ann, "/ping a\n/crash\n/ping b\n/crash all segv\n/ping c");
	talk_expect(&ann, "+pong a");
	talk_expect_start(&ann, "+crash ");
	talk_expect(&ann, "+pong b");
	talk_expect_start(&ann, "=1 ");
	talk_expect_start(&ann, "=2 ");
	talk_expect_start(&ann, "+crash all 2 ");
	talk_expect(&ann, "+pong c");
}

Test(programs_crash, two_may_ask_at_once)
{
	struct talk other;

	start("--chaos", "--dispatch=handoff");
	open_on(&other, server.lines_port, 1);
	become_operator(&other);
	talk_say(&ann, "/crash");
	talk_say(&other, "/crash 2");
	talk_expect_start(&ann, "+crash ");
	talk_expect_start(&other, "+crash ");
	talk_say(&ann, "/crash stop"); /* who is gone keeps nobody waiting */
	talk_close(&ann);
	talk_say(&other, "/crash 2");
	talk_expect_start(&other, "+crash ");
}

Test(programs_crash, one_that_is_stopped_hangs_and_is_killed)
{
	start("--chaos", "--dispatch=handoff");
	const pid_t before = pid_of(&bob);

	ask(&ann, text_of("+crash %d 1 ", (int)before), "/crash 2 stop");
	cr_expect(died_once(before, "hung and was killed"));
	ask(&ann, text_of("+crash %d 0 0$", (int)pid_of(&ann)), "/crash TERM");
}

Test(programs_crash, what_is_wrong_is_said)
{
	start("--chaos", "--dispatch=handoff");
	ask(&bob, "-DENIED /crash is for operators", "/crash");
	ask(&ann, "-BADARG WORKER must be a number from 1 to 2, or all", "/crash 3");
	ask(&ann, "-BADARG WORKER must be a number from 1 to 2, or all", "/crash 0");
	ask(&ann, "-BADARG WORKER must be a number from 1 to 2, or all", "/crash everybody");
	ask(&ann, "-BADARG SIGNAL must be KILL, ABRT, ", "/crash 1 HUP");
	ask(&ann, "-BADARG SIGNAL must be KILL, ABRT, ", "/crash all 1");
	ask(&ann, "=1 ", "/workers");
	cr_expect_not_null(strstr(ann.line, " generation=1 deaths=0 "));
	talk_expect_start(&ann, "=2 ");
	talk_expect(&ann, "+workers 2");
	cr_expect(eventually(log_has(&server, "MAY KILL WORKERS")));
}

Test(programs_crash, without_chaos_nobody_is_made_to_crash)
{
	start("--dispatch", "handoff");
	const pid_t before = pid_of(&ann);

	ask(&ann, "-DENIED no worker is made to crash here: turnstiled runs without --chaos$",
	    "/crash");
	cr_expect_eq(pid_of(&ann), before);
	cr_expect_not(log_has(&server, "MAY KILL WORKERS"));
}

Test(programs_crash, generations_and_adoptions_are_counted)
{
	double sum = 0;

	start("--chaos", "--dispatch=handoff");
	for (int i = 0; i < 3; i++) {
		ask(&ann, "+crash ", "/crash 2");
	}
	cr_expect_eq(stat_of(&ann, "turnstile_adoption_seconds_count"), 3);
	cr_expect_eq(stat_of(&ann, "turnstile_adopted_total"), 3);
	talk_say(&ann, "/stats");
	while (sscanf(talk_line(&ann), "=turnstile_adoption_seconds_sum %lf", &sum) != 1) {
		cr_assert_eq(ann.line[0], '=');
	}
	cr_expect_gt(sum, 0);
	talk_expect_start(&ann, "+stats ");
	ask(&ann, "=1 ", "/workers");
	talk_expect_start(&ann, "=2 ");
	cr_expect_not_null(strstr(ann.line, " generation=4 deaths=3 "));
	talk_expect(&ann, "+workers 2");
}
