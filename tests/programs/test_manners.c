/* How the server starts, refuses to start, and ends. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/programs/watch.h"
#include "tests/support/capture.h"
#include "tests/support/child.h"
#include "tests/support/server.h"

#define WORDS_MAX 16
#define WORD_SIZE 512

static struct turnstiled server;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_manners, .init = init, .fini = finish, .timeout = 120);

static int run_server(void *argument)
{
	execv(TURNSTILED, argument);
	return 127;
}

/* Runs the server with these words (the program's name and what a test needs come first). */
static void run(struct capture *capture, const char *const *words)
{
	static const char *const first[] = { "turnstiled", "--listen", "lines:127.0.0.1:0",
					     "--state" };
	static char copies[WORDS_MAX][WORD_SIZE];
	char *argv[WORDS_MAX + 1] = { NULL };
	size_t count = 0;

	for (; count < sizeof(first) / sizeof(first[0]); count++) {
		snprintf(copies[count], WORD_SIZE, "%s", first[count]);
	}
	snprintf(copies[count++], WORD_SIZE, "%s", server.folder.path);
	for (; *words && count < WORDS_MAX; words++) {
		snprintf(copies[count++], WORD_SIZE, "%s", *words);
	}
	for (size_t i = 0; i < count; i++) {
		argv[i] = copies[i];
	}
	capture_start(capture, -1, run_server, argv);
	capture_wait(capture);
}

#define RUN(capture, ...) run((capture), (const char *const[]){ __VA_ARGS__, NULL })

/* It ended with STATUS and one line on stderr that has both PARTS in it. */
static void expect_refusal(struct capture *capture, int status, const char *what, const char *why)
{
	cr_expect_eq(capture->status, status, "%d, saying '%s'", capture->status, capture->errors);
	cr_expect_not_null(strstr(capture->errors, what), "'%s' is not in '%s'", what,
			   capture->errors);
	cr_expect_not_null(strstr(capture->errors, why), "'%s' is not in '%s'", why,
			   capture->errors);
	const char *end = strchr(capture->errors, '\n');
	cr_expect(end && end[1] == '\0', "not one line: '%s'", capture->errors);
	cr_expect_null(strstr(capture->output, "ready"));
	capture_free(capture);
}

Test(programs_manners, a_wrong_option_is_one_line_that_says_what_would_be_right)
{
	static const struct {
		const char *option, *value, *why;
	} wrong[] = { { "--workers", "0", "1 to 64" },
		      { "--workers", "many", "1 to 64" },
		      { "--dispatch", "fair", "handoff or accept" },
		      { "--echo", "lower", "upper or raw" },
		      { "--listen", "7000", "KIND" },
		      { "--listen", "gopher:127.0.0.1:0", "lines" },
		      { "--event", "rush", "=" },
		      { "--event", "Rush=1", "a-z" },
		      { "--store", "mysql:x", "sqlite" },
		      { "--op-password-file", "/nonexistent", "No such file" },
		      { "--user", "no-such-user-here", "user" },
		      { "--no-such-option", "1", "--help" } };
	struct capture capture;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		RUN(&capture, wrong[i].option, wrong[i].value);
		expect_refusal(&capture, 2, wrong[i].option, wrong[i].why);
	}
	RUN(&capture, "--config", "/no/such/file");
	expect_refusal(&capture, 2, "/no/such/file", "No such file");
}

Test(programs_manners, a_port_in_use_is_one_line_and_exit_status_1)
{
	int socket_in_use = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	struct capture capture;
	char listen_word[64], port[16];

	cr_assert_eq(bind(socket_in_use, (struct sockaddr *)&address, length), 0);
	cr_assert_eq(listen(socket_in_use, 1), 0);
	getsockname(socket_in_use, (struct sockaddr *)&address, &length);
	snprintf(port, sizeof(port), "%u", ntohs(address.sin_port));
	snprintf(listen_word, sizeof(listen_word), "lines:127.0.0.1:%s", port);
	RUN(&capture, "--listen", listen_word);
	expect_refusal(&capture, 1, port, "in use");
	close(socket_in_use);
}

Test(programs_manners, a_state_folder_that_cannot_be_made_is_one_line_and_exit_status_1)
{
	struct capture capture;

	RUN(&capture, "--state", "/dev/null/x");
	expect_refusal(&capture, 1, "--state /dev/null/x", "cannot be made: Not a directory");
}

Test(programs_manners, a_store_that_cannot_be_written_is_one_line_and_exit_status_1)
{
	struct capture capture;

	RUN(&capture, "--store", "sqlite:/proc/turnstile.db");
	expect_refusal(&capture, 1, "/proc/turnstile.db", "");
	RUN(&capture, "--store", "sqlite:/no/such/folder/turnstile.db");
	expect_refusal(&capture, 1, "/no/such/folder/turnstile.db", "No such file");
}

