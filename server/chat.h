/*
 * chat: rooms and who is in them, as one worker sees it; and the commands on them.
 *
 * The rooms' logs lie in shared memory (rooms.h). Here a worker knows which of its sessions are in
 * a room and up to where it has read that room's log. What is new is copied once into a block and
 * put by reference into each member's output, a sender's own lines left out. Other workers are
 * reached only through the logs and the inboxes.
 */
#ifndef SERVER_CHAT_H
#define SERVER_CHAT_H

#include "server/command.h"
#include "server/session.h"
#include "server/worker.h"

struct chat *chat_create(void);
void chat_destroy(struct chat *chat);

/* The commands; see PROTOCOL. */
enum outcome chat_join(struct session *session, struct span arguments, struct reply *reply);
enum outcome chat_part(struct session *session, struct span arguments, struct reply *reply);
enum outcome chat_say(struct session *session, struct span arguments, struct reply *reply);
enum outcome chat_tell(struct session *session, struct span arguments, struct reply *reply);
enum outcome chat_rooms(struct session *session, struct span arguments, struct reply *reply);
enum outcome chat_who(struct session *session, struct span arguments, struct reply *reply);
enum outcome chat_nick(struct session *session, struct span arguments, struct reply *reply);

enum outcome chat_topic(struct session *session, struct span arguments, struct reply *reply);
enum outcome chat_history(struct session *session, struct span arguments, struct reply *reply);
enum outcome chat_kick(struct session *session, struct span arguments, struct reply *reply);
enum outcome chat_mute(struct session *session, struct span arguments, struct reply *reply);
enum outcome chat_ban(struct session *session, struct span arguments, struct reply *reply);

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

/* Once a turn: takes letters, sends the lines that waited for a lock, delivers what is new. */
void chat_turn(struct worker *worker);

/* When the next lines are due that were held back to be sent together: monotonic; or INT64_MAX. */
int64_t chat_next_delivery_ns(const struct worker *worker);

/* Whether lines wait for a lock, so that the loop must not sleep long. */
bool chat_is_waiting(const struct worker *worker);

/* Whether there is news for this worker: asked once more before it sleeps. */
bool chat_has_news(const struct worker *worker);

/* A line of the server's in an event's room, such as *sale; the room is made if need be. */
bool chat_announce(struct worker *worker, const char *event, const char *text, size_t length);

/* At a worker's start: frees what its predecessor left, and tells the rooms. */
void chat_sweep(struct worker *worker);

#endif
