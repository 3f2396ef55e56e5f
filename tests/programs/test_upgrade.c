/*
 * USR2: the binary that lies at the server's path takes its place, and nobody who is connected
 * notices; one that does not work leaves everything as it was.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"

#define COMERS     100
#define COPY_BYTES 65536

static struct turnstiled server;
static struct talk ann, bob, cid;
static char program[FOLDER_PATH_SIZE];
static const char *newcomer_does;

/* As dpkg does it: beside, and then in its place. */
static void install(const char *from)
{
	static char bytes[COPY_BYTES];
	char beside[FOLDER_PATH_SIZE + sizeof("-new")];
	ssize_t length;

	(void)snprintf(beside, sizeof(beside), "%s-new", program);
	int source = open(from, O_RDONLY | O_CLOEXEC);
	int target = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	cr_assert(source >= 0 && target >= 0);
	while ((length = read(source, bytes, sizeof(bytes))) > 0) {
		cr_assert_eq(write(target, bytes, (size_t)length), length);
	}
	close(source);
	close(target);
	cr_assert_eq(rename(beside, program), 0);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void set_newcomer(void)
{
	setenv("NEWCOMER", newcomer_does ? newcomer_does : "", 1);
}

static void init(void)
{
	turnstiled_init(&server, program);
	folder_file(&server.folder, "turnstiled", program);
	install(TURNSTILED);
	server.before_exec = set_newcomer;
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_upgrade, .init = init, .fini = finish, .timeout = 120);

static void who_is_connected_goes_on(const char *dispatch)
{
	char code[TICKET_CODE_SIZE];

	enter_two(&server, dispatch, &ann, &bob);
	become_operator(&ann);
	ask_code(&ann, code, "+held ", "/hold rush 5 tied");
	ask(&bob, "+waiting rush 1 1$", "/wait rush");
	talk_write(&bob, "half ", 5);
	turnstiled_upgrade(&server);
	talk_write(&bob, "a line\n", 7);
	talk_expect_event(&ann, "*say #r bob half a line");
	ask(&ann, "+mute bob 0$", "/mute bob 0"); /* an operator still */
	talk_expect_event(&bob, "*notice ann lets you speak again");
	ask(&ann, "+cancelled ", "/cancel %s", code);
	expect_offer(&bob, "rush 1", code);
	cr_expect_eq(turnstiled_stop(&server), 0);
	cr_expect_not(log_has(&server, "error:"), "nothing was wrong");
	cr_expect_not(log_has(&server, "was killed"));
}

Test(programs_upgrade, who_is_connected_goes_on_handoff)
{
	who_is_connected_goes_on("handoff");
}

Test(programs_upgrade, who_is_connected_goes_on_accept)
{
	who_is_connected_goes_on("accept");
}

/* Each of them five times. */
static void goes_on_with(const char *const *options)
{
	turnstiled_start_with(&server, options);
	talk_open_greeted(&ann, server.lines_port);
	for (int i = 0; i < 5; i++) {
		ask(&ann, "+booked ", "/book rush");
		turnstiled_upgrade(&server);
		ask(&ann, text_of("+pong %d$", i), "/ping %d", i);
	}
	cr_expect_eq(left_of(&ann, "rush"), 5);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(programs_upgrade, again_and_again)
{
	goes_on_with((const char *const[]){ "--event", "rush=10", NULL });
}

Test(programs_upgrade, with_a_joiner)
{
	goes_on_with((const char *const[]){ "--event", "rush=10", "--serialize", "join", NULL });
}

Test(programs_upgrade, without_the_sandbox)
{
	goes_on_with((const char *const[]){ "--event", "rush=10", "--sandbox", "off", NULL });
}

static const char *json_store(void)
{
	static char url[FOLDER_PATH_SIZE + sizeof("json:")];

	(void)snprintf(url, sizeof(url), "%s", store_url(&server, "json", "store.json"));
	return url;
}

Test(programs_upgrade, with_a_json_store)
{
	goes_on_with((const char *const[]){ "--event", "rush=10", "--store", json_store(), NULL });
}

Test(programs_upgrade, rooms_go_along_with_all_that_was_said_and_their_topics)
{
	enter_two(&server, "handoff", &ann, &bob);
	ask(&ann, "+topic #r ", "/topic #r what it is about");
	for (int i = 0; i < 20; i++) {
		ask(&ann, "+say #r$", "/say #r line %d", i);
	}
	ask(&bob, "+part #r$", "/part #r");
	ask(&ann, "+part #r$", "/part #r"); /* nobody is there any more */
	turnstiled_upgrade(&server);
	talk_open_greeted(&cid, server.lines_port);
	ask(&cid, "+join #r 1$", "/join #r");
	talk_say(&cid, "/history #r 20");
	for (int i = 0; i < 20; i++) {
		const char *line = talk_expect_answer(&cid, "=");

		cr_expect(strstr(line, text_of("line %d", i)), "%s", line);
	}
	talk_expect_answer(&cid, "+history 20");
	ask(&cid, "+topic #r what it is about$", "/topic #r");
}

Test(programs_upgrade, who_may_not_speak_or_come_in_may_not_afterwards)
{
	enter_two(&server, "handoff", &ann, &bob);
	become_operator(&ann);
	ask(&ann, "+mute bob ", "/mute bob 600");
	ask(&ann, "+ban 127.0.0.9 ", "/ban 127.0.0.9 600");
	turnstiled_upgrade(&server);
	ask(&bob, "-DENIED you are muted ", "/say #r a word");
	talk_open_from(&cid, server.lines_port, "127.0.0.9");
	talk_expect_start(&cid, "-DENIED your address is banned ");
}

Test(programs_upgrade, what_was_counted_is_counted_on)
{
	enter_two(&server, "handoff", &ann, &bob);
	const long commands = stat_of(&ann, "turnstile_commands_total");

	turnstiled_upgrade(&server);
	cr_expect_gt(stat_of(&ann, "turnstile_commands_total"), commands);
	cr_expect_eq(stat_of(&ann, "turnstile_adopted_total"), 2);
}

Test(programs_upgrade, nobody_who_comes_meanwhile_is_refused)
{
	static struct talk comers[COMERS];

	turnstiled_start(&server, "--workers", "1");
	for (int i = 0; i < COMERS; i++) {
		if (i == COMERS / 4) {
			cr_assert_eq(kill(server.pid, SIGUSR2), 0);
		}
		talk_open(&comers[i], server.lines_port);
	}
	for (int i = 0; i < COMERS; i++) {
		talk_expect_start(&comers[i], "+turnstile 1 ");
		ask(&comers[i], "+pong$", "/ping");
		talk_close(&comers[i]);
	}
}

/* Each final line in its place, and none of them an interruption. */
Test(programs_upgrade, what_is_under_way_is_answered_in_its_place)
{
	turnstiled_start(&server, "--workers", "1", "--event", "rush=1000");
	talk_open_greeted(&ann, server.lines_port);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 10; i++) {
			talk_say(&ann, "/ping %d", i);
			talk_say(&ann, "/book rush");
			talk_say(&ann, "/audit rush");
			talk_say(&ann, "/who");
		}
		turnstiled_upgrade(&server);
		for (int i = 0; i < 10; i++) {
			talk_expect_answer(&ann, text_of("+pong %d", i));
			talk_expect_answer(&ann, "+booked ");
			talk_expect_answer(&ann, text_of("+audit rush %d ", round * 10 + i + 1));
			talk_expect_answer(&ann, "=");
			talk_expect_answer(&ann, "+who 1");
		}
	}
}

