/* `turnstile password`, and an operator whose password is kept as it makes it. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/capture.h"
#include "tests/support/child.h"
#include "tests/support/http.h"
#include "tests/support/terminal.h"

#ifdef TURNSTILE_WITH_SODIUM

#define ROWS    10
#define COLUMNS 120

static struct turnstiled server;
static struct terminal terminal;
static bool on_terminal;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	if (on_terminal) {
		terminal_finish(&terminal);
	}
	turnstiled_finish(&server);
}

TestSuite(programs_password, .init = init, .fini = finish, .timeout = 60);

static int run_client(void *argument)
{
	(void)argument;
	execl(TURNSTILE, "turnstile", "password", (char *)NULL);
	return 127;
}

static void hash(struct capture *capture, const char *input)
{
	capture_start(capture, capture_file(input, strlen(input)), run_client, NULL);
	capture_wait(capture);
}

static void expect_hash(const char *input)
{
	struct capture capture;

	hash(&capture, input);
	cr_expect_eq(capture.status, 0);
	cr_expect_eq(strncmp(capture.output, "$argon2id$v=19$m=65536,t=2,p=1$", 31), 0, "'%s'",
		     capture.output);
	cr_expect_str_eq(strchr(capture.output, '\n'), "\n", "one line");
	cr_expect_str_eq(capture.errors, "");
	capture_free(&capture);
}

Test(programs_password, the_first_line_of_a_file_or_a_pipe_is_hashed)
{
	expect_hash("open sesame\n");
	expect_hash("open sesame\r\nand more\n");
	expect_hash("open sesame");
}

static void expect_refusal(const char *input, const char *why)
{
	struct capture capture;

	hash(&capture, input);
	cr_expect_eq(capture.status, 1);
	cr_expect_str_eq(capture.output, "");
	cr_expect_not_null(strstr(capture.errors, why), "'%s'", capture.errors);
	capture_free(&capture);
}

Test(programs_password, one_that_is_empty_or_that_nobody_could_type_is_refused)
{
	char most[400];

	expect_refusal("", "it is empty");
	expect_refusal("\n", "it is empty");
	expect_refusal("open\tsesame\n", "TABs and control characters");
	expect_refusal(" sesame\n", "begins or ends with a space");
	memset(most, 'x', sizeof(most));
	most[256] = '\0';
	expect_hash(most);
	most[256] = 'x';
	most[257] = '\0';
	expect_refusal(most, "it has more than 256 bytes");
	most[257] = 'x';
	most[sizeof(most) - 1] = '\0';
	expect_refusal(most, "longer than");
}

/* On a terminal */

static void start_on_terminal(void)
{
	char shell[] = "/bin/sh", option[] = "-c",
	     script[] =
		     "'" TURNSTILE "' password; echo status $?; read -r line; echo read \"$line\"";
	char *argv[] = { shell, option, script, NULL };
	static const char *const environment[] = { NULL };

	on_terminal = true;
	terminal_start(&terminal, argv, environment, ROWS, COLUMNS);
	terminal_expect_some(&terminal, "password:");
}

/* Whether what is typed now is shown: the terminal is as it was. */
static void expect_shown(void)
{
	terminal_type(&terminal, "seen\n");
	terminal_expect_some(&terminal, "read seen");
	cr_expect_geq(terminal_count(&terminal, "seen"), 2);
	terminal_join(&terminal);
}

Test(programs_password, on_a_terminal_it_is_asked_for_twice_and_never_shown)
{
	start_on_terminal();
	terminal_type(&terminal, "open sesame\n");
	terminal_expect_some(&terminal, "the same again:");
	terminal_type(&terminal, "open sesame\n");
	terminal_expect_some(&terminal, "status 0");
	cr_expect_eq(terminal_count(&terminal, "$argon2id$"), 1);
	cr_expect_eq(terminal_count(&terminal, "sesame"), 0);
	expect_shown();
}

Test(programs_password, two_that_differ_are_refused)
{
	start_on_terminal();
	terminal_type(&terminal, "open sesame\n");
	terminal_expect_some(&terminal, "the same again:");
	terminal_type(&terminal, "open sesam\n");
	terminal_expect_some(&terminal, "status 1");
	cr_expect_eq(terminal_count(&terminal, "the two are not the same"), 1);
	cr_expect_eq(terminal_count(&terminal, "$argon2id$"), 0);
	expect_shown();
}

Test(programs_password, whoever_ends_it_meanwhile_finds_the_terminal_as_it_was)
{
	char client[] = TURNSTILE, password[] = "password";
	char *argv[] = { client, password, NULL };
	static const char *const environment[] = { NULL };
	struct termios now;

	on_terminal = true;
	terminal_start(&terminal, argv, environment, ROWS, COLUMNS);
	terminal_expect_some(&terminal, "password:");
	cr_assert_eq(tcgetattr(terminal.descriptor, &now), 0);
	cr_expect_eq(now.c_lflag & ECHO, 0);
	terminal_type(&terminal, "half a pass\x03");
	cr_expect_neq(terminal_join(&terminal), 0);
	cr_assert_eq(tcgetattr(terminal.descriptor, &now), 0);
	cr_expect_neq(now.c_lflag & ECHO, 0);
}

