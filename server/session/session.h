/*
 * session: one client's connection to the line protocol: its input, its place in the order of
 * replies, its output.
 *
 * Bytes come in, the intake cuts them into lines, a command carries each out, and its reply is sent
 * in the order of the commands. Bookings are answered by the clerk: further bookings are sent after
 * the first ones without waiting, but any other line waits until they are answered (it is kept, and
 * the socket is not read further). Only here is a client's socket written to and closed; closing
 * marks, and the worker frees at the end of the turn.
 */
#ifndef SERVER_SESSION_SESSION_H
#define SERVER_SESSION_SESSION_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/process/worker.h"
#include "server/session/input.h"
#include "server/session/output.h"
#include "server/state/directory.h"

enum session_state {
	SESSION_OPEN,
	SESSION_CLOSING,   /* nothing more is read; what is queued is sent, then the end */
	SESSION_LINGERING, /* all is sent; the peer is to end first, or a second to pass */
	SESSION_ENDED
};

struct session {
	struct event event;
	struct worker *worker;
	struct seat *seat; /* shared: nick and rooms */
	uint64_t number;
	struct peer_address peer;
	int socket;
	uint32_t place; /* of the seat */
	struct intake intake;
	struct output output;
	uint16_t bookings; /* under way at the clerk */
	uint8_t state;     /* enum session_state */
	bool ended_input;  /* the peer has half-closed */
	bool reading;      /* `event` waits for input */
	bool writing;      /* the socket took no more: `event` waits for room */
	bool operator_role;
	bool greeted;       /* has a nick */
	bool said_farewell; /* to its rooms */
	bool drained;       /* the server stops: no more input is taken */
	bool unsent;        /* in the worker's list */
	bool waiting;       /* likewise */
	struct session *next_unsent;
	struct session *next_waiting;
	struct session *next_ended;
	uint64_t stretch; /* chat: the last stretch of a room that has a line of this session's */
	int64_t linger_until_ns;
};

/* Closes SOCKET; if it is one for lines, it is told -BUSY before. */
void session_refuse(int socket, bool lines);

/* Opens a session on SOCKET (owned from here on); greets. Refuses it if it cannot. */
void session_open(struct worker *worker, int socket, struct peer_address peer);

/* The session at that seat of this worker's if it still is that one, else NULL. */
struct session *session_find(const struct worker *worker, uint32_t place, uint64_t number);

struct address session_address(const struct session *session);

/* Sends a copy of TEXT: one or more whole lines. */
void session_send(struct session *session, const char *text, size_t length);

/* Sends a stretch of a block, by reference. */
void session_send_block(struct session *session, struct block *block, uint32_t start,
			uint32_t length);

/*
 * What the worker's `reply` holds for a command of SESSION's is complete. Replies to lines that
 * came together are sent together: by session_send_replies, or before anything else that is sent to
 * it.
 */
void session_reply_is_complete(struct session *session);

/* Sends the complete ones of the worker's `reply` to the session that it is answering, if any. */
void session_send_replies(struct worker *worker);

/* Its line found a lock taken: it is tried once more next turn. */
void session_retry_later(struct session *session);

/* One of its bookings was answered by the worker's `reply`: sends it, goes on with what waited. */
void session_answered(struct session *session);

/* Tries once more the lines that found a lock taken. */
void session_retry_waiting(struct worker *worker);

/* Sends what is queued of all sessions; frees those that ended. */
void session_flush_all(struct worker *worker);

/* No more input is taken; what is queued and under way is still sent, then the connection ends. */
void session_close(struct session *session);

/* A second passed: ends those that linger too long. */
void session_tick(struct worker *worker);

/* The server is about to stop: tells everyone, takes no more input. */
void session_drain_all(struct worker *worker);

#endif