/* A stretch that was half sent is continued at the very byte. */
Test(programs_upgrade, who_does_not_read_gets_every_byte_later)
{
	enum { LINES = 3000 };

	turnstiled_start(&server, "--workers", "2", "--send-queue", "67108864", "--history",
			 "10000");
	open_on(&ann, server.lines_port, 1);
	open_on(&bob, server.lines_port, 2);
	ask(&ann, "+join #r 1$", "/join #r");
	ask(&bob, "+join #r 2$", "/join #r");
	talk_expect_event(&ann, "*join #r ");
	for (int i = 0; i < LINES; i++) {
		ask(&ann, "+say #r$", "/say #r %d %0500d", i, 0);
	}
	turnstiled_upgrade(&server);
	for (int i = 0; i < LINES; i++) {
		const char *line = talk_line(&bob);

		cr_assert(strstr(line, text_of(" %d 000", i)), "%d: %.60s", i, line);
	}
	ask(&bob, "+pong$", "/ping");
}

Test(programs_upgrade, sockets_that_were_passed_are_passed_on)
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(listener, 10), 0);
	turnstiled_pass(&server, listener, "lines");
	turnstiled_start(&server);
	close(listener);
	server.passed_count = 0;
	const uint16_t port = server.lines_port;

	talk_open_greeted(&ann, port);
	turnstiled_upgrade(&server);
	turnstiled_upgrade(&server);
	cr_expect_eq(server.lines_port, port);
	talk_open_greeted(&bob, port);
	ask(&ann, "+pong$", "/ping");
}

