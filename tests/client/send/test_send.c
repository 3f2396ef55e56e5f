#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/chat/chat.h"
#include "client/send/send.h"
#include "tests/client/peer.h"
#include "tests/support/capture.h"

#define ARGUMENTS_MAX 16
#define TEXT_SIZE     4096

static struct peer peer;
static struct capture capture;

static void start_peer(void)
{
	peer_init(&peer);
}

static void stop_peer(void)
{
	peer_finish(&peer);
	if (capture.child.pid > 0) {
		child_kill(&capture.child);
	}
}

TestSuite(send, .init = start_peer, .fini = stop_peer);

struct call {
	int (*run)(const struct server_address *address, int argc, char **argv);
	const char *const *lines;
	int not_its; /* a descriptor that is only the test's, or 0 */
};

static int run_call(void *argument)
{
	const struct call *call = argument;
	const struct server_address address = { .host = "127.0.0.1", .port = peer.port };
	char *argv[ARGUMENTS_MAX + 1] = { strdup("turnstile") };
	int argc = 1;

	if (call->not_its > 0) {
		close(call->not_its);
	}
	for (const char *const *line = call->lines; *line; line++) {
		child_check(argc < ARGUMENTS_MAX);
		argv[argc++] = strdup(*line);
	}
	int status = call->run(&address, argc, argv);
	for (int i = 0; i < argc; i++) {
		free(argv[i]);
	}
	return status;
}

/* Starts `turnstile send` with these lines (none: those of INPUT). */
#define start_send(input, ...) start_send_with(input, (const char *const[]){ __VA_ARGS__ })

static void start_send_with(int input, const char *const *lines)
{
	struct call call = { send_run, lines, 0 };

	capture_start(&capture, input, run_call, &call);
}

/* With a pipe as stdin: returns the end to write to. */
static int start_with_pipe(int (*run)(const struct server_address *address, int argc, char **argv))
{
	const char *const none[] = { NULL };
	int input[2];

	cr_assert_eq(pipe2(input, O_CLOEXEC), 0);
	struct call call = { run, none, input[1] };
	capture_start(&capture, input[0], run_call, &call);
	return input[1];
}

static void start_chat(const char *input)
{
	const char *const none[] = { NULL };
	struct call call = { chat_run, none, 0 };

	capture_start(&capture, capture_file(input, strlen(input)), run_call, &call);
}

static void expect_end(int status, const char *output, const char *errors)
{
	capture_wait(&capture);
	cr_expect_eq(capture.status, status, "it ended with %d", capture.status);
	cr_expect_str_eq(capture.output, output);
	if (errors[0] == '\0') {
		cr_expect_str_eq(capture.errors, "");
	} else {
		cr_expect_not_null(strstr(capture.errors, errors), "it said '%s'", capture.errors);
	}
	capture_free(&capture);
}

Test(send, lines_go_out_and_answers_are_printed_as_they_are)
{
	char text[TEXT_SIZE];

	start_send(-1, "/who", "hello  you", NULL);
	peer_greet(&peer);
	peer_read_all(&peer, text, sizeof(text));
	cr_expect_str_eq(text, "/who\nhello  you\n");
	peer_say(&peer, "=anna\n*say #go anna hi\n=berta\r\n+who 2\n");
	peer_close(&peer);
	expect_end(0, "=anna\n*say #go anna hi\n=berta\n+who 2\n", "");
}

Test(send, an_answer_is_whole_wherever_packets_cut_it)
{
	const char *answer = "=anna\n+who 1\n";
	char text[TEXT_SIZE];

	start_send(-1, "/who", NULL);
	peer_accept(&peer);
	peer_say(&peer, "+turn");
	peer_say(&peer, "stile 1 hello\n=an");
	peer_read_all(&peer, text, sizeof(text));
	for (const char *rest = answer + 3; *rest != '\0'; rest++) {
		peer_say(&peer, (const char[]){ *rest, '\0' });
	}
	peer_close(&peer);
	expect_end(0, answer, "");
}

Test(send, a_refusal_makes_the_exit_status_1)
{
	char text[TEXT_SIZE];

	start_send(-1, "/x", "/ping", NULL);
	peer_greet(&peer);
	peer_read_all(&peer, text, sizeof(text));
	peer_say(&peer, "-BADCMD no such command\n+pong\n");
	peer_close(&peer);
	expect_end(1, "-BADCMD no such command\n+pong\n", "");
}