/* The server */

static const char *hashed_password_file(void)
{
	static char path[FOLDER_PATH_SIZE];
	struct capture capture;

	hash(&capture, "open sesame\n");
	folder_file(&server.folder, "hashed", path);
	FILE *file = fopen(path, "we");
	cr_assert(file && fchmod(fileno(file), 0600) == 0);
	fputs(capture.output, file);
	fclose(file);
	capture_free(&capture);
	return path;
}

/* Under all that binds a worker: the filter of system calls, too. */
static void sign_in_with(const char *serialize)
{
	static struct talk boss, guest;

	turnstiled_start(&server, "--workers", "2", "--serialize", serialize, "--op-password-file",
			 hashed_password_file());
	open_on(&boss, server.lines_port, 1);
	open_on(&guest, server.lines_port, 1);
	ask(&guest, "-DENIED wrong password$", "/op open sesam");
	ask(&guest, "-DENIED wrong password$", "/op $argon2id$v=19$m=65536,t=2,p=1$");
	ask(&guest, "-DENIED ", "/kick nobody");
	talk_say(&boss, "/op open sesame");
	talk_say(&boss, "/ticket 0000-0000-0000-0000"); /* could be answered at once */
	talk_say(&boss, "/ban 127.0.2.1 10");
	talk_expect(&boss, "+op");
	talk_expect_start(&boss, "-NOTFOUND ");
	talk_expect(&boss, "+ban 127.0.2.1 10");
	ask(&guest, "+pong$", "/ping");
	cr_expect_eq(turnstiled_stop(&server), 0);
	cr_expect(eventually(log_has(&server, "gave a wrong password\n")));
	cr_expect(eventually(log_has(&server, "is an operator now\n")));
	cr_expect_not(log_has(&server, "sesam"));
	cr_expect_not(log_has(&server, "argon2id"));
}

Test(programs_password, who_knows_the_one_that_is_kept_hashed_is_an_operator)
{
	sign_in_with("lock");
}

Test(programs_password, a_worker_that_opens_no_store_can_look_at_one_too)
{
	sign_in_with("join");
}

/* Each time a guess is on its way its worker is replaced: it is looked at, and counts once. */
Test(programs_password, a_guess_outlasts_a_reload_and_counts_once)
{
	static struct talk boss;

	turnstiled_start(&server, "--workers", "1", "--op-password-file", hashed_password_file());
	talk_open_greeted(&boss, server.lines_port);
	for (int i = 0; i < 4; i++) {
		talk_say(&boss, "/op open sesam");
		cr_assert_eq(kill(server.pid, SIGHUP), 0);
		talk_expect(&boss, "-DENIED wrong password");
	}
	talk_say(&boss, "/op open sesame");
	cr_assert_eq(kill(server.pid, SIGHUP), 0);
	talk_expect(&boss, "+op");
}

#ifdef TURNSTILE_WITH_HTTP

#define JSON "Content-Type: application/json\r\n"

Test(programs_password, one_that_is_kept_hashed_is_taken_over_http_too)
{
	static struct talk talk;
	static struct http_answer answer;

	turnstiled_start(&server, "--workers", "1", "--op-password-file", hashed_password_file());
	talk_open(&talk, server.http_port);
	cr_expect_eq(http_ask(&talk, &answer, "POST", "/api/v1/op", JSON,
			      "{\"password\":\"open sesam\"}"),
		     403);
	cr_expect_eq(http_ask(&talk, &answer, "POST", "/api/v1/events",
			      JSON "Authorization: Bearer open sesame\r\n",
			      "{\"name\":\"rush\",\"total\":5}"),
		     201, "%s", answer.body);
	cr_expect_eq(http_ask(&talk, &answer, "POST", "/api/v1/op", JSON,
			      "{\"password\":\"open sesame\"}"),
		     200, "%s", answer.body);
}

#endif

static pid_t worker_of(struct talk *talk)
{
	pid_t pid;

	serving(talk, &pid);
	return pid;
}

static long resident_kib(pid_t pid)
{
	char line[256];
	long kib = -1;
	FILE *file = fopen(text_of("/proc/%d/status", (int)pid), "re");

	cr_assert_not_null(file);
	while (kib < 0 && fgets(line, sizeof(line), file)) {
		sscanf(line, "VmRSS: %ld kB", &kib);
	}
	fclose(file);
	return kib;
}

#define SPARE_KIB (16 * 1024) /* far less than looking at one takes */

Test(programs_password, what_it_took_in_memory_is_given_back)
{
	static struct talk boss;

	turnstiled_start(&server, "--workers", "1", "--op-password-file", hashed_password_file());
	talk_open_greeted(&boss, server.lines_port);
	pid_t pid = worker_of(&boss);
	long before = resident_kib(pid);
	ask(&boss, "+op$", "/op open sesame");
	cr_expect_lt(resident_kib(pid), before + SPARE_KIB);
}

#endif
