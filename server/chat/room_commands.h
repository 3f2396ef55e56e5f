/*
 * chat: the commands on rooms: joining, leaving, speaking, topics, history, lists.
 *
 * What is said goes out through post.h and comes back through fan_out.h, here as on every other
 * worker; what is about one person is in people.h.
 */
#ifndef SERVER_CHAT_ROOM_COMMANDS_H
#define SERVER_CHAT_ROOM_COMMANDS_H

#include "server/lines/command.h"
#include "server/process/worker.h"
#include "server/session/session.h"

/* The commands; see PROTOCOL. */
enum outcome chat_join(struct session *session, struct span arguments, struct reply *reply);
enum outcome chat_part(struct session *session, struct span arguments, struct reply *reply);
enum outcome chat_say(struct session *session, struct span arguments, struct reply *reply);
enum outcome chat_rooms(struct session *session, struct span arguments, struct reply *reply);
enum outcome chat_who(struct session *session, struct span arguments, struct reply *reply);

enum outcome chat_topic(struct session *session, struct span arguments, struct reply *reply);
enum outcome chat_history(struct session *session, struct span arguments, struct reply *reply);

/* A line that is no command: said in the current room, without a reply when it worked. */
enum outcome chat_plain(struct session *session, struct span text, struct reply *reply);

/*
 * Tells the session's rooms that it goes, with WHY (as it was typed, or empty). Once, before
 * chat_leave_all.
 */
void chat_farewell(struct session *session, struct span why);

/*
 * Gives back its places in rooms, its nick and its seat; false if a lock was taken: try again next
 * turn.
 */
bool chat_leave_all(struct session *session);

/* Once a turn: posts what waited for a lock, reads letters, delivers what is new. */
void chat_turn(struct worker *worker);

/* Whether there is news for this worker: asked once more before it sleeps. */
bool chat_has_news(const struct worker *worker);

/* A line of the server's in an event's room, such as *sale; the room is made if need be. */
bool chat_announce(struct worker *worker, const char *event, const char *text, size_t length);

/* At a worker's start: frees what its predecessor left, and tells the rooms. */
void chat_sweep(struct worker *worker);

#endif
