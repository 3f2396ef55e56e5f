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

#define BACKLOG         4096
#define PROBES          3  /* unanswered questions whether a peer is there, before it is not */
#define PROBE_PAUSE_MAX 10 /* seconds between them */
#define MS_PER_SECOND   1000

static void set_to(int listener, int level, int name, int value)
{
	if (setsockopt(listener, level, name, &value, sizeof(value)) < 0) {
		die("a listener cannot be set up: %s", strerror(errno));
	}
}

static void set(int listener, int level, int name)
{
	set_to(listener, level, name, 1);
}

/* False, with errno, when it is no TCP socket. */
static bool set_idle(int socket, unsigned idle_seconds)
{
	const int pause = (int)(idle_seconds < PROBE_PAUSE_MAX ? idle_seconds : PROBE_PAUSE_MAX);
	const int most = (int)idle_seconds + PROBES * pause;
	const struct {
		int name, value;
	} options[] = { { TCP_KEEPIDLE, (int)idle_seconds },
			{ TCP_KEEPINTVL, pause },
			{ TCP_KEEPCNT, PROBES },
			{ TCP_USER_TIMEOUT, most * MS_PER_SECOND } };

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (setsockopt(socket, IPPROTO_TCP, options[i].name, &options[i].value,
			       sizeof(options[i].value)) < 0) {
			return false;
		}
	}
	return true;
}

void listener_set_idle(int socket, unsigned idle_seconds)
{
	(void)set_idle(socket, idle_seconds); /* a connection may be over */
}

/* Connections inherit it from their listener: nothing is to be done for each. */
static void set_up(int listener, unsigned idle_seconds)
{
	set(listener, IPPROTO_TCP, TCP_NODELAY);
	set_to(listener, IPPROTO_TCP, TCP_NOTSENT_LOWAT, LISTENER_UNSENT_BYTES);
	set(listener, SOL_SOCKET, SO_KEEPALIVE);
	if (!set_idle(listener, idle_seconds)) {
		die("a listener cannot be set up: %s", strerror(errno));
	}
}

/* Whoever passed it bound it, but need not have set it as we want it. */
static int adopt(int listener, unsigned idle_seconds)
{
	const int flags = fcntl(listener, F_GETFL);

	if (flags < 0 || fcntl(listener, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(listener, F_SETFD, FD_CLOEXEC) < 0) {
		die("a listener cannot be set up: %s", strerror(errno));
	}
	set_up(listener, idle_seconds);
	return listener;
}

static int open_new(const struct listener_option *option, unsigned idle_seconds)
{
	const struct sockaddr *address = (const struct sockaddr *)&option->address;
	int listener = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (listener < 0) {
		die("%s: no socket to listen on: %s", option->text, strerror(errno));
	}
	set(listener, SOL_SOCKET, SO_REUSEADDR);
	set_up(listener, idle_seconds);
	if (address->sa_family == AF_INET6) {
		set(listener, IPPROTO_IPV6, IPV6_V6ONLY);
	}
	if (bind(listener, address, option->address_length) < 0 || listen(listener, BACKLOG) < 0) {
		die("cannot listen on %s: %s", option->text, strerror(errno));
	}
	return listener;
}

int listener_open(const struct listener_option *option, unsigned idle_seconds)
{
	return option->passed >= 0 ? adopt(option->passed, idle_seconds)
				   : open_new(option, idle_seconds);
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
