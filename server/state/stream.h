/*
 * stream: what makes a connection, in shared memory, so that it outlives the worker that serves it.
 *
 * Each seat has one. Its worker's loop alone writes it, and at each instruction a successor can
 * tell what holds:
 *
 * - output: segments that are linked in when they are complete. A segment's place in the stream of
 *   bytes is known, and the kernel knows how many bytes it took; so what is left to send is known
 * to the byte, whenever the worker ended.
 * - input: how many bytes of the peer's are done with, and what the front keeps of them (an
 *   unfinished line, requests that wait): the rest. Both change with one store. Bytes that the
 * kernel gave and that are not done with lie in the hand.
 *
 * The hand says what the worker's loop is at just now: whose input it is taking and how far it has
 * come, and which delivery it is making to whom. A delivery has a number, the tag, which the output
 * that gets it notes before it changes (the mark); so a successor sees who has it already.
 *
 * Chunks lie in the worker's arena. Pointers to arenas are the living owner's own.
 */
#ifndef SERVER_STATE_STREAM_H
#define SERVER_STATE_STREAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/config/arrival.h"
#include "server/config/options.h"
#include "server/state/admission.h"
#include "shared/base/arena.h"
#include "shared/base/memory.h"
#include "shared/text/name.h"

#define RECEIVE_SIZE (64 * 1024) /* bytes read from a socket at once */

/* Bytes that many outputs refer to. */
struct block {
	struct arena *arena;
	uint32_t references;
	uint32_t taken; /* bytes that there are, as the arena has them: never changes */
	uint32_t size;  /* of them, those that may be used */
	uint32_t used;
	char bytes[];
};

struct segment {
	struct segment *_Atomic next;
	struct block *block;  /* one reference is the segment's */
	uint64_t begin;       /* bytes of the stream before it */
	_Atomic uint64_t end; /* and up to its end */
	uint32_t start;       /* of its bytes in the block */
};

struct output {
	struct segment *_Atomic first; /* what may not be sent yet; NULL: nothing */
	struct segment *last;
	uint64_t queued; /* bytes ever queued; while there is a segment, the last one's end holds */
	uint64_t sent;   /* the owner's: the kernel knows better */
	uint64_t
		message; /* the owner's: where what is being sent now begins, at or after `first` */
	struct {
		uint64_t tag;    /* of the delivery that was begun last */
		uint64_t before; /* `queued` then */
	} mark;
	struct segment only; /* the first to be used: nearly always one is all there are */
	bool only_used;
	struct arena *arena;
};

/* What a front keeps of a peer's input between two turns; NULL when that is nothing. */
struct rest {
	void *bytes; /* in the arena, LENGTH of them */
	uint32_t length;
	uint32_t flags; /* the front's, but for REST_PROXIED */
};

/* A trusted proxy has not said yet whose connection it is: kept is what came of its header. */
#define REST_PROXIED (1U << 31)

enum stream_state {
	STREAM_OPEN,
	STREAM_CLOSING, /* what is queued is sent, then it ends */
	STREAM_ENDED
};

struct stream {
	_Atomic uint64_t session; /* its number; 0: nobody is here */
	uint64_t handoff;         /* which of the master's sockets it has; 0: none of its */
	_Atomic uint64_t input;   /* bytes done with, times 2, and which of `rest` holds */
	struct rest rest[2];
	struct output output;
	char audit[NAME_EVENT_SIZE]; /* the event that is being counted for it, or "" */
	int64_t since_ns;            /* monotonic: what is not carried out yet came after that */
	int64_t due_ns;              /* the front's: monotonic; of a PROXY header: until when */
	int64_t end_ns;              /* monotonic: then it ends, read or not; 0: not known yet */
	struct peer_address peer;
	uint64_t plain;        /* it is a plain end, of that number (plain_ends.h); or 0 */
	struct endpoint own;   /* where it came to, if its socket does not know: through TLS */
	uint8_t kind;          /* enum listener_kind */
	_Atomic uint8_t state; /* enum stream_state */
	bool operator_role;
};

enum hand_kind {
	HAND_NONE,
	HAND_ROOM,      /* a stretch of a room's log: index, from, to */
	HAND_LETTER,    /* of the inbox: index is the sender, from the place in its ring */
	HAND_ANSWER,    /* of the booking queue: from is its place in the ring */
	HAND_WITHDRAWN, /* likewise, one that was taken back */
	HAND_OFFER,     /* likewise, among the offers */
	HAND_AUDIT,     /* to the session at the seat: index */
	HAND_POSITION   /* of a waiter: index; from is the position */
};

