/*
 * crash_command: /crash, with which an operator has workers crash, to see that nobody notices.
 */
#ifndef SERVER_LINES_CRASH_COMMAND_H
#define SERVER_LINES_CRASH_COMMAND_H

#include "server/lines/handler.h"

command_handler crash_command;

#endif
