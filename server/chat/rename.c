#include "server/chat/rename.h"

#include <stdlib.h>
#include <string.h>

#include "server/chat/post.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

/* A worker that did not look for so long was killed: twice what the master waits for. */
#define RECENT_NS   (10 * NS_PER_SECOND)
#define RECENT_MOST 4 /* of a session's that are kept; those before are heard, or out of order */

struct rename {
	uint64_t number;
	int64_t since_ns; /* monotonic */
	char old[NAME_NICK_SIZE];
	char new[NAME_NICK_SIZE];
	uint8_t room_count;
	uint8_t heard_count;            /* the first of `rooms`: who is there is to hear it */
	uint16_t rooms[SEAT_ROOMS_MAX]; /* whose logs have it */
};

/* Of one session. */
struct renames {
	uint8_t count;
	struct rename recent[RECENT_MOST]; /* oldest first */
};

static bool is_recent(struct turn *turn, const struct rename *rename)
{
	return turn_now_ns(turn) - rename->since_ns < RECENT_NS;
}

bool rename_is_recent(const struct session *session)
{
	const struct renames *renames = session->renames;

	return renames && renames->count > 0 &&
	       is_recent(session->turn, &renames->recent[renames->count - 1]);
}

/* A place behind the others; the oldest gives way. */
static struct rename *add(struct session *session)
{
	struct renames *renames = session->renames;

	if (!renames) {
		renames = session->renames = calloc(1, sizeof(*renames));
		if (!renames) {
			die("out of memory");
		}
	}
	if (renames->count == RECENT_MOST) {
		memmove(renames->recent, renames->recent + 1,
			(RECENT_MOST - 1) * sizeof(*renames->recent));
		renames->count--;
	}
	return &renames->recent[renames->count++];
}

/* Those where it is heard first; false if there is nobody to hear it. */
static bool list_rooms(const struct session *session, struct rename *rename)
{
	const struct rooms *rooms = session->turn->shared->rooms;
	const struct seat *seat = session->seat;
	uint16_t large[SEAT_ROOMS_MAX] = { 0 };
	uint8_t large_count = 0;
	bool somebody = false;

	rename->heard_count = 0;
	for (size_t i = 0; i < seat->room_count; i++) {
		uint32_t members = room_members(rooms, seat->rooms[i]);

		if (members > ROOM_EVENTS_MOST) {
			large[large_count++] = seat->rooms[i];
		} else {
			rename->rooms[rename->heard_count++] = seat->rooms[i];
			somebody |= members > 1 || session->turn->shared->bus;
		}
	}
	memcpy(rename->rooms + rename->heard_count, large, large_count * sizeof(*large));
	rename->room_count = (uint8_t)(rename->heard_count + large_count);
	return somebody;
}

static void post_rename(struct session *session, uint16_t room, const struct rename *rename)
{
	const struct room_message message = { .kind = MESSAGE_RENAMED,
					      .nick = span_of(rename->old),
					      .text = span_of(rename->new),
					      .sender = session_address(session),
					      .wall_ns = turn_wall_ns(session->turn),
					      .rename = rename->number,
					      .rooms = rename->rooms,
					      .room_count = rename->room_count,
					      .heard_count = rename->heard_count };

	post_or_queue(session->turn, room, &message);
}

/*
 * They grow. With a bus those of other machines come in between: the time of day keeps them apart,
 * and in about the order in which they were given.
 */
static uint64_t next_number(struct turn *turn)
{
	struct rooms *rooms = turn->shared->rooms;
	uint64_t last = atomic_load(&rooms->renames);
	uint64_t next;

	do {
		next = last + 1;
		if (turn->shared->bus && next < (uint64_t)turn_wall_ns(turn)) {
			next = (uint64_t)turn_wall_ns(turn);
		}
	} while (!atomic_compare_exchange_weak(&rooms->renames, &last, next));
	return next;
}

/* With the directory's lock held. */
static void tell_rooms(struct session *session, const char *old)
{
	struct rename rename = { .since_ns = turn_now_ns(session->turn) };

	if (!list_rooms(session, &rename)) {
		return;
	}
	rename.number = next_number(session->turn);
	memcpy(rename.old, old, sizeof(rename.old));
	memcpy(rename.new, session->seat->nick, sizeof(rename.new));
	for (uint8_t i = 0; i < rename.room_count; i++) {
		post_rename(session, rename.rooms[i], &rename);
	}
	*add(session) = rename;
}

static bool stands_in(const struct rename *rename, uint16_t room)
{
	for (uint8_t i = 0; i < rename->room_count; i++) {
		if (rename->rooms[i] == room) {
			return true;
		}
	}
	return false;
}

void rename_tell_joined(struct session *session, uint16_t room)
{
	struct renames *renames = session->renames;

	for (uint8_t i = 0; renames && i < renames->count; i++) {
		struct rename *rename = &renames->recent[i];

		if (!is_recent(session->turn, rename) || stands_in(rename, room)) {
			continue;
		}
		post_rename(session, room, rename);
		if (rename->room_count < SEAT_ROOMS_MAX) {
			rename->rooms[rename->room_count++] = room;
		}
	}
}

/* With the directory's lock held. */
static enum outcome claim(struct session *session, struct span nick, struct problem *problem)
{
	char old[NAME_NICK_SIZE];

	memcpy(old, session->seat->nick, sizeof(old));
	if (!directory_claim(session->turn->shared->directory, session_address(session), nick)) {
		return refuse(problem, PROBLEM_NICKINUSE, "somebody has that nick; choose another");
	}
	if (strcmp(old, session->seat->nick) != 0) {
		tell_rooms(session, old);
	}
	return OUTCOME_DONE;
}

enum outcome rename_session(struct session *session, struct span nick, struct problem *problem)
{
	struct directory *directory = session->turn->shared->directory;
	enum outcome outcome;

	if (!name_is_nick(nick)) {
		return refuse(problem, PROBLEM_BADARG, "NAME is 1 to %d letters, digits, _ or -",
			      NAME_NICK_POINTS);
	}
	if (!directory_try(directory)) {
		return OUTCOME_AGAIN;
	}
	outcome = claim(session, nick, problem);
	directory_unlock(directory);
	return outcome;
}
