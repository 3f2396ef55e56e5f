/*
 * lobby: the commands that are about the server and oneself, not about rooms or tickets.
 */
#ifndef SERVER_LINES_SERVER_COMMANDS_H
#define SERVER_LINES_SERVER_COMMANDS_H

#include "server/lines/command.h"

enum outcome server_help(struct session *session, struct span arguments, struct reply *reply);
enum outcome server_ping(struct session *session, struct span arguments, struct reply *reply);
enum outcome server_quit(struct session *session, struct span arguments, struct reply *reply);
enum outcome server_where(struct session *session, struct span arguments, struct reply *reply);
enum outcome server_op(struct session *session, struct span arguments, struct reply *reply);
enum outcome server_workers(struct session *session, struct span arguments, struct reply *reply);
enum outcome server_stats(struct session *session, struct span arguments, struct reply *reply);

#endif
