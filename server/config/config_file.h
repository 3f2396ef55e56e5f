/*
 * config_file: reads the configuration file: lines of "name = value", comments from '#' or ';' on,
 * no sections. Every name is an option's without its hyphens in front; what it means is for the
 * caller to say.
 */
#ifndef SERVER_CONFIG_CONFIG_FILE_H
#define SERVER_CONFIG_CONFIG_FILE_H

#include <stdbool.h>

/* Takes one setting; false and PROBLEM (OPTION_PROBLEM_SIZE bytes) when it is no good. */
typedef bool (*config_taker)(void *context, const char *name, const char *value, char *problem);

/*
 * Hands every setting of the file at PATH to TAKE. Stops at the first that is no good: false, and
 * PROBLEM (OPTION_PROBLEM_SIZE bytes) names the file, the line and what is wrong.
 */
bool config_file_read(const char *path, config_taker take, void *context, char *problem);

#endif