Test(send, a_refused_text_makes_the_exit_status_1)
{
	char text[TEXT_SIZE];

	start_send(-1, "hello", NULL);
	peer_greet(&peer);
	peer_read_all(&peer, text, sizeof(text));
	peer_say(&peer, "-NOROOM join one first\n");
	peer_close(&peer);
	expect_end(1, "-NOROOM join one first\n", "");
}

Test(send, text_and_empty_lines_need_no_answer)
{
	char text[TEXT_SIZE];

	start_send(-1, "", "hello", "//me", NULL);
	peer_greet(&peer);
	peer_read_all(&peer, text, sizeof(text));
	cr_expect_str_eq(text, "\nhello\n//me\n");
	peer_close(&peer);
	expect_end(0, "", "");
}

Test(send, an_end_before_every_command_is_answered_is_a_failure)
{
	char text[TEXT_SIZE];

	start_send(-1, "/ping", "/ping", NULL);
	peer_greet(&peer);
	peer_read_all(&peer, text, sizeof(text));
	peer_say(&peer, "+pong\n");
	peer_close(&peer);
	expect_end(1, "+pong\n", "before everything was answered");
}

Test(send, a_reset_is_a_failure)
{
	char text[TEXT_SIZE];

	start_send(-1, "hello", NULL);
	peer_greet(&peer);
	peer_read_all(&peer, text, sizeof(text));
	peer_reset(&peer);
	expect_end(1, "", "before everything was answered");
}

Test(send, a_server_that_closes_while_input_is_to_come_ends_it)
{
	int input = start_with_pipe(send_run);

	peer_greet(&peer);
	peer_close(&peer);
	expect_end(1, "", "before everything was answered");
	close(input);
}

Test(send, after_quit_an_open_input_is_no_failure)
{
	int input = start_with_pipe(send_run);

	peer_greet(&peer);
	cr_assert_eq(write(input, "/quit\n", 6), 6);
	peer_expect(&peer, "/quit\n");
	peer_say(&peer, "+bye\n");
	peer_close(&peer);
	expect_end(0, "+bye\n", "");
	close(input);
}

Test(send, lines_of_stdin_go_out_as_they_come)
{
	int input = start_with_pipe(send_run);

	peer_greet(&peer);
	cr_assert_eq(write(input, "/ping 1\n", 8), 8);
	peer_expect(&peer, "/ping 1\n");
	peer_say(&peer, "+pong 1\n");
	cr_assert_eq(write(input, "/ping 2", 7), 7);
	close(input);
	peer_expect(&peer, "/ping 2\n");
	peer_say(&peer, "+pong 2\n");
	peer_close(&peer);
	expect_end(0, "+pong 1\n+pong 2\n", "");
}

Test(send, a_byte_of_255_is_not_taken_for_telnet)
{
	char text[TEXT_SIZE];

	start_send(-1, "a\xff", NULL);
	peer_greet(&peer);
	peer_read_all(&peer, text, sizeof(text));
	cr_expect_str_eq(text, "a\xff\xff\n");
	peer_close(&peer);
	expect_end(0, "", "");
}

Test(send, a_program_that_reads_what_is_printed_gets_it_as_it_is)
{
	start_send(-1, "hello", NULL);
	peer_greet(&peer);
	peer_say(&peer, "*notice \x1b[2J\n");
	peer_expect(&peer, "hello\n");
	peer_close(&peer);
	expect_end(0, "*notice \x1b[2J\n", "");
}

Test(send, a_greeting_that_turns_away_is_said)
{
	start_send(-1, "/ping", NULL);
	peer_accept(&peer);
	peer_say(&peer, "-BUSY too many connections\n");
	peer_close(&peer);
	expect_end(1, "", "turns us away: BUSY too many connections");
}

Test(send, another_service_is_not_taken_for_ours)
{
	start_send(-1, "/ping", NULL);
	peer_accept(&peer);
	peer_say(&peer, "220 mail.example.org ready\n");
	peer_close(&peer);
	expect_end(1, "", "does not greet");
}

Test(send, where_nobody_listens_it_says_so)
{
	close(peer.listener);
	start_send(-1, "/ping", NULL);
	expect_end(1, "", "Connection refused");
}

