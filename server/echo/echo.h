/*
 * echo: the front that sends back what comes, byte for byte, ASCII letters in upper case (or
 * unchanged: RFC 862).
 *
 * No lines, no greeting, nobody to name. What a peer does not take back is kept, at most one read's
 * worth, and nothing more is read from it until that is gone; so a peer that only sends fills its
 * own socket, not our memory.
 */
#ifndef SERVER_ECHO_ECHO_H
#define SERVER_ECHO_ECHO_H

#include "server/session/front.h"

extern const struct front echo_front;

#endif
