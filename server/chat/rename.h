/*
 * rename: a new nick. Who shares a room hears of it once, before anything that is said under it, in
 * whichever room or letter.
 *
 * A rename is put into the logs of all rooms of its session at once, under the directory's lock, so
 * that nobody joins in between; and into the log of a room that is joined soon after. So it stands
 * in each log before what is said under the new nick, whichever is delivered first (told.h). One
 * that waits for a room's lock has all wait that the session says.
 */
#ifndef SERVER_CHAT_RENAME_H
#define SERVER_CHAT_RENAME_H

#include "server/session/session.h"

/* NICK is a good name or not. */
enum outcome rename_session(struct session *session, struct span nick, struct problem *problem);

/* With the directory's lock held: the session is about to enter ROOM. */
void rename_tell_joined(struct session *session, uint16_t room);

/* Whether it has a new nick that a worker may not have told its sessions yet. */
bool rename_is_recent(const struct session *session);

#endif
