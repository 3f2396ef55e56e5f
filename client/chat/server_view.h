/*
 * server_view: what the client knows by listening: its own nick, the rooms that it is in and who is
 * there, the events and what is left of each, ticket codes that were seen.
 *
 * Fed with every line of the server, in order; bounded whatever the server says, the oldest being
 * forgotten first. Names are compared as the server does (shared/text/name.h). Pure: no socket, no
 * terminal, no clock. The status line, the Tab key and coming back after a lost connection are made
 * from this.
 */
#ifndef CLIENT_CHAT_SERVER_VIEW_H
#define CLIENT_CHAT_SERVER_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/store/code.h"
#include "shared/text/name.h"
#include "shared/text/words.h"

#define VIEW_ROOMS      32  /* that we are in */
#define VIEW_NICKS      128 /* known of a room */
#define VIEW_EVENTS     64
#define VIEW_CODES      32
#define VIEW_LISTED_MAX 64 /* rooms heard of */

/* A figure of tickets beyond this is none. */
#define VIEW_TICKETS_MAX INT64_C(1000000000000)

/* The server sends no *join, *part and *nick where more are in a room. */
#define VIEW_TOLD_MAX 64

typedef char view_nick[NAME_PERSON_SIZE];

struct view_room {
	char name[NAME_ROOM_SIZE];
	int64_t members; /* as far as we were told */
	size_t nick_count;
	view_nick nicks[VIEW_NICKS]; /* without our own */
};

struct view_event {
	char name[NAME_EVENT_SIZE];
	int64_t left, total;
	int64_t told_tenth; /* of the total that was left when a *sale was last news */
	bool open;
};

struct server_view {
	view_nick nick;   /* as the server said it; "" before that */
	view_nick chosen; /* the one that was asked for, or "" */
	size_t room_count;
	struct view_room rooms[VIEW_ROOMS]; /* by use: the last one is the current one */
	size_t listed_count;
	char listed[VIEW_LISTED_MAX][NAME_ROOM_SIZE];
	size_t event_count;
	struct view_event events[VIEW_EVENTS];
	size_t code_count;
	char codes[VIEW_CODES][CODE_SIZE];
};

void view_init(struct server_view *view);

/* Takes in an event ("*join #go anna"). */
void view_hear(struct server_view *view, struct span event);

/* Takes in a row ("=anna") or a final line of COMMAND ("/who #go"). */
void view_answer(struct server_view *view, struct span command, struct span line);

/* Forgets a room that we could not come back to. */
void view_leave(struct server_view *view, struct span name);

/* The room in which a plain line is said, or NULL. */
const struct view_room *view_current(const struct server_view *view);

/* The event that ROOM belongs to, or NULL. ROOM may be NULL. */
const struct view_event *view_event_of(const struct server_view *view,
				       const struct view_room *room);

/*
 * Whether a *sale is worth a line of its own: when what is left has come to another tenth of the
 * total. Remembers that it was told. Ask after view_hear.
 */
bool view_sale_is_news(struct server_view *view, struct span event);

#endif
