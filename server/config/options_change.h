/*
 * options_change: which options may be others while the server runs, and which only after a start.
 */
#ifndef SERVER_CONFIG_OPTIONS_CHANGE_H
#define SERVER_CONFIG_OPTIONS_CHANGE_H

#include "server/config/options.h"

#define OPTIONS_NAMES_SIZE                                                     \
	256 /* bytes of all names of options that cannot change, and their NUL \
	     */

/*
 * Gives FRESH those values of OPTIONS, which the server runs with, that cannot change while it
 * runs. NAMES (OPTIONS_NAMES_SIZE bytes) are the options that were to: "listen, store"; or "".
 */
void options_keep_fixed(struct options *fresh, const struct options *options, char *names);

#endif
