/*
 * weight: what is queued for a receiver and costs memory: how much of it, and what of it are
 * replies to what it asked itself.
 *
 * What others say to it may be so much (--send-queue), then it is too far behind. Its own replies
 * are bounded in another way: while it does not read them, nothing is read from it. All receivers
 * together are bounded by relief.h, from the sum that is kept here.
 */
#ifndef SERVER_SESSION_WEIGHT_H
#define SERVER_SESSION_WEIGHT_H

#include <stdbool.h>
#include <stddef.h>

#include "server/session/sessions.h"

/* Something of it changed (its output, its state, whether its socket takes more): weighs anew. */
void weight_update(struct session *session);

/* The last LENGTH bytes that were queued are replies to what it asked itself. */
void weight_add_own(struct session *session, size_t length);

/* So many bytes were sent. */
void weight_sent(struct session *session, size_t sent);

/* Whether more of what others say is queued than may be. */
bool weight_is_too_far_behind(const struct session *session);

/* Whether so many of its replies are not read that it may ask for no more. */
bool weight_ignores_its_replies(const struct session *session);

#endif
