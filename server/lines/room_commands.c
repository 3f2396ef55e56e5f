#include "server/lines/room_commands.h"

#include <string.h>

#include "server/chat/chat.h"
#include "server/lines/listing.h"
#include "shared/base/clock.h"

/* The room that a command is about: the one that it names first, or else the current one. */
static enum outcome choose_room(struct session *session, struct span *arguments, uint16_t *room,
				struct problem *problem)
{
	struct span rest = *arguments;
	struct span name = words_next(&rest);

	if (!span_starts(name, "#")) {
		return chat_own_room(session, span_of(""), room, problem);
	}
	*arguments = rest;
	return chat_own_room(session, name, room, problem);
}

enum outcome room_join(struct session *session, struct span arguments, struct reply *reply,
		       struct problem *problem)
{
	struct chat_joined joined;
	enum outcome outcome = chat_join(session, words_next(&arguments), &joined, problem);

	if (outcome == OUTCOME_DONE) {
		reply_line(reply, "+join %s %u", joined.name, joined.members);
	}
	return outcome;
}

enum outcome room_part(struct session *session, struct span arguments, struct reply *reply,
		       struct problem *problem)
{
	char name[NAME_ROOM_SIZE];
	uint16_t room;
	enum outcome outcome = choose_room(session, &arguments, &room, problem);

	if (outcome == OUTCOME_DONE && words_rest(arguments).length > 0) {
		return refuse(problem, PROBLEM_BADARG,
			      "a room is # and 1 to %d letters, digits, _ or -", NAME_ROOM_POINTS);
	}
	if (outcome == OUTCOME_DONE) {
		outcome = chat_part(session, room, name);
	}
	if (outcome == OUTCOME_DONE) {
		reply_line(reply, "+part %s", name);
	}
	return outcome;
}

enum outcome room_say(struct session *session, struct span arguments, struct reply *reply,
		      struct problem *problem)
{
	uint16_t room;
	enum outcome outcome = choose_room(session, &arguments, &room, problem);
	struct span text = words_rest(arguments);

	if (outcome == OUTCOME_DONE && text.length == 0) {
		return refuse(problem, PROBLEM_BADARG, "TEXT is missing: /say [#ROOM] TEXT");
	}
	if (outcome == OUTCOME_DONE) {
		outcome = chat_say(session, room, text, problem);
	}
	if (outcome == OUTCOME_DONE) {
		reply_line(reply, "+say %s", session->turn->shared->rooms->rooms[room].name);
	}
	return outcome;
}

enum outcome room_plain(struct session *session, struct span text, struct reply *reply,
			struct problem *problem)
{
	uint16_t room;
	enum outcome outcome = chat_own_room(session, span_of(""), &room, problem);

	(void)reply;
	return outcome == OUTCOME_DONE ? chat_say(session, room, text, problem) : outcome;
}

enum outcome room_topic(struct session *session, struct span arguments, struct reply *reply,
			struct problem *problem)
{
	const struct rooms *rooms = session->turn->shared->rooms;
	struct span name = words_next(&arguments);
	struct span text = words_rest(arguments);
	char topic[ROOM_TOPIC_SIZE];
	uint16_t room;
	enum outcome outcome = chat_find_room(session, name, &room, problem);

	if (outcome == OUTCOME_DONE && text.length > 0) {
		outcome = chat_set_topic(session, room, text, topic, problem);
	} else if (outcome == OUTCOME_DONE) {
		room_read_topic(rooms, room, topic);
	}
	if (outcome == OUTCOME_DONE) {
		reply_line(reply, "+topic %s%s%s", rooms->rooms[room].name, *topic ? " " : "",
			   topic);
	}
	return outcome;
}

