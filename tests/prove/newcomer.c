/*
 * A new binary that does not take over as it should: NEWCOMER says how. It lies where turnstiled
 * lay, and speaks with the old one as far as that wants (server/process/handover.h).
 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/process/handover.h"
#include "server/snapshot/snapshot.h"

#define SLOW_SECONDS 4 /* longer than the old one has patience for who has not taken over */

static int channel;
static int state = -1; /* the file with it */

static void say(const void *bytes, size_t length)
{
	if (channel_send(channel, bytes, length, NULL, 0) != CHANNEL_OK) {
		_exit(1);
	}
}

static void say_kind(enum handover_kind kind)
{
	const struct handover_message message = { .kind = kind };

	say(&message, handover_length(&message));
}

static void say_hello(uint32_t major)
{
	const struct handover_message hello = {
		.kind = HANDOVER_HELLO, .hello = { .major = major, .minor = 0, .pid = getpid() }
	};

	say(&hello, handover_length(&hello));
}

static void wait_for(enum handover_kind kind)
{
	static struct channel_message received;
	struct handover_message message = { .kind = 0 };

	while (message.kind != kind) {
		struct pollfd end = { .fd = channel, .events = POLLIN };

		(void)poll(&end, 1, -1);
		enum channel_result result = channel_receive(channel, &received);

		if (result == CHANNEL_EMPTY) {
			continue;
		}
		if (result != CHANNEL_OK || !handover_read(&received, &message)) {
			_exit(1);
		}
		if (message.kind == HANDOVER_STATE) {
			state = received.descriptors[0];
		}
	}
}

static void hang(void)
{
	for (;;) {
		(void)pause();
	}
}

static void prepare(void)
{
	say_hello(SNAPSHOT_MAJOR);
	wait_for(HANDOVER_WELCOME);
	say_kind(HANDOVER_READY);
}

/* From here on all is its own, for better or worse. */
static void take(void)
{
	void *page = mmap(NULL, HANDOVER_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, state, 0);

	if (page == MAP_FAILED || !handover_take(page)) {
		_exit(1);
	}
}

int main(void)
{
	const char *how = getenv("NEWCOMER");
	const char *number = getenv(HANDOVER_VARIABLE);

	if (!how || !number || strcmp(how, "exits") == 0) {
		return 1;
	}
	channel = atoi(number);
	if (strcmp(how, "hangs") == 0) {
		hang();
	} else if (strcmp(how, "is-of-another-version") == 0) {
		say_hello(SNAPSHOT_MAJOR + 1);
		hang();
	} else if (strcmp(how, "talks-nonsense") == 0) {
		say("nonsense", strlen("nonsense"));
		hang();
	} else if (strcmp(how, "serves-what-it-has-not") == 0) {
		say_hello(SNAPSHOT_MAJOR);
		say_kind(HANDOVER_SERVING);
		hang();
	}
	prepare();
	if (strcmp(how, "exits-when-ready") == 0) {
		return 0;
	}
	wait_for(HANDOVER_OFFER);
	if (strcmp(how, "never-takes") == 0) {
		hang();
	}
	if (strcmp(how, "serves-slowly") == 0) {
		take();
		(void)sleep(SLOW_SECONDS);
		say_kind(HANDOVER_SERVING);
	}
	return 0; /* "exits-with-everything" */
}
