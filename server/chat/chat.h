/*
 * chat: what a session does in rooms: joining, leaving, speaking, topics, history, lists.
 *
 * Names and texts come in as they were typed, values go out; how that looks on a wire is the
 * front's. What is said goes out through post.h and comes back through fan_out.h, here as on every
 * other worker; what is about one person is in user.h. Where an operation can fail it says so in
 * its outcome, and PROBLEM says why.
 */
#ifndef SERVER_CHAT_CHAT_H
#define SERVER_CHAT_CHAT_H

#include "server/session/session.h"
#include "server/state/rooms.h"

/* The room of that name, which need not be one's own. */
enum outcome chat_find_room(struct session *session, struct span name, uint16_t *room,
			    struct problem *problem);

/* A room that the session is in: the one of that name, or, where there is none, the current one. */
enum outcome chat_own_room(struct session *session, struct span name, uint16_t *room,
			   struct problem *problem);

struct chat_joined {
	char name[NAME_ROOM_SIZE];
	uint32_t members;
};

/* Enters a room, or makes the one that it is in already the current one. */
enum outcome chat_join(struct session *session, struct span name, struct chat_joined *joined,
		       struct problem *problem);

/* On a room that chat_own_room found. NAME takes NAME_ROOM_SIZE bytes. */
enum outcome chat_part(struct session *session, uint16_t room, char *name);
enum outcome chat_say(struct session *session, uint16_t room, struct span text,
		      struct problem *problem);

/*
 * On a room that chat_find_room found; to set a topic, one has to be in it. TOPIC, ROOM_TOPIC_SIZE
 * bytes, is what it was set to: with a bus the room has it a little later.
 */
enum outcome chat_set_topic(struct session *session, uint16_t room, struct span text, char *topic,
			    struct problem *problem);

/*
 * How far a listing is that is made piece by piece: all zero at its start. Both below call SEE for
 * what comes next until that returns false, and are false then if there may be more; what comes and
 * goes in between is listed or not.
 */
struct chat_listing {
	bool begun;
	uint64_t at;
	uint64_t end;
	int64_t skip;  /* older ones than those asked for */
	int64_t count; /* how many SEE saw in all */
};

/* For the last WANTED that were said in a room, oldest first. */
bool chat_history(struct turn *turn, uint16_t room, int64_t wanted, struct chat_listing *listing,
		  bool (*see)(void *context, const struct message *said), void *context);

/* For each nick in ROOM, or on the server if that is ROOM_NONE. */
bool chat_each_nick(struct turn *turn, uint16_t room, struct chat_listing *listing,
		    bool (*see)(void *context, const char *nick), void *context);

/*
 * Tells the session's rooms that it goes, with WHY (as it was typed, or empty). Once: what comes
 * after the first time does nothing.
 */
void chat_farewell(struct session *session, struct span why);

/*
 * The session ended: gives back its places in rooms, its nick and its seat; false if a lock was
 * taken: try again next turn.
 */
bool chat_leave_all(struct session *session);

/* What is kept for a worker's chat: turn->posts and turn->fan_out. */
void chat_create(struct turn *turn);
void chat_destroy(struct turn *turn);

/* Once a turn: posts what waited for a lock, reads letters, delivers what is new. */
void chat_turn(struct turn *turn);

/*
 * This worker is about to leave its sessions to another: once a turn, behind chat_turn, until it
 * says true. Then nothing is left that the other could not find.
 */
bool chat_yield(struct turn *turn);

/* The last of it: who still waits for something here asks the next worker. */
void chat_leave(struct turn *turn);

/* Whether there is news for this worker: asked once more before it sleeps. */
bool chat_has_news(const struct turn *turn);

/* Tells an event's room what is left; the room is made if need be. False: try again later. */
bool chat_announce(struct turn *turn, const char *event, const struct message_sale *sale);

/*
 * At the start of a worker that goes on with its predecessor's sessions: each is in its rooms, and
 * the letter and the stretch of a room's log that were being delivered are finished.
 */
void chat_adopt(struct turn *turn);

/* At a worker's start: frees what sessions left that are not here, and tells the rooms. */
void chat_sweep(struct turn *turn);

#endif