/* What passed sockets are called is not what the options say: nothing seems to have changed. */
Test(programs_upgrade, who_took_over_reloads)
{
	enter_two(&server, "handoff", &ann, &bob);
	turnstiled_upgrade(&server);
	cr_assert_eq(kill(server.pid, SIGHUP), 0);
	cr_expect(eventually(log_has(&server, "reloaded")));
	cr_expect_not(log_has(&server, "not changed"));
	ask(&ann, "+who 2$", "/who #r");
	turnstiled_upgrade(&server);
	ask(&ann, "+who 2$", "/who #r");
}

/* It has more workers then, other limits, and an event more. */
Test(programs_upgrade, options_may_be_others)
{
	char path[FOLDER_PATH_SIZE];

	folder_file(&server.folder, "conf", path);
	write_file(path, "workers = 2\nmax-connections = 50\nhistory = 10\nevent = rush=5\n");
	turnstiled_start(&server, "--config", path);
	open_on(&ann, server.lines_port, 2);
	ask(&ann, "+join #r 1$", "/join #r");
	ask(&ann, "+say #r$", "/say #r a word");
	write_file(path, "workers = 3\nmax-connections = 500\nhistory = 2000\nevent = rush=5\n"
			 "event = other=7\n");
	turnstiled_upgrade(&server);
	cr_expect_eq(server.workers, 3);
	talk_say(&ann, "/history #r");
	cr_expect(strstr(talk_expect_answer(&ann, "="), "a word"));
	talk_expect_answer(&ann, "+history 1");
	ask(&ann, "+booked ", "/book rush");
	cr_expect_eq(left_of(&ann, "other"), 7);
	write_file(path, "workers = 1\nmax-connections = 20\n");
	turnstiled_upgrade(&server);
	cr_expect_eq(server.workers, 1);
	cr_expect_eq(serving(&ann, NULL), 2); /* which ends with her connection */
	ask(&ann, "+pong$", "/ping");
}

Test(programs_upgrade, with_another_store_is_refused)
{
	char path[FOLDER_PATH_SIZE];

	folder_file(&server.folder, "conf", path);
	write_file(path, "workers = 1\n");
	turnstiled_start(&server, "--config", path);
	talk_open_greeted(&ann, server.lines_port);
	write_file(path, text_of("store = %s\n", store_url(&server, "json", "other.json")));
	cr_assert_eq(kill(server.pid, SIGUSR2), 0);
	cr_expect(eventually(log_has(&server, "another store needs a restart")));
	cr_expect(eventually(log_has(&server, "not upgraded")));
	ask(&ann, "+pong$", "/ping");
}

static bool file_says(const char *path, pid_t pid)
{
	FILE *file = fopen(path, "re");
	int number = 0;
	bool says = file && fscanf(file, "%d", &number) == 1 && number == pid;

	if (file) {
		(void)fclose(file);
	}
	return says;
}

Test(programs_upgrade, the_pid_file_names_who_serves)
{
	char path[FOLDER_PATH_SIZE];

	folder_file(&server.folder, "pid", path);
	turnstiled_start(&server, "--pid-file", path);
	cr_expect(file_says(path, server.pid));
	turnstiled_upgrade(&server);
	cr_expect(file_says(path, server.pid));
	cr_expect_eq(turnstiled_stop(&server), 0);
	cr_expect_neq(access(path, F_OK), 0);
}

