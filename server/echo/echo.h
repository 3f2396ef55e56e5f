/*
 * echo: sends back what comes, byte for byte, ASCII letters in upper case (or unchanged: RFC 862).
 *
 * No lines, no greeting. What a peer does not take back is kept, at most one read's worth, and
 * nothing more is read from it until that is gone; so a peer that only sends fills its own socket,
 * not our memory.
 */
#ifndef SERVER_ECHO_ECHO_H
#define SERVER_ECHO_ECHO_H

#include "server/process/worker.h"

/* Serves the connected socket, owned from here on, until its peer ends. */
void echo_open(struct worker *worker, int socket);

/* The server stops: what is under way is still sent, then all end. */
void echo_drain_all(struct worker *worker);

#endif
