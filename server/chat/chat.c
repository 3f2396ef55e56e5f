#include "server/chat/chat.h"

#include <string.h>

#include "server/chat/cut.h"
#include "server/chat/elsewhere.h"
#include "server/chat/fan_out.h"
#include "server/chat/operator.h"
#include "server/chat/post.h"
#include "server/chat/rename.h"
#include "server/chat/user.h"
#include "shared/base/clock.h"

/* Rooms by name */

static enum outcome refuse_room_name(struct problem *problem)
{
	return refuse(problem, PROBLEM_BADARG, "a room is # and 1 to %d letters, digits, _ or -",
		      NAME_ROOM_POINTS);
}

/* A room of that name, or ROOM_NONE. */
static enum outcome look_up(struct session *session, struct span name, uint16_t *room,
			    struct problem *problem)
{
	struct shared_state *shared = session->turn->shared;

	if (!name_is_room(name)) {
		return refuse_room_name(problem);
	}
	if (!directory_try(shared->directory)) {
		return OUTCOME_AGAIN;
	}
	*room = rooms_find(shared->rooms, shared->directory, name);
	directory_unlock(shared->directory);
	return OUTCOME_DONE;
}

static bool is_member(const struct session *session, uint16_t room)
{
	return room != ROOM_NONE && seat_place_of(session->seat, room) >= 0;
}

static enum outcome refuse_stranger(struct problem *problem)
{
	return refuse(problem, PROBLEM_NOROOM, "you are not in that room; /join it first");
}

enum outcome chat_own_room(struct session *session, struct span name, uint16_t *room,
			   struct problem *problem)
{
	enum outcome outcome;

	if (name.length == 0 && session->seat->room_count == 0) {
		return refuse(problem, PROBLEM_NOROOM, "you are in no room; /join #ROOM first");
	}
	if (name.length == 0) {
		*room = session->seat->rooms[0];
		return OUTCOME_DONE;
	}
	outcome = look_up(session, name, room, problem);
	return outcome == OUTCOME_DONE && !is_member(session, *room) ? refuse_stranger(problem)
								     : outcome;
}

enum outcome chat_find_room(struct session *session, struct span name, uint16_t *room,
			    struct problem *problem)
{
	enum outcome outcome = look_up(session, name, room, problem);

	if (outcome == OUTCOME_DONE && *room == ROOM_NONE) {
		return refuse(problem, PROBLEM_NOTFOUND, "no such room; /rooms lists them");
	}
	return outcome;
}

/* Coming, going and speaking */

/* With the directory's lock held. */
static void leave(struct session *session, uint16_t room)
{
	struct turn *turn = session->turn;

	fan_out_deliver(turn, room);
	fan_out_remove_member(session, room);
	seat_remove_room(session->seat, room);
	rooms_leave(turn->shared->rooms, room, turn->worker);
}

/* With the directory's lock held. */
static void enter(struct session *session, uint16_t room)
{
	struct turn *turn = session->turn;

	/* New nicks that it has not heard of yet may already be used in the room that it enters. */
	for (size_t i = 0; i < session->seat->room_count; i++) {
		fan_out_deliver(turn, session->seat->rooms[i]);
	}
	fan_out_deliver(turn, room);
	rename_tell_joined(session, room);
	rooms_enter(turn->shared->rooms, room, turn->worker);
	fan_out_add_member(session, room); /* its place first: a successor goes by the seat */
	seat_add_room(session->seat, room);
	post_coming_or_going(session, MESSAGE_JOINED, room, span_of(""));
}

/* With the directory's lock held. */
static enum outcome open_and_enter(struct session *session, struct span name, uint16_t *room,
				   struct problem *problem)
{
	struct shared_state *shared = session->turn->shared;
	const struct peer_address nobody = {
		{ 0 }
	}; /* an operator may open as many as there are */

