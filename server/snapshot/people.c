/*
 * Who is connected: seats and streams, what each worker had in hand, and letters on their way.
 */
#include "server/snapshot/people.h"

#include <string.h>

#include "server/config/listener_option.h"

static struct arena *arena_of(struct reading *reading, uint32_t worker)
{
	const struct streams *streams = reading->shared->streams;

	if (!reading->arenas[worker]) {
		reading->arenas[worker] =
			arena_create(streams_arena(streams, worker), streams->arena_bytes);
	}
	return reading->arenas[worker];
}

/* Seats */

static void room_fields(struct seat *seat, struct records *records)
{
	RECORD_NUMBER(records, seat->room_count);
	if (seat->room_count > SEAT_ROOMS_MAX) {
		records->broken = true;
		seat->room_count = 0;
	}
	for (int i = 0; i < seat->room_count; i++) {
		RECORD_NUMBER(records, seat->rooms[i]);
		if (seat->rooms[i] >= ROOMS_MAX) {
			records->broken = true;
			seat->rooms[i] = 0;
		}
	}
}

static void seat_fields(struct seat *seat, struct records *records)
{
	RECORD_NUMBER(records, seat->session);
	RECORD_NUMBER(records, seat->ended);
	record_text(records, seat->nick, sizeof(seat->nick));
	record_bytes(records, &seat->peer, sizeof(seat->peer));
	RECORD_NUMBER(records, seat->has_ties);
	room_fields(seat, records);
}

/* A change that its worker did not live to make is not made. */
static void write_seat(struct shared_state *shared, struct records *records, uint32_t worker,
		       uint32_t number)
{
	const struct seat *there = directory_seat(shared->directory, worker, number);
	struct seat seat = there->version % 2 == 0 ? *there : there[there->undo];

	if (seat.session != 0) {
		record_begin(records, SNAPSHOT_SEAT);
		(void)worker_field(records, shared, worker);
		(void)seat_field(records, shared, number);
		seat_fields(&seat, records);
		record_end(records);
	}
}

void seat_restore(struct reading *reading, struct records *records)
{
	struct address where = { .worker = worker_field(records, reading->shared, 0) };
	struct seat seat = { .session = 0 };

	where.seat = seat_field(records, reading->shared, 0);
	seat_fields(&seat, records);
	if (*seat.nick && !name_is_nick(span_of(seat.nick))) {
		records->broken = true;
	}
	if (!records->broken) {
		directory_restore(reading->shared->directory, where, &seat);
	}
}

/* Streams */

static void kind_field(struct stream *stream, struct records *records)
{
	char problem[OPTION_PROBLEM_SIZE];
	enum listener_kind kind = stream->kind;
	struct span name = record_span(
		records, span_of(records->reads ? "" : listener_kind_name(stream->kind)));

	if (records->reads) {
		records->broken |= !listener_kind_read(name, &kind, problem);
		stream->kind = (uint8_t)kind;
	}
}

static void stream_fields(struct stream *stream, struct records *records)
{
	struct output *output = &stream->output;

	RECORD_NUMBER(records, stream->session);
	kind_field(stream, records);
	RECORD_NUMBER(records, stream->state);
	record_bytes(records, &stream->peer, sizeof(stream->peer));
	RECORD_NUMBER(records, stream->operator_role);
	RECORD_NUMBER(records, stream->since_ns);
	RECORD_NUMBER(records, stream->due_ns);
	RECORD_NUMBER(records, stream->end_ns);
	record_bytes(records, &stream->own.address, sizeof(stream->own.address));
	RECORD_NUMBER(records, stream->own.port);
	record_text(records, stream->audit, sizeof(stream->audit));
	RECORD_NUMBER(records, stream->input);
	RECORD_NUMBER(records, output->queued);
	RECORD_NUMBER(records, output->sent);
	RECORD_NUMBER(records, output->mark.tag);
	RECORD_NUMBER(records, output->mark.before);
}

static struct rest *rest_of(struct stream *stream)
{
	return &stream->rest[stream->input & 1];
}

static void write_rest(struct stream *stream, struct records *records)
{
	const struct rest *rest = rest_of(stream);

	(void)record_number(records, rest->flags);
	(void)record_span(records, (struct span){ rest->bytes, rest->bytes ? rest->length : 0 });
}

static void read_rest(struct reading *reading, uint32_t worker, struct stream *stream,
		      struct records *records)
{
	struct rest *rest = rest_of(stream);

	RECORD_NUMBER(records, rest->flags);
	struct span bytes = record_span(records, (struct span){ 0 });

