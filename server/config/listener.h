/*
 * listener: the ports that the master opens, or that were opened for it.
 */
#ifndef SERVER_CONFIG_LISTENER_H
#define SERVER_CONFIG_LISTENER_H

#include "server/config/options.h"

#define LISTENER_TEXT_SIZE 80 /* "[ADDRESS]:PORT" and its NUL */

/*
 * A listening socket, the passed one or a new one: non-blocking and close-on-exec, with
 * TCP_NODELAY, which the accepted ones inherit. Dies with one line that names the address when it
 * cannot be had.
 */
int listener_open(const struct listener_option *option);

/* Where it really listens (port 0 has become one), into TEXT, LISTENER_TEXT_SIZE bytes. */
void listener_text(int listener, char *text);

#endif
