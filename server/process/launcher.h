/*
 * launcher: a small process that starts the program anew, from the file that lies now where this
 * one was started from.
 *
 * The master cannot: its sandbox (sandbox/filter.h) lets no process of the server run a program, a
 * new one would inherit it, and what it needs of root was given up. So this one is forked at the
 * start, before anything is given up. It has no connection and no listener; it takes two words from
 * the master, "start" and "kill", and it knows one program, one row of arguments and one
 * environment, those of the start: none of them comes with the word. It ends with the master.
 */
#ifndef SERVER_PROCESS_LAUNCHER_H
#define SERVER_PROCESS_LAUNCHER_H

#include <stdbool.h>

#include "server/config/options.h"

struct launcher;

/* Forks it: ARGV is the command line. NULL, with a line in the log, when it cannot be had. */
struct launcher *launcher_create(char *const *argv);

/*
 * Starts the program, with CHANNEL (still the caller's), whose descriptor HANDOVER_VARIABLE names
 * there, and with those of the options' LISTENERS that a service manager passed to this one, as it
 * passed them. False with errno when it cannot be asked; whether the program could be run shows at
 * the channel's other end.
 */
bool launcher_start(struct launcher *launcher, int channel, const struct options *options,
		    const int *listeners);

/* Once a second: one that was killed is given up, with a line in the log. */
void launcher_look(struct launcher *launcher);

/* Ends what it started, if that still runs. */
void launcher_kill(struct launcher *launcher);

#endif
