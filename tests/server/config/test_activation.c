#include "server/config/activation.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/capture.h"

/* A test's child begins as what a service manager starts: sockets from descriptor 3 on. */
struct service {
	int (*check)(const struct options *options);
	int sockets[2];
	int count;
	const char *count_text; /* LISTEN_FDS where it is not the count */
	const char *names;      /* or NULL */
};

static int open_socket(int domain, int type)
{
	int descriptor = socket(domain, type | SOCK_CLOEXEC, 0);

	cr_assert_geq(descriptor, 0);
	return descriptor;
}

/* Where the system chooses. */
static int open_listener(int domain)
{
	int descriptor = open_socket(domain, SOCK_STREAM);

	cr_assert_eq(listen(descriptor, 1), 0);
	return descriptor;
}

static void place_sockets(const struct service *service)
{
	int aside[2];

	if (service->count == 0) {
		closefrom(3);
	}
	for (int i = 0; i < service->count; i++) {
		aside[i] = fcntl(service->sockets[i], F_DUPFD, 100);
	}
	for (int i = 0; i < service->count; i++) {
		child_check(dup2(aside[i], 3 + i) == 3 + i);
	}
}

static int run_service(void *argument)
{
	static struct options options;
	const struct service *service = argument;
	char number[16];

	place_sockets(service);
	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("LISTEN_PID", number, 1);
	snprintf(number, sizeof(number), "%d", service->count);
	setenv("LISTEN_FDS", service->count_text ? service->count_text : number, 1);
	if (service->names) {
		setenv("LISTEN_FDNAMES", service->names, 1);
	}
	activation_take(&options);
	return !service->check ? 0 : service->check(&options);
}

static void expect_taken(struct service service)
{
	struct capture capture;

	capture_start(&capture, -1, run_service, &service);
	capture_wait(&capture);
	cr_expect_eq(capture.status, 0, "status %d: '%s'", capture.status, capture.errors);
	capture_free(&capture);
}

/* Exit status 2, and one line on stderr that has EXPECTED in it. */
static void expect_refusal(struct service service, const char *expected)
{
	struct capture capture;

	capture_start(&capture, -1, run_service, &service);
	capture_wait(&capture);
	cr_expect_eq(capture.status, 2, "status %d: '%s'", capture.status, capture.errors);
	const char *end = strchr(capture.errors, '\n');
	cr_expect(end && end[1] == '\0', "it said '%s'", capture.errors);
	cr_expect_not_null(strstr(capture.errors, expected), "it said '%s', not '%s'",
			   capture.errors, expected);
	capture_free(&capture);
}

static int check_echo_then_lines(const struct options *options)
{
	child_check(options->listener_count == 2);
	child_check(options->listeners[0].kind == LISTENER_ECHO);
	child_check(options->listeners[0].passed == 3);
	child_check(options->listeners[0].address.ss_family == AF_INET);
	child_check(strncmp(options->listeners[0].text, "0.0.0.0:", 8) == 0);
	child_check(options->listeners[1].kind == LISTENER_LINES);
	child_check(options->listeners[1].passed == 4);
	child_check(options->listeners[1].address.ss_family == AF_INET6);
	child_check(strncmp(options->listeners[1].text, "[::]:", 5) == 0);
	return 0;
}

Test(activation, the_name_of_a_socket_is_the_kind_of_the_listener)
{
	expect_taken(
		(struct service){ .check = check_echo_then_lines,
				  .sockets = { open_listener(AF_INET), open_listener(AF_INET6) },
				  .count = 2,
				  .names = "echo:lines" });
}

static int check_one_lines(const struct options *options)
{
	child_check(options->listener_count == 1);
	child_check(options->listeners[0].kind == LISTENER_LINES);
	return 0;
}

Test(activation, without_a_name_or_with_its_units_it_serves_lines)
{
	static const char *const names[] = { NULL, "", "turnstiled.socket", "lines" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		expect_taken((struct service){ .check = check_one_lines,
					       .sockets = { open_listener(AF_INET) },
					       .count = 1,
					       .names = names[i] });
	}
}

static int check_no_variables(const struct options *options)
{
	(void)options;
	child_check(!getenv("LISTEN_PID"));
	child_check(!getenv("LISTEN_FDS"));
	child_check(!getenv("LISTEN_FDNAMES"));
	return 0;
}

Test(activation, a_child_finds_none_of_the_variables)
{
	expect_taken((struct service){ .check = check_no_variables,
				       .sockets = { open_listener(AF_INET) },
				       .count = 1,
				       .names = "lines" });
}

Test(activation, what_is_for_another_process_is_neither_taken_nor_passed_on)
{
	static struct options options;

	setenv("LISTEN_PID", "1", 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_FDNAMES", "lines", 1);
	activation_take(&options);
	cr_expect_eq(options.listener_count, 0);
	cr_expect_null(getenv("LISTEN_PID"));
	cr_expect_null(getenv("LISTEN_FDS"));
	cr_expect_null(getenv("LISTEN_FDNAMES"));
}

Test(activation, a_name_that_is_no_kind_is_refused_in_one_line)
{
	const int listener = open_listener(AF_INET);

	expect_refusal((struct service){ .sockets = { listener }, .count = 1, .names = "ehco" },
		       "the socket passed as 'ehco': no such kind of listener: lines");
	expect_refusal((struct service){ .sockets = { listener }, .count = 1, .names = "irc" },
		       "the socket passed as 'irc': no such kind of listener: lines");
}

Test(activation, what_is_no_tcp_socket_that_listens_is_refused_in_one_line)
{
	const int listener = open_listener(AF_INET);
	const int wrong[] = { open_socket(AF_INET, SOCK_STREAM), open_socket(AF_INET6, SOCK_DGRAM),
			      open_socket(AF_UNIX, SOCK_STREAM),
			      open("/dev/null", O_RDONLY | O_CLOEXEC) };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		expect_refusal((struct service){ .sockets = { listener, wrong[i] },
						 .count = 2,
						 .names = "lines:echo" },
			       "descriptor 4, passed as 'echo': must be a TCP socket that listens");
	}
}

Test(activation, a_descriptor_that_is_not_there_is_refused_in_one_line)
{
	expect_refusal((struct service){ .count_text = "1" }, "descriptor 3, passed as ''");
}

Test(activation, a_count_that_is_none_is_refused_in_one_line)
{
	static const char *const counts[] = { "17", "-1", "two", "" };

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		expect_refusal((struct service){ .count_text = counts[i] },
			       "must be a number from 0 to 16");
	}
}
