/*
 * room_commands: the commands on rooms, and text that is no command.
 */
#ifndef SERVER_LINES_ROOM_COMMANDS_H
#define SERVER_LINES_ROOM_COMMANDS_H

#include "server/lines/handler.h"

command_handler room_join, room_part, room_say, room_topic, room_history, room_list, room_who;

/* A line that is no command: said in the current room, without a reply when it worked. */
command_handler room_plain;

#endif
