#include "server/chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/text.h"

#define STRETCH_SIZE     (64 * 1024) /* bytes read from a log at once */
#define QUEUED_LINES_MAX 256         /* that wait for a room's lock */
#define MESSAGE_SIZE     (ROOM_LINE_MAX + 1)

/* A line of a worker's that found its room's lock taken. */
struct queued_line {
	struct queued_line *next;
	uint16_t room;
	uint32_t room_version; /* the room as it was: in another one it has no place */
	struct room_line line; /* its text and rooms are in `bytes` */
	uint16_t rooms[SEAT_ROOMS_MAX];
	char bytes[];
};

/* A room as this worker sees it. */
struct local_room {
	uint32_t *members; /* seats of its own sessions */
	uint32_t count;
	uint32_t room;
	uint64_t position; /* up to where its log was read */
	uint64_t next_number;
};

struct chat {
	struct local_room rooms[ROOMS_MAX];
	struct queued_line *queue; /* oldest first */
	struct queued_line **queue_end;
	size_t queued;
	uint64_t stretch;     /* number of the one that is being delivered */
	uint32_t events_seen; /* of the board's changes */
	unsigned char buffer[STRETCH_SIZE];
};

struct chat *chat_create(void)
{
	struct chat *chat = calloc(1, sizeof(*chat));

	if (!chat) {
		die("out of memory");
	}
	chat->queue_end = &chat->queue;
	return chat;
}

void chat_destroy(struct chat *chat)
{
	for (struct queued_line *next, *line = chat->queue; line; line = next) {
		next = line->next;
		free(line);
	}
	for (size_t i = 0; i < ROOMS_MAX; i++) {
		free(chat->rooms[i].members);
	}
	free(chat);
}

/* Posting a line */

static bool has_queued(const struct chat *chat, uint16_t room)
{
	for (const struct queued_line *line = chat->queue; line; line = line->next) {
		if (line->room == room) {
			return true;
		}
	}
	return false;
}

/* Appends a line to a room's log and wakes who has to hear it; false if it has to wait. */
static bool post(struct worker *worker, uint16_t room, const struct room_line *line)
{
	if (has_queued(worker->chat, room) || !room_append(worker->commons->rooms, room, line)) {
		return false;
	}
	score_add(worker->score, COUNTER_MESSAGES, 1);
	worker_wake_room(worker, room);
	return true;
}

static void queue_line(struct worker *worker, uint16_t room, const struct room_line *line)
{
	struct chat *chat = worker->chat;
	struct queued_line *queued = malloc(sizeof(*queued) + line->length);

	if (!queued) {
		die("out of memory");
	}
	queued->next = NULL;
	queued->room = room;
	queued->room_version = worker->commons->rooms->rooms[room].version;
	queued->line = *line;
	memcpy(queued->bytes, line->text, line->length);
	queued->line.text = queued->bytes;
	if (line->room_count > 0) {
		memcpy(queued->rooms, line->rooms, line->room_count * sizeof(*line->rooms));
	}
	queued->line.rooms = queued->rooms;
	*chat->queue_end = queued;
	chat->queue_end = &queued->next;
	chat->queued++;
}

/* As post, but a line that has to wait is kept here: for events, which nobody can give again. */
static void post_or_queue(struct worker *worker, uint16_t room, const struct room_line *line)
{
	if (!post(worker, room, line)) {
		if (worker->chat->queued == QUEUED_LINES_MAX) {
			log_warning("a line for a room is dropped: its lock is held for too long");
			return;
		}
		queue_line(worker, room, line);
	}
}

static void post_queued(struct worker *worker)
{
	struct chat *chat = worker->chat;

	while (chat->queue) {
		struct queued_line *first = chat->queue;
		struct rooms *rooms = worker->commons->rooms;

		if (rooms->rooms[first->room].version == first->room_version) {
			if (!room_append(rooms, first->room, &first->line)) {
				return;
			}
			worker_wake_room(worker, first->room);
		}
		chat->queue = first->next;
		if (!chat->queue) {
			chat->queue_end = &chat->queue;
		}
		chat->queued--;
		free(first);
	}
}

