#include "server/snapshot/bus_lines.h"

#include "server/state/penalty.h"

#include <string.h>

static void bus_fields(struct bus *bus, struct records *records)
{
	RECORD_NUMBER(records, bus->epoch);
	RECORD_NUMBER(records, bus->stream);
	RECORD_NUMBER(records, bus->position);
	RECORD_NUMBER(records, bus->holes);
	RECORD_NUMBER(records, bus->notices);
	for (size_t i = 0; i < BUS_COUNTERS; i++) {
		RECORD_NUMBER(records, bus->counters[i]);
	}
}

static void source_fields(struct bus_source *source, struct records *records)
{
	record_text(records, source->node, sizeof(source->node));
	RECORD_NUMBER(records, source->epoch);
	RECORD_NUMBER(records, source->worker);
	RECORD_NUMBER(records, source->last);
	RECORD_NUMBER(records, source->holes);
	RECORD_NUMBER(records, source->heard);
}

static void outbox_fields(struct bus_outbox *outbox, struct records *records)
{
	RECORD_NUMBER(records, outbox->said);
	RECORD_NUMBER(records, outbox->told);
}

static void line_fields(struct bus_line *line, struct records *records)
{
	RECORD_NUMBER(records, line->kind);
	RECORD_NUMBER(records, line->nick_length);
	RECORD_NUMBER(records, line->text_length);
	RECORD_NUMBER(records, line->sender.worker);
	RECORD_NUMBER(records, line->sender.seat);
	RECORD_NUMBER(records, line->sender.session);
	RECORD_NUMBER(records, line->wall_ns);
	record_text(records, line->room, sizeof(line->room));
}

static void rename_fields(struct bus_line *line, struct records *records)
{
	RECORD_NUMBER(records, line->rename);
	RECORD_NUMBER(records, line->is_heard);
}

static void write_line(struct bus_line *line, struct records *records)
{
	record_begin(records, SNAPSHOT_BUS_LINE);
	line_fields(line, records);
	(void)record_span(records, (struct span){ line->bytes,
						  (size_t)line->nick_length + line->text_length });
	rename_fields(line, records);
	record_end(records);
}

static void write_outbox(struct bus_outbox *outbox, uint32_t worker, struct records *records)
{
	record_begin(records, SNAPSHOT_BUS_OUTBOX);
	(void)record_number(records, worker);
	outbox_fields(outbox, records);
	record_end(records);
	for (uint64_t number = outbox->said; number < outbox->put; number++) {
		write_line(&outbox->lines[number % BUS_LINES], records);
	}
}

void bus_write(struct shared_state *shared, struct records *records)
{
	struct bus *bus = shared->bus;

	if (!bus) {
		return;
	}
	record_begin(records, SNAPSHOT_BUS);
	bus_fields(bus, records);
	record_end(records);
	for (size_t i = 0; i < BUS_SOURCES && bus->sources[i].node[0] != '\0'; i++) {
		record_begin(records, SNAPSHOT_BUS_SOURCE);
		source_fields(&bus->sources[i], records);
		record_end(records);
	}
	for (uint32_t worker = 0; worker < shared->workers; worker++) {
		write_outbox(&bus->outboxes[worker], worker, records);
	}
}

/* Reading */

void bus_read(struct reading *reading, struct records *records)
{
	if (reading->shared->bus) {
		bus_fields(reading->shared->bus, records);
	}
}

void bus_source_read(struct reading *reading, struct records *records)
{
	struct bus *bus = reading->shared->bus;

	if (bus && reading->sources < BUS_SOURCES) {
		source_fields(&bus->sources[reading->sources++], records);
	}
}

void bus_outbox_read(struct reading *reading, struct records *records)
{
	struct bus *bus = reading->shared->bus;

	reading->outbox = worker_field(records, reading->shared, 0);
	if (bus) {
		outbox_fields(&bus->outboxes[reading->outbox], records);
		bus->outboxes[reading->outbox].put = bus->outboxes[reading->outbox].said;
	}
}

static bool is_good(const struct bus_line *line, struct span bytes)
{
	return (penalty_is_kind(line->kind) ||
		(line->kind <= MESSAGE_RENAMED && name_is_room(span_of(line->room)))) &&
	       bytes.length == (size_t)line->nick_length + line->text_length &&
	       bytes.length <= ROOM_MESSAGE_MAX;
}

void bus_line_read(struct reading *reading, struct records *records)
{
	struct bus *bus = reading->shared->bus;

	if (!bus) {
		return;
	}
	struct bus_outbox *outbox = &bus->outboxes[reading->outbox];
	struct bus_line *line = &outbox->lines[outbox->put % BUS_LINES];

	line_fields(line, records);
	struct span bytes = record_span(records, (struct span){ 0 });

	rename_fields(line, records);
	if (records->broken || !is_good(line, bytes) || outbox->put - outbox->said == BUS_LINES) {
		records->broken = true;
		return;
	}
	memcpy(line->bytes, bytes.text, bytes.length);
	outbox->put++;
}
