/*
 * post: puts lines into rooms: first step of what is said on its way to everybody.
 *
 * A line is one append to its room's log. When somebody else holds the log's lock, the line waits:
 * one that a client can be asked to give again stays with its session, an event that nobody gives
 * again (who left) is queued here, in order, and tried again each turn.
 */
#ifndef SERVER_CHAT_POST_H
#define SERVER_CHAT_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/state/rooms.h"
#include "shared/text/words.h"

#define POST_MESSAGE_SIZE (ROOM_LINE_MAX + 1)

struct worker;
struct session;
struct queued_line;

/* A worker's lines that wait for a lock; all zero when there is none. */
struct post_queue {
	struct queued_line *oldest;
	struct queued_line *newest;
	size_t count;
};

void post_finish(struct post_queue *posts);

/* Appends a line to a room's log and wakes who has to hear it; false if it has to wait. */
bool post_line(struct worker *worker, uint16_t room, const struct room_line *line);

/* As post_line, but a line that has to wait is queued. */
void post_line_or_queue(struct worker *worker, uint16_t room, const struct room_line *line);

/* Once a turn: posts the queued lines whose lock is free again. */
void post_retry(struct worker *worker);

/*
 * "*KIND #ROOM NICK [TEXT]", with TEXT cleaned, as a line that SESSION sends; it lies in BUFFER,
 * POST_MESSAGE_SIZE bytes.
 */
struct room_line post_message(const struct session *session, char *buffer, const char *kind,
			      uint16_t room, struct span text);

/* Whether a room is small enough, and not too small, to be told who comes and goes. */
bool post_hears_events(const struct worker *worker, uint16_t room);

/* Posts such a message if the room hears events, queued if need be. */
void post_event(struct session *session, const char *kind, uint16_t room, struct span text);

#endif
