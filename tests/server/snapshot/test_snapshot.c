#include "server/snapshot/snapshot.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"

#define ROOMS   4
#define PEOPLE  6
#define LINES   1200 /* more than a log keeps */
#define CUTS    400
#define SESSION UINT64_C(0x1234567800000001)

static const struct options few = {
	.workers = 2, .max_connections = 16, .history = 10, .send_queue_total_bytes = 1 << 20
};
static const struct options more = {
	.workers = 3, .max_connections = 40, .history = 5000, .send_queue_total_bytes = 1 << 20
};

/* A state in which there is some of everything */

static struct address seat_of(uint32_t i)
{
	return (struct address){ .worker = i % 2, .seat = i / 2, .session = SESSION + i };
}

static struct peer_address peer_of(uint32_t i)
{
	return (struct peer_address){ { [10] = 255, [11] = 255, [12] = 192, [15] = (uint8_t)i } };
}

static void queue_text(struct shared_state *shared, struct address where, struct stream *stream,
		       const char *text)
{
	struct arena *arena = arena_create(streams_arena(shared->streams, where.worker),
					   shared->streams->arena_bytes);
	uint32_t length = (uint32_t)strlen(text);
	struct block *block = arena_take(arena, sizeof(*block) + length);
	struct segment *only = &stream->output.only;

	*block = (struct block){ .references = 1, .taken = length, .size = length, .used = length };
	memcpy(block->bytes, text, length);
	*only = (struct segment){ .block = block, .begin = 90 };
	only->end = 90 + length;
	stream->output.first = stream->output.last = only;
	stream->output.queued = 90 + length;
	stream->output.sent = 93;
	arena_destroy(arena);
}

static void seat_person(struct shared_state *shared, uint32_t i)
{
	struct address where = seat_of(i);
	struct seat *seat = directory_seat(shared->directory, where.worker, where.seat);
	struct stream *stream = streams_at(shared->streams, where.worker, where.seat);
	char nick[16];

	(void)snprintf(nick, sizeof(nick), "person%u", i);
	(void)directory_claim(shared->directory, where, span_of(nick));
	seat->peer = peer_of(i);
	seat->has_ties = i % 2;
	for (uint16_t room = 0; room < ROOMS; room++) {
		seat_add_room(seat, room);
		rooms_enter(shared->rooms, room, where.worker);
	}
	streams_open(shared->streams, where.worker, where.seat, where.session,
		     &(struct stream){ .peer = peer_of(i),
				       .input = 2 * (100 + i),
				       .operator_role = i == 3,
				       .since_ns = 77 + i,
				       .rest[0] = { .flags = i } });
	if (i == 1) {
		queue_text(shared, where, stream, "what is not sent yet\n");
	}
}

static void say(struct shared_state *shared, uint16_t room, uint32_t i)
{
	char text[80];
	int length = snprintf(text, sizeof(text), "%u: %s", i,
			      "a line that takes some room in a log of a room");
	const struct room_message message = { .kind = MESSAGE_SAID,
					      .nick = span_of("person1"),
					      .text = { text, (size_t)length },
					      .sender = seat_of(1),
					      .wall_ns = i };

	(void)room_append(shared->rooms, room, &message);
}

static void post_other_kinds(struct shared_state *shared)
{
	const uint16_t list[] = { 2, 1, 0 };
	const struct message_sale sale = { .left = 5, .total = 9 };
	const struct room_message renamed = { .kind = MESSAGE_RENAMED,
					      .nick = span_of("person1"),
					      .text = span_of("person7"),
					      .sender = seat_of(1),
					      .rename = 11,
					      .rooms = list,
					      .room_count = 3,
					      .heard_count = 2 };
	const struct room_message topic = { .kind = MESSAGE_TOPIC,
					    .nick = span_of("person2"),
					    .text = span_of("what it is about") };
	const struct room_message sold = { .kind = MESSAGE_SALE,
					   .nick = span_of(""),
					   .text = { (const char *)&sale, sizeof(sale) } };

	(void)room_append(shared->rooms, 1, &renamed);
	(void)room_append(shared->rooms, 1, &topic);
	(void)room_append(shared->rooms, 1, &sold);
	shared->rooms->renames = 11;
}

