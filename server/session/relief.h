/*
 * relief: bounds what all receivers together have queued (--send-queue-total).
 *
 * Past it those furthest behind are cut off, on whichever worker they are.
 */
#ifndef SERVER_SESSION_RELIEF_H
#define SERVER_SESSION_RELIEF_H

#include "server/state/turn.h"

/* Once a turn, when all that it brought was sent as far as the sockets took it. */
void relief_turn(struct turn *turn);

#endif