/* "*KIND #ROOM NICK [TEXT]", with TEXT cleaned, as a line that SESSION sends. */
static struct room_line message(const struct session *session, char *buffer, const char *kind,
				uint16_t room, struct span text)
{
	struct worker *worker = session->worker;
	int head = snprintf(buffer, MESSAGE_SIZE, "*%s %s %s%s", kind,
			    worker->commons->rooms->rooms[room].name, session->seat->nick,
			    text.length > 0 ? " " : "");
	size_t length = (size_t)head;

	length += text_clean(text.text, text.length, buffer + length);
	buffer[length++] = '\n';
	return (struct room_line){ .kind = ROOM_LINE,
				   .text = buffer,
				   .length = length,
				   .sender = session_address(session),
				   .wall_ns = worker_wall_ns(worker) };
}

/* Whether a room is small enough, and not too small, to be told who comes and goes. */
static bool hears_events(const struct worker *worker, uint16_t room)
{
	uint32_t members = room_members(worker->commons->rooms, room);

	return members > 1 && members <= ROOM_EVENTS_MOST;
}

static void post_event(struct session *session, const char *kind, uint16_t room, struct span text)
{
	char buffer[MESSAGE_SIZE];

	if (hears_events(session->worker, room)) {
		struct room_line line = message(session, buffer, kind, room, text);

		post_or_queue(session->worker, room, &line);
	}
}

/* Delivering what is new */

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
	worker->chat->stretch++;
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
			sender->stretch = worker->chat->stretch;
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

/* Sends a member the lines that are for it, in as few stretches as they form. */
static uint32_t send_some(struct session *member, const struct stretch *stretch)
{
	uint32_t offset = 0;
	uint32_t lines = 0;

	for (size_t at = 0; at < stretch->length; at += record_in(stretch, at)->size) {
		const struct room_record *record = record_in(stretch, at);

		if (record->kind != ROOM_PADDING && is_for(member, record, stretch->room)) {
			session_send_block(member, stretch->block, offset, record->text_length);
			lines++;
		}
		offset += record->text_length;
	}
	return lines;
}

