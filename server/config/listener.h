/*
 * listener: the ports that the master opens, or that were opened for it.
 */
#ifndef SERVER_CONFIG_LISTENER_H
#define SERVER_CONFIG_LISTENER_H

#include "server/config/options.h"

#define LISTENER_TEXT_SIZE    80           /* "[ADDRESS]:PORT" and its NUL */
#define LISTENER_UNSENT_BYTES (128 * 1024) /* that the kernel keeps for one who does not read */

/*
 * A listening socket, the passed one or a new one: non-blocking and close-on-exec. What the
 * accepted ones inherit: TCP_NODELAY; TCP asks a peer that was silent for IDLE_SECONDS whether it
 * is still there; the kernel takes no more for a peer than LISTENER_UNSENT_BYTES beyond its window.
 * Dies with one line that names the address when it cannot be had.
 */
int listener_open(const struct listener_option *option, unsigned idle_seconds);

/* The same time for another SOCKET: a listener's, whose connections inherit it, or a connection. */
void listener_set_idle(int socket, unsigned idle_seconds);

/* Where it really listens (port 0 has become one), into TEXT, LISTENER_TEXT_SIZE bytes. */
void listener_text(int listener, char *text);

#endif