	*room = rooms_open(shared->rooms, shared->directory, name,
			   session->operator_role ? nobody : session->peer);
	if (*room == ROOM_REFUSED) {
		session_note(session->turn, session, TRAIL_ROOMS,
			     "may not open a room: its address has opened %d, which is the most",
			     ROOMS_AN_ADDRESS);
		return refuse(problem, PROBLEM_LIMIT,
			      "your address has opened %d rooms, which is the most",
			      ROOMS_AN_ADDRESS);
	}
	if (*room == ROOM_NONE) {
		return refuse(problem, PROBLEM_LIMIT, "the server has %d rooms, which is the most",
			      ROOMS_OF_PEOPLE);
	}
	enter(session, *room);
	return OUTCOME_DONE;
}

/* With the directory's lock held. */
static enum outcome find_and_enter(struct session *session, struct span name, uint16_t *room,
				   struct problem *problem)
{
	struct shared_state *shared = session->turn->shared;

	*room = rooms_find(shared->rooms, shared->directory, name);
	if (is_member(session, *room)) {
		seat_make_current(session->seat, seat_place_of(session->seat, *room));
		return OUTCOME_DONE;
	}
	if (session->seat->room_count == SEAT_ROOMS_MAX) {
		return refuse(problem, PROBLEM_LIMIT,
			      "you are in %d rooms, which is the most; /part one first",
			      SEAT_ROOMS_MAX);
	}
	return open_and_enter(session, name, room, problem);
}

enum outcome chat_join(struct session *session, struct span name, struct chat_joined *joined,
		       struct problem *problem)
{
	struct shared_state *shared = session->turn->shared;
	enum outcome outcome;
	uint16_t room;

	if (!name_is_room(name)) {
		return refuse_room_name(problem);
	}
	if (!directory_try(shared->directory)) {
		return OUTCOME_AGAIN;
	}
	outcome = find_and_enter(session, name, &room, problem);
	if (outcome == OUTCOME_DONE) {
		memcpy(joined->name, shared->rooms->rooms[room].name, sizeof(joined->name));
		joined->members = room_members(shared->rooms, room);
	}
	directory_unlock(shared->directory);
	return outcome;
}

enum outcome chat_part(struct session *session, uint16_t room, char *name)
{
	struct shared_state *shared = session->turn->shared;

	if (!directory_try(shared->directory)) {
		return OUTCOME_AGAIN;
	}
	memcpy(name, shared->rooms->rooms[room].name, NAME_ROOM_SIZE);
	post_coming_or_going(session, MESSAGE_PARTED, room, span_of(""));
	leave(session, room);
	directory_unlock(shared->directory);
	return OUTCOME_DONE;
}

enum outcome chat_say(struct session *session, uint16_t room, struct span text,
		      struct problem *problem)
{
	char buffer[POST_TEXT_SIZE];
	struct room_message said;
	enum outcome outcome = user_may_speak(session, problem);

	if (outcome == OUTCOME_DONE) {
		outcome = post_is_possible(session->turn, problem);
	}
	if (outcome != OUTCOME_DONE) {
		return outcome;
	}
	said = post_by(session, MESSAGE_SAID, text, buffer);
	if (!post(session->turn, room, &said)) {
		return OUTCOME_AGAIN;
	}
	seat_make_current(session->seat, seat_place_of(session->seat, room));
	return OUTCOME_DONE;
}

enum outcome chat_set_topic(struct session *session, uint16_t room, struct span text, char *topic,
			    struct problem *problem)
{
	char buffer[POST_TEXT_SIZE];
	struct room_message posted = post_by(session, MESSAGE_TOPIC, text, buffer);

	if (!is_member(session, room)) {
		return refuse_stranger(problem);
	}
	if (posted.text.length >= ROOM_TOPIC_SIZE) {
		return refuse(problem, PROBLEM_BADARG,
			      "TEXT is too long: a topic has at most %d bytes",
			      ROOM_TOPIC_SIZE - 1);
	}
	enum outcome outcome = user_may_speak(session, problem);

