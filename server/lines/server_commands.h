/*
 * lobby: the commands that are about the server and oneself, not about rooms or tickets.
 */
#ifndef SERVER_LINES_SERVER_COMMANDS_H
#define SERVER_LINES_SERVER_COMMANDS_H

#include "server/lines/command.h"

enum outcome lobby_help(struct session *session, struct span arguments, struct reply *reply);
enum outcome lobby_ping(struct session *session, struct span arguments, struct reply *reply);
enum outcome lobby_quit(struct session *session, struct span arguments, struct reply *reply);
enum outcome lobby_where(struct session *session, struct span arguments, struct reply *reply);
enum outcome lobby_op(struct session *session, struct span arguments, struct reply *reply);
enum outcome lobby_workers(struct session *session, struct span arguments, struct reply *reply);
enum outcome lobby_stats(struct session *session, struct span arguments, struct reply *reply);

#endif
