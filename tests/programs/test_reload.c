/*
 * HUP: everything is read again, and each worker replaced, and nobody who is connected notices.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* A file in the server's folder, put there anew in one step. */
static const char *write_file(const char *name, const char *text)
{
	static char path[FOLDER_PATH_SIZE];
	char fresh[FOLDER_PATH_SIZE];

	folder_file(&server.folder, name, path);
	folder_file(&server.folder, "fresh", fresh);
	FILE *file = fopen(fresh, "we");

	cr_assert(file && fchmod(fileno(file), 0600) == 0 && fputs(text, file) >= 0);
	cr_assert_eq(fclose(file), 0);
	cr_assert_eq(rename(fresh, path), 0);
	return path;
}

/* With that in the configuration file; and has it read. */
static void reload_with(const char *text)
{
	const unsigned before = times_in_log(&server, "reloaded");

	(void)write_file("conf", text);
	reload();
	cr_assert(eventually(times_in_log(&server, "reloaded") > before));
}

static void expect_refusal_of(const char *text, const char *problem)
{
	(void)write_file("conf", text);
	reload();
	cr_expect(eventually(log_has(&server, problem)), "the log does not say %s", problem);
}

static pid_t pid_of_server_of(struct talk *talk)
{
	pid_t pid;

	serving(talk, &pid);
	return pid;
}

static void expect_nobody_died(void)
{
	cr_expect_not(log_has(&server, "was killed"));
	cr_expect_not(log_has(&server, "exited with"));
}

