#include "server/config/activation.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/config/listener.h"
#include "server/config/listener_option.h"
#include "shared/base/usage.h"
#include "shared/text/words.h"

#define FIRST_DESCRIPTOR 3 /* after the standard ones */
#define UNIT_ENDING      ".socket"

static bool are_for_us(void)
{
	const char *pid = getenv("LISTEN_PID");
	int64_t number;

	return pid && words_number(span_of(pid), 1, INT32_MAX, &number) && number == getpid();
}

static int count_passed(void)
{
	const char *count = getenv("LISTEN_FDS");
	int64_t number;

	if (!count) {
		return 0;
	}
	if (!words_number(span_of(count), 0, OPTIONS_LISTENERS_MAX, &number)) {
		usage_error("LISTEN_FDS=%s: must be a number from 0 to %d", count,
			    OPTIONS_LISTENERS_MAX);
	}
	return (int)number;
}

/* Takes the first one off the list, in which a ':' stands between two; empty when there is none. */
static struct span next_name(const char **names)
{
	struct span name = { *names, strcspn(*names, ":") };

	*names += name.length;
	if (**names == ':') {
		++*names;
	}
	return name;
}

static bool is_unnamed(struct span name)
{
	const size_t ending = strlen(UNIT_ENDING);

	return name.length == 0 || (name.length > ending && memcmp(name.text + name.length - ending,
								   UNIT_ENDING, ending) == 0);
}

/* One of SOL_SOCKET's numbers; -1 when it is no socket. */
static int ask(int descriptor, int name)
{
	int number;
	socklen_t length = sizeof(number);

	return getsockopt(descriptor, SOL_SOCKET, name, &number, &length) < 0 ? -1 : number;
}

static bool listens(int descriptor)
{
	const int domain = ask(descriptor, SO_DOMAIN);

	return (domain == AF_INET || domain == AF_INET6) &&
	       ask(descriptor, SO_TYPE) == SOCK_STREAM && ask(descriptor, SO_ACCEPTCONN) == 1;
}

static void take(int descriptor, struct span name, struct listener_option *listener)
{
	char problem[OPTION_PROBLEM_SIZE];

	if (!listens(descriptor)) {
		usage_error("descriptor %d, passed as '%.*s': must be a TCP socket that listens",
			    descriptor, (int)name.length, name.text);
	}
	listener->kind = LISTENER_LINES;
	if (!is_unnamed(name) && !listener_kind_read(name, &listener->kind, problem)) {
		usage_error("the socket passed as '%.*s': %s", (int)name.length, name.text,
			    problem);
	}
	listener->passed = descriptor;
	listener->activated = true;
	listener_text(descriptor, listener->text);
	listener->address_length = sizeof(listener->address);
	(void)getsockname(descriptor, (struct sockaddr *)&listener->address,
			  &listener->address_length);
}

static void forget(void)
{
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
}

void activation_take(struct options *options)
{
	const char *names = getenv("LISTEN_FDNAMES");
	const int count = are_for_us() ? count_passed() : 0;

	names = names ? names : "";
	for (int i = 0; i < count; i++) {
		take(FIRST_DESCRIPTOR + i, next_name(&names),
		     &options->listeners[options->listener_count++]);
	}
	forget();
}
