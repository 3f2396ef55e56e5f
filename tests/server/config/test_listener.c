#include "server/config/listener.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IDLE_SECONDS 7

static int option_of(int socket, int level, int name)
{
	int value = -1;
	socklen_t length = sizeof(value);

	cr_assert_eq(getsockopt(socket, level, name, &value, &length), 0);
	return value;
}

/* A connection to LISTENER: the server's end of it. */
static int accept_one(int listener, int *client)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);

	cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	*client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(*client, (struct sockaddr *)&address, length), 0);
	int accepted = accept(listener, NULL, NULL);

	cr_assert_geq(accepted, 0);
	return accepted;
}

Test(listener, its_connections_are_asked_whether_they_are_there_and_hold_little_in_the_kernel)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct listener_option option = { .passed = -1, .address_length = sizeof(address) };
	int client;

	memcpy(&option.address, &address, sizeof(address));
	int listener = listener_open(&option, IDLE_SECONDS);
	int accepted = accept_one(listener, &client);

	cr_expect_eq(option_of(accepted, SOL_SOCKET, SO_KEEPALIVE), 1);
	cr_expect_eq(option_of(accepted, IPPROTO_TCP, TCP_KEEPIDLE), IDLE_SECONDS);
	cr_expect_gt(option_of(accepted, IPPROTO_TCP, TCP_USER_TIMEOUT), IDLE_SECONDS * 1000);
	cr_expect_eq(option_of(accepted, IPPROTO_TCP, TCP_NOTSENT_LOWAT), LISTENER_UNSENT_BYTES);
	close(accepted);
	close(client);
	close(listener);
}