static void who_is_connected_goes_on_in_other_processes(const char *dispatch)
{
	char code[TICKET_CODE_SIZE];

	enter_two(&server, dispatch, &ann, &bob);
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
	expect_nobody_died();
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

/* The other one may be gone before. */
static void expect_notice(struct talk *talk)
{
	const char *line = talk_line(talk);

	while (strncmp(line, "*part ", strlen("*part ")) == 0) {
		line = talk_line(talk);
	}
	cr_expect_str_eq(line, "*notice the server stops now");
}

Test(programs_reload, who_stops_it_meanwhile_drains_it)
{
	enter_two(&server, "handoff", &ann, &bob);
	reload();
	cr_expect_eq(turnstiled_stop(&server), 0);
	expect_notice(&ann);
	expect_notice(&bob);
}

Test(programs_reload, a_worker_that_does_not_let_go_is_killed_and_nobody_is_lost)
{
	enter_two(&server, "handoff", &ann, &bob);
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

/* What is read once more */

static void start_with(const char *text)
{
	server.says_rate = true;
	turnstiled_start(&server, "--workers", "2", "--event", "rush=50", "--config",
			 write_file("conf", text));
	open_on(&ann, server.lines_port, 1);
	open_on(&bob, server.lines_port, 2);
}

Test(programs_reload, new_limits_hold_for_who_is_connected)
{
	start_with("rate = 0\nmax-quantity = 0\nmax-held = 30\n");
	ask(&ann, "+booked ", "/book rush 11");
	ask(&ann, "+held ", "/hold rush 11");
	reload_with("rate = 1\nmax-quantity = 10\nmax-held = 12\n");
	ask(&bob, "-LIMIT at most 10 tickets a request$", "/book rush 11");
	ask(&ann, "-LIMIT one address may hold or wait for 12 tickets", "/hold rush 2");
	for (int i = 0; i < 10; i++) {
		talk_say(&bob, "/ping");
	}
	talk_expect_answer(&bob, "+pong");
	talk_expect_answer(&bob, "-RATE at most 1 lines a second");
	reload_with("rate = 0\nmax-quantity = 0\nmax-held = 0\n");
	ask(&ann, "+booked ", "/book rush 11");
}

Test(programs_reload, fewer_connections_may_come_from_an_address)
{
	static struct talk other;

	start_with("max-per-address = 0\n");
	reload_with("max-per-address = 2\n");
	talk_open(&other, server.lines_port);
	talk_expect_start(&other, "-BUSY ");
	talk_close(&bob);
	talk_close(&other);
	ask(&ann, "+pong$", "/ping");
	talk_open_from(&other, server.lines_port, "127.0.0.9");
	talk_expect_start(&other, "+turnstile 1 ");
	cr_expect(eventually((talk_open(&bob, server.lines_port),
			      *talk_line(&bob) == '+' || (talk_close(&bob), false))));
}

Test(programs_reload, a_new_password_is_asked_of_who_is_connected)
{
	char conf[FOLDER_PATH_SIZE + 32];

	snprintf(conf, sizeof(conf), "op-password-file = %s\n",
		 write_file("password", "first one\n"));
	start_with(conf);
	ask(&ann, "+op$", "/op first one");
	(void)write_file("password", "second one\n");
	reload_with(conf);
	ask(&bob, "-DENIED wrong password$", "/op first one");
	ask(&bob, "+op$", "/op second one");
	ask(&ann, "+workers 2$", "/workers"); /* who is an operator stays one */
	reload_with("");
	talk_open_greeted(&bob, server.lines_port);
	ask(&bob, "-DENIED this server has no operator password set$", "/op second one");
}

Test(programs_reload, an_echo_answers_in_the_new_way)
{
	char text[6] = "";

	start_with("echo = upper\n");
	talk_open(&ann, server.echo_port);
	talk_write(&ann, "hello", 5);
	talk_read(&ann, text, 5);
	cr_expect_str_eq(text, "HELLO");
	reload_with("echo = raw\n");
	talk_write(&ann, "hello", 5);
	talk_read(&ann, text, 5);
	cr_expect_str_eq(text, "hello");
}

Test(programs_reload, the_log_says_more_and_in_the_new_form)
{
	start_with("log-level = notice\n");
	cr_expect_not(log_has(&server, "sandbox: "));
	reload_with("log-level = debug\nlog-format = json\n");
	cr_expect(eventually(log_has(&server, "\"message\":\"sandbox: ")));
}

/* Seconds until the kernel asks the peer of the server's end whether it is there; -1: never. */
static long asks_after(uint16_t port, uint16_t peer)
{
	char line[256];
	FILE *file = fopen("/proc/net/tcp", "re");
	long seconds = -1;

	while (file && fgets(line, sizeof(line), file)) {
		unsigned own, other, state, timer;
		unsigned long ticks;

		if (sscanf(line, " %*d: %*8x:%x %*8x:%x %x %*x:%*x %x:%lx", &own, &other, &state,
			   &timer, &ticks) == 5 &&
		    own == port && other == peer && timer == 2) {
			seconds = (long)ticks / sysconf(_SC_CLK_TCK);
		}
	}
	if (file) {
		fclose(file);
	}
	return seconds;
}

static uint16_t port_of(const struct talk *talk)
{
	struct sockaddr_in own;
	socklen_t length = sizeof(own);

	cr_assert_eq(getsockname(talk->descriptor, (struct sockaddr *)&own, &length), 0);
	return ntohs(own.sin_port);
}

static bool is_asked_after_most(const struct talk *talk, long seconds)
{
	long after = asks_after(server.lines_port, port_of(talk));

	return after >= 0 && after <= seconds;
}

Test(programs_reload, who_is_silent_is_asked_in_the_new_time)
{
	start_with("idle = 32000\n");
	cr_expect(eventually(asks_after(server.lines_port, port_of(&ann)) > 1000));
	reload_with("idle = 500\n");
	ask(&ann, "+pong$", "/ping");
	talk_open_greeted(&bob, server.lines_port);
	cr_expect(eventually(is_asked_after_most(&ann, 500)));
	cr_expect(eventually(is_asked_after_most(&bob, 500)));
}

Test(programs_reload, a_trusted_proxy_is_asked_for_its_header)
{
	start_with("");
	reload_with("trust-proxy = 127.0.0.9\nmax-per-address = 1\n");
	ask(&ann, "+pong$", "/ping");
	talk_open_from(&bob, server.lines_port, "127.0.0.9");
	talk_write(&bob, "PROXY TCP4 192.0.2.7 192.0.2.1 1000 7000\r\n", 42);
	talk_expect_start(&bob, "+turnstile 1 ");
}

Test(programs_reload, what_is_wrong_is_said_in_one_line_and_all_stays_as_it_was)
{
	start_with("max-quantity = 3\n");
	const pid_t pid = pid_of_server_of(&ann);

	expect_refusal_of("max-quantity = 4\nrate = many\n",
			  "conf:2: rate = many: must be a number from 0 to 1000000");
	expect_refusal_of("max-quantity = 4\nno-such = 1\n",
			  "conf:2: no such option here: no-such");
	expect_refusal_of("max-quantity = 4\nop-password-file = /no/such/file\n",
			  "op-password-file = /no/such/file: cannot be read: ");
	expect_refusal_of("max-quantity = 4\npublic-url = ftp://here\n",
			  "public-url = ftp://here: must be http://NAME");
	cr_expect_eq(times_in_log(&server, "not reloaded, all stays as it was: "), 4,
		     "one line each");
	cr_assert_eq(unlink(write_file("conf", "")), 0);
	reload();
	cr_expect(eventually(log_has(&server, "conf: cannot be read: No such file or directory")));
	cr_expect_eq(pid_of_server_of(&ann), pid);
	ask(&ann, "-LIMIT at most 3 tickets a request$", "/book rush 4");
	reload_with("max-quantity = 4\n");
	ask(&ann, "+booked ", "/book rush 4");
}

Test(programs_reload, what_lies_where_the_sandbox_does_not_reach_is_not_read)
{
	char other[] = "/tmp/turnstile-elsewhere-XXXXXX";
	int file = mkstemp(other);
	char conf[128];

	cr_assert_gt(file, 0);
	cr_assert_eq(write(file, "open sesame\n", 12), 12);
	close(file);
	start_with("");
	snprintf(conf, sizeof(conf), "op-password-file = %s\n", other);
	expect_refusal_of(conf, "in the folders where it was read at the start)");
	unlink(other);
}

Test(programs_reload, what_cannot_change_is_named_and_stays)
{
	start_with("drain = 10\n");
	reload_with("max-quantity = 3\nstore = json:/no/where\ndispatch = accept\nadopt = off\n"
		    "sandbox = off\nserialize = join\npid-file = /no/where\n"
		    "user = nobody-at-all\n");
	cr_expect(eventually(log_has(&server,
				     "not changed, since that takes a restart: dispatch, adopt, "
				     "user, pid-file, sandbox, store, serialize\n")));
	ask(&ann, "-LIMIT at most 3 tickets a request$", "/book rush 4");
	talk_open_greeted(&bob, server.lines_port);
	ask(&bob, "+booked ", "/book rush 3");
}

/* Each time it is asked for, also while it is under way, what lies there then is in force. */
/* How many workers there are, those that retire counted in. */
static long workers_of(struct talk *talk)
{
	const char *line = ask(talk, "+workers ", "/workers");

	return strtol(line + strlen("+workers "), NULL, 10);
}

static void start_with_workers(const char *dispatch, const char *text)
{
	turnstiled_start(&server, "--dispatch", dispatch, "--op-password-file",
			 password_file(&server), "--event", "rush=50", "--config",
			 write_file("conf", text));
	open_on(&ann, server.lines_port, 1);
	become_operator(&ann);
	ask(&ann, "+join #r ", "/join #r");
}

static void there_may_be_more_workers_and_fewer(const char *dispatch)
{
	static struct talk others[4];

	start_with_workers(dispatch, "workers = 1\n");
	reload_with("workers = 4\n");
	cr_expect_eq(workers_of(&ann), 4);
	for (unsigned i = 0; i < 4; i++) {
		open_on(&others[i], server.lines_port, i + 1);
		ask(&others[i], "+join #r ", "/join #r");
		talk_expect_event(&ann, "*join #r ");
	}
	reload_with("workers = 1\n");
	/* Who is connected to one that retires has all as before. */
	talk_say(&others[3], "still here");
	talk_expect_event(&ann, text_of("*say #r guest-"));
	for (unsigned i = 0; i < 4; i++) {
		ask(&others[i], "+booked ", "/book rush");
		ask(&others[i], "+who 5$", "/who #r");
	}
	cr_expect_eq(workers_of(&ann), 4);
	talk_open_greeted(&bob, server.lines_port);
	cr_expect_eq(serving(&bob, NULL), 1, "one that retires gets nobody");
	for (unsigned i = 0; i < 4; i++) {
		talk_close(&others[i]);
	}
	cr_expect(eventually(workers_of(&ann) == 1));
	reload_with("workers = 3\n");
	open_on(&others[0], server.lines_port, 3);
	ask(&others[0], "+booked ", "/book rush");
	cr_expect_eq(turnstiled_stop(&server), 0);
	expect_nobody_died();
}

Test(programs_reload, there_may_be_more_workers_and_fewer_handoff)
{
	there_may_be_more_workers_and_fewer("handoff");
}

Test(programs_reload, there_may_be_more_workers_and_fewer_accept)
{
	there_may_be_more_workers_and_fewer("accept");
}

Test(programs_reload, one_that_retires_and_dies_has_a_successor_that_retires)
{
	pid_t pid;

	start_with_workers("handoff", "workers = 2\n");
	open_on(&bob, server.lines_port, 2);
	reload_with("workers = 1\n");
	serving(&bob, &pid);
	cr_assert(watch_signal(server.pid, pid, SIGKILL));
	ask(&bob, "+pong$", "/ping");
	ask(&ann, "+pong$", "/ping");
	talk_close(&bob);
	cr_expect(eventually(workers_of(&ann) == 1));
}

/* Those that were moved are counted at the end of the turn in which they came. */
static void expect_counted(long connections)
{
	cr_assert(eventually(stat_of(&ann, "turnstile_connections") == connections));
}

Test(programs_reload, more_connections_may_come_and_fewer)
{
	static struct talk others[4];

	start_with("max-connections = 100\n");
	expect_counted(2);
	reload_with("max-connections = 2\n");
	expect_counted(2);
	talk_open(&others[0], server.lines_port);
	talk_expect_start(&others[0], "-BUSY ");
	reload_with("max-connections = 5\n");
	expect_counted(2);
	for (int i = 0; i < 3; i++) {
		talk_open_greeted(&others[i], server.lines_port);
	}
	talk_open(&others[3], server.lines_port);
	talk_expect_start(&others[3], "-BUSY ");
	reload_with("max-connections = 1\n"); /* who is here stays */
	expect_counted(5);
	ask(&others[2], "+pong$", "/ping");
	ask(&ann, "+pong$", "/ping");
	talk_open(&others[3], server.lines_port);
	talk_expect_start(&others[3], "-BUSY ");
	reload_with("max-connections = 1000000\n");
	cr_expect(eventually(
		log_has(&server, "not changed, since that takes a restart: max-connections\n")));
}

#define LONG 200 /* bytes of a line */

static void say_lines(struct talk *talk, int count)
{
	char fill[LONG + 1];

	memset(fill, 'x', LONG);
	fill[LONG] = '\0';
	for (int said = 0; said < count; said += 100) {
		for (int i = 0; i < 100; i++) {
			talk_say(talk, "/say #r %s", fill);
		}
		for (int i = 0; i < 100; i++) {
			talk_expect_answer(talk, "+say #r");
		}
	}
}

Test(programs_reload, rooms_keep_more_and_less)
{
	start_with("rate = 0\nhistory = 100\n");
	ask(&ann, "+join #r 1$", "/join #r");
	say_lines(&ann, 3000);
	ask(&ann, "+history 100$", "/history #r 100");
	ask(&ann, "-BADARG N is a number from 1 to 100$", "/history #r 101");
	reload_with("rate = 0\nhistory = 2000\n");
	cr_expect_str_neq(ask(&ann, "+history ", "/history #r 2000"), "+history 2000");
	say_lines(&ann, 2000);
	ask(&ann, "+history 2000$", "/history #r 2000");
	reload_with("rate = 0\nhistory = 100\n");
	ask(&bob, "+join #r 2$", "/join #r");
	say_lines(&bob, 100);
	ask(&ann, "+history 100$", "/history #r 100");
	reload_with("rate = 0\nhistory = 2000\n");
	cr_expect_str_neq(ask(&ann, "+history ", "/history #r 2000"), "+history 2000");
}

Test(programs_reload, who_asks_again_meanwhile_gets_the_last)
{
	char conf[64];

	start_with("max-quantity = 9\n");
	for (int most = 1; most <= 5; most++) {
		snprintf(conf, sizeof(conf), "max-quantity = %d\n", most);
		(void)write_file("conf", conf);
		reload();
	}
	cr_expect(eventually(strcmp(ask(&ann, "-LIMIT ", "/book rush 40"),
				    "-LIMIT at most 5 tickets a request") == 0));
}

/* Also when the next worker does not come: what keeps it from serving may be what is to change. */
Test(programs_reload, who_asks_again_need_not_wait_for_a_worker)
{
	pid_t pid;

	start_with("max-quantity = 9\n");
	serving(&bob, &pid);
	cr_assert(watch_signal(server.pid, pid, SIGSTOP));
	(void)write_file("conf", "max-quantity = 5\n");
	reload();
	cr_expect(eventually(strcmp(ask(&ann, "-LIMIT ", "/book rush 40"),
				    "-LIMIT at most 5 tickets a request") == 0));
	(void)write_file("conf", "max-quantity = 6\n");
	reload();
	cr_expect(eventually(strcmp(ask(&ann, "-LIMIT ", "/book rush 40"),
				    "-LIMIT at most 6 tickets a request") == 0));
	ask(&bob, "-LIMIT at most 6 tickets a request$", "/book rush 40");
	cr_expect(eventually(log_has(&server, "reloaded")));
}

Test(programs_reload, a_joiner_books_by_the_new_limits)
{
	turnstiled_start(&server, "--workers", "1", "--serialize", "join", "--event", "rush=50",
			 "--config", write_file("conf", "max-quantity = 3\n"));
	talk_open_greeted(&ann, server.lines_port);
	ask(&ann, "-LIMIT at most 3 tickets a request$", "/book rush 4");
	reload_with("max-quantity = 4\n");
	ask(&ann, "+booked ", "/book rush 4");
}
