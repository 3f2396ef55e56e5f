/*
 * state_folder: makes the folder that the server keeps its state in.
 *
 * The master does so at its start, before it becomes another user: what it makes must be that
 * user's, who is to write in it. What was there before stays as it is.
 */
#ifndef SERVER_CONFIG_STATE_FOLDER_H
#define SERVER_CONFIG_STATE_FOLDER_H

#include <stdbool.h>

/*
 * As mkdir -p, for its owner alone: USER, or who asks when that is "". True also when it is there;
 * false with errno set.
 */
bool state_folder_make(const char *path, const char *user);

#endif