	if (bytes.length > 0 && bytes.length <= UINT32_MAX) {
		rest->length = (uint32_t)bytes.length;
		rest->bytes = arena_take(arena_of(reading, worker), bytes.length);
		memcpy(rest->bytes, bytes.text, bytes.length);
	}
}

/* What is queued is one stretch, wherever it lay: whole messages, one behind the other. */
static void write_output(const struct output *output, struct records *records)
{
	uint64_t length = 0;

	for (const struct segment *at = output->first; at; at = at->next) {
		length += at->end - at->begin;
	}
	(void)record_number(records, output->first ? output->first->begin : output->queued);
	(void)record_number(records, length);
	for (const struct segment *at = output->first; at; at = at->next) {
		(void)record_span(records, (struct span){ at->block->bytes + at->start,
							  at->end - at->begin });
	}
}

static struct block *new_block(struct arena *arena, uint32_t size)
{
	struct block *block = arena_take(arena, sizeof(*block) + size);

	*block = (struct block){ .references = 1, .taken = size, .size = size, .used = size };
	return block;
}

static void queue_bytes(struct output *output, struct arena *arena, uint64_t begin, uint32_t length)
{
	struct segment *only = &output->only;

	only->block = new_block(arena, length);
	only->begin = begin;
	atomic_init(&only->end, begin + length);
	atomic_init(&output->first, only);
	output->last = only;
	output->only_used = true;
	output->queued = begin + length;
}

static void read_output(struct reading *reading, uint32_t worker, struct output *output,
			struct records *records)
{
	uint64_t begin = record_number(records, 0);
	uint64_t length = record_number(records, 0);
	uint64_t done = 0;

	if (begin > output->sent || length > records->length || length > UINT32_MAX) {
		records->broken = true;
		return;
	}
	if (length > 0) {
		queue_bytes(output, arena_of(reading, worker), begin, (uint32_t)length);
	}
	while (done < length && !records->broken) {
		struct span bytes = record_span(records, (struct span){ 0 });

		if (bytes.length == 0 || bytes.length > length - done) {
			records->broken = true;
			return;
		}
		memcpy(output->only.block->bytes + done, bytes.text, bytes.length);
		done += bytes.length;
	}
}

static void write_stream(struct shared_state *shared, struct records *records, uint32_t worker,
			 uint32_t seat)
{
	struct stream *stream = streams_at(shared->streams, worker, seat);

	if (stream->session != 0) {
		record_begin(records, SNAPSHOT_STREAM);
		(void)worker_field(records, shared, worker);
		(void)seat_field(records, shared, seat);
		stream_fields(stream, records);
		write_rest(stream, records);
		write_output(&stream->output, records);
		(void)record_number(records, stream->plain);
		record_end(records);
	}
}

/* Which of the old one's sockets it had is told with the socket. */
void stream_read(struct reading *reading, struct records *records)
{
	uint32_t worker = worker_field(records, reading->shared, 0);
	uint32_t seat = seat_field(records, reading->shared, 0);
	struct stream *stream = streams_at(reading->shared->streams, worker, seat);
	_Atomic uint32_t *highest = &reading->shared->streams->highest[worker];

	memset(stream, 0, sizeof(*stream));
	stream_fields(stream, records);
	read_rest(reading, worker, stream, records);
	read_output(reading, worker, &stream->output, records);
	stream->plain = record_number(records, 0);
	if (*highest <= seat) {
		*highest = seat + 1;
	}
}

/* What a worker had in hand: nothing, if it ended as it was asked to. */

/* Of the letter that it was reading only that it is the first one now. */
static uint64_t letter_in_hand(const struct shared_state *shared, uint32_t worker)
{
	return inbox_in_hand(shared->inboxes, worker, &shared->streams->hands[worker]) ? 0
										       : UINT64_MAX;
}

static void hand_fields(struct hand *hand, struct records *records)
{
	RECORD_NUMBER(records, hand->session);
	RECORD_NUMBER(records, hand->kept);
	RECORD_NUMBER(records, hand->input_before);
	RECORD_NUMBER(records, hand->first);
	RECORD_NUMBER(records, hand->begun);
	RECORD_NUMBER(records, hand->done);
	RECORD_NUMBER(records, hand->resumed);
	RECORD_NUMBER(records, hand->committing);
	RECORD_NUMBER(records, hand->committing_done);
	RECORD_NUMBER(records, hand->tag);
	RECORD_NUMBER(records, hand->last_tag);
	RECORD_NUMBER(records, hand->kind);
	RECORD_NUMBER(records, hand->index);
	RECORD_NUMBER(records, hand->from);
	RECORD_NUMBER(records, hand->to);
}

