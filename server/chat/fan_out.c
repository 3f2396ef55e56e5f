#include "server/chat/fan_out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/session/session.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define STRETCH_SIZE   (64 * 1024)     /* bytes read from a log at once */
#define COPIED_MOST    1024            /* bytes of a run of lines that is copied, not referred to */
#define GATHER_MEMBERS 64              /* in a larger room lines are sent together */
#define GATHER_NS      (5 * NS_PER_MS) /* how long one waits for more at most */

/* A room as this worker sees it. */
struct local_room {
	uint32_t *members; /* seats of its own sessions */
	uint32_t count;
	uint32_t room;
	uint64_t position; /* up to where its log was read */
	uint64_t next_number;
	int64_t delivered_ns; /* when it was read last: monotonic */
	bool gathering;       /* it has news that wait: in `gathering` */
};

struct delivery {
	struct local_room rooms[ROOMS_MAX];
	uint16_t gathering[ROOMS_MAX]; /* rooms whose news wait for more */
	uint16_t gathering_count;
	uint64_t stretch; /* number of the one that is being delivered */
	_Alignas(8) unsigned char buffer[STRETCH_SIZE];
};

struct delivery *delivery_create(void)
{
	struct delivery *delivery = aligned_alloc(_Alignof(struct delivery), sizeof(*delivery));

	if (!delivery) {
		die("out of memory");
	}
	memset(delivery, 0, sizeof(*delivery));
	return delivery;
}

void delivery_destroy(struct delivery *delivery)
{
	for (size_t i = 0; i < ROOMS_MAX; i++) {
		free(delivery->rooms[i].members);
	}
	free(delivery);
}

/* Whether a member who shares several rooms with the sender hears of a new nick in this one. */
static bool hears_nick_here(const struct session *member, const struct room_record *record,
			    uint16_t here)
{
	for (size_t i = 0; i < record->room_count; i++) {
		uint16_t room;

		memcpy(&room, record->text + record->text_length + i * sizeof(room), sizeof(room));
		if (room == here) {
			return true;
		}
		for (size_t j = 0; j < member->seat->room_count; j++) {
			if (member->seat->rooms[j] == room) {
				return false;
			}
		}
	}
	return true;
}

struct stretch {
	const unsigned char *records;
	size_t length;
	uint16_t room;
	struct block *block; /* the texts, one after the other */
	uint32_t lines;
	bool has_nicks;
};

static const struct room_record *record_in(const struct stretch *stretch, size_t at)
{
	return (const struct room_record *)(const void *)(stretch->records + at);
}

/* Copies the texts into the block and marks the sessions of this worker that sent any of them. */
static void gather(struct worker *worker, struct stretch *stretch)
{
	worker->delivery->stretch++;
	for (size_t at = 0; at < stretch->length; at += record_in(stretch, at)->size) {
		const struct room_record *record = record_in(stretch, at);

		if (record->kind == ROOM_PADDING) {
			continue;
		}
		struct session *sender =
			record->sender.session && record->sender.worker == worker->number
				? session_find(worker, record->sender.seat, record->sender.session)
				: NULL;

		memcpy(stretch->block->bytes + stretch->block->used, record->text,
		       record->text_length);
		stretch->block->used += record->text_length;
		stretch->lines++;
		stretch->has_nicks |= record->kind == ROOM_LINE_NICK;
		if (sender) {
			sender->stretch = worker->delivery->stretch;
		}
	}
}

static bool is_for(const struct session *member, const struct room_record *record, uint16_t room)
{
	if (record->sender.session == member->number) {
		return false;
	}
	return record->kind != ROOM_LINE_NICK || hears_nick_here(member, record, room);
}

/* A few lines are sooner copied, one behind the other, than gathered by the kernel. */
static void send_run(struct session *member, const struct stretch *stretch, uint32_t start,
		     uint32_t end)
{
	if (end - start > COPIED_MOST) {
		session_send_block(member, stretch->block, start, end - start);
	} else if (end > start) {
		session_send(member, stretch->block->bytes + start, end - start);
	}
}

/* Sends a member the lines that are for it, in as few runs as they form. */
static uint32_t send_some(struct session *member, const struct stretch *stretch)
{
	uint32_t start = 0; /* of the run of lines that are for it */
	uint32_t end = 0;
	uint32_t lines = 0;

	for (size_t at = 0; at < stretch->length; at += record_in(stretch, at)->size) {
		const struct room_record *record = record_in(stretch, at);

		if (record->kind == ROOM_PADDING) {
			continue;
		}
		if (is_for(member, record, stretch->room)) {
			lines++;
		} else {
			send_run(member, stretch, start, end);
			start = end + record->text_length;
		}
		end += record->text_length;
	}
	send_run(member, stretch, start, end);
	return lines;
}

static void spread(struct worker *worker, struct stretch *stretch)
{
	struct local_room *local = &worker->delivery->rooms[stretch->room];
	uint64_t deliveries = 0;

	stretch->block = block_create((uint32_t)stretch->length);
	gather(worker, stretch);
	for (uint32_t i = 0; i < local->count; i++) {
		struct session *member = worker->sessions[local->members[i]];

		if (stretch->has_nicks || member->stretch == worker->delivery->stretch) {
			deliveries += send_some(member, stretch);
		} else {
			session_send_block(member, stretch->block, 0, stretch->block->used);
			deliveries += stretch->lines;
		}
	}
	block_release(stretch->block);
	score_add(worker->score, COUNTER_DELIVERIES, deliveries);
}

