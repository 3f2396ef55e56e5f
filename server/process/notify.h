/*
 * notify: tells the service manager how far we are: the few lines of systemd's notify protocol.
 *
 * One datagram to the socket that $NOTIFY_SOCKET names (see sd_notify(3)); without that variable
 * nothing happens, and what cannot be sent is not tried again: it must not stop the server.
 */
#ifndef SERVER_PROCESS_NOTIFY_H
#define SERVER_PROCESS_NOTIFY_H

#include <stdbool.h>

/* STATE is "READY=1", "STOPPING=1" or any other of the protocol's assignments, a line each. */
void notify_manager(const char *state);

/*
 * Whether the service manager waits for a word ("WATCHDOG=1") that we are well, and would start us
 * again without it: $WATCHDOG_USEC, $WATCHDOG_PID. The master says it once a second.
 */
bool notify_is_watched(void);

#endif
