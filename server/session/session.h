/*
 * session: one client's connection: its input, its place in the order of replies, its output.
 *
 * Bytes come in, and its front makes of them what they ask for; replies are sent in the order in
 * which they were asked for. Bookings are answered by the clerk: further ones may be asked for
 * without waiting, but all else waits until they are answered (it is kept, and the socket is not
 * read further). Only here is a client's socket written to and closed; closing marks, and the
 * worker frees at the end of the turn.
 */
#ifndef SERVER_SESSION_SESSION_H
#define SERVER_SESSION_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "server/config/arrival.h"
#include "server/session/problem.h"
#include "server/session/sessions.h"

/* Closes SOCKET, whose peer cannot be served. */
void session_refuse(const struct front *front, int socket);

/* A connection that is new here. */
struct session_socket {
	int descriptor;
	uint8_t kind;     /* enum listener_kind: where it was accepted */
	uint64_t handoff; /* as the master knows it; 0: it does not */
	struct peer_address peer;
	struct endpoint own; /* where it came to, if the socket does not know: through TLS */
	uint64_t plain;      /* then: its number (state/plain_ends.h) */
};

/* Opens a session on it (owned from here on); greets. NULL: it was refused. */
struct session *session_open(struct turn *turn, const struct front *front,
			     const struct session_socket *socket);

/* A session of a predecessor's stream, its output adopted (adopt.h); NULL when memory is gone. */
struct session *session_revive(struct turn *turn, const struct front *front, uint32_t index,
			       int socket);

/* Takes LENGTH bytes that its peer sent once more (adopt.h): they are done with. */
void session_take(struct session *session, char *bytes, size_t length);

/* Queues LENGTH bytes of replies, in frames if its front has such; returns how many that makes. */
size_t session_copy_reply(struct session *session, const char *text, size_t length);

/* It is whole: is read and sent from here on. */
void session_start(struct session *session);

/* The connection is over: nothing more is read or written; the turn's end frees it. */
void session_end(struct session *session);

/*
 * The same for one through a trusted proxy: who it is, its PROXY header says, and then it begins.
 */
struct session *session_open_proxied(struct turn *turn, const struct front *front,
				     const struct session_socket *socket);

/* Sends a copy of TEXT: whole messages of its front's. */
void session_send(struct session *session, const char *text, size_t length);

/* The same for what its peer itself asked for: while that is not read, nothing is read from it. */
void session_send_own(struct session *session, const char *text, size_t length);

/* Sends a stretch of a block, by reference. */
void session_send_block(struct session *session, struct block *block, uint32_t start,
			uint32_t length);

/* Sends at once what the socket takes, and a copy of the rest later; before it all else that is. */
void session_send_now(struct session *session, const char *text, size_t length);

/* Sends a message in its front's words. */
void session_hear(struct session *session, const struct message *message);

/* The same of one who may be gone: WHO is as trail_who wrote it. */
__attribute__((format(printf, 4, 5))) void session_note_of(struct turn *turn, const char *who,
							   enum trail_kind kind, const char *format,
							   ...);

/* The same for a text of the server's to people. */
__attribute__((format(printf, 2, 3))) void session_notice(struct session *session,
							  const char *format, ...);

/*
 * What turn->sessions->reply holds for SESSION is a whole reply. Those to what came together are
 * sent together: by session_send_replies, or before anything else that is sent to it.
 */
void session_reply_is_complete(struct session *session);

/* Sends the complete replies to the session that is being answered, if any. */
void session_send_replies(struct turn *turn);

/* One more of its bookings is under way. */
void session_expect_answer(struct session *session);

/* What it waited for is known without an answer of its own: what its front kept is tried again. */
void session_go_on(struct session *session);

/* The answer to one is queued: goes on with what waited. */
void session_answered(struct session *session);

/* Tries once more what found a lock taken. */
void sessions_retry_waiting(struct turn *turn);

/* A receiver that is further behind than it may be: what is queued is dropped, and it is let go. */
void session_cut_off(struct session *session);

/*
 * Sends what is queued of all sessions. Those that ended are freed when GIVE_BACK gave back all
 * that they had; where it is false it is called again next turn.
 */
void sessions_flush(struct turn *turn, bool (*give_back)(struct session *session));

/* No more input is taken; what is queued and under way is still sent, then the connection ends. */
void session_close(struct session *session);

/*
 * The connection is over in this turn, also if the peer does not read; it is told why if its socket
 * takes that now.
 */
void session_end_now(struct session *session, const struct message *why);

/* The same for those whose seats say that they were ended: their letters did not come. */
void sessions_end_ended(struct turn *turn, const struct message *why);

/* The same for all that come from a network, operators excepted. */
void sessions_end_from(struct turn *turn, struct peer_network network, const struct message *why);

/* A second passed: ends those that linger too long. */
void sessions_tick(struct turn *turn);

/* The server is about to stop: tells everyone, takes no more input. */
void sessions_drain(struct turn *turn);

#endif
