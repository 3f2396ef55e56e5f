/*
 * store_records: what a store holds, and how its functions say whether they could: for all kinds.
 */
#ifndef DB_STORE_RECORDS_H
#define DB_STORE_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/text/name.h"

#define STORE_ERROR_SIZE 512

struct store;

enum store_result {
	STORE_OK,
	STORE_NONE,  /* nothing there by that name, number or key */
	STORE_FAILED /* the disk, the file or the lock: store_error says what */
};

/* Why a store that is fine could not be had. */
enum store_hindrance {
	STORE_FREE,
	STORE_HELD,    /* somebody holds its lock */
	STORE_WRITTEN, /* a program that knows no such lock is writing */
	STORE_AWAY,    /* its database cannot be reached, or does not answer in time: reopen it */
	STORE_READ     /* one reads without end, and what was written since is as much as may be */
};

#define STORE_TITLE_SIZE 201                 /* bytes of an event's title, a NUL counted in */
#define STORE_TOTAL_MAX  INT64_C(1000000000) /* tickets of an event */

struct store_event {
	int64_t number;
	char name[NAME_EVENT_SIZE];
	char title[STORE_TITLE_SIZE];
	int64_t total;
	int64_t sold; /* booked or admitted, in tickets */
	int64_t held;
	bool open;
};

enum ticket_state {
	TICKET_BOOKED = 1, /* the numbers stand in stores: they never change */
	TICKET_HELD = 2,
	TICKET_CANCELLED = 3,
	TICKET_EXPIRED = 4,
	TICKET_ADMITTED = 5
};

/* What request made the ticket: a repeat by key must be the same one. */
enum ticket_kind { TICKET_BY_BOOK = 1, TICKET_BY_HOLD = 2, TICKET_BY_OFFER = 3 };

struct store_ticket {
	int64_t number; /* 1 and up; set by store_ticket_add */
	int64_t event;  /* the event's number */
	int64_t quantity;
	enum ticket_state state;
	enum ticket_kind kind;
	int64_t made_ns;         /* wall time */
	int64_t expires_ns;      /* wall time; of a hold, else 0 */
	int64_t admitted_ns;     /* wall time; of one that was admitted, if it is known, else 0 */
	uint64_t tied;           /* a server's connection that the hold is tied to, or 0 */
	int64_t salt;            /* random, mixed into its code (code.h); 0: of an old ticket */
	char key[NAME_KEY_SIZE]; /* or "" */
};

/* What the functions below that go through a store call for each of what they find. */
typedef void store_see_event(void *context, const struct store_event *event);
typedef void store_see_ticket(void *context, const struct store_ticket *ticket);

/*
 * Who has all tickets counted is asked with the lock held whether now is a good moment; and now and
 * then while they are counted whether to go on.
 */
struct store_count_leave {
	bool (*may_begin)(void *context);
	bool (*may_go_on)(void *context);
	void *context;
};

#define STORE_TOPIC_SIZE 513 /* bytes, a NUL counted in */

struct store_room {
	uint32_t place;
	char name[NAME_ROOM_SIZE];
	char topic[STORE_TOPIC_SIZE];
};

struct store_message {
	uint32_t room;   /* its place */
	uint64_t number; /* in the room; adding it again replaces it */
	int64_t wall_ns;
	const char *text; /* LENGTH bytes; good until SEE returns */
	size_t length;
};

struct store_ban {
	char address[64];
	int64_t until_ns; /* wall time */
};

typedef void store_see_room(void *context, const struct store_room *room);
typedef void store_see_message(void *context, const struct store_message *message);
typedef void store_see_ban(void *context, const struct store_ban *ban);

/* Who waits for tickets: waiters.h says more. */
struct store_waiter {
	uint64_t order; /* the lower, the earlier; never used twice */
	int64_t event;  /* its number */
	int64_t quantity;
	uint64_t session; /* the upper half says whose server's */
	uint32_t worker;  /* of that server, as `seat`: nobody else's business */
	uint32_t seat;
	uint32_t passed;
	bool waits;                       /* false: it left, or was offered something */
	int64_t ticket;                   /* holds what is gathered for it; or is its offer; or 0 */
	int64_t salt;                     /* of that offer, when it is read */
	int64_t until_ns;                 /* likewise, the hold's end; 0: it is over */
	char event_name[NAME_EVENT_SIZE]; /* when it is read */
};

/* How far the row has come. */
struct store_waiters_state {
	uint64_t last; /* the count */
	bool all;      /* all who wait were seen, and not only what changed */
};

typedef void store_see_waiter(void *context, const struct store_waiter *waiter);

#endif