	if (outcome == OUTCOME_DONE) {
		outcome = post_is_possible(session->turn, problem);
	}
	if (outcome != OUTCOME_DONE) {
		return outcome;
	}
	memcpy(topic, posted.text.text, posted.text.length);
	topic[posted.text.length] = '\0';
	return post(session->turn, room, &posted) ? OUTCOME_DONE : OUTCOME_AGAIN;
}

/* Lists */

struct history {
	struct chat_listing *listing;
	bool (*see)(void *context, const struct message *said);
	void *context;
};

static bool count_said(void *context, const struct message *said)
{
	(void)said;
	++*(int64_t *)context;
	return true;
}

static bool show_said(void *context, const struct message *said)
{
	struct history *history = context;
	struct chat_listing *listing = history->listing;

	if (listing->skip > 0) {
		listing->skip--;
		return true;
	}
	listing->count++;
	return history->see(history->context, said);
}

/* What is said from now on does not belong to it. */
static void begin_history(struct turn *turn, uint16_t room, int64_t wanted,
			  struct chat_listing *listing)
{
	const struct room *shared = &turn->shared->rooms->rooms[room];
	uint64_t from = shared->oldest;
	int64_t there = 0;

	listing->begun = true;
	listing->at = from;
	listing->end = shared->end;
	(void)fan_out_each_said(turn, room, &from, listing->end, count_said, &there);
	listing->skip = there - wanted;
}

bool chat_history(struct turn *turn, uint16_t room, int64_t wanted, struct chat_listing *listing,
		  bool (*see)(void *context, const struct message *said), void *context)
{
	struct history history = { listing, see, context };

	if (!listing->begun) {
		begin_history(turn, room, wanted, listing);
	}
	return fan_out_each_said(turn, room, &listing->at, listing->end, show_said, &history);
}

/* The nick of one who is in ROOM, or anywhere if that is ROOM_NONE. */
static bool has_nick_in(const struct seat *shared_seat, uint16_t room, struct seat *seat)
{
	return seat_read(shared_seat, seat) &&
	       (room == ROOM_NONE ? seat->nick[0] != '\0' : seat_place_of(seat, room) >= 0);
}

/* `at` counts on behind the seats here. */
static bool each_elsewhere(const struct presence *presence, uint16_t room, uint64_t first,
			   struct chat_listing *listing,
			   bool (*see)(void *context, const char *nick), void *context)
{
	struct presence_person person;
	char name[NICK_AT_SIZE];

	for (; listing->at - first < presence->highest; listing->at++) {
		if (!presence_read(presence, (uint32_t)(listing->at - first), &person) ||
		    (room != ROOM_NONE && !presence_person_is_in(&person, room))) {
			continue;
		}
		listing->count++;
		presence_name(presence, &person, name);
		if (!see(context, name)) {
			listing->at++;
			return false;
		}
	}
	return true;
}

/* `at` counts the seats of one worker after those of the other. */
bool chat_each_nick(struct turn *turn, uint16_t room, struct chat_listing *listing,
		    bool (*see)(void *context, const char *nick), void *context)
{
	struct directory *directory = turn->shared->directory;
	const uint64_t seats = directory->seats_a_worker;
	struct seat seat;

	for (uint32_t worker = (uint32_t)(listing->at / seats); worker < directory->workers;
	     listing->at = ++worker * seats) {
		for (uint32_t i = (uint32_t)(listing->at % seats); i < directory->highest[worker];
		     i++) {
			if (!has_nick_in(directory_seat(directory, worker, i), room, &seat)) {
				continue;
			}
			listing->count++;
			if (!see(context, seat.nick)) {
				listing->at = worker * seats + i + 1;
				return false;
			}
		}
	}
	return !turn->shared->presence ||
	       each_elsewhere(turn->shared->presence, room, directory->workers * seats, listing,
			      see, context);
}

/* The end of a session */

void chat_farewell(struct session *session, struct span why)
{
	if (!session->said_farewell && !seat_is_ended(session->seat)) {
		session->said_farewell = true;
		for (size_t i = 0; i < session->seat->room_count; i++) {
			post_coming_or_going(session, MESSAGE_PARTED, session->seat->rooms[i], why);
		}
	}
}

