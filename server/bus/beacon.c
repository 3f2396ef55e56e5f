#include "server/bus/beacon.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"

#define LOOK_NS     (100 * NS_PER_MS) /* between two looks at who is here */
#define BEAT_NS     NS_PER_SECOND     /* between two messages at most */
#define ANEW_NS     NS_PER_SECOND     /* between two tellings of all at least */
#define MESSAGE_END (32 * 1024)       /* bytes: a message that is longer is whole */

/* What was told of a seat and of a room. */
struct told_seat {
	uint32_t version;
	bool there;
};

struct told_room {
	uint32_t version;
	uint32_t members;
};

struct beacon {
	struct shared_state *shared;
	beacon_send send;
	void *context;
	struct told_seat *seats; /* [workers][seats] */
	struct told_room rooms[ROOMS_MAX];
	struct records records; /* the message that is being put together */
	bool is_open;           /* there is one */
	bool anew;
	bool asks;
	bool shows;
	uint64_t chain;
	uint64_t number;
	int64_t look_ns; /* when the next is due: monotonic */
	int64_t beat_ns;
	int64_t anew_ns; /* when all was told last */
	int64_t now_ns;
};

static size_t place_of(const struct beacon *beacon, uint32_t worker, uint32_t seat)
{
	return (size_t)worker * beacon->shared->directory->seats_a_worker + seat;
}

struct beacon *beacon_create(struct shared_state *shared, beacon_send send, void *context)
{
	const struct directory *directory = shared->directory;
	struct beacon *beacon = calloc(1, sizeof(*beacon));

	if (beacon) {
		beacon->seats = calloc((size_t)directory->workers * directory->seats_a_worker,
				       sizeof(*beacon->seats));
	}
	if (!beacon || !beacon->seats) {
		die("out of memory");
	}
	beacon->shared = shared;
	beacon->send = send;
	beacon->context = context;
	beacon->chain = (uint64_t)clock_wall_ns();
	beacon->anew = true;
	return beacon;
}

void beacon_destroy(struct beacon *beacon)
{
	free(beacon->seats);
	free(beacon);
}

/* Messages */

static void begin_message(struct beacon *beacon, uint64_t chain, uint32_t flags)
{
	const struct shared_state *shared = beacon->shared;
	const int64_t joined_ns = shared->presence->joined_ns;
	struct live_head head = { .epoch = shared->bus->epoch,
				  .chain = chain,
				  .number = chain ? ++beacon->number : 0,
				  .flags = flags | (beacon->asks ? LIVE_ASKS : 0U),
				  .age_ns = joined_ns ? beacon->now_ns - joined_ns : 0,
				  .now_ns = beacon->now_ns };

	memcpy(head.node, shared->options->node, sizeof(head.node));
	records_write(&beacon->records);
	live_write_head(&beacon->records, &head);
	beacon->asks = false;
	beacon->is_open = true;
}

static void end_message(struct beacon *beacon)
{
	if (!beacon->is_open) {
		return;
	}
	/* What does not go out breaks the connection, and the next one tells all anew. */
	(void)beacon->send(
		beacon->context, LIVE_SUBJECT_ALL,
		(struct span){ (const char *)beacon->records.bytes, beacon->records.length });
	records_finish(&beacon->records);
	beacon->is_open = false;
	beacon->beat_ns = beacon->now_ns + BEAT_NS;
}

/* Where the next entry goes. */
static struct records *room_for_entry(struct beacon *beacon)
{
	if (beacon->is_open && beacon->records.length >= MESSAGE_END) {
		end_message(beacon);
	}
	if (!beacon->is_open) {
		begin_message(beacon, beacon->chain, 0);
	}
	return &beacon->records;
}

static void send_empty(struct beacon *beacon, uint64_t chain, uint32_t flags)
{
	begin_message(beacon, chain, flags);
	end_message(beacon);
}

/* Rooms */

