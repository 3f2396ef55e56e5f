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

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/session/front.h"
#include "server/session/output.h"
#include "server/session/problem.h"
#include "server/session/reply.h"
#include "server/session/trail.h"
#include "server/state/directory.h"
#include "server/state/message.h"
#include "server/state/turn.h"

enum session_state {
	SESSION_OPEN,
	SESSION_CLOSING,   /* nothing more is read; what is queued is sent, then the end */
	SESSION_LINGERING, /* all is sent; the peer is to end first, or a second to pass */
	SESSION_ENDED
};

struct session {
	struct event event;
	struct turn *turn;
	const struct front *front;
	struct seat *seat; /* shared: nick and rooms */
	uint64_t number;
	struct peer_address peer;
	int socket;
	uint32_t index; /* of the seat, among this worker's */
	struct output output;
	size_t own_bytes;       /* of `output`: replies to what it asked itself, at most so many */
	size_t own_behind;      /* bytes of `output` up to the end of the last of them */
	size_t counted;         /* what it weighs in sessions->queued_bytes */
	int64_t tokens_ns;      /* --rate: what it may still spend */
	int64_t muted_until_ns; /* monotonic: as it was when admission->mutes_made was mutes_seen */
	uint32_t mutes_seen;
	uint16_t unanswered; /* bookings under way at the clerk */
	uint8_t state;       /* enum session_state */
	bool keeping;        /* its front keeps input that has to wait: no more is to be read */
	bool ended_input;    /* the peer has half-closed */
	bool reading;        /* `event` waits for input */
	bool writing;        /* the socket took no more: `event` waits for room */
	bool operator_role;
	bool let_in;        /* of_people: has a nick */
	bool said_farewell; /* to its rooms */
	bool drained;       /* the server stops: no more input is taken */
	bool unsent;        /* in the list */
	bool waiting;       /* likewise */
	bool leaving;       /* likewise: in the list of those that ended or linger */
	bool gave_back;     /* nick, rooms and ties are free */
	struct session *next_unsent;
	struct session *next_waiting;
	struct session *next_ended;
	int64_t linger_until_ns;
};

/* A worker's sessions. */
struct sessions {
	struct session **table; /* by index; NULL where the seat is free */
	uint32_t *free;         /* a stack of indexes */
	uint32_t free_count;
	uint32_t count;
	struct session *unsent;    /* those with something to flush */
	struct session *waiting;   /* those whose input has to be tried again next turn */
	struct session *ended;     /* those that give back what they have at the end of the turn */
	struct block *copied;      /* what is sent to one is copied into it */
	struct reply reply;        /* to what is being carried out */
	struct session *answering; /* whose replies lie in `reply`, not queued yet; or NULL */
	uint32_t waiting_count;    /* of `waiting`, when they were last tried */
	bool pressing;        /* one of `waiting` has used up its share: no sleep before the next */
	uint32_t share_left;  /* of who has its turn: what it may still ask for, by its cost */
	int64_t share_end_ns; /* and until when, monotonic */
	size_t queued_bytes;  /* of all receivers that are open, the kernel's share counted in */
	struct trail trail;   /* what is said of operators */
};

void sessions_create(struct turn *turn);
void sessions_destroy(struct turn *turn);

/* Closes SOCKET, whose peer cannot be served. */
void session_refuse(const struct front *front, int socket);

/* Opens a session on SOCKET (owned from here on); greets. Refuses it if it cannot. */
void session_open(struct turn *turn, const struct front *front, int socket,
		  struct peer_address peer);

/* The session at that seat of this worker's if it still is that one, else NULL. */
struct session *session_find(const struct turn *turn, uint32_t index, uint64_t number);

struct address session_address(const struct session *session);

/* Whether --rate lets it ask for one thing more; that is counted then, as much as it COSTs. */
bool session_within_rate(struct session *session, unsigned cost);

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

/* Notes in the log that SESSION (NULL: an operator who is gone) did what FORMAT says. */
__attribute__((format(printf, 4, 5))) void session_note(struct turn *turn,
							const struct session *session,
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

/* What it asked for found a lock taken: it is tried once more next turn. */
void session_retry_later(struct session *session);

/* One more of its bookings is under way. */
void session_expect_answer(struct session *session);

/* One was answered, and lies in the reply: sends it, goes on with what waited. */
void session_answered(struct session *session);

/* Tries once more what found a lock taken. */
void sessions_retry_waiting(struct turn *turn);

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

/* The same for all that come from a network, operators excepted: letters of a ban's. */
void sessions_end_from(struct turn *turn, struct peer_network network, const struct message *why);

/* A second passed: ends those that linger too long. */
void sessions_tick(struct turn *turn);

/* The server is about to stop: tells everyone, takes no more input. */
void sessions_drain(struct turn *turn);

#endif
