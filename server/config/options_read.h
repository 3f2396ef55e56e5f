/*
 * options_read: makes the options out of what was passed to the program.
 *
 * Every long option may also stand in the file named by --config ("workers = 4"; one that may be
 * repeated may be repeated there), and the command line wins. Anything wrong ends the program here,
 * with one line that says what would be right, and exit status 2.
 */
#ifndef SERVER_CONFIG_OPTIONS_READ_H
#define SERVER_CONFIG_OPTIONS_READ_H

#include <stdbool.h>

#include "server/config/options.h"

/*
 * Takes the sockets that a service manager passed, then reads the command line and the file that it
 * names. Ends the program when something is wrong.
 */
void options_read(struct options *options, int argc, char **argv);

/*
 * Reads the same once more into FRESH, while the server runs with OPTIONS: the command line as it
 * was, and what lies in the files now. False, and PROBLEM (OPTION_PROBLEM_SIZE bytes) says what is
 * wrong. Makes no folder and looks no user up.
 */
bool options_read_again(struct options *fresh, const struct options *options, int argc, char **argv,
			char *problem);

#endif