/* Takes in what comes, and answers every line, while neither side waits for the other. */
static void answer_every_line(size_t lines)
{
	static const char answer[] = "+pong\n";
	char bytes[65536];
	size_t read_lines = 0, said = 0;

	while (said < lines) {
		struct pollfd client = { .fd = peer.client, .events = POLLIN };
		if (read_lines > said) {
			client.events |= POLLOUT;
		}
		cr_assert_eq(poll(&client, 1, 10000), 1, "after %zu answers nothing moves", said);
		if ((client.revents & POLLOUT) != 0) {
			cr_assert_eq(send(peer.client, answer, 6, MSG_NOSIGNAL), 6);
			said++;
			continue;
		}
		ssize_t count = recv(peer.client, bytes, sizeof(bytes), 0);
		cr_assert_gt(count, 0);
		for (ssize_t i = 0; i < count; i++) {
			read_lines += bytes[i] == '\n';
		}
	}
}

Test(send, a_large_input_is_answered_line_by_line)
{
	enum { LINES = 100000 };
	static char input[LINES * 10];

	for (size_t i = 0; i < LINES; i++) {
		memcpy(input + i * 10, "/ping abc\n", 10);
	}
	start_send(capture_file(input, sizeof(input)), NULL);
	peer_greet(&peer);
	answer_every_line(LINES);
	peer_close(&peer);
	capture_wait(&capture);
	cr_expect_eq(capture.status, 0, "%s", capture.errors);
	cr_expect_eq(capture.output_length, LINES * strlen("+pong\n"));
	capture_free(&capture);
}

/* A server that sends without end before it reads: only a client that reads meanwhile gets on. */
Test(send, both_ways_full_is_no_deadlock)
{
	static char input[8 << 20];
	static char flood[8 << 20];
	char rest[65536];
	size_t said = 0;

	memset(input, 'x', sizeof(input));
	memset(flood, 'y', sizeof(flood));
	for (size_t i = 999; i < sizeof(input); i += 1000) {
		input[i] = flood[i] = '\n';
	}
	start_send(capture_file(input, sizeof(input)), NULL);
	peer_greet(&peer);
	while (said < sizeof(flood)) {
		struct pollfd client = { .fd = peer.client, .events = POLLOUT };
		cr_assert_eq(poll(&client, 1, 10000), 1, "the client does not read");
		ssize_t count = send(peer.client, flood + said, sizeof(flood) - said,
				     MSG_NOSIGNAL | MSG_DONTWAIT);
		cr_assert_gt(count, 0);
		said += (size_t)count;
	}
	while (recv(peer.client, rest, sizeof(rest), 0) > 0) {
		continue;
	}
	peer_close(&peer);
	capture_wait(&capture);
	cr_expect_eq(capture.status, 0, "%s", capture.errors);
	cr_expect_geq(capture.output_length, sizeof(flood) / 1000 * 1000);
	capture_free(&capture);
}

Test(send, the_lines_of_a_long_list_all_arrive)
{
	static char line[100000];
	static char text[4 * sizeof(line)];

	memset(line, 'x', sizeof(line) - 1);
	start_send(-1, line, "/ping", line, NULL);
	peer_greet(&peer);
	peer_read_all(&peer, text, sizeof(text));
	cr_expect_eq(strlen(text), 2 * sizeof(line) + strlen("/ping\n"));
	cr_expect_eq(memcmp(text + sizeof(line) - 1, "\n/ping\nx", 8), 0);
	peer_say(&peer, "-TOOLONG\n+pong\n-TOOLONG\n");
	peer_close(&peer);
	expect_end(1, "-TOOLONG\n+pong\n-TOOLONG\n", "");
}

Test(chat, lines_are_shown_readably_and_the_end_of_input_quits, .init = start_peer,
     .fini = stop_peer)
{
	start_chat("hello");
	peer_greet(&peer);
	peer_expect(&peer, "hello\n/quit\n");
	peer_say(&peer, "*say #go anna hi\n+bye\n");
	peer_close(&peer);
	capture_wait(&capture);
	cr_expect_eq(capture.status, 0);
	cr_expect_str_eq(capture.errors, "");
	const char *shown = strchr(capture.output, '\n'); /* after our own first line */
	cr_assert_not_null(shown);
	cr_expect_str_eq(shown + 1, "#go <anna> hi\nbye\n");
	capture_free(&capture);
}

Test(chat, a_server_that_goes_away_is_told_from_a_good_end, .init = start_peer, .fini = stop_peer)
{
	int input = start_with_pipe(chat_run);

	peer_greet(&peer);
	peer_close(&peer);
	capture_wait(&capture);
	cr_expect_eq(capture.status, 1);
	cr_expect_not_null(strstr(capture.errors, "the server closed the connection"));
	capture_free(&capture);
	close(input);
}