/* One that does not work */

static void is_as_nothing_had_been(const char *why)
{
	const pid_t pid = server.pid;

	install(NEWCOMER);
	cr_assert_eq(kill(pid, SIGUSR2), 0);
	/* It is given ten seconds, as long as we have patience. */
	cr_assert(eventually(log_has(&server, why)) || eventually(log_has(&server, why)),
		  "the log does not say: %s", why);
	ask(&ann, "+say #r$", "/say #r a word");
	talk_expect_event(&bob, "*say #r ann a word");
	ask(&bob, "+who 2$", "/who #r");
	talk_open_greeted(&cid, server.lines_port);
	cr_expect(eventually(watch_children(pid, (pid_t[WATCH_CHILDREN_MAX]){ 0 }) == 2));
	cr_expect_not(log_has(&server, "INTERRUPTED"));
	install(TURNSTILED);
	turnstiled_upgrade(&server);
	ask(&ann, "+pong$", "/ping");
	ask(&cid, "+pong$", "/ping");
	cr_expect_eq(turnstiled_stop(&server), 0);
}

static void a_newcomer(const char *does, const char *why)
{
	newcomer_does = does;
	enter_two(&server, "handoff", &ann, &bob);
	is_as_nothing_had_been(why);
}

Test(programs_upgrade, one_that_exits_at_once_changes_nothing)
{
	a_newcomer("exits", "not upgraded: the new binary ended");
}

Test(programs_upgrade, one_that_hangs_changes_nothing)
{
	a_newcomer("hangs", "not upgraded: the new binary did not get ready in time");
}

Test(programs_upgrade, one_of_another_version_changes_nothing)
{
	a_newcomer("is-of-another-version",
		   "not upgraded: the new binary's state is of version 2.0, this one's of 1.");
}

Test(programs_upgrade, one_that_talks_nonsense_changes_nothing)
{
	a_newcomer("talks-nonsense",
		   "not upgraded: the new binary says what it cannot have to say");
}

Test(programs_upgrade, one_that_claims_to_serve_too_early_changes_nothing)
{
	a_newcomer("serves-what-it-has-not",
		   "not upgraded: the new binary says what it cannot have to say");
}

Test(programs_upgrade, one_that_ends_when_it_is_ready_changes_nothing)
{
	a_newcomer("exits-when-ready", "not upgraded: the new binary ");
}

Test(programs_upgrade, one_that_ends_with_everything_in_hand_changes_nothing)
{
	a_newcomer("exits-with-everything", "not upgraded: the new binary ended");
}

Test(programs_upgrade, one_that_never_takes_over_changes_nothing)
{
	a_newcomer("never-takes", "not upgraded: the new binary did not take over in time");
}

/* It has all, so there is nothing to take back. That it does no more here is its own affair. */
Test(programs_upgrade, one_that_is_slow_to_serve_is_waited_for)
{
	newcomer_does = "serves-slowly";
	enter_two(&server, "handoff", &ann, &bob);
	install(NEWCOMER);
	cr_assert_eq(kill(server.pid, SIGUSR2), 0);
	cr_assert(eventually(log_has(&server, "has taken over, and is slow to serve")));
	cr_expect_eq(turnstiled_stop(&server), 0);
	cr_expect(eventually(log_has(&server, " serves: it was handed 2 connections ")));
}

Test(programs_upgrade, who_stops_it_meanwhile_drains_it)
{
	newcomer_does = "hangs";
	enter_two(&server, "handoff", &ann, &bob);
	install(NEWCOMER);
	cr_assert_eq(kill(server.pid, SIGUSR2), 0);
	cr_assert(eventually(log_has(&server, "upgrading")));
	cr_expect_eq(turnstiled_stop(&server), 0);
	talk_expect_event(&ann, "*notice the server stops now");
	cr_expect(eventually(log_has(&server, "not upgraded: the server is to stop")));
}
