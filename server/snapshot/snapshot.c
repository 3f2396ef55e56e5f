#include "server/snapshot/snapshot.h"

#include <stdio.h>
#include <string.h>

#include "server/snapshot/bookings.h"
#include "server/snapshot/bus_lines.h"
#include "server/snapshot/doors.h"
#include "server/snapshot/identity.h"
#include "server/snapshot/people.h"
#include "server/snapshot/room_logs.h"

#define MARK "turnstile snapshot" /* what it begins with, before its version */

struct snapshot_size snapshot_size(const struct shared_state *shared)
{
	struct snapshot_size size = { .workers = shared->workers };

	for (uint32_t worker = 0; worker < size.workers; worker++) {
		uint32_t seats = shared->directory->highest[worker];
		uint32_t streams = shared->streams->highest[worker];

		seats = seats > streams ? seats : streams;
		size.seats = size.seats > seats ? size.seats : seats;
	}
	return size;
}

static bool cannot(char *why, const char *reason)
{
	(void)snprintf(why, SNAPSHOT_WHY_SIZE, "%s", reason);
	return false;
}

/* The first record: it is read by every version. */
static void write_version(struct records *records)
{
	record_begin(records, SNAPSHOT_VERSION);
	(void)record_span(records, span_of(MARK));
	(void)record_number(records, SNAPSHOT_MAJOR);
	(void)record_number(records, SNAPSHOT_MINOR);
	record_end(records);
}

static bool read_version(struct records *records, char *why)
{
	if (record_next(records) != SNAPSHOT_VERSION ||
	    !span_equals(record_span(records, (struct span){ 0 }), MARK)) {
		return cannot(why, "that is no state of a server");
	}
	uint64_t major = record_number(records, 0);

	if (major != SNAPSHOT_MAJOR) {
		(void)snprintf(why, SNAPSHOT_WHY_SIZE,
			       "its state is of version %llu, and this one reads version %d",
			       (unsigned long long)major, SNAPSHOT_MAJOR);
	}
	return major == SNAPSHOT_MAJOR;
}

bool snapshot_write(struct shared_state *shared, struct records *records, char *why)
{
	if (!bookings_are_settled(shared)) {
		return cannot(why, "a batch of bookings is not settled yet");
	}
	write_version(records);
	server_write(shared, records);
	people_write(shared, records);
	rooms_write(shared, records);
	doors_write(shared, records);
	bookings_write(shared, records);
	bus_write(shared, records);
	record_begin(records, SNAPSHOT_END);
	record_end(records);
	return true;
}

typedef void read_function(struct reading *reading, struct records *records);

static read_function *const readers[] = {
	[SNAPSHOT_SERVER] = server_read,
	[SNAPSHOT_WORKER] = worker_read,
	[SNAPSHOT_HAND] = hand_read,
	[SNAPSHOT_SEAT] = seat_restore,
	[SNAPSHOT_STREAM] = stream_read,
	[SNAPSHOT_LETTER] = letter_read,
	[SNAPSHOT_ROOM] = room_restore,
	[SNAPSHOT_MESSAGE] = room_message_read,
	[SNAPSHOT_BAN] = ban_read,
	[SNAPSHOT_GUESSES] = guesses_read,
	[SNAPSHOT_MUTE] = mute_read,
	[SNAPSHOT_LOGIN] = login_read,
	[SNAPSHOT_EVENT] = event_read,
	[SNAPSHOT_QUEUE] = queue_read,
	[SNAPSHOT_RING] = ring_read,
	[SNAPSHOT_REQUEST] = request_read,
	[SNAPSHOT_OFFER] = offer_read,
	[SNAPSHOT_UNRELEASED] = unreleased_read,
	[SNAPSHOT_WAITER] = waiter_read,
	[SNAPSHOT_CLAIM] = claim_read,
	[SNAPSHOT_REFUSALS] = refusals_read,
	[SNAPSHOT_BUS] = bus_read,
	[SNAPSHOT_BUS_SOURCE] = bus_source_read,
	[SNAPSHOT_BUS_OUTBOX] = bus_outbox_read,
	[SNAPSHOT_BUS_LINE] = bus_line_read,
};
#define READERS (sizeof(readers) / sizeof(readers[0]))

/* Up to the last record; false when it did not come. */
static bool read_all(struct reading *reading, struct records *records)
{
	uint32_t tag;

	while ((tag = record_next(records)) != 0 && tag != SNAPSHOT_END) {
		if (tag != SNAPSHOT_MESSAGE) {
			room_log_ends(reading);
		}
		if (tag < READERS && readers[tag]) {
			readers[tag](reading, records);
		}
	}
	room_log_ends(reading);
	return tag == SNAPSHOT_END && !records->broken;
}

/* Members of rooms, from the seats. */
static void count_members(struct shared_state *shared)
{
	struct directory *directory = shared->directory;

	for (uint32_t worker = 0; worker < shared->workers; worker++) {
		static uint32_t members[ROOMS_MAX];

		memset(members, 0, sizeof(members));
		for (uint32_t i = 0; i < directory->highest[worker]; i++) {
			const struct seat *seat = directory_seat(directory, worker, i);

			for (int room = 0; seat->session != 0 && room < seat->room_count; room++) {
				members[seat->rooms[room]]++;
			}
		}
		rooms_restore_members(shared->rooms, worker, members);
	}
}

bool snapshot_read(struct shared_state *shared, struct records *records, char *why)
{
	struct reading reading = { .shared = shared, .room = ROOM_NONE };

	if (!read_version(records, why)) {
		return false;
	}
	bool whole = read_all(&reading, records);

	for (uint32_t worker = 0; worker < OPTIONS_WORKERS_MAX; worker++) {
		if (reading.arenas[worker]) {
			arena_destroy(reading.arenas[worker]);
		}
	}
	if (!whole) {
		return cannot(why, "its state is not whole");
	}
	directory_restored(shared->directory);
	count_members(shared);
	bookings_complete(&reading);
	return true;
}