static bool is_taking(struct shared_state *shared, uint32_t worker)
{
	const struct hand *hand = &shared->streams->hands[worker];
	const struct stream *stream = streams_at(shared->streams, worker, hand->seat);

	return hand->session != 0 && stream->session == hand->session &&
	       stream->input == hand->input_before;
}

static void write_hand(struct shared_state *shared, struct records *records, uint32_t worker)
{
	const struct hand *there = &shared->streams->hands[worker];
	const bool taking = is_taking(shared, worker);
	const uint32_t replies = taking ? hand_done(there).reply_bytes : 0;
	struct hand hand;

	memcpy(&hand, there, offsetof(struct hand, received));
	if (hand.tag != 0 && hand.kind == HAND_LETTER) {
		hand.from = letter_in_hand(shared, worker);
	}
	record_begin(records, SNAPSHOT_HAND);
	(void)worker_field(records, shared, worker);
	(void)seat_field(records, shared, hand.seat);
	hand_fields(&hand, records);
	(void)record_span(records, (struct span){ there->received, taking ? RECEIVE_SIZE : 0 });
	(void)record_span(records, (struct span){ replies ? hand.replies->bytes : "", replies });
	(void)record_number(records, there->left);
	record_end(records);
}

void hand_read(struct reading *reading, struct records *records)
{
	uint32_t worker = worker_field(records, reading->shared, 0);
	struct hand *hand = &reading->shared->streams->hands[worker];

	hand->seat = seat_field(records, reading->shared, 0);
	hand_fields(hand, records);
	if (hand->kind == HAND_LETTER && hand->index >= reading->shared->workers) {
		records->broken = true;
		hand->index = 0;
	}
	record_bytes(records, hand->received, sizeof(hand->received));
	struct span replies = record_span(records, (struct span){ 0 });

	hand->left = record_number(records, 0) != 0;
	if (replies.length > 0 && replies.length == hand_done(hand).reply_bytes) {
		hand->replies = new_block(arena_of(reading, worker), (uint32_t)replies.length);
		memcpy(hand->replies->bytes, replies.text, replies.length);
	} else if (hand_done(hand).reply_bytes != 0 && is_taking(reading->shared, worker)) {
		records->broken = true;
	}
}

/* Letters */

struct letter_writer {
	struct shared_state *shared;
	struct records *records;
	uint32_t from, to;
};

static void write_letter(void *context, const struct letter *letter)
{
	struct letter_writer *writer = context;
	struct records *records = writer->records;
	const struct message message = letter_message(letter);

	record_begin(records, SNAPSHOT_LETTER);
	(void)worker_field(records, writer->shared, writer->from);
	(void)worker_field(records, writer->shared, writer->to);
	(void)seat_field(records, writer->shared, letter->seat);
	(void)record_number(records, letter->session);
	(void)record_number(records, letter->kind);
	(void)record_number(records, message.kind);
	(void)record_span(records, message.nick);
	(void)record_span(records, message.text);
	record_end(records);
}

void letter_read(struct reading *reading, struct records *records)
{
	struct shared_state *shared = reading->shared;
	uint32_t from = worker_field(records, shared, 0);
	struct address to = { .worker = worker_field(records, shared, 0) };
	struct message message = { .kind = MESSAGE_TOLD };

	to.seat = seat_field(records, shared, 0);
	to.session = record_number(records, 0);
	uint64_t kind = record_number(records, 0);

	RECORD_NUMBER(records, message.kind);
	message.nick = record_span(records, (struct span){ 0 });
	message.text = record_span(records, (struct span){ 0 });
	if (records->broken || kind > LETTER_LAST ||
	    message.nick.length + message.text.length > INBOX_TEXT_MAX ||
	    !inbox_put(shared->inboxes, from, to, (enum letter_kind)kind, &message)) {
		records->broken = true;
	}
}

static void write_letters(struct shared_state *shared, struct records *records)
{
	struct letter_writer writer = { .shared = shared, .records = records };

	for (writer.to = 0; writer.to < shared->workers; writer.to++) {
		for (writer.from = 0; writer.from < shared->workers; writer.from++) {
			inbox_each(shared->inboxes, writer.from, writer.to, write_letter, &writer);
		}
	}
}

/* A hand comes after the streams that it is about. */
void people_write(struct shared_state *shared, struct records *records)
{
	for (uint32_t worker = 0; worker < shared->workers; worker++) {
		for (uint32_t i = 0; i < shared->directory->highest[worker]; i++) {
			write_seat(shared, records, worker, i);
		}
		for (uint32_t i = 0; i < shared->streams->highest[worker]; i++) {
			write_stream(shared, records, worker, i);
		}
		write_hand(shared, records, worker);
	}
	write_letters(shared, records);
}