bool chat_leave_all(struct session *session)
{
	struct directory *directory = session->turn->shared->directory;

	chat_farewell(session, span_of(""));
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

void chat_create(struct turn *turn)
{
	posts_create(turn);
	fan_out_create(turn);
	operators_create(turn);
	elsewhere_create(turn);
}

void chat_destroy(struct turn *turn)
{
	posts_destroy(turn);
	fan_out_destroy(turn);
	operators_destroy(turn);
	elsewhere_destroy(turn);
}

void chat_turn(struct turn *turn)
{
	posts_retry(turn);
	cut_turn(turn);
	operators_turn(turn);
	elsewhere_turn(turn);
	user_turn(turn);
	fan_out_turn(turn);
}

/* What is in all logs of a rename is to be told by the one who knows where it was told. */
bool chat_yield(struct turn *turn)
{
	bool looked = operators_yield(turn);

	fan_out_deliver_all(turn);
	return looked && !posts_wait(turn);
}

void chat_leave(struct turn *turn)
{
	(void)chat_yield(turn);
	operators_leave(turn);
}

bool chat_has_news(const struct turn *turn)
{
	return user_has_news(turn) || operators_have_news(turn) || cut_has_news(turn) ||
	       elsewhere_has_news(turn) || rooms_have_news(turn->shared->rooms, turn->worker);
}

bool chat_announce(struct turn *turn, const char *event, const struct message_sale *sale)
{
	struct shared_state *shared = turn->shared;

	if (!directory_try(shared->directory)) {
		return false;
	}
	uint16_t room = rooms_of_event(shared->rooms, shared->directory, event);

	directory_unlock(shared->directory);
	if (room == ROOM_NONE) {
		return true; /* no place for one more room: nobody can be in it */
	}
	const struct room_message sold = { .kind = MESSAGE_SALE,
					   .nick = { "", 0 },
					   .text = { (const char *)sale, sizeof(*sale) },
					   .wall_ns = turn_wall_ns(turn) };
	return post(turn, room, &sold);
}

/* At a worker's start */

void chat_adopt(struct turn *turn)
{
	uint32_t index = 0;

	for (struct session *session; (session = sessions_next(turn, &index));) {
		for (size_t i = 0; session->let_in && i < session->seat->room_count; i++) {
			fan_out_adopt_member(session, session->seat->rooms[i]);
		}
	}
	user_resume(turn);
	fan_out_resume(turn);
}

/* With the directory's lock held. */
static void recount(struct turn *turn)
{
	uint32_t members[ROOMS_MAX] = { 0 };
	uint32_t index = 0;

	for (const struct session *session; (session = sessions_next(turn, &index));) {
		for (size_t i = 0; session->let_in && i < session->seat->room_count; i++) {
			members[session->seat->rooms[i]]++;
		}
	}
	rooms_recount(turn->shared->rooms, turn->worker, members);
}

void chat_sweep(struct turn *turn)
{
	struct shared_state *shared = turn->shared;
	uint32_t orphan = 0;

	directory_lock(shared->directory);
	for (; directory_next_orphan(shared->directory, turn->worker, &orphan); orphan++) {
		struct seat *seat = directory_seat(shared->directory, turn->worker, orphan);
		struct address where = { turn->worker, orphan, seat->session };

		if (session_find(turn, orphan, seat->session)) {
			continue;
		}
		if (!seat_is_ended(seat)) {
			post_gone(turn, seat, where);
		}
		directory_release(shared->directory, where);
	}
	recount(turn);
	directory_unlock(shared->directory);
	/* What the dead one had published but not yet told anybody of. */
	inbox_announce(shared->inboxes, turn->worker);
	for (uint32_t other = 0; other < shared->workers; other++) {
		for (uint16_t room = 0; room < ROOMS_MAX; room++) {
			if (shared->rooms->rooms[room].members[other] > 0) {
				rooms_note_news(shared->rooms, room, other);
			}
		}
		turn_wake(turn, other);
	}
}
