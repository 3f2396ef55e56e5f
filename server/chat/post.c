#include "server/chat/post.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/log.h"

#define QUEUED_MAX 256 /* events that wait for a room's lock */

/* A message of a worker's that found its room's lock taken. */
struct queued_post {
	struct queued_post *next;
	uint16_t room;
	uint32_t room_version;       /* the room as it was: in another one it has no place */
	struct room_message message; /* its nick and text are in `bytes` */
	uint16_t rooms[SEAT_ROOMS_MAX];
	char bytes[];
};

struct posts {
	struct queued_post *oldest;
	struct queued_post *newest;
	size_t count;
};

void posts_create(struct turn *turn)
{
	turn->posts = calloc(1, sizeof(*turn->posts));
	if (!turn->posts) {
		die("out of memory");
	}
}

static void drop_oldest(struct posts *posts)
{
	struct queued_post *first = posts->oldest;

	posts->oldest = first->next;
	if (!posts->oldest) {
		posts->newest = NULL;
	}
	posts->count--;
	free(first);
}

void posts_destroy(struct turn *turn)
{
	while (turn->posts->oldest) {
		drop_oldest(turn->posts);
	}
	free(turn->posts);
}

bool posts_wait(const struct turn *turn)
{
	return turn->posts->oldest != NULL;
}

static bool has_queued(const struct posts *posts, uint16_t room)
{
	for (const struct queued_post *queued = posts->oldest; queued; queued = queued->next) {
		if (queued->room == room) {
			return true;
		}
	}
	return false;
}

bool post_rename_waits(const struct turn *turn, uint64_t session)
{
	for (const struct queued_post *each = turn->posts->oldest; each; each = each->next) {
		if (each->message.kind == MESSAGE_RENAMED &&
		    each->message.sender.session == session) {
			return true;
		}
	}
	return false;
}

/* What the stream of all machines puts in order: then it is said when that has it. */
static bool goes_by_bus(const struct turn *turn, enum message_kind kind)
{
	return turn->shared->bus && kind != MESSAGE_SALE;
}

/* Of a rename, the stream has a message a room; which of them are to hear it comes along. */
static bool is_heard_in(const struct room_message *message, uint16_t room)
{
	for (size_t i = 0; i < message->heard_count; i++) {
		if (message->rooms[i] == room) {
			return true;
		}
	}
	return false;
}

static bool hand_to_bus(struct turn *turn, uint16_t room, const struct room_message *message)
{
	struct shared_state *shared = turn->shared;
	struct room_message line = *message;

	line.heard_count = is_heard_in(message, room);
	if (!bus_put(shared->bus, turn->worker, shared->rooms->rooms[room].name, &line)) {
		return false;
	}
	turn->wakes_bus = true;
	score_add(turn->score, COUNTER_MESSAGES, 1);
	return true;
}

enum outcome post_is_possible(const struct turn *turn, struct problem *problem)
{
	const struct bus *bus = turn->shared->bus;

	if (bus && bus_is_stuck(bus, turn->worker)) {
		return refuse(problem, PROBLEM_BUSY,
			      "the other machines cannot be reached, and %d lines wait for them; "
			      "try again",
			      BUS_LINES);
	}
	return OUTCOME_DONE;
}

static bool append(struct turn *turn, uint16_t room, const struct room_message *message)
{
	if (goes_by_bus(turn, message->kind)) {
		return hand_to_bus(turn, room, message);
	}
	if (!room_append(turn->shared->rooms, room, message)) {
		return false;
	}
	score_add(turn->score, COUNTER_MESSAGES, 1);
	turn_wake_room(turn, room);
	return true;
}

bool post(struct turn *turn, uint16_t room, const struct room_message *message)
{
	/* A rename itself goes into the other rooms: that waits in one alone. */
	bool waits = message->kind != MESSAGE_RENAMED &&
		     post_rename_waits(turn, message->sender.session);

	if (waits || has_queued(turn->posts, room)) {
		return false;
	}
	return append(turn, room, message);
}

