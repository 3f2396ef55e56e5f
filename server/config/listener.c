#include "server/config/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "shared/base/log.h"

#define BACKLOG 4096

static void set(int listener, int level, int name)
{
	const int on = 1;

	if (setsockopt(listener, level, name, &on, sizeof(on)) < 0) {
		die("a listener cannot be set up: %s", strerror(errno));
	}
}

/* Whoever passed it bound it, but need not have set it as we want it. */
static int adopt(int listener)
{
	const int flags = fcntl(listener, F_GETFL);

	if (flags < 0 || fcntl(listener, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(listener, F_SETFD, FD_CLOEXEC) < 0) {
		die("a listener cannot be set up: %s", strerror(errno));
	}
	set(listener, IPPROTO_TCP, TCP_NODELAY);
	return listener;
}

static int open_new(const struct listener_option *option)
{
	const struct sockaddr *address = (const struct sockaddr *)&option->address;
	int listener = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (listener < 0) {
		die("%s: no socket to listen on: %s", option->text, strerror(errno));
	}
	set(listener, SOL_SOCKET, SO_REUSEADDR);
	set(listener, IPPROTO_TCP, TCP_NODELAY);
	if (address->sa_family == AF_INET6) {
		set(listener, IPPROTO_IPV6, IPV6_V6ONLY);
	}
	if (bind(listener, address, option->address_length) < 0 || listen(listener, BACKLOG) < 0) {
		die("cannot listen on %s: %s", option->text, strerror(errno));
	}
	return listener;
}

int listener_open(const struct listener_option *option)
{
	return option->passed >= 0 ? adopt(option->passed) : open_new(option);
}

void listener_text(int listener, char *text)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	char host[NI_MAXHOST] = "?";
	char port[NI_MAXSERV] = "?";

	if (getsockname(listener, (struct sockaddr *)&address, &length) == 0) {
		(void)getnameinfo((struct sockaddr *)&address, length, host, sizeof(host), port,
				  sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	}
	(void)snprintf(text, LISTENER_TEXT_SIZE, strchr(host, ':') ? "[%.64s]:%.5s" : "%.64s:%.5s",
		       host, port);
}
