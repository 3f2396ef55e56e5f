/*
 * post: puts events into rooms: first step of what is said on its way to everybody.
 *
 * A post is one append to its room's log. When somebody else holds the log's lock, it waits: one
 * that a client can be asked to give again stays with its session, one that nobody gives again (who
 * left) is queued here, in order, and tried again each turn.
 */
#ifndef SERVER_CHAT_POST_H
#define SERVER_CHAT_POST_H

#include <stdbool.h>
#include <stddef.h>

#include "server/session/session.h"
#include "server/state/rooms.h"
#include "shared/text/line.h"
#include "shared/text/text.h"

#define POST_TEXT_SIZE (LINE_MAX_BYTES * TEXT_GROWTH) /* bytes of what was typed, once clean */

/* A worker's events that wait for a room's lock: turn->posts. */
void posts_create(struct turn *turn);
void posts_destroy(struct turn *turn);
bool posts_wait(const struct turn *turn);

/* Once a turn: posts the queued events whose lock is free again. */
void posts_retry(struct turn *turn);

/* Whether a new nick of SESSION's waits for a room's lock: then all that it says has to, too. */
bool post_rename_waits(const struct turn *turn, uint64_t session);

/*
 * Appends a message to a room's log and wakes who has to hear it; false if it has to wait. With a
 * bus, all that people do is handed to that: it appends it here when its place in the stream of all
 * machines is known. Only sales are each machine's own.
 */
bool post(struct turn *turn, uint16_t room, const struct room_message *message);

/* The same, but a message that has to wait is queued. */
void post_or_queue(struct turn *turn, uint16_t room, const struct room_message *message);

/* Whether what is said can be taken now; -BUSY while the bus is away and enough waits for it. */
enum outcome post_is_possible(const struct turn *turn, struct problem *problem);

/* What SESSION does: TEXT is cleaned into BUFFER, POST_TEXT_SIZE bytes. */
struct room_message post_by(const struct session *session, enum message_kind kind, struct span text,
			    char *buffer);

/* Whether a room is small enough, and not too small, to be told who comes and goes. */
bool post_is_heard(const struct turn *turn, uint16_t room);

/* Tells the rooms of SEAT, a copy of that at WHERE, that its session is gone. */
void post_gone(struct turn *turn, const struct seat *seat, struct address where);

/* Posts who comes or goes to ROOM if that is heard there, queued if need be. */
void post_coming_or_going(struct session *session, enum message_kind kind, uint16_t room,
			  struct span text);

#endif
