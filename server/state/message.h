/*
 * message: something that a session hears: who said what where, who came and went, what is left.
 *
 * A value without any protocol's words; each front puts it into its own. Rooms' logs and letters
 * keep kind, nick and text; the text is clean, and so can drive nobody's terminal.
 */
#ifndef SERVER_STATE_MESSAGE_H
#define SERVER_STATE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/text/words.h"

enum message_kind {
	MESSAGE_SAID,    /* room, nick, text: what /history shows */
	MESSAGE_JOINED,  /* room, nick */
	MESSAGE_PARTED,  /* room, nick, text: why, or empty */
	MESSAGE_TOPIC,   /* room, nick, text */
	MESSAGE_RENAMED, /* nick: the old one; text: the new one */
	MESSAGE_SALE,    /* room, text: the event's name, sale */
	MESSAGE_TOLD,    /* nick, text */
	MESSAGE_NOTICE,  /* text: the server speaks to people */
	MESSAGE_OFFER,   /* text: the event's name, offer */
	MESSAGE_WAITING  /* text: the event's name, waiting */
};

/* What is left of an event. */
struct message_sale {
	int64_t left;
	int64_t total;
	bool unlocked; /* nobody keeps bookings apart, so the figures may be wrong */
};

struct message {
	enum message_kind kind;
	struct span room; /* with its '#' */
	struct span nick;
	struct span text;
	int64_t wall_ns; /* when it was; 0: now */
	union {
		struct message_sale sale;
		struct {
			const char *code;
			int64_t quantity;
			int64_t seconds;
		} offer;
		struct {
			int64_t quantity;
			uint32_t position;
		} waiting;
	};
};

#endif
