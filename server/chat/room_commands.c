#include "server/chat/room_commands.h"

#include <stdio.h>
#include <string.h>

#include "server/chat/fan_out.h"
#include "server/chat/post.h"
#include "server/chat/user_commands.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/text/text.h"

/* Rooms by name */

/* The room that ARGUMENT names, and whether the session is in it. */
enum lookup { LOOKUP_MEMBER, LOOKUP_STRANGER, LOOKUP_NO_ROOM, LOOKUP_AGAIN };

static enum lookup look_up(struct session *session, struct span name, uint16_t *room)
{
	struct shared_state *shared = session->worker->shared;

	if (!directory_try(shared->directory)) {
		return LOOKUP_AGAIN;
	}
	*room = rooms_find(shared->rooms, shared->directory, name, false);
	directory_unlock(shared->directory);
	if (*room == ROOM_NONE) {
		return LOOKUP_NO_ROOM;
	}
	return seat_place_of(session->seat, *room) >= 0 ? LOOKUP_MEMBER : LOOKUP_STRANGER;
}

static enum outcome refuse_room_name(struct reply *reply)
{
	reply_error(reply, "BADARG", "a room is # and 1 to %d letters, digits, _ or -",
		    NAME_ROOM_POINTS);
	return OUTCOME_DONE;
}

/*
 * The room that a command is about: the one that it names first, or else the current one. With
 * anything but OUTCOME_LATER the command is over.
 */
static enum outcome choose_room(struct session *session, struct span *arguments, uint16_t *room,
				struct reply *reply)
{
	struct span rest = *arguments;
	struct span name = words_next(&rest);
	enum lookup lookup = LOOKUP_NO_ROOM;

	if (!span_starts(name, "#")) {
		if (session->seat->room_count == 0) {
			reply_error(reply, "NOROOM", "you are in no room; /join #ROOM first");
			return OUTCOME_DONE;
		}
		*room = session->seat->rooms[0];
		return OUTCOME_LATER;
	}
	if (!name_is_room(name)) {
		return refuse_room_name(reply);
	}
	*arguments = rest;
	lookup = look_up(session, name, room);
	if (lookup == LOOKUP_AGAIN) {
		return OUTCOME_AGAIN;
	}
	if (lookup != LOOKUP_MEMBER) {
		reply_error(reply, "NOROOM", "you are not in that room; /join it first");
		return OUTCOME_DONE;
	}
	return OUTCOME_LATER;
}

/* The room that ARGUMENTS begin with, which need not be one's own. */
static enum outcome find_room(struct session *session, struct span name, uint16_t *room,
			      struct reply *reply)
{
	if (!name_is_room(name)) {
		return refuse_room_name(reply);
	}
	switch (look_up(session, name, room)) {
	case LOOKUP_AGAIN: return OUTCOME_AGAIN;
	case LOOKUP_NO_ROOM:
		reply_error(reply, "NOTFOUND", "no such room; /rooms lists them");
		return OUTCOME_DONE;
	case LOOKUP_MEMBER:
	case LOOKUP_STRANGER: break;
	}
	return OUTCOME_LATER;
}

/* Coming, going and speaking */

/* With the directory's lock held. */
static void leave(struct session *session, uint16_t room)
{
	struct worker *worker = session->worker;

	fan_out_deliver(worker, room);
	fan_out_remove_member(session, room);
	seat_remove_room(session->seat, room);
	rooms_leave(worker->shared->rooms, room, worker->number);
}

static enum outcome enter(struct session *session, uint16_t room, struct reply *reply)
{
	struct worker *worker = session->worker;
	struct rooms *rooms = worker->shared->rooms;

	fan_out_deliver(worker, room);
	rooms_enter(rooms, room, worker->number);
	seat_add_room(session->seat, room);
	fan_out_add_member(session, room);
	post_event(session, "join", room, span_of(""));
	reply_line(reply, "+join %s %u", rooms->rooms[room].name, room_members(rooms, room));
	return OUTCOME_DONE;
}

enum outcome chat_join(struct session *session, struct span arguments, struct reply *reply)
{
	struct shared_state *shared = session->worker->shared;
	struct span name = words_next(&arguments);
	bool may_enter = session->seat->room_count < SEAT_ROOMS_MAX;

