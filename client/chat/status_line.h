/*
 * status_line: the line above the prompt: nick, room, who is there, and what is left of the room's
 * event. Pure.
 */
#ifndef CLIENT_CHAT_STATUS_LINE_H
#define CLIENT_CHAT_STATUS_LINE_H

#include <stddef.h>

#include "client/chat/server_view.h"

#define STATUS_LINE_SIZE 4096 /* bytes */

/*
 * Writes the line for a terminal of COLUMNS; returns its length. It never takes more than COLUMNS
 * - 1, so that it never wraps. TROUBLE takes the place of the room when it is not empty ("not
 * connected"). No NUL, no colours.
 */
size_t status_line(const struct server_view *view, const char *trouble, size_t columns,
		   char line[STATUS_LINE_SIZE]);

#endif
