#include "server/process/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/log.h"

/* A path, or '@' and a name in the abstract namespace, where a NUL stands for the '@'. */
static socklen_t address_of(const char *name, struct sockaddr_un *address)
{
	size_t length = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || length < 2 ||
	    length >= sizeof(address->sun_path)) {
		return 0;
	}
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path, name, length);
	if (name[0] == '@') {
		address->sun_path[0] = '\0';
	}
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

void notify_manager(const char *state)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	socklen_t length = name ? address_of(name, &address) : 0;

	if (length == 0) {
		return;
	}
	int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (descriptor < 0 || sendto(descriptor, state, strlen(state), MSG_NOSIGNAL,
				     (const struct sockaddr *)&address, length) < 0) {
		log_warning("the service manager at %s cannot be told: %s", name, state);
	}
	if (descriptor >= 0) {
		close(descriptor);
	}
}

/* sd_watchdog_enabled(3): the variables may be a parent's, and then another process is meant. */
bool notify_is_watched(void)
{
	const char *pid = getenv("WATCHDOG_PID");
	const char *limit = getenv("WATCHDOG_USEC");

	return limit && strtoll(limit, NULL, 10) > 0 &&
	       (!pid || strtoll(pid, NULL, 10) == (long long)getpid());
}
