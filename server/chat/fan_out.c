#include "server/chat/fan_out.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"

#define STRETCH_SIZE   (64 * 1024) /* bytes read from a log at once */
#define COPIED_MOST    1024        /* bytes of a run of lines that is copied, not referred to */
#define RECORDS_MAX    (STRETCH_SIZE / sizeof(struct room_record))
#define FRONTS_MAX     8               /* whose sessions one room has */
#define GATHER_MEMBERS 64              /* in a larger room lines are sent together */
#define WORDS_SIZE     128             /* bytes that words take beyond a record, for a start */
#define GATHER_NS      (5 * NS_PER_MS) /* how long one waits for more at most */

/* A room as this worker sees it. */
struct local_room {
	uint32_t *members; /* seats of its own sessions */
	uint32_t count;
	uint32_t room;
	int64_t delivered_ns; /* when it was read last: monotonic */
	bool gathering;       /* it has news that wait: in `gathering` */
};

/* A stretch of a room's log in one front's words. */
struct worded {
	const struct front *front;
	struct block *block;        /* message after message */
	uint32_t ends[RECORDS_MAX]; /* of the bytes of each */
};

struct fan_out {
	struct local_room rooms[ROOMS_MAX];
	uint16_t gathering[ROOMS_MAX]; /* rooms whose news wait for more */
	uint16_t gathering_count;
	uint64_t stretch; /* number of the one that is being delivered */
	uint64_t *sent;   /* by a session's index: the last stretch that has something of its own */
	struct worded worded[FRONTS_MAX];
	struct told *told; /* shared */
	_Alignas(8) unsigned char buffer[STRETCH_SIZE];
};

void fan_out_create(struct turn *turn)
{
	struct fan_out *fan_out = aligned_alloc(_Alignof(struct fan_out), sizeof(*fan_out));

	if (!fan_out) {
		die("out of memory");
	}
	memset(fan_out, 0, sizeof(*fan_out));
	fan_out->sent = calloc(turn->shared->seats, sizeof(*fan_out->sent));
	if (!fan_out->sent) {
		die("out of memory");
	}
	fan_out->told = &turn->shared->told[turn->worker];
	turn->fan_out = fan_out;
}

void fan_out_destroy(struct turn *turn)
{
	for (size_t i = 0; i < ROOMS_MAX; i++) {
		free(turn->fan_out->rooms[i].members);
	}
	free(turn->fan_out->sent);
	free(turn->fan_out);
}

/* Whether a member is in a room where it is heard, and in none where it was told already. */
static bool hears_rename(const struct told_rename *told, const struct session *member,
			 const struct room_record *record)
{
	bool heard = false;

	for (uint8_t i = 0; i < record->heard_count && !heard; i++) {
		heard = seat_place_of(member->seat, room_rename_room(record, i)) >= 0;
	}
	for (uint16_t i = 0; i < told->room_count && heard; i++) {
		heard = seat_place_of(member->seat, told->rooms[i]) < 0;
	}
	return heard;
}

struct stretch {
	const unsigned char *records;
	size_t length;
	uint16_t room;
	char name[NAME_ROOM_SIZE]; /* of the room */
	uint32_t events;
	uint32_t fronts; /* whose words are there: in fan_out->worded */
	bool has_nicks;
};

/* The next record from *AT on that is no padding; NULL when there is none. */
static const struct room_record *next_record(const struct stretch *stretch, size_t *at)
{
	while (*at < stretch->length) {
		const struct room_record *record =
			(const struct room_record *)(const void *)(stretch->records + *at);

		*at += record->size;
		if (record->kind != ROOM_PADDING) {
			return record;
		}
	}
	return NULL;
}

/* Marks the sessions of this worker that sent any of it. */
static void look_over(struct turn *turn, struct stretch *stretch)
{
	const struct room_record *record;

	turn->fan_out->stretch++;
	for (size_t at = 0; (record = next_record(stretch, &at));) {
		stretch->events++;
		stretch->has_nicks |= record->kind == MESSAGE_RENAMED;
		if (record->sender.session && record->sender.worker == turn->worker) {
			turn->fan_out->sent[record->sender.seat] = turn->fan_out->stretch;
		}
	}
}

/* Puts the stretch into a front's words. */
static void put_into_words(struct worded *worded, const struct stretch *stretch,
			   struct arena *arena)
{
	const struct front *front = worded->front;
	const struct span name = span_of(stretch->name);
	const struct room_record *record;
	uint32_t count = 0;