/* "=TIME NICK TEXT" */
static bool history_row(void *context, const struct message *said)
{
	struct reply *reply = context;
	char time[CLOCK_TEXT_SIZE];

	clock_format(said->wall_ns, time);
	reply_bytes(reply, "=", 1);
	reply_bytes(reply, time, strlen(time));
	reply_bytes(reply, " ", 1);
	reply_bytes(reply, said->nick.text, said->nick.length);
	reply_bytes(reply, " ", 1);
	reply_bytes(reply, said->text.text, said->text.length);
	reply_bytes(reply, "\n", 1);
	return !listing_is_full(reply);
}

/* "[#ROOM] [N]" */
static enum outcome begin_history(struct session *session, struct span arguments,
				  struct listing *listing, struct problem *problem)
{
	int64_t kept = session->turn->shared->options->history;
	enum outcome outcome = choose_room(session, &arguments, &listing->room, problem);
	struct span word = words_next(&arguments);

	listing->wanted = kept;
	if (outcome == OUTCOME_DONE && word.length > 0 &&
	    !words_number(word, 1, kept, &listing->wanted)) {
		return refuse(problem, PROBLEM_BADARG, "N is a number from 1 to %lld",
			      (long long)kept);
	}
	return outcome;
}

enum outcome room_history(struct session *session, struct span arguments, struct reply *reply,
			  struct problem *problem)
{
	struct listing *listing = listing_of(session);
	enum outcome outcome = listing->where.begun
				       ? OUTCOME_DONE
				       : begin_history(session, arguments, listing, problem);

	if (outcome != OUTCOME_DONE) {
		return outcome;
	}
	if (!chat_history(session->turn, listing->room, listing->wanted, &listing->where,
			  history_row, reply)) {
		return OUTCOME_MORE;
	}
	reply_line(reply, "+history %lld", (long long)listing->where.count);
	return OUTCOME_DONE;
}

enum outcome room_list(struct session *session, struct span arguments, struct reply *reply,
		       struct problem *problem)
{
	const struct rooms *rooms = session->turn->shared->rooms;
	struct chat_listing *where = &listing_of(session)->where;
	char name[NAME_ROOM_SIZE];
	char topic[ROOM_TOPIC_SIZE];

	(void)arguments;
	(void)problem;
	while (where->at < ROOMS_MAX) {
		uint16_t room = (uint16_t)where->at++;

		if (room_read_name(rooms, room, name)) {
			room_read_topic(rooms, room, topic);
			reply_line(reply, "=%s %u%s%s", name, room_members(rooms, room),
				   *topic ? " " : "", topic);
			where->count++;
		}
		if (listing_is_full(reply)) {
			return OUTCOME_MORE;
		}
	}
	reply_line(reply, "+rooms %lld", (long long)where->count);
	return OUTCOME_DONE;
}

static bool nick_row(void *context, const char *nick)
{
	struct reply *reply = context;

	reply_bytes(reply, "=", 1);
	reply_bytes(reply, nick, strlen(nick));
	reply_bytes(reply, "\n", 1);
	return !listing_is_full(reply);
}

/* "[#ROOM]" */
static enum outcome begin_who(struct session *session, struct span arguments,
			      struct listing *listing, struct problem *problem)
{
	struct span name = words_next(&arguments);

	listing->room = ROOM_NONE;
	return name.length > 0 ? chat_find_room(session, name, &listing->room, problem)
			       : OUTCOME_DONE;
}

enum outcome room_who(struct session *session, struct span arguments, struct reply *reply,
		      struct problem *problem)
{
	struct listing *listing = listing_of(session);
	enum outcome outcome = listing->where.begun
				       ? OUTCOME_DONE
				       : begin_who(session, arguments, listing, problem);

	if (outcome != OUTCOME_DONE) {
		return outcome;
	}
	listing->where.begun = true;
	if (!chat_each_nick(session->turn, listing->room, &listing->where, nick_row, reply)) {
		return OUTCOME_MORE;
	}
	reply_line(reply, "+who %lld", (long long)listing->where.count);
	return OUTCOME_DONE;
}