static void furnish(struct shared_state *shared)
{
	char name[16];

	for (uint32_t room = 0; room < ROOMS; room++) {
		(void)snprintf(name, sizeof(name), "#room%u", room);
		cr_assert_eq(
			rooms_open(shared->rooms, shared->directory, span_of(name), peer_of(1)),
			room);
	}
	for (uint32_t i = 0; i < PEOPLE; i++) {
		seat_person(shared, i);
	}
	shared->directory->next_session = SESSION + PEOPLE;
	for (uint32_t i = 0; i < LINES; i++) {
		say(shared, 0, i);
	}
	for (uint32_t i = 0; i < 3; i++) {
		say(shared, 1, i);
	}
	post_other_kinds(shared);
}

static void let_wait(struct shared_state *shared)
{
	struct waitlist *list = &shared->queue->waitlist;
	const struct waiter waiter = { .event = 4,
				       .quantity = 2,
				       .client = { .session = SESSION + 2, .worker = 0, .seat = 1 },
				       .event_name = "concert" };
	struct waiter second = waiter;

	second.client.session++;
	(void)waitlist_add(list, &waiter);
	(void)waitlist_add(list, &second);
	waitlist_commit(list);
	list->changed = true;
	(void)waitlist_number(list);
	(void)claims_add(&shared->queue->claims,
			 &(struct claim){ .owner = { { 1, 2 } }, .quantity = 2, .waiter = 1 });
}

static void ask(struct shared_state *shared)
{
	for (uint32_t i = 0; i < 3; i++) {
		struct booking_slot *slot = booking_queue_reserve(shared->queue, 1);

		*slot = (struct booking_slot){
			.seat = i,
			.session = SESSION + i,
			.asked_ns = 5,
			.request = { .verb = BOOKING_HOLD, .quantity = 1 + i, .event = "concert" }
		};
		booking_queue_submit(shared->queue, 1);
	}
	shared->queue->rings[1].answered = 1;
	(void)snprintf(shared->queue->rings[1].slots[0].answer.code, CODE_SIZE, "ABCD");
	shared->queue->offers[0].slots[0] =
		(struct booking_offer){ .quantity = 3, .event = "concert" };
	shared->queue->offers[0].written = 1;
	shared->queue->offers[0].published = 1;
	(void)booking_queue_keep_unreleased(shared->queue, 0, SESSION - 1);
	refusals_note(&shared->queue->refusals, "key-1", SESSION, 1000);
	(void)stock_board_put(shared->board,
			      &(struct store_event){ .number = 4, .name = "concert", .total = 9 },
			      5);
}

static void guard(struct shared_state *shared)
{
	struct admission *admission = shared->directory->admission;
	const struct peer_network network = { peer_of(0), 120 };

	(void)admission_ban(admission, network, INT64_MAX, 1);
	(void)admission_mute(admission, peer_of(8), INT64_MAX, 1);
	for (int i = 0; i < 7; i++) {
		admission_wrong_password(admission, peer_of(7), 1000);
	}
	(void)logins_add(shared->logins, 1000);
}

static void write_to(struct shared_state *shared)
{
	const struct message told = { .kind = MESSAGE_TOLD,
				      .nick = span_of("person1"),
				      .text = span_of("a word in your ear") };

	(void)inbox_put(shared->inboxes, 0, seat_of(1), LETTER_MESSAGE, &told);
}

static void fill(struct shared_state *shared)
{
	clock_start_deadlines();
	shared_state_init(shared, &few);
	furnish(shared);
	let_wait(shared);
	ask(shared);
	guard(shared);
	write_to(shared);
	shared->scoreboard->scores[1].counters[COUNTER_COMMANDS] = 4711;
	histogram_add(&shared->scoreboard->scores[1].booking_ns, 1000);
}

static void save(struct shared_state *shared, struct records *records)
{
	char why[SNAPSHOT_WHY_SIZE] = "";

	records_write(records);
	cr_assert(snapshot_write(shared, records, why), "%s", why);
}

static bool load(struct shared_state *shared, const struct options *options, const void *bytes,
		 size_t length, char *why)
{
	struct records records;

	shared_state_init(shared, options);
	records_read(&records, bytes, length);
	return snapshot_read(shared, &records, why);
}

static struct shared_state first, second;
static struct records form;

static void init(void)
{
	log_start("test", LOG_ERROR, LOG_TEXT);
	fill(&first);
	records_finish(&form);
	save(&first, &form);
}

static void finish(void)
{
	records_finish(&form);
}

static void read_back(const struct options *options)
{
	char why[SNAPSHOT_WHY_SIZE] = "";

	cr_assert(load(&second, options, form.bytes, form.length, why), "%s", why);
}

TestSuite(snapshot, .init = init, .fini = finish, .timeout = 120);