	worded->block = block_create(arena, (uint32_t)stretch->length + WORDS_SIZE);
	for (size_t at = 0; (record = next_record(stretch, &at));) {
		const struct message message = room_message_of(record, name);
		struct block *block =
			block_make_room(&worded->block, (uint32_t)front->message_size(&message));

		block->used += (uint32_t)front->write_message(&message, block->bytes + block->used);
		worded->ends[count++] = block->used;
	}
	worded->block->size = worded->block->used; /* nothing more comes into it */
}

/* The stretch in the words of FRONT, which are made if they are not there yet. */
static const struct worded *worded_for(struct turn *turn, struct stretch *stretch,
				       const struct front *front)
{
	struct worded *worded = turn->fan_out->worded;
	uint32_t i = 0;

	while (i < stretch->fronts && worded[i].front != front) {
		i++;
	}
	if (i == stretch->fronts) {
		if (i == FRONTS_MAX) {
			bug("a room with sessions of more than %d fronts", FRONTS_MAX);
		}
		stretch->fronts++;
		worded[i].front = front;
		put_into_words(&worded[i], stretch, turn->arena);
	}
	return &worded[i];
}

static bool is_for(const struct session *member, const struct room_record *record)
{
	const struct told *told = member->turn->fan_out->told;

	if (record->sender.session == member->number) {
		return false;
	}
	return record->kind != MESSAGE_RENAMED ||
	       hears_rename(told_find(told, room_rename_number(record)), member, record);
}

/* A few lines are sooner copied, one behind the other, than gathered by the kernel. */
static void send_run(struct session *member, struct block *block, uint32_t start, uint32_t end)
{
	if (end - start > COPIED_MOST) {
		session_send_block(member, block, start, end - start);
	} else if (end > start) {
		session_send(member, block->bytes + start, end - start);
	}
}

/* What of a stretch is for one member: a run of messages, or several, gathered in a block. */
struct runs {
	const struct block *block;
	struct block *gathered;
	uint32_t start;
	uint32_t end;
	uint32_t count;
};

static void gather(struct runs *runs, uint32_t start, uint32_t end)
{
	struct block *gathered = runs->gathered;

	memcpy(gathered->bytes + gathered->used, runs->block->bytes + start, end - start);
	gathered->used += end - start;
}

static void add_run(struct runs *runs, struct arena *arena, uint32_t start, uint32_t end)
{
	if (start == end) {
		return;
	}
	if (runs->count++ == 0) {
		runs->start = start;
		runs->end = end;
		return;
	}
	if (!runs->gathered) {
		runs->gathered = block_create(arena, runs->block->used);
		gather(runs, runs->start, runs->end);
	}
	gather(runs, start, end);
}

/* With one call, so that a successor finds all of it queued or nothing. */
static void send_runs(struct session *member, struct block *block, struct runs *runs)
{
	if (runs->gathered) {
		session_send_block(member, runs->gathered, 0, runs->gathered->used);
		block_release(runs->gathered);
	} else {
		send_run(member, block, runs->start, runs->end);
	}
}

/* Sends a member what is for it. */
static uint32_t send_some(struct session *member, const struct stretch *stretch,
			  const struct worded *worded)
{
	struct runs runs = { .block = worded->block };
	const struct room_record *record;
	uint32_t start = 0; /* of the run that is for it */
	uint32_t end = 0;
	uint32_t count = 0;
	uint32_t sent = 0;

	for (size_t at = 0; (record = next_record(stretch, &at)); count++) {
		if (is_for(member, record)) {
			sent++;
		} else {
			add_run(&runs, member->turn->arena, start, end);
			start = worded->ends[count];
		}
		end = worded->ends[count];
	}
	add_run(&runs, member->turn->arena, start, end);
	send_runs(member, worded->block, &runs);
	return sent;
}

/* Its members here have heard of the new nicks in it. */
static void note_told(struct turn *turn, const struct stretch *stretch)
{
	const struct room_record *record;

	for (size_t at = 0; (record = next_record(stretch, &at));) {
		if (record->kind == MESSAGE_RENAMED) {
			told_note(turn->fan_out->told, room_rename_number(record), stretch->room);
		}
	}
}