Test(programs_manners, a_store_that_is_no_database_is_one_line_and_exit_status_1_and_stays_as_it_is)
{
	static const char text[] = "Dear diary, this is no database, though it is long enough.\n";
	char path[FOLDER_PATH_SIZE], url[FOLDER_PATH_SIZE + 8], now[4096];
	struct capture capture;

	folder_file(&server.folder, "diary", path);
	FILE *file = fopen(path, "we");
	for (int i = 0; i < 60; i++) {
		fputs(text, file);
	}
	fclose(file);
	snprintf(url, sizeof(url), "sqlite:%s", path);
	RUN(&capture, "--store", url);
	expect_refusal(&capture, 1, path, "not a");
	file = fopen(path, "re");
	cr_expect_eq(fread(now, 1, sizeof(now), file), 60 * (sizeof(text) - 1));
	cr_expect_eq(memcmp(now, text, sizeof(text) - 1), 0);
	fclose(file);
}

Test(programs_manners, help_and_version_go_to_stdout_with_exit_status_0)
{
	struct capture capture;

	RUN(&capture, "--help");
	cr_expect_eq(capture.status, 0);
	cr_expect_not_null(strstr(capture.output, "--workers"));
	cr_expect_str_eq(capture.errors, "");
	capture_free(&capture);
	RUN(&capture, "--version");
	cr_expect_eq(capture.status, 0);
	cr_expect_not_null(strstr(capture.output, "turnstiled"));
	capture_free(&capture);
}

Test(programs_manners, options_may_stand_in_a_file_and_the_command_line_wins)
{
	char path[FOLDER_PATH_SIZE];
	static struct talk talk;

	folder_file(&server.folder, "config", path);
	FILE *file = fopen(path, "we");
	fputs("# a comment\nworkers = 3\nevent = rush=7:The rush\necho = raw\n", file);
	fclose(file);
	turnstiled_start(&server, "--config", path, "--echo", "upper");
	cr_expect_eq(server.workers, 3);
	talk_open_greeted(&talk, server.lines_port);
	talk_ask(&talk, "/left rush", "+left rush 7 7");
	talk_close(&talk);
	talk_open(&talk, server.echo_port);
	talk_say(&talk, "loud");
	talk_expect(&talk, "LOUD");
}

Test(programs_manners, the_pid_file_is_there_while_it_runs)
{
	char path[FOLDER_PATH_SIZE];
	int pid = 0;

	folder_file(&server.folder, "pid", path);
	turnstiled_start(&server, "--workers", "1", "--pid-file", path);
	FILE *file = fopen(path, "re");
	cr_assert_not_null(file);
	cr_expect_eq(fscanf(file, "%d", &pid), 1);
	fclose(file);
	cr_expect_eq(pid, server.pid);
	cr_expect_eq(turnstiled_stop(&server), 0);
	cr_expect_neq(access(path, F_OK), 0);
}

/* Ending */

#define PEOPLE 12

/* Everyone on every worker hears it, then their connections end; and so does the server, well. */
static void end_with_notice(pid_t to, int signal)
{
	static struct talk people[PEOPLE], echo;

	for (int i = 0; i < PEOPLE; i++) {
		talk_open_greeted(&people[i], server.lines_port);
	}
	talk_open(&echo, server.echo_port);
	talk_say(&echo, "here");
	talk_expect(&echo, "HERE");
	cr_assert_eq(kill(to, signal), 0);
	for (int i = 0; i < PEOPLE; i++) {
		talk_expect_start(&people[i], "*notice ");
		talk_expect_end(&people[i]);
		talk_close(&people[i]);
	}
	talk_expect_end(&echo);
	cr_assert(eventually(watch_state(server.pid) == 'Z'));
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(programs_manners, at_sigterm_everyone_gets_a_notice_and_it_ends_with_0)
{
	turnstiled_start(&server, "--workers", "3");
	end_with_notice(server.pid, SIGTERM);
}

Test(programs_manners, at_sigint_everyone_gets_a_notice_and_it_ends_with_0)
{
	turnstiled_start(&server, "--workers", "3", "--dispatch", "accept");
	end_with_notice(server.pid, SIGINT);
}

/* As a service manager or a terminal sends it: to the workers too. */
Test(programs_manners, a_signal_to_the_whole_group_drains_all_the_same)
{
	turnstiled_start(&server, "--workers", "3");
	end_with_notice(-server.pid, SIGTERM);
}

Test(programs_manners, who_does_not_go_is_left_when_the_time_to_drain_is_up)
{
	static struct talk stays;

	turnstiled_start(&server, "--workers", "1", "--drain", "1");
	talk_open_greeted(&stays, server.lines_port);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(programs_manners, past_the_cap_a_connection_is_told_that_the_server_is_busy)
{
	static struct talk talks[4];

	turnstiled_start(&server, "--workers", "1", "--max-connections", "3");
	for (int i = 0; i < 3; i++) {
		talk_open_greeted(&talks[i], server.lines_port);
	}
	talk_open(&talks[3], server.lines_port);
	talk_expect_start(&talks[3], "-BUSY ");
	talk_expect_end(&talks[3]);
	talk_close(&talks[3]);
	talk_ask(&talks[0], "/quit", "+bye");
	talk_close(&talks[0]);
	cr_assert(eventually(stat_of(&talks[1], "turnstile_connections") == 2));
	talk_open_greeted(&talks[3], server.lines_port);
}