/* The log of room 0 went round: its places are others from the second time on. */
Test(snapshot, read_and_written_again_is_the_same)
{
	struct shared_state third;
	struct records again, once_more;
	char why[SNAPSHOT_WHY_SIZE] = "";

	read_back(&few);
	save(&second, &again);
	cr_assert(load(&third, &few, again.bytes, again.length, why), "%s", why);
	save(&third, &once_more);
	cr_assert_eq(again.length, once_more.length);
	cr_assert_eq(memcmp(again.bytes, once_more.bytes, again.length), 0);
	shared_state_finish(&third);
	records_finish(&again);
	records_finish(&once_more);
}

Test(snapshot, keeps_who_is_connected)
{
	struct address where;

	read_back(&more);
	for (uint32_t i = 0; i < PEOPLE; i++) {
		char nick[16];

		(void)snprintf(nick, sizeof(nick), "PERSON%u", i);
		cr_assert(directory_find(second.directory, span_of(nick), &where));
		cr_assert(where.worker == seat_of(i).worker && where.seat == seat_of(i).seat &&
			  where.session == SESSION + i);
		const struct seat *seat =
			directory_seat(second.directory, where.worker, where.seat);
		const struct stream *stream = streams_at(second.streams, where.worker, where.seat);

		cr_assert(seat->room_count == ROOMS && seat->rooms[0] == ROOMS - 1);
		cr_assert(stream->input == 2 * (100 + i) && stream->rest[0].flags == i);
		cr_assert_eq(stream->operator_role, i == 3);
	}
	cr_assert_gt(directory_new_session(second.directory), SESSION + PEOPLE);
}

Test(snapshot, keeps_what_is_not_sent_yet)
{
	read_back(&more);
	const struct output *output = &streams_at(second.streams, 1, 0)->output;

	cr_assert(output->first && !output->first->next);
	cr_assert_eq(output->first->begin, 90);
	cr_assert_eq(output->sent, 93);
	cr_assert_eq(output->queued, 90 + strlen("what is not sent yet\n"));
	cr_assert_eq(memcmp(output->first->block->bytes + output->first->start,
			    "what is not sent yet\n", output->queued - 90),
		     0);
}

static uint64_t lines_in(struct shared_state *shared, uint16_t room, uint64_t *first_number)
{
	uint64_t position = shared->rooms->rooms[room].oldest;
	const struct room_record *record;
	uint64_t count = 0;

	while ((record = rooms_record(shared->rooms, room, &position))) {
		*first_number = count++ == 0 ? record->number : *first_number;
		position += record->size;
	}
	return count;
}

Test(snapshot, keeps_rooms_and_their_logs)
{
	char topic[ROOM_TOPIC_SIZE];
	uint64_t before = 0, after = 0;

	read_back(&more);
	cr_assert_eq(rooms_find(second.rooms, second.directory, span_of("#ROOM1")), 1);
	room_read_topic(second.rooms, 1, topic);
	cr_assert_str_eq(topic, "what it is about");
	for (uint16_t room = 0; room < ROOMS; room++) {
		cr_assert_eq(lines_in(&first, room, &before), lines_in(&second, room, &after));
		cr_assert_eq(before, after);
		cr_assert_eq(first.rooms->rooms[room].lines, second.rooms->rooms[room].lines);
		cr_assert_eq(room_members(second.rooms, room), PEOPLE);
	}
	cr_assert_eq(lines_in(&first, 1, &before), 6);
}

/* A worker that had got the first two lines gets the third next, whatever the log's size. */
Test(snapshot, keeps_how_far_everybody_is_in_a_room)
{
	unsigned char buffer[ROOM_RECORD_MAX];
	struct room_place *place = room_place(first.rooms, 1, 1);
	uint64_t missed;

	for (int i = 0; i < 2; i++) {
		place->position += rooms_record(first.rooms, 1, &place->position)->size;
	}
	place->next_number = 3;
	records_finish(&form);
	save(&first, &form);
	read_back(&more);
	place = room_place(second.rooms, 1, 1);
	(void)room_read(second.rooms, 1, &place->position, &place->next_number, buffer,
			sizeof(buffer), &missed);
	cr_assert_eq(((const struct room_record *)(const void *)buffer)->number, 3);
	cr_assert(rooms_have_news(second.rooms, 1));
}

