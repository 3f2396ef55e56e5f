/*
 * sessions: what a session is, and a worker's sessions: by seat, and in lists of what is to be
 * done.
 *
 * Its lists are worked off by session.c; here is no socket and no event. A session belongs to the
 * worker whose loop opened it, and to nobody else.
 */
#ifndef SERVER_SESSION_SESSIONS_H
#define SERVER_SESSION_SESSIONS_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/session/front.h"
#include "server/session/output.h"
#include "server/session/proxy_header.h"
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

/* What is known of a password that it gave: chat/operator.h. */
enum session_password {
	SESSION_PASSWORD_NONE,
	SESSION_PASSWORD_LOOKED_AT,
	SESSION_PASSWORD_RIGHT,
	SESSION_PASSWORD_WRONG,
	SESSION_PASSWORD_UNKNOWN
};

struct session {
	struct event event;
	struct turn *turn;
	const struct front *front;
	struct seat *seat; /* shared: nick and rooms */
	uint64_t number;
	struct peer_address peer;
	struct proxy_header *proxy_header; /* it has not come whole: `peer` is the proxy's still */
	int socket;
	uint32_t index;         /* of the seat, among this worker's */
	struct stream *stream;  /* shared: what a successor needs to go on with it */
	struct output *output;  /* the stream's */
	size_t own_bytes;       /* of `output`: replies to what it asked itself, at most so many */
	size_t own_behind;      /* bytes of `output` up to the end of the last of them */
	size_t counted;         /* what it weighs in sessions->queued_bytes */
	int64_t tokens_ns;      /* --rate: what it may still spend */
	int64_t muted_until_ns; /* monotonic: as it was when admission->mutes_made was mutes_seen */
	uint32_t mutes_seen;
	uint16_t unanswered; /* bookings under way at the clerk, and a password that is looked at */
	uint8_t state;       /* enum session_state */
	uint8_t password;    /* enum session_password */
	bool alone;          /* what is under way has to be answered before more is asked for */
	bool keeping;        /* its front keeps input that has to wait: no more is to be read */
	bool ended_input;    /* the peer has half-closed */
	bool reading;        /* `event` waits for input */
	bool unwatched; /* it was not, when the loop last asked: `stream->since_ns` is all that is
			   known */
	uint8_t sent_asked; /* how often what `sent_unknown` says was asked */
	bool sent_unknown;  /* how much of `output` a predecessor has sent: nothing is before it is
			       known */
	bool writing;       /* the socket took no more: `event` waits for room */
	bool operator_role;
	bool let_in;             /* its seat is taken, and counted against its address */
	bool said_farewell;      /* to its rooms */
	bool drained;            /* the server stops: no more input is taken */
	bool unsent;             /* in the list */
	bool waiting;            /* likewise */
	bool leaving;            /* likewise: in the list of those that ended or linger */
	bool gave_back;          /* nick, rooms and ties are free */
	struct renames *renames; /* chat/rename.h; or NULL */
	struct session *next_unsent;
	struct session *next_waiting;
	struct session *next_ended;
};

/* A worker's sessions. */
struct sessions {
	struct session **table; /* by index; NULL where the seat is free */
	uint32_t *free;         /* a stack of indexes that are free again */
	uint32_t free_count;
	uint32_t used; /* seats from here on were never taken */
	uint32_t count;
	uint32_t lingering;        /* of them: SESSION_LINGERING */
	struct session *unsent;    /* those with something to flush */
	struct session *waiting;   /* those whose input has to be tried again next turn */
	struct session *ended;     /* those that give back what they have at the end of the turn */
	struct block *copied;      /* what is sent to one is copied into it */
	struct reply reply;        /* to what is being carried out */
	struct reply framed;       /* the same on its front's wire, where that is another */
	struct session *answering; /* whose replies lie in `reply`, not queued yet; or NULL */
	uint32_t waiting_count;    /* of `waiting`, when they were last tried */
	bool pressing;        /* one of `waiting` has used up its share: no sleep before the next */
	uint32_t share_left;  /* of who has its turn: what it may still ask for, by its cost */
	int64_t share_end_ns; /* and until when, monotonic */
	size_t queued_bytes;  /* of all receivers that are open, the kernel's share counted in */
	uint32_t bans_seen;   /* admission->bans_made: who is banned up to there is let go */
	struct trail trail;   /* what is said of operators */
	/* progress.c */
	struct session *taking; /* whose input is being taken */
	uint64_t requests;      /* that were begun of it */
	uint64_t requests_done;
	struct rest kept;     /* what its front keeps of it */
	bool resumes;         /* a predecessor's input is taken again */
	uint64_t resume_done; /* requests of it that are done */
	bool resume_begun;    /* one more was begun */
};

void sessions_create(struct turn *turn);
void sessions_destroy(struct turn *turn);

/* A free seat, taken; NO_SEAT_LEFT when there is none. And it is free again. */
#define NO_SEAT_LEFT UINT32_MAX
uint32_t sessions_take_seat(struct turn *turn);
void sessions_free_seat(struct turn *turn, uint32_t seat);

/* Nobody is here any more: what they had is to be given back. */
void sessions_forget(struct turn *turn);

/* The session at that seat of this worker's if it still is that one, else NULL. */
struct session *session_find(const struct turn *turn, uint32_t index, uint64_t number);

struct address session_address(const struct session *session);

/* The next session from *INDEX on, which is moved behind it; NULL when there is none. */
struct session *sessions_next(const struct turn *turn, uint32_t *index);

/* It has something to be sent at the end of the turn. */
void sessions_add_unsent(struct session *session);

/* Nobody hears it any more: what it had is given back at the turn's end. */
void sessions_add_leaving(struct session *session);

/* What it asked for found a lock taken: it is tried once more next turn. */
void session_retry_later(struct session *session);

/* Notes in the log that SESSION (NULL: an operator who is gone) did what FORMAT says. */
__attribute__((format(printf, 4, 5))) void session_note(struct turn *turn,
							const struct session *session,
							enum trail_kind kind, const char *format,
							...);

#endif
