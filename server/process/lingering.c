#include "server/process/lingering.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "server/process/slot.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define HUNG_NS (5 * NS_PER_SECOND) /* without a heartbeat */

struct member {
	struct lingering *lingering;
	struct lingerer lingerer;
	bool hung; /* that was said */
	struct event *channel_event;
	struct event *end_event;
};

struct lingering {
	struct event_base *base;
	struct plain_ends *plain_ends;
	struct lingering_owner owner;
	uint32_t count;
	struct member *members[PLAIN_ENDS_USERS]; /* oldest first */
	struct channel_message received;
};

/* With our end of the channel closed it ends. */
static void let_go(struct member *member)
{
	if (member->lingerer.channel >= 0) {
		event_free(member->channel_event);
		close(member->lingerer.channel);
		member->lingerer.channel = -1;
	}
}

static void forget(struct member *member)
{
	struct lingering *lingering = member->lingering;
	uint32_t i = 0;

	while (lingering->members[i] != member) {
		i++;
	}
	lingering->count--;
	memmove(&lingering->members[i], &lingering->members[i + 1],
		(lingering->count - i) * sizeof(struct member *));
	let_go(member);
	event_free(member->end_event);
	close(member->lingerer.descriptor);
	plain_ends_forget(lingering->plain_ends, member->lingerer.pid);
	free(member);
}

/* What they say */

static bool take_message(struct lingering *lingering)
{
	const struct channel_message *received = &lingering->received;
	struct worker_message message;

	if (!slot_read_message(received, SLOT_TLS, &message)) {
		return false;
	}
	for (size_t i = 0; i < received->descriptor_count; i++) {
		lingering->owner.take(lingering->owner.context, received->descriptors[i],
				      &message.arrivals[i]);
	}
	return true;
}

static void on_channel(evutil_socket_t channel, short what, void *argument)
{
	struct member *member = argument;
	struct lingering *lingering = member->lingering;
	enum channel_result result = channel_receive(channel, &lingering->received);

	(void)what;
	if (result == CHANNEL_CLOSED || result == CHANNEL_FAILED) {
		event_del(member->channel_event); /* its end is on its way through the pidfd */
	} else if (result != CHANNEL_EMPTY && !take_message(lingering)) {
		log_error("tls (pid %d) said what it cannot have to say: it is let go",
			  (int)member->lingerer.pid);
		let_go(member);
	}
}

static void on_end(evutil_socket_t descriptor, short what, void *argument)
{
	struct member *member = argument;
	struct lingering *lingering = member->lingering;

	(void)descriptor;
	(void)what;
	log_info("tls (pid %d), of a binary before this one, ended", (int)member->lingerer.pid);
	forget(member);
	lingering->owner.ended(lingering->owner.context);
}

/* What they are told */

static void tell_all(struct lingering *lingering, enum worker_message_kind kind)
{
	const struct worker_message message = { .kind = kind };

	for (uint32_t i = 0; i < lingering->count; i++) {
		struct member *member = lingering->members[i];
		const int channel = member->lingerer.channel;

		if (channel >= 0 &&
		    channel_send(channel, &message, sizeof(message), NULL, 0) != CHANNEL_OK) {
			log_warning("tls (pid %d) cannot be told anything: it is let go",
				    (int)member->lingerer.pid);
			let_go(member);
		}
	}
}

void lingering_begin(struct lingering *lingering)
{
	tell_all(lingering, MESSAGE_LINGER);
}

void lingering_drain(struct lingering *lingering)
{
	tell_all(lingering, MESSAGE_DRAIN);
}

/* Landlock may keep us from it: then the channel's end is all that it gets. */
static void kill_one(const struct member *member)
{
	if (pidfd_send_signal(member->lingerer.descriptor, SIGKILL, NULL, 0) != 0 &&
	    errno != ESRCH) {
		log_warning("tls (pid %d) cannot be killed by this process: %s",
			    (int)member->lingerer.pid, strerror(errno));
	}
}

void lingering_kill(struct lingering *lingering)
{
	while (lingering->count > 0) {
		forget(lingering->members[0]);
	}
}

void lingering_look(struct lingering *lingering, int64_t now_ns)
{
	for (uint32_t i = 0; i < lingering->count; i++) {
		struct member *member = lingering->members[i];
		const struct plain_user *user =
			plain_ends_user(lingering->plain_ends, member->lingerer.pid);

		if (user && now_ns - user->heartbeat_ns >= HUNG_NS && !member->hung) {
			log_error("tls (pid %d), of a binary before this one, hangs",
				  (int)member->lingerer.pid);
			member->hung = true;
			kill_one(member);
		}
	}
}

/* Who they are */

size_t lingering_list(const struct lingering *lingering, struct lingerer list[LINGERING_MOST])
{
	size_t count = 0;

	for (uint32_t i = 0; i < lingering->count; i++) {
		if (lingering->members[i]->lingerer.channel >= 0) {
			list[count++] = lingering->members[i]->lingerer;
		}
	}
	return count;
}

void lingering_hear(struct lingering *lingering, bool on)
{
	for (uint32_t i = 0; i < lingering->count; i++) {
		const struct member *member = lingering->members[i];

		if (member->lingerer.channel >= 0 && on) {
			event_add(member->channel_event, NULL);
		} else if (member->lingerer.channel >= 0) {
			event_del(member->channel_event);
		}
	}
}

uint32_t lingering_count(const struct lingering *lingering)
{
	return lingering->count;
}

/* Of those that were let go already some may be there still. */
static void make_room(struct lingering *lingering)
{
	struct lingerer list[LINGERING_MOST];
	uint32_t oldest = 0;

	while (oldest < lingering->count && lingering->members[oldest]->lingerer.channel < 0) {
		oldest++;
	}
	if (lingering_list(lingering, list) == LINGERING_MOST) {
		log_warning("tls (pid %d) is let go: there are %d of binaries before this one",
			    (int)list[0].pid, LINGERING_MOST);
		let_go(lingering->members[oldest]);
	}
	if (lingering->count == PLAIN_ENDS_USERS) {
		forget(lingering->members[0]);
	}
}

void lingering_add(struct lingering *lingering, const struct lingerer *lingerer)
{
	struct member *member = calloc(1, sizeof(*member));

	if (!member) {
		die("out of memory");
	}
	make_room(lingering);
	member->lingering = lingering;
	member->lingerer = *lingerer;
	member->channel_event = event_new(lingering->base, lingerer->channel, EV_READ | EV_PERSIST,
					  on_channel, member);
	member->end_event =
		event_new(lingering->base, lingerer->descriptor, EV_READ, on_end, member);
	event_add(member->channel_event, NULL);
	event_add(member->end_event, NULL);
	lingering->members[lingering->count++] = member;
}

struct lingering *lingering_create(struct event_base *base, struct plain_ends *plain_ends,
				   const struct lingering_owner *owner)
{
	struct lingering *lingering = calloc(1, sizeof(*lingering));

	if (!lingering) {
		die("out of memory");
	}
	lingering->base = base;
	lingering->plain_ends = plain_ends;
	lingering->owner = *owner;
	return lingering;
}
