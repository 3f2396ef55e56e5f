/*
 * user: what one person does to one other: telling, and what operators may do to somebody.
 *
 * Who is meant may be served by any worker: what that one is to hear goes as a letter into its
 * worker's inbox.
 */
#ifndef SERVER_CHAT_USER_H
#define SERVER_CHAT_USER_H

#include "server/session/session.h"

/* Somebody who is connected. */
struct user {
	struct address where;
	struct seat seat; /* a copy */
};

/* Who has that nick. */
enum outcome user_find(struct turn *turn, struct span nick, struct user *user,
		       struct problem *problem);

enum outcome user_tell(struct session *session, const struct user *user, struct span text,
		       struct problem *problem);

/* The same BY somebody of another machine, of a TEXT that is clean. */
enum outcome user_tell_for(struct turn *turn, struct span by, const struct user *user,
			   struct span text, struct problem *problem);

/* An operator's, BY name: WHY may be empty; 0 seconds end a penalty. */
enum outcome user_kick(struct turn *turn, struct span by, const struct user *user, struct span why,
		       struct problem *problem);
enum outcome user_mute(struct turn *turn, struct span by, const struct user *user, int64_t seconds,
		       struct problem *problem);
enum outcome user_ban(struct session *session, struct peer_network network, int64_t seconds,
		      struct problem *problem);

/*
 * Whether the session may speak; if not, PROBLEM says for how long it may not. A mute is its
 * address's; operators may always speak.
 */
enum outcome user_may_speak(struct session *session, struct problem *problem);

/* At the start of a worker that goes on with its predecessor's sessions. */
void user_resume(struct turn *turn);

/*
 * Once a turn: reads the letters to this worker's sessions, ends those that were kicked or banned.
 */
void user_turn(struct turn *turn);

/* Whether there is any of that. */
bool user_has_news(const struct turn *turn);

#endif
