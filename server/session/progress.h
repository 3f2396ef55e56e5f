/*
 * progress: how far a session's input has come, noted so that a successor of this worker goes on
 * with it at the right request (state/stream.h).
 *
 * Input is taken request by request. Each is begun, and then done: answered in the worker's reply,
 * or asked of the clerk. A successor is given the same bytes again: what was done is passed over,
 * and the one that was begun, which nobody can know of, is answered as interrupted. What a front
 * wants to keep of the input, it keeps as the session's rest; it counts with the end of the taking.
 */
#ifndef SERVER_SESSION_PROGRESS_H
#define SERVER_SESSION_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/session/sessions.h"

/* Input of SESSION is taken from here on: what is received, or (KEPT) what its front kept. */
void progress_begin(struct session *session, bool kept);

/* It is taken: LENGTH bytes of what was received are done with, and what was kept holds. */
void progress_end(struct session *session, size_t length);

/* A front: what becomes of the next request. */
enum request_fate {
	REQUEST_IS_NEW,
	REQUEST_WAS_DONE,        /* by a predecessor */
	REQUEST_WAS_INTERRUPTED, /* a predecessor ended over it: it was carried out or not */
};
enum request_fate progress_next(struct session *session);

/* Whether that is the last one which was done: what a predecessor has asked of the clerk is. */
bool progress_is_last_done(const struct session *session);

/* It could not have its turn: it will be the next again. */
void progress_put_back(struct session *session);

/* A piece of its reply is there; it will be the next again, and go on. */
void progress_pause(struct session *session);

/* It is done, with all that is complete of the worker's reply. */
void progress_done(struct session *session);

/* A front: room for LENGTH bytes (0: none) that it keeps until the next input, and its flags. */
void *progress_keep(struct session *session, size_t length, uint32_t flags);

/* That room again, before progress_end. */
void *progress_kept(const struct session *session);

/* What it kept before. */
const struct rest *progress_rest(const struct session *session);

/* Its bytes, without those BEFORE that are none of the input: never a null pointer. */
struct span progress_rest_input(const struct session *session, size_t before);

/* Between these two the complete replies to the session are queued, and dropped. */
void progress_begin_commit(struct session *session);
void progress_end_commit(struct session *session);

#endif