/* Of the input in hand. */
struct hand_done {
	uint32_t requests;
	uint32_t reply_bytes; /* of `replies`: they answer them, and are not queued */
};

struct hand {
	/* The input that is being taken; done with when that stream's `input` is another. */
	_Atomic uint64_t session; /* whose; 0: nobody's */
	uint32_t seat;
	bool kept; /* the front's rest, not `received` */
	uint64_t input_before;
	uint64_t first;         /* requests that this worker ever began, before these */
	_Atomic uint64_t begun; /* likewise, with these */
	_Atomic uint64_t done;  /* struct hand_done, in one */
	uint32_t resumed;       /* how many successors of who began with it had it in hand */
	struct block *replies;
	uint64_t committing; /* tag of the replies that are being queued */
	uint32_t committing_done;
	/* The delivery that is being made. */
	_Atomic uint64_t tag; /* 0: none */
	uint64_t last_tag;
	enum hand_kind kind;
	uint32_t index;
	uint64_t from;
	uint64_t to;
	/* The worker left as it was asked to: the streams say exactly what the kernel took and
	 * gave. */
	_Atomic bool left;
	char received[RECEIVE_SIZE];
};

/* Where it all lies: private to each process, so that nobody bends the master's pointers. */
struct streams {
	unsigned workers; /* that have an arena; the arrays below have places for more */
	uint32_t seats_a_worker;
	size_t arena_bytes; /* of each worker's */
	struct memory arenas[OPTIONS_WORKERS_MAX];
	struct stream *streams;    /* [places][seats_a_worker] */
	struct hand *hands;        /* [places] */
	_Atomic uint64_t *closed;  /* [places][seats_a_worker / 64]: those that ended, a bit each */
	_Atomic uint32_t *highest; /* [places]: seats from here on were never used */
	_Atomic uint32_t *any_closed; /* [places]: there are bits in `closed` */
};

size_t streams_size(unsigned places, uint32_t seats_a_worker);

/* Before the first fork, with places for that many workers. Dies when memory is gone. */
struct streams *streams_create(struct memory *memory, unsigned places, uint32_t seats_a_worker,
			       const struct options *options);

/* The master, before it starts them: so many workers have an arena from now on. Dies likewise. */
void streams_use(struct streams *streams, unsigned workers);

/* Gives back what it has of its own: for tests. */
void streams_finish(struct streams *streams);

struct stream *streams_at(const struct streams *streams, uint32_t worker, uint32_t seat);
void *streams_arena(const struct streams *streams, uint32_t worker);

/* WORKER's loop: a session begins at that seat, with a stream like LIKE; or it is over. */
void streams_open(struct streams *streams, uint32_t worker, uint32_t seat, uint64_t session,
		  const struct stream *like);
void streams_close(struct streams *streams, uint32_t worker, uint32_t seat);

/* The master: calls SEE for each seat where somebody's session ended since the last time. */
void streams_each_closed(struct streams *streams, uint32_t worker,
			 void (*see)(void *context, uint32_t worker, uint32_t seat), void *context);

/* What is done of the input in hand: both numbers change with one store. */
static inline struct hand_done hand_done(const struct hand *hand)
{
	uint64_t done = atomic_load_explicit(&hand->done, memory_order_acquire);

	return (struct hand_done){ (uint32_t)(done >> 32), (uint32_t)done };
}

static inline void hand_note_done(struct hand *hand, struct hand_done done)
{
	atomic_store_explicit(&hand->done, (uint64_t)done.requests << 32 | done.reply_bytes,
			      memory_order_release);
}

/* Whether a request was begun and is not done. */
static inline bool hand_has_begun(const struct hand *hand)
{
	return hand->begun > hand->first + hand_done(hand).requests;
}

/* A delivery begins: a new tag; it is over. */
void hand_begin(struct hand *hand, enum hand_kind kind, uint32_t index, uint64_t from, uint64_t to);
void hand_end(struct hand *hand);

/* From here on the replies to the first DONE requests are queued, with the tag `committing`. */
void hand_begin_commit(struct hand *hand, uint32_t done);

#endif
