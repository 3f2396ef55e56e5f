/*
 * fan_out: takes what is new in the rooms' logs to the sessions of this worker.
 *
 * A worker keeps its place in the log of each room that it has members in. What is new is copied
 * once into a block and put by reference into each member's output, a sender's own lines left out.
 * In large rooms, where each line is a system call a member, lines that come close together are
 * sent together.
 */
#ifndef SERVER_CHAT_FAN_OUT_H
#define SERVER_CHAT_FAN_OUT_H

#include <stdint.h>

#include "server/process/worker.h"
#include "server/state/rooms.h"

struct fan_out;

struct fan_out *fan_out_create(void);
void fan_out_destroy(struct fan_out *fan_out);

/* Gives the members here all that is new in a room. */
void fan_out_deliver(struct worker *worker, uint16_t room);

/* Once a turn: the same for all rooms with news, but for those that gather some more. */
void fan_out_turn(struct worker *worker);

/* When the next lines are due that were held back to be sent together: monotonic; or INT64_MAX. */
int64_t fan_out_next_ns(const struct worker *worker);

/* A session hears a room from now on, or no longer. Deliver what is new first. */
void fan_out_add_member(struct session *session, uint16_t room);
void fan_out_remove_member(struct session *session, uint16_t room);

/* Calls SEE for each line in a room's log that was said, oldest first. */
void fan_out_each_said(struct worker *worker, uint16_t room,
		       void (*see)(void *context, const struct room_record *record), void *context);

#endif
