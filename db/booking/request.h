/*
 * booking_request: what is asked of the box office, what it answers, and what the rules work on.
 */
#ifndef DB_BOOKING_REQUEST_H
#define DB_BOOKING_REQUEST_H

#include <stdint.h>

#include "db/booking/claims.h"
#include "db/booking/waitlist.h"
#include "db/store/code.h"
#include "db/store/holder.h"
#include "db/store/records.h"

#define BOOKING_HOLD_SECONDS      120 /* a hold's, and an offer's */
#define BOOKING_GATHERING_SECONDS 60  /* that tickets are gathered for a group, at most */
#define BOOKING_HOLD_SECONDS_MAX  3600

enum booking_verb {
	BOOKING_BOOK,
	BOOKING_HOLD,
	BOOKING_CONFIRM,
	BOOKING_CANCEL,
	BOOKING_TICKET,
	BOOKING_ADMIT,
	BOOKING_WAIT,
	BOOKING_AUDIT,
	BOOKING_EVENT_NEW,
	BOOKING_EVENT_OPEN,
	BOOKING_EVENT_CLOSE,
	BOOKING_EVENT_GROW,
	BOOKING_RELEASE /* the client's connection ended: its tied holds lapse, it waits no more */
};

/* Whether an event sells once it has grown. */
enum booking_sale { BOOKING_SALE_AS_IT_WAS, BOOKING_SALE_OPEN, BOOKING_SALE_CLOSED };

struct booking_request {
	enum booking_verb verb;
	bool tied;                    /* hold: lapses with the client's connection, too */
	enum booking_sale sale;       /* grow: together with it, or not at all */
	int64_t quantity;             /* of tickets; new: the total; grow: how many more */
	int64_t seconds;              /* hold: how long */
	struct booking_client client; /* hold, wait, release: whose request it is */
	char event[NAME_EVENT_SIZE];  /* a good name (name_is_event); or "" where a code stands */
	char key[NAME_KEY_SIZE];      /* a good key or "" */
	char code[CODE_SIZE]; /* confirm, cancel, ticket, admit: well-formed, as it was typed */
	char title[STORE_TITLE_SIZE]; /* new: clean text or "" */
};

enum booking_outcome {
	BOOKING_DONE,       /* what was asked for */
	BOOKING_NOT_FOUND,  /* no such event, or no such code */
	BOOKING_SOLD_OUT,   /* fewer are left than asked for: `left` says how many */
	BOOKING_CLOSED,     /* the event does not sell now */
	BOOKING_KEY_TAKEN,  /* the key was used for another request */
	BOOKING_USED,       /* the ticket was cancelled or admitted */
	BOOKING_EXPIRED,    /* the hold lapsed */
	BOOKING_NOT_BOOKED, /* admit: the ticket is only held */
	BOOKING_EXISTS,     /* new: that event exists */
	BOOKING_TOO_MANY,   /* book, hold, wait: more than one request may have: `limit` */
	BOOKING_HAS_ENOUGH, /* hold, wait: one address has as much as it may: `limit`, `has` */
	BOOKING_LIMIT,   /* grow: below what is sold and held, or beyond STORE_TOTAL_MAX; wait: more
			  * than the event has */
	BOOKING_FULL,    /* wait: the list is full; hold: too much is held to be counted */
	BOOKING_NO_ROOM, /* the store keeps so many tickets and no more */
	BOOKING_MISMATCH, /* audit: the tickets do not add up to the counters */
	BOOKING_BUSY,     /* it cannot be done now; nothing was done */
	BOOKING_FAILED,   /* the store failed; nothing was done */
	BOOKING_UNCLEAR,  /* the store failed, and nobody knows whether it was done */
	BOOKING_HINDERED, /* nobody came to it in time, and nothing was done: `holder` */
	BOOKING_WRITTEN,  /* another program is writing to the store; nothing was done */
	BOOKING_AWAY,     /* its database cannot be reached; nothing was done */
	BOOKING_READ      /* one reads it without end, and its log is full; likewise */
};

struct booking_answer {
	enum booking_outcome outcome;
	enum ticket_state state; /* of the ticket; 0 where there is none */
	bool repeated;           /* by its key: the ticket was there before */
	int64_t quantity;
	int64_t seconds;            /* that the hold still has, rounded up */
	int64_t admitted_ns;        /* wall time; 0: it was not, or nobody knows when */
	int64_t left;               /* of the event, after this request */
	int64_t total;              /* likewise */
	int64_t sold;               /* audit, grow */
	int64_t held;               /* likewise */
	int64_t admitted;           /* audit: of what is sold */
	int64_t limit;              /* that the request was refused for */
	int64_t has;                /* the address: of that limit */
	uint32_t position;          /* wait */
	struct store_holder holder; /* busy: who had the store; pid 0 if it is not known */
	char event[NAME_EVENT_SIZE];
	char code[CODE_SIZE]; /* as it is printed */
};

/* An offer that a waiter got: what it is to be told once the transaction is committed. */
struct booking_offer {
	struct booking_client client;
	int64_t quantity;
	int64_t seconds;
	char event[NAME_EVENT_SIZE];
	char code[CODE_SIZE];
};

/* In tickets; 0: none. */
struct booking_limits {
	int64_t quantity; /* of a request to book, to hold or to wait */
	int64_t held;     /* held and waited for by one address at a time */
};

/* What the rules work on. */
struct booking_context {
	struct store *store;
	struct waitlist *waitlist; /* or NULL: nobody can wait */
	struct claims *claims;     /* or NULL: `limits.held` holds for nobody */
	uint32_t server;           /* that does it (booking_server_of) */
	int64_t wall_ns;           /* now */
	struct booking_limits limits;
	/* A place to write an offer for a client of WORKER's to; NULL if there is none now. */
	struct booking_offer *(*offer)(void *context, uint32_t worker);
	/* Whether the request under way, which has a key, came before one that was refused; or
	 * NULL. */
	bool (*overtaken)(void *context);
	void *context;
};

/*
 * One request being carried out, for the rules of each verb. Made by booking.c for the time of one
 * call; the event is the store's, all else is the caller's.
 */
struct booking_work {
	const struct booking_context *context;
	const struct booking_request *request;
	struct booking_answer *answer;
	struct store_event *event;  /* NULL for the verbs that need none */
	struct store_ticket ticket; /* of the verbs that need one */
	enum ticket_kind kind;      /* of the ticket that the verb makes, if it makes one */
};

#endif