static void tell_room(struct beacon *beacon, uint16_t place, bool anew)
{
	const struct rooms *rooms = beacon->shared->rooms;
	struct told_room *told = &beacon->rooms[place];
	const uint32_t version = rooms->rooms[place].version;
	const uint32_t members = room_members_here(rooms, place);
	char name[NAME_ROOM_SIZE];

	if (anew ? members == 0
		 : members == told->members && (members == 0 || version == told->version)) {
		told->members = members;
		return;
	}
	if (!room_read_name(rooms, place, name) && members > 0) {
		return; /* it is just being opened */
	}
	told->version = version;
	told->members = members;
	if (name_is_room(span_of(name))) {
		live_write_room(room_for_entry(beacon),
				&(struct live_room){ .number = place,
						     .members = members,
						     .name = span_of(name) });
	}
}

/* People */

static void write_person(struct beacon *beacon, uint32_t place, const struct seat *seat, bool there)
{
	struct live_person person = { .seat = place };

	/* Its rooms first: one may have been opened since they were looked at. */
	for (uint8_t i = 0; there && i < seat->room_count; i++) {
		tell_room(beacon, seat->rooms[i], false);
	}
	if (there) {
		person.session = seat->session;
		person.nick = span_of(seat->nick);
		person.room_count = seat->room_count;
		memcpy(person.rooms, seat->rooms, sizeof(person.rooms));
	}
	live_write_person(room_for_entry(beacon), &person);
}

/* One that was ended by an operator is gone, though its version is as it was. */
static void tell_seat(struct beacon *beacon, uint32_t worker, uint32_t number, bool anew)
{
	const struct seat *shared = directory_seat(beacon->shared->directory, worker, number);
	const uint32_t place = presence_seat((struct address){ worker, number, 0 });
	struct told_seat *told = &beacon->seats[place_of(beacon, worker, number)];
	const uint32_t version = shared->version;
	struct seat seat;

	if (!anew && version == told->version && told->there && !seat_is_ended(shared)) {
		return;
	}
	if (!anew && version == told->version && !told->there) {
		return;
	}
	const bool there = seat_read(shared, &seat) && seat.nick[0] != '\0';

	if (there || (told->there && !anew)) {
		write_person(beacon, place, &seat, there);
	}
	told->version = version;
	told->there = there;
}

static void tell(struct beacon *beacon, bool anew)
{
	const struct directory *directory = beacon->shared->directory;

	for (uint16_t place = 0; place < ROOMS_MAX; place++) {
		tell_room(beacon, place, anew);
	}
	for (uint32_t worker = 0; worker < directory->workers; worker++) {
		for (uint32_t i = 0; i < directory->highest[worker]; i++) {
			tell_seat(beacon, worker, i, anew);
		}
	}
}

/* The turn */

static void tell_all(struct beacon *beacon)
{
	beacon->anew = false;
	beacon->anew_ns = beacon->now_ns;
	begin_message(beacon, beacon->chain, LIVE_FIRST);
	tell(beacon, true);
	end_message(beacon);
	send_empty(beacon, beacon->chain, LIVE_LAST);
}

void beacon_ask(struct beacon *beacon, int64_t now_ns)
{
	beacon->now_ns = now_ns;
	beacon->asks = true;
	send_empty(beacon, 0, 0);
}

void beacon_begin_anew(struct beacon *beacon)
{
	beacon->anew = true;
}

void beacon_ask_again(struct beacon *beacon)
{
	beacon->asks = true;
}

void beacon_show(struct beacon *beacon)
{
	beacon->shows = true;
}

void beacon_turn(struct beacon *beacon, int64_t now_ns)
{
	beacon->now_ns = now_ns;
	if (beacon->anew && (beacon->anew_ns == 0 || now_ns - beacon->anew_ns >= ANEW_NS)) {
		tell_all(beacon);
	} else if (now_ns >= beacon->look_ns) {
		beacon->look_ns = now_ns + LOOK_NS;
		tell(beacon, false);
		end_message(beacon);
	}
	if (now_ns >= beacon->beat_ns || beacon->shows || beacon->asks) {
		beacon->shows = false;
		send_empty(beacon, beacon->chain, 0);
	}
}

void beacon_leave(struct beacon *beacon, int64_t now_ns)
{
	beacon->now_ns = now_ns;
	send_empty(beacon, beacon->chain, LIVE_LEAVES);
}
