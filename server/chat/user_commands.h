/*
 * people: the commands about one person: /tell, /nick, and what operators may do to somebody.
 *
 * Who is meant may be served by any worker: what that one is to hear goes as a letter into its
 * worker's inbox.
 */
#ifndef SERVER_CHAT_USER_COMMANDS_H
#define SERVER_CHAT_USER_COMMANDS_H

#include "server/lines/command.h"

enum outcome user_tell(struct session *session, struct span arguments, struct reply *reply);
enum outcome user_nick(struct session *session, struct span arguments, struct reply *reply);
enum outcome user_kick(struct session *session, struct span arguments, struct reply *reply);
enum outcome user_mute(struct session *session, struct span arguments, struct reply *reply);
enum outcome user_ban(struct session *session, struct span arguments, struct reply *reply);

/* Whether the session may speak; if not, REPLY says for how long it may not. */
bool user_may_speak(const struct session *session, struct reply *reply);

/* Once a turn: reads the letters to this worker's sessions. */
void user_turn(struct worker *worker);

#endif
