/*
 * ticket_commands: the commands that sell, and those on events.
 *
 * Each reads its arguments into a booking request; what is wrong with them is said at once. Whether
 * there is such an event or code only the clerk knows. /events and /left are answered from the
 * stock board.
 */
#ifndef SERVER_LINES_TICKET_COMMANDS_H
#define SERVER_LINES_TICKET_COMMANDS_H

#include "server/lines/handler.h"

command_handler ticket_events, ticket_left, ticket_book, ticket_hold, ticket_wait, ticket_audit,
	ticket_event, ticket_confirm, ticket_cancel, ticket_show, ticket_admit;

#endif