/* Who had not yet read what is overwritten is told how much was missed. */
Test(snapshot, tells_whom_a_log_overtook)
{
	unsigned char buffer[ROOM_RECORD_MAX];
	struct room_place *place = room_place(first.rooms, 0, 0);
	uint64_t missed, oldest = 0;

	place->next_number = 1;
	records_finish(&form);
	save(&first, &form);
	(void)lines_in(&first, 0, &oldest);
	read_back(&few);
	say(&second, 0, LINES);
	place = room_place(second.rooms, 0, 0);
	(void)room_read(second.rooms, 0, &place->position, &place->next_number, buffer,
			sizeof(buffer), &missed);
	cr_assert_geq(((const struct room_record *)(const void *)buffer)->number, oldest);
}

Test(snapshot, keeps_bookings_and_who_waits)
{
	read_back(&more);
	const struct booking_ring *ring = &second.queue->rings[1];
	const struct waiter *waiter = waitlist_first(&second.queue->waitlist, 4);

	cr_assert(ring->taken == 0 && ring->answered == 1 && ring->submitted == 3);
	cr_assert_str_eq(ring->slots[0].answer.code, "ABCD");
	cr_assert_eq(ring->slots[2].request.quantity, 3);
	cr_assert_eq(second.queue->offers[0].slots[0].quantity, 3);
	cr_assert_eq(booking_queue_unreleased(second.queue, 0), SESSION - 1);
	cr_assert(waiter);
	cr_assert_eq(waiter->client.session, SESSION + 2);
	cr_assert_eq(waiter->position, 1);
	cr_assert_eq(waitlist_next(&second.queue->waitlist, waiter)->client.session, SESSION + 3);
	cr_assert_eq(claims_sum(&second.queue->claims, (struct booking_owner){ { 1, 2 } }), 2);
	cr_assert(refusals_overtook(&second.queue->refusals, "key-1", SESSION + 9, 999));
	cr_assert_eq(second.board->entries[0].event.left, 5);
	cr_assert_eq(second.queue->server, first.queue->server);
}

static const struct options bussed = { .workers = 2,
				       .max_connections = 16,
				       .history = 10,
				       .send_queue_total_bytes = 1 << 20,
				       .node = "a",
				       .bus_server_count = 1 };

static void put_for_bus(struct bus *bus, const char *text)
{
	const struct room_message message = { .kind = MESSAGE_SAID,
					      .nick = span_of("ann"),
					      .text = span_of(text),
					      .sender = seat_of(1) };

	cr_assert(bus_put(bus, 1, "#room1", &message));
}

/* Where it is read, what waits for it, whose lines it had, and which of them a room has. */
Test(snapshot, keeps_what_the_bus_does_not_have_yet_and_what_it_had)
{
	struct shared_state third;

	shared_state_init(&third, &bussed);
	cr_assert_eq(rooms_open(third.rooms, third.directory, span_of("#room1"), peer_of(1)), 0);
	put_for_bus(third.bus, "said");
	put_for_bus(third.bus, "waits");
	third.bus->outboxes[1].said = 1;
	third.bus->stream = 5;
	third.bus->position = 6;
	third.bus->sources[0] = (struct bus_source){ .node = "b", .epoch = 9, .last = 8 };
	third.rooms->rooms[0].sequence = 6;
	records_finish(&form);
	save(&third, &form);
	read_back(&bussed);
	cr_expect_eq(second.bus->epoch, third.bus->epoch);
	cr_expect_eq(second.bus->stream, 5);
	cr_expect_eq(second.bus->position, 6);
	cr_expect_eq(second.bus->sources[0].last, 8);
	cr_expect_eq(second.bus->outboxes[1].said, 1);
	cr_expect_eq(second.bus->outboxes[1].put, 2);
	cr_expect(span_equals(bus_line_message(bus_line(second.bus, 1, 1)).text, "waits"));
	cr_expect_eq(second.rooms->rooms[0].sequence, 6);
	shared_state_finish(&third);
}

/* Whoever takes over may have been given other options. */
Test(snapshot, without_a_bus_what_waits_for_it_is_left_out)
{
	struct shared_state third;

	shared_state_init(&third, &bussed);
	put_for_bus(third.bus, "waits");
	records_finish(&form);
	save(&third, &form);
	read_back(&few);
	cr_expect(!second.bus);
	shared_state_finish(&third);
}

Test(snapshot, keeps_the_doors_and_the_counters)
{
	read_back(&more);
	struct admission *admission = second.directory->admission;

	cr_assert_gt(admission_banned(admission, peer_of(9), 1), 0);
	cr_assert_eq(admission->bans_unsaved, 1);
	cr_assert_eq(admission_muted_until(admission, peer_of(8)), INT64_MAX);
	cr_assert_gt(admission_penalty(admission, peer_of(7), 1000), 0);
	cr_assert(logins_know(second.logins, &first.logins->entries[0].secret, 1000));
	cr_assert_eq(scoreboard_total(second.scoreboard, COUNTER_COMMANDS), 4711);
	cr_assert_eq(second.scoreboard->scores[1].booking_ns.count, 1);
}