	if (!name_is_room(name)) {
		return refuse_room_name(reply);
	}
	if (!directory_try(shared->directory)) {
		return OUTCOME_AGAIN;
	}
	uint16_t room = rooms_find(shared->rooms, shared->directory, name, may_enter);
	int place = room == ROOM_NONE ? -1 : seat_place_of(session->seat, room);

	if (place >= 0) {
		seat_make_current(session->seat, place);
		reply_line(reply, "+join %s %u", shared->rooms->rooms[room].name,
			   room_members(shared->rooms, room));
	} else if (!may_enter) {
		reply_error(reply, "LIMIT",
			    "you are in %d rooms, which is the most; /part one first",
			    SEAT_ROOMS_MAX);
	} else if (room == ROOM_NONE) {
		reply_error(reply, "LIMIT", "the server has %d rooms, which is the most",
			    ROOMS_MAX);
	} else {
		(void)enter(session, room, reply);
	}
	directory_unlock(shared->directory);
	return OUTCOME_DONE;
}

enum outcome chat_part(struct session *session, struct span arguments, struct reply *reply)
{
	struct shared_state *shared = session->worker->shared;
	uint16_t room;
	enum outcome outcome = choose_room(session, &arguments, &room, reply);

	if (outcome != OUTCOME_LATER) {
		return outcome;
	}
	if (words_rest(arguments).length > 0) {
		return refuse_room_name(reply);
	}
	if (!directory_try(shared->directory)) {
		return OUTCOME_AGAIN;
	}
	reply_line(reply, "+part %s", shared->rooms->rooms[room].name);
	post_event(session, "part", room, span_of(""));
	leave(session, room);
	directory_unlock(shared->directory);
	return OUTCOME_DONE;
}

static enum outcome say(struct session *session, uint16_t room, struct span text,
			struct reply *reply)
{
	char buffer[POST_MESSAGE_SIZE];
	struct room_line line = post_message(session, buffer, "say", room, text);

	line.kind = ROOM_LINE_SAY;
	if (!user_may_speak(session, reply)) {
		return OUTCOME_DONE;
	}
	if (!post_line(session->worker, room, &line)) {
		return OUTCOME_AGAIN;
	}
	seat_make_current(session->seat, seat_place_of(session->seat, room));
	return OUTCOME_DONE;
}

enum outcome chat_say(struct session *session, struct span arguments, struct reply *reply)
{
	uint16_t room;
	enum outcome outcome = choose_room(session, &arguments, &room, reply);
	struct span text = words_rest(arguments);

	if (outcome != OUTCOME_LATER) {
		return outcome;
	}
	if (text.length == 0) {
		reply_error(reply, "BADARG", "TEXT is missing: /say [#ROOM] TEXT");
		return OUTCOME_DONE;
	}
	outcome = say(session, room, text, reply);
	if (outcome == OUTCOME_DONE && !reply->failed) {
		reply_line(reply, "+say %s", session->worker->shared->rooms->rooms[room].name);
	}
	return outcome;
}

enum outcome chat_plain(struct session *session, struct span text, struct reply *reply)
{
	if (session->seat->room_count == 0) {
		reply_error(reply, "NOROOM", "you are in no room; /join #ROOM first");
		return OUTCOME_DONE;
	}
	return say(session, session->seat->rooms[0], text, reply);
}

/* Topics and history */

static enum outcome set_topic(struct session *session, uint16_t room, struct span text,
			      struct reply *reply)
{
	char topic[LINE_MAX_BYTES * TEXT_GROWTH + 1];
	char buffer[POST_MESSAGE_SIZE];
	size_t length = text_clean(text.text, text.length, topic);
	struct room_line line;

	topic[length] = '\0';
	if (seat_place_of(session->seat, room) < 0) {
		reply_error(reply, "NOROOM", "you are not in that room; /join it first");
		return OUTCOME_DONE;
	}
	if (length >= ROOM_TOPIC_SIZE) {
		reply_error(reply, "BADARG", "TEXT is too long: a topic has at most %d bytes",
			    ROOM_TOPIC_SIZE - 1);
		return OUTCOME_DONE;
	}
	if (!user_may_speak(session, reply)) {
		return OUTCOME_DONE;
	}
	line = post_message(session, buffer, "topic", room, text);
	line.topic = topic;
	return post_line(session->worker, room, &line) ? OUTCOME_LATER : OUTCOME_AGAIN;
}

