#include "tests/client/peer.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS 10000

static void wait_readable(int descriptor, const char *what)
{
	struct pollfd polled = { .fd = descriptor, .events = POLLIN };

	cr_assert_eq(poll(&polled, 1, WAIT_MS), 1, "%s", what);
}

void peer_init(struct peer *peer)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);

	peer->client = -1;
	peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(peer->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(peer->listener, 1), 0);
	cr_assert_eq(getsockname(peer->listener, (struct sockaddr *)&address, &length), 0);
	snprintf(peer->port, sizeof(peer->port), "%u", ntohs(address.sin_port));
}

void peer_accept(struct peer *peer)
{
	wait_readable(peer->listener, "nobody connected");
	peer->client = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC);
	cr_assert_geq(peer->client, 0);
}

void peer_greet(struct peer *peer)
{
	peer_accept(peer);
	peer_say(peer, "+turnstile 1 hello\n");
}

void peer_say(struct peer *peer, const char *text)
{
	size_t length = strlen(text);

	cr_assert_eq(send(peer->client, text, length, MSG_NOSIGNAL), (ssize_t)length);
}

static size_t read_some(struct peer *peer, char *text, size_t size)
{
	wait_readable(peer->client, "the client says nothing");
	ssize_t count = recv(peer->client, text, size, 0);
	cr_assert_geq(count, 0);
	return (size_t)count;
}

void peer_read_all(struct peer *peer, char *text, size_t size)
{
	size_t length = 0, count;

	do {
		count = read_some(peer, text + length, size - 1 - length);
		length += count;
	} while (count > 0 && length < size - 1);
	text[length] = '\0';
}

void peer_expect(struct peer *peer, const char *text)
{
	char got[1024];
	size_t length = 0, wanted = strlen(text);

	cr_assert_lt(wanted, sizeof(got));
	while (length < wanted) {
		size_t count = read_some(peer, got + length, wanted - length);
		cr_assert_gt(count, 0, "the client ended before '%s'", text);
		length += count;
	}
	got[length] = '\0';
	cr_assert_str_eq(got, text);
}

void peer_close(struct peer *peer)
{
	close(peer->client);
	peer->client = -1;
}

void peer_reset(struct peer *peer)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(peer->client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	peer_close(peer);
}

void peer_finish(struct peer *peer)
{
	if (peer->client >= 0) {
		close(peer->client);
	}
	close(peer->listener);
}
