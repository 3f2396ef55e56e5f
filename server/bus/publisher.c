#include "server/bus/publisher.h"

#include <string.h>

#include "server/bus/wire.h"
#include "shared/base/clock.h"

#define ON_ITS_WAY  512                 /* lines of a worker's at most */
#define ROUND_NS    (200 * NS_PER_MS)   /* between two times that lines are sent anew */
#define PATIENCE_NS (3 * NS_PER_SECOND) /* for a line to come back */
#define STUCK_NS    (5 * NS_PER_SECOND) /* then the stream does not take it */

void publisher_init(struct publisher *publisher, struct shared_state *shared)
{
	*publisher = (struct publisher){ .shared = shared };
}

void publisher_begin(struct publisher *publisher)
{
	for (uint32_t i = 0; i < OPTIONS_WORKERS_MAX; i++) {
		struct publisher_place *place = &publisher->places[i];

		place->next = place->said = publisher->shared->bus->outboxes[i].said;
		place->said_ns = 0;
	}
}

void publisher_note_missing(struct publisher *publisher, int worker)
{
	if (worker >= 0) {
		atomic_store(&publisher->places[worker].missing,
			     publisher->shared->bus->outboxes[worker].said + 1);
	}
}

static bool is_due(const struct publisher *publisher, uint32_t worker)
{
	const struct publisher_place *place = &publisher->places[worker];
	const struct bus_outbox *outbox = &publisher->shared->bus->outboxes[worker];

	return place->next < outbox->put && place->next - outbox->said < ON_ITS_WAY;
}

bool publisher_has_work(const struct publisher *publisher)
{
	const uint32_t workers = publisher->shared->rooms->workers;
	uint32_t i = 0;

	while (i < workers && !is_due(publisher, i)) {
		i++;
	}
	return i < workers;
}

/*
 * Whether it is to begin with the first that is not back. All that came behind a missing one came
 * too early and says so; so not again before what was sent anew can have come.
 */
static bool is_to_go_back(const struct publisher_place *place, int64_t now_ns)
{
	return now_ns - place->said_ns >= PATIENCE_NS ||
	       (place->missing == place->said + 1 && now_ns - place->round_ns >= ROUND_NS);
}

static void go_back(struct publisher_place *place, int64_t now_ns)
{
	atomic_store(&place->missing, 0);
	place->next = place->said;
	place->said_ns = place->round_ns = now_ns;
	place->round++;
}

/* What does not come back, though the stream is being read, is lost, or was forgotten there. */
static void look_back(struct publisher_place *place, const struct bus_outbox *outbox,
		      int64_t now_ns)
{
	const uint64_t said = outbox->said;

	place->next = place->next < said ? said : place->next;
	if (said != place->said || place->next == said || place->said_ns == 0) {
		place->said = said;
		place->said_ns = place->heard_ns = now_ns;
	}
	if (is_to_go_back(place, now_ns)) {
		go_back(place, now_ns);
	}
}

bool publisher_is_stuck(const struct publisher *publisher, int64_t now_ns)
{
	const struct bus *bus = publisher->shared->bus;

	for (uint32_t i = 0; i < publisher->shared->rooms->workers; i++) {
		const struct publisher_place *place = &publisher->places[i];

		if (place->said_ns != 0 && place->next > bus->outboxes[i].said &&
		    now_ns - place->heard_ns >= STUCK_NS) {
			return true;
		}
	}
	return false;
}

static bool publish(const struct publisher *publisher, struct jetstream *stream, uint32_t worker)
{
	const struct shared_state *shared = publisher->shared;
	const struct publisher_place *place = &publisher->places[worker];
	const struct bus_line *line = bus_line(shared->bus, worker, place->next);
	struct wire_message message = {
		.head = { .epoch = shared->bus->epoch, .worker = worker, .number = place->next },
		.room = span_of(line->room),
		.said = bus_line_message(line)
	};
	char subject[WIRE_SUBJECT_SIZE];
	char id[WIRE_ID_SIZE];
	struct records records;

	memcpy(message.head.node, shared->options->node, sizeof(message.head.node));
	wire_subject(message.said.kind, message.room, subject);
	wire_id(&message.head, place->round, id);
	records_write(&records);
	wire_write(&records, &message);
	bool sent = jetstream_publish(stream, subject, id,
				      (struct span){ (const char *)records.bytes, records.length });

	records_finish(&records);
	return sent;
}

bool publisher_run(struct publisher *publisher, struct jetstream *stream, int64_t now_ns)
{
	struct bus *bus = publisher->shared->bus;

	for (uint32_t worker = 0; worker < publisher->shared->rooms->workers; worker++) {
		struct publisher_place *place = &publisher->places[worker];

		look_back(place, &bus->outboxes[worker], now_ns);
		while (is_due(publisher, worker)) {
			if (!publish(publisher, stream, worker)) {
				return false;
			}
			place->next++;
			bus_count(bus, BUS_SENT);
		}
	}
	return true;
}
