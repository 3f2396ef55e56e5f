/*
 * fan_out: takes what is new in the rooms' logs to the sessions of this worker.
 *
 * A worker remembers how far it read the log of each room that it has members in. What is new is
 * put into words once for each front that has members there, in a block, which each member's output
 * refers to; what is a sender's own is left out. In large rooms, where each line is a system call a
 * member, lines that come close together are sent together.
 */
#ifndef SERVER_CHAT_FAN_OUT_H
#define SERVER_CHAT_FAN_OUT_H

#include <stdint.h>

#include "server/session/session.h"
#include "server/state/rooms.h"

/* What a worker keeps for it: turn->fan_out. */
void fan_out_create(struct turn *turn);
void fan_out_destroy(struct turn *turn);

/* Gives the members here all that is new in a room. */
void fan_out_deliver(struct turn *turn, uint16_t room);

/* Once a turn: the same for all rooms with news, but for those that gather some more. */
void fan_out_turn(struct turn *turn);

/* The same for all of them, now. */
void fan_out_deliver_all(struct turn *turn);

/* When the next lines are due that were held back to be sent together: monotonic; or INT64_MAX. */
int64_t fan_out_next_ns(const struct turn *turn);

/* A session hears a room from now on, or no longer. Deliver what is new first. */
void fan_out_add_member(struct session *session, uint16_t room);
void fan_out_remove_member(struct session *session, uint16_t room);

/* A predecessor's session is a member, and goes on where the predecessor was. */
void fan_out_adopt_member(struct session *session, uint16_t room);

/* When all are adopted: finishes the delivery over which the predecessor ended. */
void fan_out_resume(struct turn *turn);

/*
 * Calls SEE for what was said in a room from *POSITION of its log on, up to END, oldest first,
 * until it returns false, and moves *POSITION behind what it saw. Whether all was seen.
 */
bool fan_out_each_said(struct turn *turn, uint16_t room, uint64_t *position, uint64_t end,
		       bool (*see)(void *context, const struct message *said), void *context);

#endif
