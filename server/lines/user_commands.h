/*
 * user_commands: the commands about one person: /tell, /nick, and what operators may do to
 * somebody.
 */
#ifndef SERVER_LINES_USER_COMMANDS_H
#define SERVER_LINES_USER_COMMANDS_H

#include "server/lines/handler.h"

command_handler user_tell_command, user_nick_command, user_kick_command, user_mute_command,
	user_ban_command;

#endif