static void tell_missed(struct worker *worker, uint16_t room, uint64_t missed)
{
	struct local_room *local = &worker->delivery->rooms[room];
	char text[256];
	int length = snprintf(text, sizeof(text), "*notice %llu lines of %s were missed here\n",
			      (unsigned long long)missed, worker->commons->rooms->rooms[room].name);

	for (uint32_t i = 0; i < local->count; i++) {
		session_send(worker->sessions[local->members[i]], text, (size_t)length);
	}
	score_add(worker->score, COUNTER_MISSED, missed);
}

void delivery_deliver(struct worker *worker, uint16_t room)
{
	struct delivery *delivery = worker->delivery;
	struct local_room *local = &delivery->rooms[room];
	struct stretch stretch = { .records = delivery->buffer, .room = room };
	uint64_t missed;

	while (local->count > 0) {
		stretch.length =
			room_read(worker->commons->rooms, room, &local->position,
				  &local->next_number, delivery->buffer, STRETCH_SIZE, &missed);
		if (missed > 0) {
			tell_missed(worker, room, missed);
		}
		if (stretch.length == 0) {
			return;
		}
		stretch.lines = 0;
		stretch.has_nicks = false;
		spread(worker, &stretch);
	}
}

/*
 * In a large room each line costs a system call a member; so those that come close together are
 * sent together. The first one after a silence does not wait.
 */
static void deliver_or_gather(struct worker *worker, uint16_t room)
{
	struct delivery *delivery = worker->delivery;
	struct local_room *local = &delivery->rooms[room];
	int64_t now_ns;

	if (local->gathering || local->count == 0) {
		return;
	}
	if (room_members(worker->commons->rooms, room) <= GATHER_MEMBERS) {
		delivery_deliver(worker, room);
		return;
	}
	now_ns = worker_now_ns(worker);
	if (now_ns - local->delivered_ns >= GATHER_NS) {
		local->delivered_ns = now_ns;
		delivery_deliver(worker, room);
	} else {
		local->gathering = true;
		delivery->gathering[delivery->gathering_count++] = room;
	}
}

/* Delivers to the rooms that have gathered long enough. */
static void deliver_gathered(struct worker *worker)
{
	struct delivery *delivery = worker->delivery;
	uint16_t waiting = 0;

	for (uint16_t i = 0; i < delivery->gathering_count; i++) {
		uint16_t room = delivery->gathering[i];
		struct local_room *local = &delivery->rooms[room];

		if (worker_now_ns(worker) - local->delivered_ns < GATHER_NS) {
			delivery->gathering[waiting++] = room;
			continue;
		}
		local->gathering = false;
		local->delivered_ns = worker_now_ns(worker);
		delivery_deliver(worker, room);
	}
	delivery->gathering_count = waiting;
}

int64_t delivery_next_ns(const struct worker *worker)
{
	const struct delivery *delivery = worker->delivery;
	int64_t next_ns = INT64_MAX;

	for (uint16_t i = 0; i < delivery->gathering_count; i++) {
		int64_t due_ns = delivery->rooms[delivery->gathering[i]].delivered_ns + GATHER_NS;

		next_ns = due_ns < next_ns ? due_ns : next_ns;
	}
	return next_ns;
}

/* Members */

void delivery_add_member(struct session *session, uint16_t room)
{
	struct local_room *local = &session->worker->delivery->rooms[room];
	const struct room *shared = &session->worker->commons->rooms->rooms[room];

	if (local->count == 0) {
		local->position = shared->end;
		local->next_number = shared->lines + 1; /* others append: it may be a little off */
	}
	if (local->count == local->room) {
		local->room = local->room ? local->room * 2 : 4;
		local->members = realloc(local->members, local->room * sizeof(*local->members));
		if (!local->members) {
			die("out of memory");
		}
	}
	local->members[local->count++] = session->place;
}

void delivery_remove_member(struct session *session, uint16_t room)
{
	struct local_room *local = &session->worker->delivery->rooms[room];

	for (uint32_t i = 0; i < local->count; i++) {
		if (local->members[i] == session->place) {
			local->members[i] = local->members[--local->count];
			return;
		}
	}
	bug("a session is not among the members of its room");
}

/* What was said before */

void delivery_each_said(struct worker *worker, uint16_t room,
			void (*see)(void *context, const struct room_record *record), void *context)
{
	const struct rooms *rooms = worker->commons->rooms;
	unsigned char *buffer = worker->delivery->buffer;
	uint64_t position = rooms->rooms[room].oldest;
	uint64_t next_number = 0;
	uint64_t missed;
	size_t length;

	while ((length = room_read(rooms, room, &position, &next_number, buffer, STRETCH_SIZE,
				   &missed)) > 0) {
		const struct stretch stretch = { .records = buffer, .length = length };

		for (size_t at = 0; at < length; at += record_in(&stretch, at)->size) {
			if (record_in(&stretch, at)->kind == ROOM_LINE_SAY) {
				see(context, record_in(&stretch, at));
			}
		}
	}
}

void delivery_turn(struct worker *worker)
{
	struct rooms *rooms = worker->commons->rooms;
	uint16_t room;

	while ((room = rooms_next_news(rooms, worker->number)) != ROOM_NONE) {
		deliver_or_gather(worker, room);
	}
	deliver_gathered(worker);
}