static void note_letter(void *context, const struct letter *letter)
{
	const struct message message = letter_message(letter);

	*(bool *)context = span_equals(message.text, "a word in your ear");
}

Test(snapshot, keeps_letters_in_both)
{
	bool there = false;

	read_back(&more);
	inbox_each(second.inboxes, 0, 1, note_letter, &there);
	cr_assert(there);
	there = false;
	inbox_each(first.inboxes, 0, 1, note_letter, &there);
	cr_assert(there);
}

Test(snapshot, of_a_worker_that_was_killed_has_its_input_in_hand)
{
	struct hand *hand = &first.streams->hands[1];

	hand->seat = 1;
	hand->session = SESSION + 3;
	hand->input_before = 2 * 103;
	memcpy(hand->received, "/ping", 5);
	hand->received[RECEIVE_SIZE - 1] = 'x';
	hand->last_tag = 99;
	records_finish(&form);
	save(&first, &form);
	read_back(&more);
	hand = &second.streams->hands[1];
	cr_assert(hand->seat == 1 && hand->session == SESSION + 3 && hand->last_tag == 99);
	cr_assert_eq(memcmp(hand->received, "/ping", 5), 0);
	cr_assert_eq(hand->received[RECEIVE_SIZE - 1], 'x');
}

Test(snapshot, is_not_made_in_the_middle_of_a_batch)
{
	char why[SNAPSHOT_WHY_SIZE] = "";

	first.queue->batch.state = BATCH_CARRIED_OUT;
	cr_assert(!snapshot_write(&first, &form, why));
	cr_assert(strstr(why, "batch"));
}

Test(snapshot, of_another_major_version_is_refused)
{
	char why[SNAPSHOT_WHY_SIZE] = "";
	unsigned char *mark = memmem(form.bytes, form.length, "snapshot", strlen("snapshot"));

	cr_assert(mark);
	mark[strlen("snapshot")] = SNAPSHOT_MAJOR + 1;
	cr_assert(!load(&second, &more, form.bytes, form.length, why));
	cr_assert(strstr(why, "version 2"), "%s", why);
}

Test(snapshot, with_records_that_nobody_knows_is_read_without_them)
{
	struct records strange;
	char why[SNAPSHOT_WHY_SIZE] = "";
	const size_t end = form.length - 8; /* the last record */

	records_write(&strange);
	record_begin(&strange, 4711);
	(void)record_number(&strange, 1);
	record_end(&strange);
	unsigned char *bytes = malloc(form.length + strange.length);

	memcpy(bytes, form.bytes, end);
	memcpy(bytes + end, strange.bytes, strange.length);
	memcpy(bytes + end + strange.length, form.bytes + end, form.length - end);
	cr_assert(load(&second, &more, bytes, form.length + strange.length, why), "%s", why);
	free(bytes);
	records_finish(&strange);
}

Test(snapshot, cut_anywhere_is_refused)
{
	char why[SNAPSHOT_WHY_SIZE] = "";

	for (size_t length = 0; length < form.length; length += form.length / CUTS + 1) {
		cr_assert(!load(&second, &few, form.bytes, length, why), "%zu bytes", length);
		shared_state_finish(&second);
	}
	cr_assert(!load(&second, &few, form.bytes, form.length - 1, why));
}

/* What it is then does not matter: nobody reads or writes where nothing is. */
Test(snapshot, with_a_bit_that_is_another_breaks_nothing)
{
	char why[SNAPSHOT_WHY_SIZE] = "";

	for (size_t i = 0; i < form.length; i += form.length / CUTS + 1) {
		form.bytes[i] ^= (unsigned char)(1 << i % 8);
		(void)load(&second, &few, form.bytes, form.length, why);
		shared_state_finish(&second);
		form.bytes[i] ^= (unsigned char)(1 << i % 8);
	}
}

Test(snapshot, needs_room_for_all_seats)
{
	struct options small = few;
	char why[SNAPSHOT_WHY_SIZE] = "";
	struct snapshot_size size = snapshot_size(&first);

	cr_assert(size.workers == 2 && size.seats == PEOPLE / 2);
	small.max_connections = size.seats - 1;
	cr_assert(!load(&second, &small, form.bytes, form.length, why));
	small.max_connections = size.seats;
	cr_assert(load(&second, &small, form.bytes, form.length, why), "%s", why);
}
