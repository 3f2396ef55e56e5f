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

struct fan_out {
	struct local_room rooms[ROOMS_MAX];
	uint16_t gathering[ROOMS_MAX]; /* rooms whose news wait for more */
	uint16_t gathering_count;
	uint64_t stretch; /* number of the one that is being delivered */
	_Alignas(8) unsigned char buffer[STRETCH_SIZE];
};

struct fan_out *fan_out_create(void)
{
	struct fan_out *fan_out = aligned_alloc(_Alignof(struct fan_out), sizeof(*fan_out));

	if (!fan_out) {
		die("out of memory");
	}
	memset(fan_out, 0, sizeof(*fan_out));
	return fan_out;
}

void fan_out_destroy(struct fan_out *fan_out)
{
	for (size_t i = 0; i < ROOMS_MAX; i++) {
		free(fan_out->rooms[i].members);
	}
	free(fan_out);
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
	worker->fan_out->stretch++;
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
			sender->stretch = worker->fan_out->stretch;
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
	struct local_room *local = &worker->fan_out->rooms[stretch->room];
	uint64_t deliveries = 0;

	stretch->block = block_create((uint32_t)stretch->length);
	gather(worker, stretch);
	for (uint32_t i = 0; i < local->count; i++) {
		struct session *member = worker->sessions[local->members[i]];

		if (stretch->has_nicks || member->stretch == worker->fan_out->stretch) {
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
	struct local_room *local = &worker->fan_out->rooms[room];
	char text[256];
	int length = snprintf(text, sizeof(text), "*notice %llu lines of %s were missed here\n",
			      (unsigned long long)missed, worker->shared->rooms->rooms[room].name);

	for (uint32_t i = 0; i < local->count; i++) {
		session_send(worker->sessions[local->members[i]], text, (size_t)length);
	}
	score_add(worker->score, COUNTER_MISSED, missed);
}

void fan_out_deliver(struct worker *worker, uint16_t room)
{
	struct fan_out *fan_out = worker->fan_out;
	struct local_room *local = &fan_out->rooms[room];
	struct stretch stretch = { .records = fan_out->buffer, .room = room };
	uint64_t missed;

	while (local->count > 0) {
		stretch.length =
			room_read(worker->shared->rooms, room, &local->position,
				  &local->next_number, fan_out->buffer, STRETCH_SIZE, &missed);
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
	struct fan_out *fan_out = worker->fan_out;
	struct local_room *local = &fan_out->rooms[room];
	int64_t now_ns;

	if (local->gathering || local->count == 0) {
		return;
	}
	if (room_members(worker->shared->rooms, room) <= GATHER_MEMBERS) {
		fan_out_deliver(worker, room);
		return;
	}
	now_ns = worker_now_ns(worker);
	if (now_ns - local->delivered_ns >= GATHER_NS) {
		local->delivered_ns = now_ns;
		fan_out_deliver(worker, room);
	} else {
		local->gathering = true;
		fan_out->gathering[fan_out->gathering_count++] = room;
	}
}

/* Delivers to the rooms that have gathered long enough. */
static void deliver_gathered(struct worker *worker)
{
	struct fan_out *fan_out = worker->fan_out;
	uint16_t waiting = 0;

	for (uint16_t i = 0; i < fan_out->gathering_count; i++) {
		uint16_t room = fan_out->gathering[i];
		struct local_room *local = &fan_out->rooms[room];

		if (worker_now_ns(worker) - local->delivered_ns < GATHER_NS) {
			fan_out->gathering[waiting++] = room;
			continue;
		}
		local->gathering = false;
		local->delivered_ns = worker_now_ns(worker);
		fan_out_deliver(worker, room);
	}
	fan_out->gathering_count = waiting;
}

int64_t fan_out_next_ns(const struct worker *worker)
{
	const struct fan_out *fan_out = worker->fan_out;
	int64_t next_ns = INT64_MAX;

	for (uint16_t i = 0; i < fan_out->gathering_count; i++) {
		int64_t due_ns = fan_out->rooms[fan_out->gathering[i]].delivered_ns + GATHER_NS;

		next_ns = due_ns < next_ns ? due_ns : next_ns;
	}
	return next_ns;
}

/* Members */

void fan_out_add_member(struct session *session, uint16_t room)
{
	struct local_room *local = &session->worker->fan_out->rooms[room];
	const struct room *shared = &session->worker->shared->rooms->rooms[room];

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

void fan_out_remove_member(struct session *session, uint16_t room)
{
	struct local_room *local = &session->worker->fan_out->rooms[room];

	for (uint32_t i = 0; i < local->count; i++) {
		if (local->members[i] == session->place) {
			local->members[i] = local->members[--local->count];
			return;
		}
	}
	bug("a session is not among the members of its room");
}

/* What was said before */

void fan_out_each_said(struct worker *worker, uint16_t room,
		       void (*see)(void *context, const struct room_record *record), void *context)
{
	const struct rooms *rooms = worker->shared->rooms;
	unsigned char *buffer = worker->fan_out->buffer;
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

void fan_out_turn(struct worker *worker)
{
	struct rooms *rooms = worker->shared->rooms;
	uint16_t room;

	while ((room = rooms_next_news(rooms, worker->number)) != ROOM_NONE) {
		deliver_or_gather(worker, room);
	}
	deliver_gathered(worker);
}