enum outcome chat_topic(struct session *session, struct span arguments, struct reply *reply)
{
	const struct rooms *rooms = session->worker->shared->rooms;
	struct span name = words_next(&arguments);
	struct span text = words_rest(arguments);
	char topic[ROOM_TOPIC_SIZE];
	uint16_t room;
	enum outcome outcome = find_room(session, name, &room, reply);

	if (outcome == OUTCOME_LATER && text.length > 0) {
		outcome = set_topic(session, room, text, reply);
	}
	if (outcome != OUTCOME_LATER) {
		return outcome;
	}
	room_read_topic(rooms, room, topic);
	reply_line(reply, "+topic %s%s%s", rooms->rooms[room].name, *topic ? " " : "", topic);
	return OUTCOME_DONE;
}

struct history {
	struct reply *reply;
	int64_t skip; /* older lines than those asked for */
	int64_t count;
};

static void count_said(void *context, const struct room_record *record)
{
	(void)record;
	((struct history *)context)->count++;
}

/* A row "=TIME NICK TEXT" out of "*say #ROOM NICK TEXT". */
static void show_said(void *context, const struct room_record *record)
{
	struct history *history = context;
	struct span line = { record->text, record->text_length - 1 };
	char time[CLOCK_TEXT_SIZE];

	if (history->skip-- > 0) {
		return;
	}
	(void)words_next(&line);
	(void)words_next(&line);
	clock_format(record->wall_ns, time);
	reply_bytes(history->reply, "=", 1);
	reply_bytes(history->reply, time, strlen(time));
	reply_bytes(history->reply, line.text, line.length + 1);
	history->count++;
}

enum outcome chat_history(struct session *session, struct span arguments, struct reply *reply)
{
	struct worker *worker = session->worker;
	int64_t kept = worker->shared->options->history;
	struct history history = { .reply = reply };
	int64_t wanted = kept;
	uint16_t room;
	enum outcome outcome = choose_room(session, &arguments, &room, reply);
	struct span word = words_next(&arguments);

	if (outcome != OUTCOME_LATER) {
		return outcome;
	}
	if (word.length > 0 && !words_number(word, 1, kept, &wanted)) {
		reply_error(reply, "BADARG", "N is a number from 1 to %lld", (long long)kept);
		return OUTCOME_DONE;
	}
	fan_out_each_said(worker, room, count_said, &history);
	history.skip = history.count - wanted;
	history.count = 0;
	fan_out_each_said(worker, room, show_said, &history);
	reply_line(reply, "+history %lld", (long long)history.count);
	return OUTCOME_DONE;
}

/* Lists */

enum outcome chat_rooms(struct session *session, struct span arguments, struct reply *reply)
{
	const struct rooms *rooms = session->worker->shared->rooms;
	char name[NAME_ROOM_SIZE];
	char topic[ROOM_TOPIC_SIZE];
	unsigned count = 0;

	(void)arguments;
	for (uint16_t i = 0; i < ROOMS_MAX; i++) {
		if (room_read_name(rooms, i, name)) {
			room_read_topic(rooms, i, topic);
			reply_line(reply, "=%s %u%s%s", name, room_members(rooms, i),
				   *topic ? " " : "", topic);
			count++;
		}
	}
	reply_line(reply, "+rooms %u", count);
	return OUTCOME_DONE;
}

/* Rows for everybody, or for those in ROOM, on all workers. */
static unsigned list_seats(struct directory *directory, uint16_t room, struct reply *reply)
{
	struct seat seat;
	unsigned count = 0;

	for (uint32_t worker = 0; worker < directory->workers; worker++) {
		for (uint32_t i = 0; i < directory->highest[worker]; i++) {
			if (!seat_read(directory_seat(directory, worker, i), &seat) ||
			    (room != ROOM_NONE && seat_place_of(&seat, room) < 0)) {
				continue;
			}
			reply_bytes(reply, "=", 1);
			reply_bytes(reply, seat.nick, strlen(seat.nick));
			reply_bytes(reply, "\n", 1);
			count++;
		}
	}
	return count;
}

enum outcome chat_who(struct session *session, struct span arguments, struct reply *reply)
{
	struct span name = words_next(&arguments);
	uint16_t room = ROOM_NONE;

	if (name.length > 0) {
		enum outcome outcome = find_room(session, name, &room, reply);

		if (outcome != OUTCOME_LATER) {
			return outcome;
		}
	}
	reply_line(reply, "+who %u", list_seats(session->worker->shared->directory, room, reply));
	return OUTCOME_DONE;
}

