#include "shared/sync/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "shared/base/log.h"

#define STAT_SIZE         1024 /* bytes of /proc/PID/stat that are looked at */
#define FIELDS_TO_STARTED 20   /* from the end of the name to the field `starttime` */

static size_t read_stat(pid_t pid, char *text, size_t size)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0) {
		return 0;
	}
	ssize_t length = read(file, text, size - 1);
	close(file);
	return length > 0 ? (size_t)length : 0;
}

/* The name in it may hold anything, so it is read from its last parenthesis on. */
static uint64_t started_of(pid_t pid)
{
	char text[STAT_SIZE];

	text[read_stat(pid, text, sizeof(text))] = '\0';
	const char *field = strrchr(text, ')');
	for (int i = 0; field && i < FIELDS_TO_STARTED; i++) {
		field = strchr(field + 1, ' ');
	}
	return field ? strtoull(field, NULL, 10) : 0;
}

static struct identity own;
static pthread_once_t own_once = PTHREAD_ONCE_INIT;

static void find_own(void)
{
	own = (struct identity){ .pid = getpid(), .started = started_of(getpid()) };
}

static void set_up(void)
{
	if (pthread_atfork(NULL, NULL, find_own) != 0) {
		die("pthread_atfork: %m");
	}
	find_own();
}

struct identity identity_own(void)
{
	pthread_once(&own_once, set_up);
	return own;
}

bool identity_equal(struct identity one, struct identity other)
{
	return one.pid == other.pid && one.started == other.started;
}

/* While it is open, the pid cannot become another's. */
static bool runs(int descriptor, struct identity who)
{
	struct pollfd end = { .fd = descriptor, .events = POLLIN };

	uint64_t started = started_of(who.pid);

	/* 0: not known, since /proc may hide it from us; so it is not buried. */
	if (who.started != 0 && started != 0 && started != who.started) {
		return false;
	}
	return poll(&end, 1, 0) == 0;
}

bool identity_alive(struct identity who)
{
	int descriptor = pidfd_open(who.pid, 0);

	if (descriptor < 0) {
		return errno != ESRCH; /* out of descriptors: not known, so not buried */
	}
	bool alive = runs(descriptor, who);
	close(descriptor);
	return alive;
}
