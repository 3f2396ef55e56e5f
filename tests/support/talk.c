#include "tests/support/talk.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum wait { WAIT_DONE, WAIT_ENDED, WAIT_TOO_LONG };

__attribute__((format(printf, 2, 3))) static void fail(struct place place, const char *format, ...)
{
	char message[2 * TALK_LINE_SIZE + 256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	cr_assert_fail("%s:%d: %s", place.file, place.line, message);
}

void talk_open_from_at(struct place place, struct talk *talk, uint16_t port, const char *source)
{
	const int yes = 1;
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	talk->start = 0;
	talk->end = 0;
	talk->line[0] = '\0';
	talk->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (source && (inet_pton(AF_INET, source, &from.sin_addr) != 1 ||
		       bind(talk->descriptor, (struct sockaddr *)&from, sizeof(from)) != 0)) {
		fail(place, "cannot connect from %s: %s", source, strerror(errno));
	}
	if (connect(talk->descriptor, (struct sockaddr *)&address, sizeof(address)) != 0) {
		fail(place, "cannot connect to port %u: %s", port, strerror(errno));
	}
	setsockopt(talk->descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

void talk_open_at(struct place place, struct talk *talk, uint16_t port)
{
	talk_open_from_at(place, talk, port, NULL);
}

void talk_open_greeted_at(struct place place, struct talk *talk, uint16_t port)
{
	talk_open_at(place, talk, port);
	talk_expect_start_at(place, talk, "+turnstile 1 ");
}

void talk_close(struct talk *talk)
{
	close(talk->descriptor);
	talk->descriptor = -1;
}

void talk_end_output(struct talk *talk)
{
	shutdown(talk->descriptor, SHUT_WR);
}

/* Waits until the socket is ready for EVENTS; false when DEADLINE_NS comes first. */
static bool wait_ready(const struct talk *talk, short events, int64_t deadline_ns)
{
	struct pollfd socket = { .fd = talk->descriptor, .events = events };

	for (;;) {
		int64_t left_ns = deadline_ns - clock_monotonic_ns();
		if (left_ns <= 0) {
			return false;
		}
		if (poll(&socket, 1, (int)(left_ns / NS_PER_MS) + 1) > 0) {
			return true;
		}
	}
}

void talk_write_at(struct place place, struct talk *talk, const void *bytes, size_t length)
{
	const int64_t deadline_ns = clock_monotonic_ns() + TALK_TIMEOUT_NS;
	const char *rest = bytes;

	while (length > 0) {
		if (!wait_ready(talk, POLLOUT, deadline_ns)) {
			fail(place, "the server takes nothing any more");
		}
		ssize_t count = send(talk->descriptor, rest, length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (count < 0 && errno != EAGAIN) {
			fail(place, "cannot send: %s", strerror(errno));
		}
		if (count > 0) {
			rest += count;
			length -= (size_t)count;
		}
	}
}

void talk_say_at(struct place place, struct talk *talk, const char *format, ...)
{
	char line[2 * TALK_LINE_SIZE];
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(line, sizeof(line) - 1, format, arguments);
	va_end(arguments);
	cr_assert(length >= 0 && (size_t)length < sizeof(line) - 1);
	line[length] = '\n';
	talk_write_at(place, talk, line, (size_t)length + 1);
}

/* Reads more; a reset counts as an end. */
static enum wait read_more(struct talk *talk, int64_t deadline_ns)
{
	memmove(talk->bytes, talk->bytes + talk->start, talk->end - talk->start);
	talk->end -= talk->start;
	talk->start = 0;
	if (!wait_ready(talk, POLLIN, deadline_ns)) {
		return WAIT_TOO_LONG;
	}
	ssize_t count =
		recv(talk->descriptor, talk->bytes + talk->end, sizeof(talk->bytes) - talk->end, 0);
	if (count <= 0) {
		return WAIT_ENDED;
	}
	talk->end += (size_t)count;
	return WAIT_DONE;
}

static bool take_line(struct talk *talk)
{
	const char *text = talk->bytes + talk->start;
	const char *end = memchr(text, '\n', talk->end - talk->start);

	if (!end) {
		return false;
	}
	size_t length = (size_t)(end - text);
	cr_assert_lt(length, sizeof(talk->line), "a line from the server is %zu bytes long",
		     length);
	memcpy(talk->line, text, length);
	talk->line[length] = '\0';
	talk->start += length + 1;
	return true;
}

/* EXPECTED is for the message alone. */
static const char *next_line(struct place place, struct talk *talk, const char *expected)
{
	const int64_t deadline_ns = clock_monotonic_ns() + TALK_TIMEOUT_NS;

	while (!take_line(talk)) {
		enum wait wait = read_more(talk, deadline_ns);
		if (wait == WAIT_DONE) {
			continue;
		}
		fail(place, "waited for '%s', but %s; unfinished: '%.*s'; the line before: '%s'",
		     expected, wait == WAIT_ENDED ? "the server closed" : "nothing came",
		     (int)(talk->end - talk->start), talk->bytes + talk->start, talk->line);
	}
	return talk->line;
}

const char *talk_line_at(struct place place, struct talk *talk)
{
	return next_line(place, talk, "any line");
}

const char *talk_expect_at(struct place place, struct talk *talk, const char *text)
{
	const char *line = next_line(place, talk, text);

	if (strcmp(line, text) != 0) {
		fail(place, "expected '%s', got '%s'", text, line);
	}
	return line;
}

static const char *require_start(struct place place, const char *line, const char *text)
{
	if (strncmp(line, text, strlen(text)) != 0) {
		fail(place, "expected '%s...', got '%s'", text, line);
	}
	return line;
}

const char *talk_expect_start_at(struct place place, struct talk *talk, const char *text)
{
	return require_start(place, next_line(place, talk, text), text);
}

static const char *next_of_kind(struct place place, struct talk *talk, const char *text, bool event)
{
	const char *line;

	do {
		line = next_line(place, talk, text);
	} while ((line[0] == '*') != event);
	return require_start(place, line, text);
}

const char *talk_expect_answer_at(struct place place, struct talk *talk, const char *text)
{
	return next_of_kind(place, talk, text, false);
}

const char *talk_expect_event_at(struct place place, struct talk *talk, const char *text)
{
	return next_of_kind(place, talk, text, true);
}

const char *talk_ask_at(struct place place, struct talk *talk, const char *line, const char *answer)
{
	talk_say_at(place, talk, "%s", line);
	return talk_expect_answer_at(place, talk, answer);
}

void talk_read_at(struct place place, struct talk *talk, void *bytes, size_t length)
{
	const int64_t deadline_ns = clock_monotonic_ns() + TALK_TIMEOUT_NS;
	char *to = bytes;

	while (length > 0) {
		size_t there = talk->end - talk->start;
		size_t count = there < length ? there : length;
		memcpy(to, talk->bytes + talk->start, count);
		talk->start += count;
		to += count;
		length -= count;
		if (length > 0 && read_more(talk, deadline_ns) != WAIT_DONE) {
			fail(place, "%zu bytes are missing", length);
		}
	}
}

void talk_expect_end_at(struct place place, struct talk *talk)
{
	const int64_t deadline_ns = clock_monotonic_ns() + TALK_TIMEOUT_NS;
	enum wait wait = WAIT_DONE;

	if (talk->start == talk->end) {
		wait = read_more(talk, deadline_ns);
	}
	if (wait == WAIT_TOO_LONG) {
		fail(place, "the server should have closed, but did not");
	}
	if (wait == WAIT_DONE) {
		fail(place, "the server should have closed, but said '%.*s'",
		     (int)(talk->end - talk->start > 1000 ? 1000 : talk->end - talk->start),
		     talk->bytes + talk->start);
	}
}