static void keep_bytes(struct queued_post *queued, const struct room_message *message)
{
	char *text = queued->bytes + message->nick.length;

	memcpy(queued->bytes, message->nick.text, message->nick.length);
	memcpy(text, message->text.text, message->text.length);
	queued->message.nick.text = queued->bytes;
	queued->message.text.text = text;
	if (message->room_count > 0) {
		memcpy(queued->rooms, message->rooms,
		       message->room_count * sizeof(*message->rooms));
	}
	queued->message.rooms = queued->rooms;
}

static void queue(struct turn *turn, uint16_t room, const struct room_message *message)
{
	struct posts *posts = turn->posts;
	struct queued_post *queued =
		malloc(sizeof(*queued) + message->nick.length + message->text.length);

	if (!queued) {
		die("out of memory");
	}
	queued->next = NULL;
	queued->room = room;
	queued->room_version = turn->shared->rooms->rooms[room].version;
	queued->message = *message;
	keep_bytes(queued, message);
	*(posts->newest ? &posts->newest->next : &posts->oldest) = queued;
	posts->newest = queued;
	posts->count++;
}

void post_or_queue(struct turn *turn, uint16_t room, const struct room_message *message)
{
	if (post(turn, room, message)) {
		return;
	}
	if (turn->posts->count == QUEUED_MAX) {
		log_warning("a message for a room is dropped: its lock is held for too long");
		return;
	}
	queue(turn, room, message);
}

void posts_retry(struct turn *turn)
{
	struct posts *posts = turn->posts;

	while (posts->oldest) {
		struct queued_post *first = posts->oldest;
		struct rooms *rooms = turn->shared->rooms;

		if (rooms->rooms[first->room].version == first->room_version &&
		    !append(turn, first->room, &first->message)) {
			return;
		}
		drop_oldest(posts);
	}
}

struct room_message post_by(const struct session *session, enum message_kind kind, struct span text,
			    char *buffer)
{
	return (struct room_message){ .kind = kind,
				      .nick = span_of(session->seat->nick),
				      .text = { buffer,
						text_clean(text.text, text.length, buffer) },
				      .sender = session_address(session),
				      .wall_ns = turn_wall_ns(session->turn) };
}

bool post_is_heard(const struct turn *turn, uint16_t room)
{
	const struct bus *bus = turn->shared->bus;
	uint32_t members = room_members(turn->shared->rooms, room);

	/* With a bus there may be somebody elsewhere of whom nothing is known here yet. */
	return members <= ROOM_EVENTS_MOST &&
	       (bus ? !bus_is_stuck(bus, turn->worker) : members > 1);
}

static bool is_told_gone(const struct turn *turn, uint16_t room, struct address where)
{
	const struct shared_state *shared = turn->shared;

	return room_told_gone(shared->rooms, room, where.session) ||
	       (shared->bus && bus_tells_gone(shared->bus, where.worker, where.session,
					      shared->rooms->rooms[room].name));
}

void post_coming_or_going(struct session *session, enum message_kind kind, uint16_t room,
			  struct span text)
{
	char buffer[POST_TEXT_SIZE];

	if (post_is_heard(session->turn, room)) {
		struct room_message message = post_by(session, kind, text, buffer);

		post_or_queue(session->turn, room, &message);
	}
}

void post_gone(struct turn *turn, const struct seat *seat, struct address where)
{
	const struct room_message gone = { .kind = MESSAGE_PARTED,
					   .nick = span_of(seat->nick),
					   .text = { "", 0 },
					   .sender = where,
					   .wall_ns = turn_wall_ns(turn) };

	for (size_t i = 0; i < seat->room_count; i++) {
		uint16_t room = seat->rooms[i];

		if (room < ROOMS_MAX && post_is_heard(turn, room) &&
		    !is_told_gone(turn, room, where)) {
			post_or_queue(turn, room, &gone);
		}
	}
}