/* The end of a session */

void chat_farewell(struct session *session, struct span why)
{
	if (!session->said_farewell) {
		session->said_farewell = true;
		for (size_t i = 0; i < session->seat->room_count; i++) {
			post_event(session, "part", session->seat->rooms[i], why);
		}
	}
}

bool chat_leave_all(struct session *session)
{
	struct directory *directory = session->worker->shared->directory;

	if (!session->greeted) {
		return true;
	}
	if (!directory_try(directory)) {
		return false;
	}
	while (session->seat->room_count > 0) {
		leave(session, session->seat->rooms[session->seat->room_count - 1]);
	}
	directory_release(directory, session_address(session));
	directory_unlock(directory);
	return true;
}

/* The turn */

/* Every event has its room, from the moment that it stands on the board. */
static void follow_board(struct worker *worker)
{
	struct shared_state *shared = worker->shared;
	uint32_t count = atomic_load(&shared->board->count);

	if (worker->rooms_made == count || !directory_try(shared->directory)) {
		return;
	}
	for (; worker->rooms_made < count; worker->rooms_made++) {
		rooms_of_event(shared->rooms, shared->directory,
			       shared->board->entries[worker->rooms_made].event.name);
	}
	directory_unlock(shared->directory);
}

void chat_turn(struct worker *worker)
{
	follow_board(worker);
	post_retry(worker);
	user_turn(worker);
	fan_out_turn(worker);
}

bool chat_has_news(const struct worker *worker)
{
	return inbox_has_news(worker->shared->inboxes, worker->number) ||
	       rooms_have_news(worker->shared->rooms, worker->number);
}

bool chat_announce(struct worker *worker, const char *event, const char *text, size_t length)
{
	struct shared_state *shared = worker->shared;

	if (!directory_try(shared->directory)) {
		return false;
	}
	uint16_t room = rooms_of_event(shared->rooms, shared->directory, event);

	directory_unlock(shared->directory);
	if (room == ROOM_NONE) {
		return true; /* no place for one more room: nobody can be in it */
	}
	const struct room_line line = {
		.kind = ROOM_LINE, .text = text, .length = length, .wall_ns = worker_wall_ns(worker)
	};
	return post_line(worker, room, &line);
}

/* At a worker's start */

/* What a predecessor's session was in hears that it is gone. */
static void bury(struct worker *worker, const struct seat *seat, struct address where)
{
	struct rooms *rooms = worker->shared->rooms;
	char buffer[POST_MESSAGE_SIZE];

	for (size_t i = 0; i < seat->room_count; i++) {
		uint16_t room = seat->rooms[i];

		if (room >= ROOMS_MAX || !post_hears_events(worker, room)) {
			continue;
		}
		int length = snprintf(buffer, sizeof(buffer), "*part %s %s\n",
				      rooms->rooms[room].name, seat->nick);
		const struct room_line line = { .kind = ROOM_LINE,
						.text = buffer,
						.length = (size_t)length,
						.sender = where,
						.wall_ns = worker_wall_ns(worker) };
		post_line_or_queue(worker, room, &line);
	}
}

static void lock_directory(struct directory *directory)
{
	while (!directory_try(directory)) {
		clock_sleep(NS_PER_MS);
	}
}

void chat_sweep(struct worker *worker)
{
	struct shared_state *shared = worker->shared;
	uint32_t orphan = 0;

	lock_directory(shared->directory);
	for (; directory_next_orphan(shared->directory, worker->number, &orphan); orphan++) {
		struct seat *seat = directory_seat(shared->directory, worker->number, orphan);
		struct address where = { worker->number, orphan, seat->session };

		bury(worker, seat, where);
		directory_release(shared->directory, where);
	}
	rooms_leave_all(shared->rooms, worker->number);
	directory_unlock(shared->directory);
	/* What the dead one had published but not yet told anybody of. */
	inbox_announce(shared->inboxes, worker->number);
	for (uint32_t other = 0; other < shared->options->workers; other++) {
		for (uint16_t room = 0; room < ROOMS_MAX; room++) {
			if (shared->rooms->rooms[room].members[other] > 0) {
				rooms_note_news(shared->rooms, room, other);
			}
		}
		worker_wake(worker, other);
	}
}