static void spread(struct turn *turn, struct stretch *stretch)
{
	struct fan_out *fan_out = turn->fan_out;
	struct local_room *local = &fan_out->rooms[stretch->room];
	const struct worded *worded = NULL;
	uint64_t deliveries = 0;

	look_over(turn, stretch);
	for (uint32_t i = 0; i < local->count; i++) {
		struct session *member = turn->sessions->table[local->members[i]];

		if (output_has(member->output, turn->hand->tag)) {
			continue; /* a predecessor gave it to this one */
		}
		if (!worded || worded->front != member->front) {
			worded = worded_for(turn, stretch, member->front);
		}
		if (stretch->has_nicks || fan_out->sent[member->index] == fan_out->stretch) {
			deliveries += send_some(member, stretch, worded);
		} else {
			session_send_block(member, worded->block, 0, worded->block->used);
			deliveries += stretch->events;
		}
	}
	if (stretch->has_nicks) {
		note_told(turn, stretch);
	}
	for (uint32_t i = 0; i < stretch->fronts; i++) {
		block_release(fan_out->worded[i].block);
	}
	score_add(turn->score, COUNTER_DELIVERIES, deliveries);
}

static void tell_missed(struct turn *turn, uint16_t room, uint64_t missed)
{
	struct local_room *local = &turn->fan_out->rooms[room];

	for (uint32_t i = 0; i < local->count; i++) {
		session_notice(turn->sessions->table[local->members[i]],
			       "%llu lines of %s were missed here", (unsigned long long)missed,
			       turn->shared->rooms->rooms[room].name);
	}
	score_add(turn->score, COUNTER_MISSED, missed);
}

/* Gives the members what is in the log from PLACE on, so much at most; false if it is nothing. */
static bool deliver_some(struct turn *turn, uint16_t room, struct room_place *place, size_t length)
{
	struct stretch stretch = { .records = turn->fan_out->buffer, .room = room };
	uint64_t missed;

	stretch.length = room_read(turn->shared->rooms, room, &place->position, &place->next_number,
				   turn->fan_out->buffer, length, &missed);
	if (missed > 0) {
		tell_missed(turn, room, missed);
	}
	if (stretch.length == 0) {
		return false;
	}
	(void)room_read_name(turn->shared->rooms, room, stretch.name);
	hand_begin(turn->hand, HAND_ROOM, room, place->position - stretch.length, place->position);
	spread(turn, &stretch);
	return true;
}

/* From here on a successor goes on behind what was delivered. */
static void note_place(struct turn *turn, uint16_t room, const struct room_place *place)
{
	struct room_place *shared = room_place(turn->shared->rooms, turn->worker, room);

	shared->next_number = place->next_number;
	atomic_signal_fence(memory_order_seq_cst);
	shared->position = place->position;
	hand_end(turn->hand);
}

void fan_out_deliver(struct turn *turn, uint16_t room)
{
	struct local_room *local = &turn->fan_out->rooms[room];
	struct room_place place = room_place_read(turn->shared->rooms, turn->worker, room);

	session_send_replies(turn); /* what came before goes first, and is no part of it */
	while (local->count > 0 && deliver_some(turn, room, &place, STRETCH_SIZE)) {
		note_place(turn, room, &place);
	}
}

/* The stretch is read once more as it was, and given to those who have not got it. */
void fan_out_resume(struct turn *turn)
{
	struct hand *hand = turn->hand;
	const uint16_t room = (uint16_t)hand->index;
	struct stretch stretch = { .records = turn->fan_out->buffer, .room = room };
	uint64_t missed = 0;

	if (hand->tag == 0 || hand->kind != HAND_ROOM) {
		return;
	}
	struct room_place place = room_place_read(turn->shared->rooms, turn->worker, room);

	if (place.position < hand->to) {
		place.position = hand->from;
		stretch.length =
			room_read(turn->shared->rooms, room, &place.position, &place.next_number,
				  turn->fan_out->buffer, hand->to - hand->from, &missed);
		if (missed > 0) {
			tell_missed(turn, room, missed);
		} else if (stretch.length > 0) {
			(void)room_read_name(turn->shared->rooms, room, stretch.name);
			spread(turn, &stretch);
		}
		note_place(turn, room, &place);
	}
	hand_end(hand);
}

/*
 * In a large room each line costs a system call a member; so those that come close together are
 * sent together. The first one after a silence does not wait.
 */
static void deliver_or_gather(struct turn *turn, uint16_t room)
{
	struct fan_out *fan_out = turn->fan_out;
	struct local_room *local = &fan_out->rooms[room];
	int64_t now_ns;

	if (local->gathering || local->count == 0) {
		return;
	}
	if (room_members(turn->shared->rooms, room) <= GATHER_MEMBERS) {
		fan_out_deliver(turn, room);
		return;
	}
	now_ns = turn_now_ns(turn);
	if (now_ns - local->delivered_ns >= GATHER_NS) {
		local->delivered_ns = now_ns;
		fan_out_deliver(turn, room);
	} else {
		local->gathering = true;
		fan_out->gathering[fan_out->gathering_count++] = room;
	}
}

