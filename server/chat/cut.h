/*
 * cut: tells people that this machine is cut off from the others, once a cut, and once it is over.
 *
 * What they say meanwhile waits (bus.h); whether that is the case the bus process says.
 */
#ifndef SERVER_CHAT_CUT_H
#define SERVER_CHAT_CUT_H

#include "server/session/session.h"

/* Once a turn. */
void cut_turn(struct turn *turn);

/* Whether people are to be told something. */
bool cut_has_news(const struct turn *turn);

#endif
