/*
 * activation: the listening sockets that a service manager opened for us: sd_listen_fds(3).
 *
 * $LISTEN_PID says for whom they are, $LISTEN_FDS how many, from descriptor 3 on, and
 * $LISTEN_FDNAMES what each is called. The name is the kind of the listener; one without a name, or
 * that only has its unit's, which systemd gives to those without, serves lines.
 */
#ifndef SERVER_CONFIG_ACTIVATION_H
#define SERVER_CONFIG_ACTIVATION_H

#include "server/config/options.h"

/*
 * Puts what was passed to this process among the options' listeners and removes the variables, so
 * that no child takes them for its own. To be called before any file is opened: a descriptor that
 * was not really passed could be that file's. Ends the program, as wrong usage does, when
 * something else was passed than sockets that listen for TCP.
 */
void activation_take(struct options *options);

#endif