/* Delivers to the rooms that have gathered long enough. */
static void deliver_gathered(struct turn *turn)
{
	struct fan_out *fan_out = turn->fan_out;
	uint16_t waiting = 0;

	for (uint16_t i = 0; i < fan_out->gathering_count; i++) {
		uint16_t room = fan_out->gathering[i];
		struct local_room *local = &fan_out->rooms[room];

		if (turn_now_ns(turn) - local->delivered_ns < GATHER_NS) {
			fan_out->gathering[waiting++] = room;
			continue;
		}
		local->gathering = false;
		local->delivered_ns = turn_now_ns(turn);
		fan_out_deliver(turn, room);
	}
	fan_out->gathering_count = waiting;
}

int64_t fan_out_next_ns(const struct turn *turn)
{
	const struct fan_out *fan_out = turn->fan_out;
	int64_t next_ns = INT64_MAX;

	for (uint16_t i = 0; i < fan_out->gathering_count; i++) {
		int64_t due_ns = fan_out->rooms[fan_out->gathering[i]].delivered_ns + GATHER_NS;

		next_ns = due_ns < next_ns ? due_ns : next_ns;
	}
	return next_ns;
}

/* Members */

void fan_out_adopt_member(struct session *session, uint16_t room)
{
	struct local_room *local = &session->turn->fan_out->rooms[room];

	if (local->count == local->room) {
		local->room = local->room ? local->room * 2 : 4;
		local->members = realloc(local->members, local->room * sizeof(*local->members));
		if (!local->members) {
			die("out of memory");
		}
	}
	local->members[local->count++] = session->index;
}

void fan_out_add_member(struct session *session, uint16_t room)
{
	struct local_room *local = &session->turn->fan_out->rooms[room];
	const struct room *shared = &session->turn->shared->rooms->rooms[room];

	if (local->count == 0) {
		struct room_place *place =
			room_place(session->turn->shared->rooms, session->turn->worker, room);

		place->position = shared->end;
		place->next_number = shared->lines + 1; /* others append: it may be a little off */
	}
	fan_out_adopt_member(session, room);
}

void fan_out_remove_member(struct session *session, uint16_t room)
{
	struct local_room *local = &session->turn->fan_out->rooms[room];

	for (uint32_t i = 0; i < local->count; i++) {
		if (local->members[i] == session->index) {
			local->members[i] = local->members[--local->count];
			return;
		}
	}
	bug("a session is not among the members of its room");
}

/* What was said before */

/* The same within one stretch of the log, which begins at START. False: no more is to be seen. */
static bool each_said_in(const struct stretch *stretch, struct span name, uint64_t start,
			 uint64_t *position, uint64_t end,
			 bool (*see)(void *context, const struct message *said), void *context)
{
	const struct room_record *record;

	for (size_t at = 0; start + at < end && (record = next_record(stretch, &at));) {
		const struct message said = room_message_of(record, name);

		if (record->kind == MESSAGE_SAID && !see(context, &said)) {
			*position = start + at;
			return false;
		}
	}
	return true;
}

bool fan_out_each_said(struct turn *turn, uint16_t room, uint64_t *position, uint64_t end,
		       bool (*see)(void *context, const struct message *said), void *context)
{
	const struct rooms *rooms = turn->shared->rooms;
	const struct span name = span_of(rooms->rooms[room].name);
	struct stretch stretch = { .records = turn->fan_out->buffer };
	uint64_t next_number = 0;
	uint64_t missed;

	while (*position < end &&
	       (stretch.length = room_read(rooms, room, position, &next_number,
					   turn->fan_out->buffer, STRETCH_SIZE, &missed)) > 0) {
		if (!each_said_in(&stretch, name, *position - stretch.length, position, end, see,
				  context)) {
			return false;
		}
	}
	return true;
}

void fan_out_turn(struct turn *turn)
{
	struct rooms *rooms = turn->shared->rooms;
	uint16_t room;

	while ((room = rooms_next_news(rooms, turn->worker)) != ROOM_NONE) {
		deliver_or_gather(turn, room);
	}
	deliver_gathered(turn);
}

void fan_out_deliver_all(struct turn *turn)
{
	struct fan_out *fan_out = turn->fan_out;

	fan_out_turn(turn);
	while (fan_out->gathering_count > 0) {
		uint16_t room = fan_out->gathering[--fan_out->gathering_count];

		fan_out->rooms[room].gathering = false;
		fan_out_deliver(turn, room);
	}
}