static void spread(struct worker *worker, struct stretch *stretch)
{
	struct local_room *local = &worker->chat->rooms[stretch->room];
	uint64_t deliveries = 0;

	stretch->block = block_create((uint32_t)stretch->length);
	gather(worker, stretch);
	for (uint32_t i = 0; i < local->count; i++) {
		struct session *member = worker->sessions[local->members[i]];

		if (stretch->has_nicks || member->stretch == worker->chat->stretch) {
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
	struct local_room *local = &worker->chat->rooms[room];
	char text[256];
	int length = snprintf(text, sizeof(text), "*notice %llu lines of %s were missed here\n",
			      (unsigned long long)missed, worker->commons->rooms->rooms[room].name);

	for (uint32_t i = 0; i < local->count; i++) {
		session_send(worker->sessions[local->members[i]], text, (size_t)length);
	}
	score_add(worker->score, COUNTER_MISSED, missed);
}

/* Gives the members here all that is new in a room. */
static void deliver(struct worker *worker, uint16_t room)
{
	struct chat *chat = worker->chat;
	struct local_room *local = &chat->rooms[room];
	struct stretch stretch = { .records = chat->buffer, .room = room };
	uint64_t missed;

	while (local->count > 0) {
		stretch.length =
			room_read(worker->commons->rooms, room, &local->position,
				  &local->next_number, chat->buffer, STRETCH_SIZE, &missed);
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

/* Membership */

static int place_of(const struct seat *seat, uint16_t room)
{
	for (int i = 0; i < seat->room_count; i++) {
		if (seat->rooms[i] == room) {
			return i;
		}
	}
	return -1;
}

static void make_current(struct seat *seat, int place)
{
	uint16_t room = seat->rooms[place];

	if (place > 0) {
		seat_write_begin(seat);
		memmove(seat->rooms + 1, seat->rooms, (size_t)place * sizeof(*seat->rooms));
		seat->rooms[0] = room;
		seat_write_end(seat);
	}
}

static void add_to_seat(struct seat *seat, uint16_t room)
{
	seat_write_begin(seat);
	memmove(seat->rooms + 1, seat->rooms, seat->room_count * sizeof(*seat->rooms));
	seat->rooms[0] = room;
	seat->room_count++;
	seat_write_end(seat);
}

static void remove_from_seat(struct seat *seat, uint16_t room)
{
	int place = place_of(seat, room);

	seat_write_begin(seat);
	seat->room_count--;
	memmove(seat->rooms + place, seat->rooms + place + 1,
		(size_t)(seat->room_count - place) * sizeof(*seat->rooms));
	seat_write_end(seat);
}

static void add_member(struct session *session, uint16_t room)
{
	struct local_room *local = &session->worker->chat->rooms[room];
	const struct room *shared = &session->worker->commons->rooms->rooms[room];

	if (local->count == 0) {
		local->position = shared->end;
		local->next_number = 0;
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

static void remove_member(struct session *session, uint16_t room)
{
	struct local_room *local = &session->worker->chat->rooms[room];

	for (uint32_t i = 0; i < local->count; i++) {
		if (local->members[i] == session->place) {
			local->members[i] = local->members[--local->count];
			return;
		}
	}
	bug("a session is not among the members of its room");
}

/* With the directory's lock held. */
static void leave(struct session *session, uint16_t room)
{
	struct worker *worker = session->worker;

	deliver(worker, room);
	remove_member(session, room);
	remove_from_seat(session->seat, room);
	rooms_leave(worker->commons->rooms, room, worker->number);
}

/* The room that ARGUMENT names, and whether the session is in it. */
enum lookup { LOOKUP_MEMBER, LOOKUP_STRANGER, LOOKUP_NO_ROOM, LOOKUP_AGAIN };

static enum lookup look_up(struct session *session, struct span name, uint16_t *room)
{
	struct commons *commons = session->worker->commons;

	if (!directory_try(commons->directory)) {
		return LOOKUP_AGAIN;
	}
	*room = rooms_find(commons->rooms, commons->directory, name, false);
	directory_unlock(commons->directory);
	if (*room == ROOM_NONE) {
		return LOOKUP_NO_ROOM;
	}
	return place_of(session->seat, *room) >= 0 ? LOOKUP_MEMBER : LOOKUP_STRANGER;
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

/* Commands */

static enum outcome enter(struct session *session, uint16_t room, struct reply *reply)
{
	struct worker *worker = session->worker;
	struct rooms *rooms = worker->commons->rooms;

	deliver(worker, room);
	rooms_enter(rooms, room, worker->number);
	add_to_seat(session->seat, room);
	add_member(session, room);
	post_event(session, "join", room, span_of(""));
	reply_line(reply, "+join %s %u", rooms->rooms[room].name, room_members(rooms, room));
	return OUTCOME_DONE;
}

enum outcome chat_join(struct session *session, struct span arguments, struct reply *reply)
{
	struct commons *commons = session->worker->commons;
	struct span name = words_next(&arguments);
	bool may_enter = session->seat->room_count < SEAT_ROOMS_MAX;

	if (!name_is_room(name)) {
		return refuse_room_name(reply);
	}
	if (!directory_try(commons->directory)) {
		return OUTCOME_AGAIN;
	}
	uint16_t room = rooms_find(commons->rooms, commons->directory, name, may_enter);
	int place = room == ROOM_NONE ? -1 : place_of(session->seat, room);

	if (place >= 0) {
		make_current(session->seat, place);
		reply_line(reply, "+join %s %u", commons->rooms->rooms[room].name,
			   room_members(commons->rooms, room));
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
	directory_unlock(commons->directory);
	return OUTCOME_DONE;
}

enum outcome chat_part(struct session *session, struct span arguments, struct reply *reply)
{
	struct commons *commons = session->worker->commons;
	uint16_t room;
	enum outcome outcome = choose_room(session, &arguments, &room, reply);

	if (outcome != OUTCOME_LATER) {
		return outcome;
	}
	if (words_rest(arguments).length > 0) {
		return refuse_room_name(reply);
	}
	if (!directory_try(commons->directory)) {
		return OUTCOME_AGAIN;
	}
	reply_line(reply, "+part %s", commons->rooms->rooms[room].name);
	post_event(session, "part", room, span_of(""));
	leave(session, room);
	directory_unlock(commons->directory);
	return OUTCOME_DONE;
}

static enum outcome say(struct session *session, uint16_t room, struct span text)
{
	char buffer[MESSAGE_SIZE];
	struct room_line line = message(session, buffer, "say", room, text);

	if (!post(session->worker, room, &line)) {
		return OUTCOME_AGAIN;
	}
	make_current(session->seat, place_of(session->seat, room));
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
	outcome = say(session, room, text);
	if (outcome == OUTCOME_DONE) {
		reply_line(reply, "+say %s", session->worker->commons->rooms->rooms[room].name);
	}
	return outcome;
}

enum outcome chat_plain(struct session *session, struct span text, struct reply *reply)
{
	if (session->seat->room_count == 0) {
		reply_error(reply, "NOROOM", "you are in no room; /join #ROOM first");
		return OUTCOME_DONE;
	}
	return say(session, session->seat->rooms[0], text);
}

static enum outcome send_letter(struct session *session, struct address to, const char *text,
				size_t length, struct reply *reply)
{
	struct worker *worker = session->worker;

	if (to.worker == worker->number) {
		struct session *receiver = session_find(worker, to.seat, to.session);

		if (receiver) {
			session_send(receiver, text, length);
		}
		return OUTCOME_DONE;
	}
	if (!inbox_put(worker->commons->inboxes, worker->number, to, text, length)) {
		reply_error(reply, "BUSY", "too much is on its way there; try again");
		return OUTCOME_DONE;
	}
	worker_wake(worker, to.worker);
	return OUTCOME_DONE;
}

enum outcome chat_tell(struct session *session, struct span arguments, struct reply *reply)
{
	struct directory *directory = session->worker->commons->directory;
	struct span nick = words_next(&arguments);
	struct span text = words_rest(arguments);
	char buffer[MESSAGE_SIZE];
	struct address to;
	struct seat seat;
	size_t length;

	if (!name_is_nick(nick) || text.length == 0) {
		reply_error(reply, "BADARG", "%s is missing: /tell NICK TEXT",
			    name_is_nick(nick) ? "TEXT" : "a good NICK");
		return OUTCOME_DONE;
	}
	if (!directory_try(directory)) {
		return OUTCOME_AGAIN;
	}
	bool found = directory_find(directory, nick, &to);

	directory_unlock(directory);
	if (!found || !seat_read(directory_seat(directory, to.worker, to.seat), &seat)) {
		reply_error(reply, "NOTFOUND", "nobody has that nick; /who lists everybody");
		return OUTCOME_DONE;
	}
	length = (size_t)snprintf(buffer, sizeof(buffer), "*tell %s ", session->seat->nick);
	length += text_clean(text.text, text.length, buffer + length);
	buffer[length++] = '\n';
	(void)send_letter(session, to, buffer, length, reply);
	if (!reply->failed) {
		reply_line(reply, "+tell %s", seat.nick);
	}
	return OUTCOME_DONE;
}

enum outcome chat_rooms(struct session *session, struct span arguments, struct reply *reply)
{
	const struct rooms *rooms = session->worker->commons->rooms;
	char name[NAME_ROOM_SIZE];
	unsigned count = 0;

	(void)arguments;
	for (uint16_t i = 0; i < ROOMS_MAX; i++) {
		if (room_read_name(rooms, i, name)) {
			reply_line(reply, "=%s %u", name, room_members(rooms, i));
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
			    (room != ROOM_NONE && place_of(&seat, room) < 0)) {
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
		if (!name_is_room(name)) {
			return refuse_room_name(reply);
		}
		enum lookup lookup = look_up(session, name, &room);

		if (lookup == LOOKUP_AGAIN) {
			return OUTCOME_AGAIN;
		}
		if (lookup == LOOKUP_NO_ROOM) {
			reply_error(reply, "NOTFOUND", "no such room; /rooms lists them");
			return OUTCOME_DONE;
		}
	}
	reply_line(reply, "+who %u", list_seats(session->worker->commons->directory, room, reply));
	return OUTCOME_DONE;
}

/* "*nick OLD NEW" to each room; it carries the list of them, so that nobody is told twice. */
static void tell_nick(struct session *session, const char *old)
{
	struct worker *worker = session->worker;
	const struct seat *seat = session->seat;
	char buffer[MESSAGE_SIZE];
	int length = snprintf(buffer, sizeof(buffer), "*nick %s %s\n", old, seat->nick);
	uint16_t rooms[SEAT_ROOMS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < seat->room_count; i++) {
		if (hears_events(worker, seat->rooms[i])) {
			rooms[count++] = seat->rooms[i];
		}
	}
	const struct room_line line = { .kind = ROOM_LINE_NICK,
					.text = buffer,
					.length = (size_t)length,
					.sender = session_address(session),
					.wall_ns = worker_wall_ns(worker),
					.rooms = rooms,
					.room_count = count };
	for (size_t i = 0; i < count; i++) {
		post_or_queue(worker, rooms[i], &line);
	}
}

enum outcome chat_nick(struct session *session, struct span arguments, struct reply *reply)
{
	struct directory *directory = session->worker->commons->directory;
	struct span name = words_next(&arguments);
	char old[NAME_NICK_SIZE];

	if (!name_is_nick(name) || words_rest(arguments).length > 0) {
		reply_error(reply, "BADARG", "NAME is 1 to %d letters, digits, _ or -",
			    NAME_NICK_POINTS);
		return OUTCOME_DONE;
	}
	memcpy(old, session->seat->nick, sizeof(old));
	if (!directory_try(directory)) {
		return OUTCOME_AGAIN;
	}
	bool ours = directory_claim(directory, session_address(session), name);

	directory_unlock(directory);
	if (!ours) {
		reply_error(reply, "NICKINUSE", "somebody has that nick; choose another");
		return OUTCOME_DONE;
	}
	if (strcmp(old, session->seat->nick) != 0) {
		tell_nick(session, old);
	}
	reply_line(reply, "+nick %s", session->seat->nick);
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
	struct directory *directory = session->worker->commons->directory;

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

static void read_letter(void *context, const struct letter *letter)
{
	struct worker *worker = context;
	struct session *receiver = session_find(worker, letter->seat, letter->session);

	if (receiver) {
		session_send(receiver, letter->text, letter->length);
	}
}

/* Every event has its room, from the moment that it stands on the board. */
static void follow_board(struct worker *worker)
{
	struct commons *commons = worker->commons;
	uint32_t count = atomic_load(&commons->board->count);

	if (worker->chat->events_seen == count || !directory_try(commons->directory)) {
		return;
	}
	for (; worker->chat->events_seen < count; worker->chat->events_seen++) {
		rooms_of_event(commons->rooms, commons->directory,
			       commons->board->entries[worker->chat->events_seen].event.name);
	}
	directory_unlock(commons->directory);
}

void chat_turn(struct worker *worker)
{
	struct commons *commons = worker->commons;
	uint16_t room;

	follow_board(worker);
	post_queued(worker);
	inbox_drain(commons->inboxes, worker->number, read_letter, worker);
	while ((room = rooms_next_news(commons->rooms, worker->number)) != ROOM_NONE) {
		deliver(worker, room);
	}
}

bool chat_is_waiting(const struct worker *worker)
{
	return worker->chat->queue != NULL;
}

bool chat_has_news(const struct worker *worker)
{
	return inbox_has_news(worker->commons->inboxes, worker->number) ||
	       rooms_have_news(worker->commons->rooms, worker->number);
}

bool chat_announce(struct worker *worker, const char *event, const char *text, size_t length)
{
	struct commons *commons = worker->commons;

	if (!directory_try(commons->directory)) {
		return false;
	}
	uint16_t room = rooms_of_event(commons->rooms, commons->directory, event);

	directory_unlock(commons->directory);
	if (room == ROOM_NONE) {
		return true; /* no place for one more room: nobody can be in it */
	}
	const struct room_line line = {
		.kind = ROOM_LINE, .text = text, .length = length, .wall_ns = worker_wall_ns(worker)
	};
	return post(worker, room, &line);
}

/* At a worker's start */

/* What a predecessor's session was in hears that it is gone. */
static void bury(struct worker *worker, const struct seat *seat, struct address where)
{
	struct rooms *rooms = worker->commons->rooms;
	char buffer[MESSAGE_SIZE];

	for (size_t i = 0; i < seat->room_count; i++) {
		uint16_t room = seat->rooms[i];

		if (room >= ROOMS_MAX || !hears_events(worker, room)) {
			continue;
		}
		int length = snprintf(buffer, sizeof(buffer), "*part %s %s\n",
				      rooms->rooms[room].name, seat->nick);
		const struct room_line line = { .kind = ROOM_LINE,
						.text = buffer,
						.length = (size_t)length,
						.sender = where,
						.wall_ns = worker_wall_ns(worker) };
		post_or_queue(worker, room, &line);
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
	struct commons *commons = worker->commons;
	uint32_t orphan = 0;

	lock_directory(commons->directory);
	for (; directory_next_orphan(commons->directory, worker->number, &orphan); orphan++) {
		struct seat *seat = directory_seat(commons->directory, worker->number, orphan);
		struct address where = { worker->number, orphan, seat->session };

		bury(worker, seat, where);
		directory_release(commons->directory, where);
	}
	rooms_leave_all(commons->rooms, worker->number);
	directory_unlock(commons->directory);
	/* What the dead one had published but not yet told anybody of. */
	inbox_announce(commons->inboxes, worker->number);
	for (uint32_t other = 0; other < commons->options->workers; other++) {
		for (uint16_t room = 0; room < ROOMS_MAX; room++) {
			if (commons->rooms->rooms[room].members[other] > 0) {
				rooms_note_news(commons->rooms, room, other);
			}
		}
		worker_wake(worker, other);
	}
}
