#include "client/connection/connection.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/text/text.h"
#include "shared/tls/link.h"

#define GREETING_TIMEOUT_NS (10 * NS_PER_SECOND)
#define REASON_MAX          200 /* bytes of the server's reason to refuse us */

static int connect_to(const struct addrinfo *address)
{
	const int yes = 1;
	int descriptor = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC,
				address->ai_protocol);

	if (descriptor < 0) {
		return -1;
	}
	if (connect(descriptor, address->ai_addr, address->ai_addrlen) != 0) {
		int error = errno;
		close(descriptor);
		errno = error;
		return -1;
	}
	setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	return descriptor;
}

/* The first of the host's addresses that answers. */
static bool reach(struct connection *connection, const struct server_address *address,
		  char *problem)
{
	const struct addrinfo wanted = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	int error = getaddrinfo(address->host, server_address_port(address), &wanted, &found);

	connection->descriptor = -1;
	if (error != 0) {
		snprintf(problem, CONNECTION_PROBLEM_SIZE, "cannot find %s port %s: %s",
			 address->host, server_address_port(address), gai_strerror(error));
		return false;
	}
	for (const struct addrinfo *at = found; at && connection->descriptor < 0;
	     at = at->ai_next) {
		connection->descriptor = connect_to(at);
	}
	if (connection->descriptor < 0) {
		snprintf(problem, CONNECTION_PROBLEM_SIZE,
			 "cannot connect to %s port %s: %s (is turnstiled running?)", address->host,
			 server_address_port(address), strerror(errno));
	}
	freeaddrinfo(found);
	return connection->descriptor >= 0;
}

/* Waits for the first line; false when none comes. */
static bool first_line(struct connection *connection, struct span *line)
{
	const int64_t deadline_ns = clock_monotonic_ns() + GREETING_TIMEOUT_NS;
	struct pollfd socket = { .fd = connection->descriptor, .events = POLLIN };

	for (;;) {
		if (connection_take_line(connection, line)) {
			return true;
		}
		int64_t left_ns = deadline_ns - clock_monotonic_ns();
		if (left_ns <= 0) {
			return false;
		}
		if (poll(&socket, 1, (int)(left_ns / NS_PER_MS) + 1) < 0 && errno != EINTR) {
			return false;
		}
		if (connection_fill(connection) != CONNECTION_OPEN) {
			return connection_take_line(connection, line);
		}
	}
}

/* PROBLEM is for people: what the server says of its reason is cleaned. */
static void say_refusal(const struct server_address *address, struct span reason, char *problem)
{
	char clean[CONNECTION_LINE_MAX * TEXT_GROWTH];
	size_t length = text_clean(reason.text, reason.length, clean);

	length = text_cut(clean, length, REASON_MAX);
	snprintf(problem, CONNECTION_PROBLEM_SIZE, "%s port %s turns us away: %.*s", address->host,
		 server_address_port(address), (int)length, clean);
}

static bool greeted(struct connection *connection, const struct server_address *address,
		    char *problem)
{
	struct span line = { "", 0 };
	char why[TLS_LINK_PROBLEM_SIZE];

	if (first_line(connection, &line) && span_starts(line, "+turnstile 1")) {
		return true;
	}
	if (connection->link && tls_link_failed(connection->link, why)) {
		snprintf(problem, CONNECTION_PROBLEM_SIZE, "%s port %s: %s", address->host,
			 server_address_port(address), why);
	} else if (span_starts(line, "-")) {
		say_refusal(address, (struct span){ line.text + 1, line.length - 1 }, problem);
	} else {
		snprintf(problem, CONNECTION_PROBLEM_SIZE,
			 "%s port %s does not greet as turnstiled's lines port does", address->host,
			 server_address_port(address));
	}
	return false;
}

bool connection_secure(struct connection *connection, const struct server_address *address,
		       char *problem)
{
	char why[TLS_LINK_PROBLEM_SIZE];

	connection->link = NULL;
	if (!address->tls) {
		return true;
	}
	connection->link = tls_link_open(connection->descriptor, address->host, address->ca, why);
	connection->descriptor = connection->link ? tls_link_descriptor(connection->link) : -1;
	if (!connection->link) {
		snprintf(problem, CONNECTION_PROBLEM_SIZE, "%s", why);
	}
	return connection->link;
}

bool connection_open(struct connection *connection, const struct server_address *address,
		     char *problem)
{
	connection->start = 0;
	connection->end = 0;
	connection->link = NULL;
	connection->peer_length = sizeof(connection->peer);
	if (!reach(connection, address, problem)) {
		return false;
	}
	(void)getpeername(connection->descriptor, (struct sockaddr *)&connection->peer,
			  &connection->peer_length);
	if (!connection_secure(connection, address, problem)) {
		return false;
	}
	if (greeted(connection, address, problem)) {
		return true;
	}
	connection_close(connection);
	return false;
}

void connection_open_or_die(struct connection *connection, const struct server_address *address)
{
	char problem[CONNECTION_PROBLEM_SIZE];

	if (!connection_open(connection, address, problem)) {
		die("%s", problem);
	}
}

void connection_close(struct connection *connection)
{
	if (connection->descriptor >= 0) {
		close(connection->descriptor);
	}
	connection->descriptor = -1;
	tls_link_close(connection->link, true);
	connection->link = NULL;
}

static enum connection_state state_after_error(void)
{
	bool later = errno == EAGAIN || errno == EINTR;

	return later ? CONNECTION_OPEN : CONNECTION_BROKEN;
}

enum connection_state connection_fill(struct connection *connection)
{
	size_t kept = connection->end - connection->start;

	memmove(connection->bytes, connection->bytes + connection->start, kept);
	connection->start = 0;
	connection->end = kept;
	if (kept == CONNECTION_BUFFER) {
		return CONNECTION_OPEN;
	}
	ssize_t count = recv(connection->descriptor, connection->bytes + kept,
			     CONNECTION_BUFFER - kept, MSG_DONTWAIT);
	if (count < 0) {
		return state_after_error();
	}
	connection->end += (size_t)count;
	return count == 0 ? CONNECTION_ENDED : CONNECTION_OPEN;
}

bool connection_take_line(struct connection *connection, struct span *line)
{
	const char *text = connection->bytes + connection->start;
	size_t length = connection->end - connection->start;
	const char *end = memchr(text, '\n', length);

	if (!end && length < CONNECTION_LINE_MAX) {
		return false;
	}
	if (end && (size_t)(end - text) < CONNECTION_LINE_MAX) {
		*line = (struct span){ text, (size_t)(end - text) };
		connection->start += line->length + 1;
	} else {
		*line = (struct span){ text, CONNECTION_LINE_MAX };
		connection->start += line->length;
	}
	if (line->length > 0 && text[line->length - 1] == '\r') {
		line->length--;
	}
	return true;
}

enum connection_state connection_write(struct connection *connection, const char *bytes,
				       size_t length, size_t *written)
{
	ssize_t count = send(connection->descriptor, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);

	*written = count > 0 ? (size_t)count : 0;
	return count < 0 ? state_after_error() : CONNECTION_OPEN;
}

void connection_end_output(struct connection *connection)
{
	shutdown(connection->descriptor, SHUT_WR);
}
