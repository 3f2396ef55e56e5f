#include "server/state/bus.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"

#define TELL_NS NS_PER_SECOND /* between two lines about what is left out */

size_t bus_size(void)
{
	return sizeof(struct bus) + CACHE_LINE;
}

struct bus *bus_create(struct memory *memory)
{
	struct bus *bus = memory_take(memory, sizeof(*bus), CACHE_LINE);

	while (bus->epoch == 0) {
		if (getrandom(&bus->epoch, sizeof(bus->epoch), 0) != sizeof(bus->epoch)) {
			die("getrandom: %m");
		}
	}
	return bus;
}

static bool is_full(const struct bus_outbox *outbox)
{
	return outbox->put - outbox->said >= BUS_LINES;
}

bool bus_put(struct bus *bus, uint32_t worker, const char *name, const struct room_message *message)
{
	struct bus_outbox *outbox = &bus->outboxes[worker];
	const uint64_t number = outbox->put;
	struct bus_line *line = &outbox->lines[number % BUS_LINES];

	if (message->nick.length > UINT8_MAX ||
	    message->nick.length + message->text.length > ROOM_MESSAGE_MAX) {
		bug("a line of %zu bytes for the bus", message->text.length);
	}
	if (is_full(outbox)) {
		return false;
	}
	line->kind = (uint8_t)message->kind;
	line->nick_length = (uint8_t)message->nick.length;
	line->text_length = (uint16_t)message->text.length;
	line->sender = message->sender;
	line->wall_ns = message->wall_ns;
	line->rename = message->rename;
	line->is_heard = message->heard_count > 0;
	(void)snprintf(line->room, sizeof(line->room), "%s", name);
	memcpy(line->bytes, message->nick.text, message->nick.length);
	memcpy(line->bytes + message->nick.length, message->text.text, message->text.length);
	atomic_store_explicit(&outbox->put, number + 1, memory_order_release);
	return true;
}

bool bus_is_stuck(const struct bus *bus, uint32_t worker)
{
	return !bus->up && is_full(&bus->outboxes[worker]);
}

uint64_t bus_waiting(const struct bus *bus)
{
	uint64_t waiting = 0;

	for (uint32_t i = 0; i < OPTIONS_WORKERS_MAX; i++) {
		waiting += bus->outboxes[i].put - bus->outboxes[i].said;
	}
	return waiting;
}

const struct bus_line *bus_line(const struct bus *bus, uint32_t worker, uint64_t number)
{
	return &bus->outboxes[worker].lines[number % BUS_LINES];
}

struct room_message bus_line_message(const struct bus_line *line)
{
	return (struct room_message){ .kind = line->kind,
				      .nick = { line->bytes, line->nick_length },
				      .text = { line->bytes + line->nick_length,
						line->text_length },
				      .sender = line->sender,
				      .wall_ns = line->wall_ns,
				      .rename = line->rename,
				      .heard_count = line->is_heard };
}

bool bus_tells_gone(const struct bus *bus, uint32_t worker, uint64_t session, const char *name)
{
	const struct bus_outbox *outbox = &bus->outboxes[worker];

	for (uint64_t number = outbox->said; number < outbox->put; number++) {
		const struct bus_line *line = bus_line(bus, worker, number);

		if (line->kind == MESSAGE_PARTED && line->sender.session == session &&
		    strcmp(line->room, name) == 0) {
			return true;
		}
	}
	return false;
}

void bus_count(struct bus *bus, enum bus_counter counter)
{
	atomic_fetch_add_explicit(&bus->counters[counter], 1, memory_order_relaxed);
}

bool bus_leave_out(struct bus *bus, int64_t now_ns, int64_t *told_ns)
{
	const bool tell = *told_ns == 0 || now_ns - *told_ns >= TELL_NS;

	bus_count(bus, BUS_LEFT_OUT);
	if (tell) {
		*told_ns = now_ns;
	}
	return tell;
}
