/*
 * share: how much a session may ask for: in a second (--rate), and in a turn of the loop.
 *
 * Nothing of it is shared between workers: each session has its own rate, and of a worker's turn
 * each gets a share.
 */
#ifndef SERVER_SESSION_SHARE_H
#define SERVER_SESSION_SHARE_H

#include <stdbool.h>

#include "server/session/sessions.h"

/* Whether --rate lets it ask for one thing more; that is counted then, as much as it COSTs. */
bool session_within_rate(struct session *session, unsigned cost);

/* How long it would have to wait for that; 0: no time. */
int64_t session_rate_wait_ns(struct session *session);

/*
 * A session has its turn: it gets a share of it, in what its requests cost and in time, so that one
 * that asks for much at once keeps nobody waiting. Each request is charged. When it may not go on
 * (its share is used up, or it does not read its replies), its front keeps the rest.
 */
void session_begin_share(struct session *session);
void session_charge(struct session *session, unsigned cost);
bool session_may_go_on(const struct session *session);

/* Its front kept the rest, since it may not go on: it is given its turn again when it may. */
void session_put_off(struct session *session);

#endif
