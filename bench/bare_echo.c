/*
 * bare_echo: the floor under any server with an event loop: reads what has come and writes it
 * back, and does nothing else: bare_echo PORT [PROCESSES]
 *
 * What a peer does not take at once is dropped: those who ask it have little in flight.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/log.h"
#include "shared/base/usage.h"
#include "shared/text/words.h"

#define EVENTS_A_TURN 256
#define INPUT_SIZE    65536
#define PROCESSES_MAX 64

static int64_t number(const char *text, int64_t most)
{
	int64_t value;

	if (!words_number(span_of(text), 1, most, &value)) {
		usage_error("not a number from 1 to %lld: %s", (long long)most, text);
	}
	return value;
}

static int listen_at(int64_t port)
{
	const int yes = 1;
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons((uint16_t)port),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (listener < 0 ||
	    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
	    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) != 0 ||
	    bind(listener, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(listener, SOMAXCONN) != 0) {
		die("cannot listen: %s", strerror(errno));
	}
	return listener;
}

static void watch(int epoll, int descriptor, uint32_t events)
{
	struct epoll_event event = { .events = events, .data = { .fd = descriptor } };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) {
		die("cannot watch a socket: %s", strerror(errno));
	}
}

/* One a turn, so that several processes share what comes. */
static void take_in(int epoll, int listener)
{
	int descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (descriptor >= 0) {
		watch(epoll, descriptor, EPOLLIN);
	}
}

static void send_back(int descriptor)
{
	static char input[INPUT_SIZE];
	ssize_t length = recv(descriptor, input, sizeof(input), 0);

	if (length > 0) {
		length = send(descriptor, input, (size_t)length, MSG_NOSIGNAL);
	}
	if (length <= 0) {
		close(descriptor);
	}
}

static _Noreturn void serve(int listener)
{
	struct epoll_event events[EVENTS_A_TURN];
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	watch(epoll, listener, EPOLLIN | EPOLLEXCLUSIVE);
	for (;;) {
		int count = epoll_wait(epoll, events, EVENTS_A_TURN, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == listener) {
				take_in(epoll, listener);
			} else {
				send_back(events[i].data.fd);
			}
		}
	}
}

int main(int argc, char **argv)
{
	log_start("bare_echo", LOG_WARNING, LOG_TEXT);
	if (argc < 2) {
		usage_error("say at which port");
	}
	int listener = listen_at(number(argv[1], UINT16_MAX));
	int64_t processes = argc > 2 ? number(argv[2], PROCESSES_MAX) : 1;
	for (int64_t i = 1; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			die("cannot fork: %s", strerror(errno));
		}
		if (pid == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			serve(listener);
		}
	}
	serve(listener);
}
