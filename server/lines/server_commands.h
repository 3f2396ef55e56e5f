/*
 * server_commands: the commands that are about the server and oneself, not about rooms or tickets.
 */
#ifndef SERVER_LINES_SERVER_COMMANDS_H
#define SERVER_LINES_SERVER_COMMANDS_H

#include "server/lines/handler.h"

command_handler server_ping, server_quit, server_where, server_op, server_workers, server_stats;

#endif
