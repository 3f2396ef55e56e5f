#include "server/chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/text.h"

#define STRETCH_SIZE     (64 * 1024)     /* bytes read from a log at once */
#define GATHER_MEMBERS   64              /* in a larger room lines are sent together */
#define GATHER_NS        (4 * NS_PER_MS) /* how long one waits for more at most */
#define QUEUED_LINES_MAX 256             /* that wait for a room's lock */
#define MESSAGE_SIZE     (ROOM_LINE_MAX + 1)

#define PENALTY_SECONDS_MAX (365 * 24 * 3600)

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
	int64_t delivered_ns; /* when it was read last: monotonic */
	bool gathering;       /* it has news that wait: in chat->gathering */
};

struct chat {
	struct local_room rooms[ROOMS_MAX];
	struct queued_line *queue; /* oldest first */
	struct queued_line **queue_end;
	size_t queued;
	uint16_t gathering[ROOMS_MAX]; /* rooms whose news wait for more */
	uint16_t gathering_count;
	uint64_t stretch;     /* number of the one that is being delivered */
	uint32_t events_seen; /* of the board's changes */
	_Alignas(struct room_record) unsigned char buffer[STRETCH_SIZE];
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

/*
 * In a large room each line costs a system call a member; so those that come close together are
 * sent together. The first one after a silence does not wait.
 */
static void deliver_or_gather(struct worker *worker, uint16_t room)
{
	struct chat *chat = worker->chat;
	struct local_room *local = &chat->rooms[room];
	int64_t now_ns;

	if (local->gathering || local->count == 0) {
		return;
	}
	if (room_members(worker->commons->rooms, room) <= GATHER_MEMBERS) {
		deliver(worker, room);
		return;
	}
	now_ns = worker_now_ns(worker);
	if (now_ns - local->delivered_ns >= GATHER_NS) {
		local->delivered_ns = now_ns;
		deliver(worker, room);
	} else {
		local->gathering = true;
		chat->gathering[chat->gathering_count++] = room;
	}
}

/* Delivers to the rooms that have gathered long enough. */
static void deliver_gathered(struct worker *worker)
{
	struct chat *chat = worker->chat;
	uint16_t waiting = 0;

	for (uint16_t i = 0; i < chat->gathering_count; i++) {
		uint16_t room = chat->gathering[i];
		struct local_room *local = &chat->rooms[room];

		if (worker_now_ns(worker) - local->delivered_ns < GATHER_NS) {
			chat->gathering[waiting++] = room;
			continue;
		}
		local->gathering = false;
		local->delivered_ns = worker_now_ns(worker);
		deliver(worker, room);
	}
	chat->gathering_count = waiting;
}

int64_t chat_next_delivery_ns(const struct worker *worker)
{
	const struct chat *chat = worker->chat;
	int64_t next_ns = INT64_MAX;

	for (uint16_t i = 0; i < chat->gathering_count; i++) {
		int64_t due_ns = chat->rooms[chat->gathering[i]].delivered_ns + GATHER_NS;

		next_ns = due_ns < next_ns ? due_ns : next_ns;
	}
	return next_ns;
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

/* Whether the session may speak; if not, REPLY says for how long. */
static bool may_speak(const struct session *session, struct reply *reply)
{
	int64_t left_ns = session->seat->muted_until_ns - worker_now_ns(session->worker);

	if (left_ns <= 0) {
		return true;
	}
	reply_error(reply, "DENIED", "you are muted for %lld more seconds",
		    (long long)((left_ns + NS_PER_SECOND - 1) / NS_PER_SECOND));
	return false;
}

static enum outcome say(struct session *session, uint16_t room, struct span text,
			struct reply *reply)
{
	char buffer[MESSAGE_SIZE];
	struct room_line line = message(session, buffer, "say", room, text);

	line.kind = ROOM_LINE_SAY;
	if (!may_speak(session, reply)) {
		return OUTCOME_DONE;
	}
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
	outcome = say(session, room, text, reply);
	if (outcome == OUTCOME_DONE && !reply->failed) {
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
	return say(session, session->seat->rooms[0], text, reply);
}

/* Lets everyone go who comes from a banned address; the letter says which, and what they hear. */
static void let_go(struct worker *worker, const struct letter *letter)
{
	struct origin origin;

	memcpy(&origin, letter->text, sizeof(origin));
	for (uint32_t i = 0; i < worker->commons->options->max_connections; i++) {
		struct session *session = worker->sessions[i];

		if (session && origin_equal(session->origin, origin)) {
			session_send(session, letter->text + sizeof(origin),
				     letter->length - sizeof(origin));
			session_close(session);
		}
	}
}

static void read_letter(void *context, const struct letter *letter)
{
	struct worker *worker = context;
	struct session *receiver;

	if (letter->kind == LETTER_BAN) {
		let_go(worker, letter);
		return;
	}
	receiver = session_find(worker, letter->seat, letter->session);
	if (receiver) {
		session_send(receiver, letter->text, letter->length);
		if (letter->kind == LETTER_KICK) {
			session_close(receiver);
		}
	}
}

/* Sends a line to one person, whichever worker serves that one; false if its inbox is full. */
static bool send_letter(struct worker *worker, struct address to, enum letter_kind kind,
			const char *text, size_t length)
{
	if (!inbox_put(worker->commons->inboxes, worker->number, to, kind, text, length)) {
		return false;
	}
	worker_wake(worker, to.worker);
	return true;
}

/* Who a command is about: the session with that nick, and its seat. */
static enum outcome find_person(struct session *session, struct span nick, struct address *where,
				struct seat *seat, struct reply *reply)
{
	struct directory *directory = session->worker->commons->directory;

	if (!name_is_nick(nick)) {
		reply_error(reply, "BADARG", "NICK is %s: 1 to %d letters, digits, _ or -",
			    nick.length > 0 ? "malformed" : "missing", NAME_NICK_POINTS);
		return OUTCOME_DONE;
	}
	if (!directory_try(directory)) {
		return OUTCOME_AGAIN;
	}
	bool found = directory_find(directory, nick, where);

	directory_unlock(directory);
	if (!found || !seat_read(directory_seat(directory, where->worker, where->seat), seat)) {
		reply_error(reply, "NOTFOUND", "nobody has that nick; /who lists everybody");
		return OUTCOME_DONE;
	}
	return OUTCOME_LATER;
}

static void refuse_full_inbox(struct reply *reply)
{
	reply_error(reply, "BUSY", "too much is on its way there; try again");
}

enum outcome chat_tell(struct session *session, struct span arguments, struct reply *reply)
{
	struct span nick = words_next(&arguments);
	struct span text = words_rest(arguments);
	char buffer[MESSAGE_SIZE];
	struct address to;
	struct seat seat;
	size_t length;
	enum outcome outcome = find_person(session, nick, &to, &seat, reply);

	if (outcome != OUTCOME_LATER) {
		return outcome;
	}
	if (text.length == 0) {
		reply_error(reply, "BADARG", "TEXT is missing: /tell NICK TEXT");
		return OUTCOME_DONE;
	}
	if (!may_speak(session, reply)) {
		return OUTCOME_DONE;
	}
	length = (size_t)snprintf(buffer, sizeof(buffer), "*tell %s ", session->seat->nick);
	length += text_clean(text.text, text.length, buffer + length);
	buffer[length++] = '\n';
	if (send_letter(session->worker, to, LETTER_LINE, buffer, length)) {
		reply_line(reply, "+tell %s", seat.nick);
	} else {
		refuse_full_inbox(reply);
	}
	return OUTCOME_DONE;
}

enum outcome chat_kick(struct session *session, struct span arguments, struct reply *reply)
{
	struct span nick = words_next(&arguments);
	struct span why = words_rest(arguments);
	char buffer[MESSAGE_SIZE];
	struct address to;
	struct seat seat;
	size_t length;
	enum outcome outcome = find_person(session, nick, &to, &seat, reply);

	if (outcome != OUTCOME_LATER) {
		return outcome;
	}
	length = (size_t)snprintf(buffer, sizeof(buffer), "*notice %s kicked you%s",
				  session->seat->nick, why.length > 0 ? ": " : "");
	length += text_clean(why.text, why.length, buffer + length);
	buffer[length++] = '\n';
	if (send_letter(session->worker, to, LETTER_KICK, buffer, length)) {
		reply_line(reply, "+kick %s", seat.nick);
	} else {
		refuse_full_inbox(reply);
	}
	return OUTCOME_DONE;
}

enum outcome chat_mute(struct session *session, struct span arguments, struct reply *reply)
{
	struct worker *worker = session->worker;
	struct span nick = words_next(&arguments);
	struct span word = words_next(&arguments);
	char buffer[MESSAGE_SIZE];
	struct address to;
	struct seat seat;
	int64_t seconds;
	enum outcome outcome = find_person(session, nick, &to, &seat, reply);

	if (outcome != OUTCOME_LATER) {
		return outcome;
	}
	if (!words_number(word, 0, PENALTY_SECONDS_MAX, &seconds)) {
		reply_error(reply, "BADARG", "SECONDS is a number from 0 (no longer) to %d",
			    PENALTY_SECONDS_MAX);
		return OUTCOME_DONE;
	}
	int length = snprintf(buffer, sizeof(buffer),
			      seconds ? "*notice %s muted you for %lld seconds\n"
				      : "*notice %s lets you speak again\n",
			      session->seat->nick, (long long)seconds);

	if (!send_letter(worker, to, LETTER_LINE, buffer, (size_t)length)) {
		refuse_full_inbox(reply);
		return OUTCOME_DONE;
	}
	atomic_store(
		&directory_seat(worker->commons->directory, to.worker, to.seat)->muted_until_ns,
		worker_now_ns(worker) + seconds * NS_PER_SECOND);
	reply_line(reply, "+mute %s %lld", seat.nick, (long long)seconds);
	return OUTCOME_DONE;
}

/* Tells every worker, this one too, that an address is banned from now on. */
static bool announce_ban(struct worker *worker, struct origin origin, const char *line,
			 size_t length)
{
	char text[sizeof(origin) + 256];
	bool all = true;

	memcpy(text, &origin, sizeof(origin));
	memcpy(text + sizeof(origin), line, length);
	for (uint32_t i = 0; i < worker->commons->options->workers; i++) {
		const struct address to = { .worker = i };

		all = send_letter(worker, to, LETTER_BAN, text, sizeof(origin) + length) && all;
	}
	return all;
}

enum outcome chat_ban(struct session *session, struct span arguments, struct reply *reply)
{
	struct worker *worker = session->worker;
	struct directory *directory = worker->commons->directory;
	struct span address = words_next(&arguments);
	struct span word = words_next(&arguments);
	char text[ORIGIN_TEXT_SIZE];
	struct origin origin;
	char line[256];
	int64_t seconds;

	if (!origin_read(address, &origin)) {
		reply_error(reply, "BADARG", "ADDRESS is one such as 192.0.2.7 or 2001:db8::7");
		return OUTCOME_DONE;
	}
	if (!words_number(word, 0, PENALTY_SECONDS_MAX, &seconds)) {
		reply_error(reply, "BADARG", "SECONDS is a number from 0 (no longer) to %d",
			    PENALTY_SECONDS_MAX);
		return OUTCOME_DONE;
	}
	if (!directory_try(directory)) {
		return OUTCOME_AGAIN;
	}
	bool banned =
		gate_ban(directory->gate, origin, worker_wall_ns(worker) + seconds * NS_PER_SECOND,
			 worker_wall_ns(worker));

	directory_unlock(directory);
	if (!banned) {
		reply_error(reply, "LIMIT", "%d addresses are banned, which is the most",
			    GATE_BANS_MAX);
		return OUTCOME_DONE;
	}
	origin_write(origin, text);
	reply_line(reply, "+ban %s %lld", text, (long long)seconds);
	int length =
		snprintf(line, sizeof(line), "*notice %s banned your address for %lld seconds\n",
			 session->seat->nick, (long long)seconds);

	if (seconds > 0 && !announce_ban(worker, origin, line, (size_t)length)) {
		log_warning("who is here from %s is not let go: too much is on its way", text);
	}
	return OUTCOME_DONE;
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

static enum outcome set_topic(struct session *session, uint16_t room, struct span text,
			      struct reply *reply)
{
	char topic[LINE_MAX_BYTES * TEXT_GROWTH + 1];
	char buffer[MESSAGE_SIZE];
	size_t length = text_clean(text.text, text.length, topic);
	struct room_line line;

	topic[length] = '\0';
	if (place_of(session->seat, room) < 0) {
		reply_error(reply, "NOROOM", "you are not in that room; /join it first");
		return OUTCOME_DONE;
	}
	if (length >= ROOM_TOPIC_SIZE) {
		reply_error(reply, "BADARG", "TEXT is too long: a topic has at most %d bytes",
			    ROOM_TOPIC_SIZE - 1);
		return OUTCOME_DONE;
	}
	if (!may_speak(session, reply)) {
		return OUTCOME_DONE;
	}
	line = message(session, buffer, "topic", room, text);
	line.topic = topic;
	return post(session->worker, room, &line) ? OUTCOME_LATER : OUTCOME_AGAIN;
}

enum outcome chat_topic(struct session *session, struct span arguments, struct reply *reply)
{
	const struct rooms *rooms = session->worker->commons->rooms;
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

/* Calls SEE for each line in a room's log that was said, oldest first. */
static void each_said(struct worker *worker, uint16_t room,
		      void (*see)(void *context, const struct room_record *record), void *context)
{
	const struct rooms *rooms = worker->commons->rooms;
	unsigned char *buffer = worker->chat->buffer;
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
	int64_t kept = worker->commons->options->history;
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
	each_said(worker, room, count_said, &history);
	history.skip = history.count - wanted;
	history.count = 0;
	each_said(worker, room, show_said, &history);
	reply_line(reply, "+history %lld", (long long)history.count);
	return OUTCOME_DONE;
}

enum outcome chat_rooms(struct session *session, struct span arguments, struct reply *reply)
{
	const struct rooms *rooms = session->worker->commons->rooms;
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
		enum outcome outcome = find_room(session, name, &room, reply);

		if (outcome != OUTCOME_LATER) {
			return outcome;
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
		deliver_or_gather(worker, room);
	}
	deliver_gathered(worker);
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
