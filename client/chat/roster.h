/*
 * roster: what the client knows by listening: its own nick, the rooms that it is in and who is
 * there, the events and what is left of each, ticket codes that were seen.
 *
 * Fed with every line of the server, in order; bounded whatever the server says, the oldest being
 * forgotten first. Names are compared as the server does (shared/name.h). Pure: no socket, no
 * terminal, no clock. The status line, the Tab key and coming back after a lost connection are made
 * from this.
 */
#ifndef CLIENT_CHAT_ROSTER_H
#define CLIENT_CHAT_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/store/code.h"
#include "shared/text/name.h"
#include "shared/text/words.h"

#define ROSTER_ROOMS  32  /* that we are in */
#define ROSTER_NICKS  128 /* known of a room */
#define ROSTER_EVENTS 64
#define ROSTER_CODES  32
#define ROSTER_PLACES 64 /* rooms heard of */

/* The server sends no *join, *part and *nick where more are in a room. */
#define ROSTER_TOLD_MAX 64

typedef char roster_nick[NAME_NICK_SIZE];

struct roster_room {
	char name[NAME_ROOM_SIZE];
	int64_t members; /* as far as we were told */
	size_t nick_count;
	roster_nick nicks[ROSTER_NICKS]; /* without our own */
};

struct roster_event {
	char name[NAME_EVENT_SIZE];
	int64_t left, total;
	int64_t told_tenth; /* of the total that was left when a *sale was last news */
	bool open;
};

struct roster {
	roster_nick nick;   /* as the server said it; "" before that */
	roster_nick chosen; /* the one that was asked for, or "" */
	size_t room_count;
	struct roster_room rooms[ROSTER_ROOMS]; /* by use: the last one is the current one */
	size_t place_count;
	char places[ROSTER_PLACES][NAME_ROOM_SIZE];
	size_t event_count;
	struct roster_event events[ROSTER_EVENTS];
	size_t code_count;
	char codes[ROSTER_CODES][CODE_SIZE];
};

void roster_init(struct roster *roster);

/* Takes in an event ("*join #go anna"). */
void roster_hear(struct roster *roster, struct span event);

/* Takes in a row ("=anna") or a final line of COMMAND ("/who #go"). */
void roster_answer(struct roster *roster, struct span command, struct span line);

/* Forgets a room that we could not come back to. */
void roster_leave(struct roster *roster, struct span name);

/* The room in which a plain line is said, or NULL. */
const struct roster_room *roster_current(const struct roster *roster);

/* The event that ROOM belongs to, or NULL. ROOM may be NULL. */
const struct roster_event *roster_room_event(const struct roster *roster,
					     const struct roster_room *room);

/*
 * Whether a *sale is worth a line of its own: when what is left has come to another tenth of the
 * total. Remembers that it was told. Ask after roster_hear.
 */
bool roster_sale_is_news(struct roster *roster, struct span event);

/* Whether both are good names and the same. */
bool roster_same(struct span one, struct span other);

#endif
