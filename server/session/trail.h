/*
 * trail: what operators did, who tried to become one, who came upon a limit, and proxies that do
 * not say whom they bring, in the log at level notice: who, from where, what.
 *
 * Never with a password, a key or a code. What comes in hundreds is merged: in a minute a worker
 * says so many lines of a kind, and when it is over how many more there were.
 */
#ifndef SERVER_SESSION_TRAIL_H
#define SERVER_SESSION_TRAIL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/config/peer_address.h"
#include "shared/text/name.h"

#define TRAIL_LINES_A_MINUTE 20                                            /* of a kind */
#define TRAIL_WHO_SIZE       (NAME_NICK_SIZE + PEER_ADDRESS_TEXT_SIZE + 4) /* bytes, with its NUL */

enum trail_kind {
	TRAIL_SIGN_IN,
	TRAIL_WRONG_PASSWORD,
	TRAIL_UNSEEN_PASSWORD, /* given during a penalty */
	TRAIL_KICK,
	TRAIL_MUTE,
	TRAIL_BAN,
	TRAIL_CRASH,
	TRAIL_EVENT,
	TRAIL_ADMIT,
	TRAIL_HANDSHAKES,   /* too many from an address */
	TRAIL_PROXY,        /* trusted, but without a header */
	TRAIL_FULL,         /* a connection beyond --max-connections */
	TRAIL_ADDRESS_FULL, /* one beyond --max-per-address */
	TRAIL_CUT_OFF,      /* for --send-queue, or the total */
	TRAIL_HELD,         /* tickets beyond --max-held */
	TRAIL_ROOMS,        /* a room beyond those that an address may open */
	TRAIL_KINDS
};

/* A worker's; all zero at its start. */
struct trail {
	struct trail_minute {
		int64_t from_ns; /* monotonic */
		uint32_t said;   /* 0: none has begun */
		uint32_t more;
	} minutes[TRAIL_KINDS];
};

/* Counts one in; whether it may have a line of its own. */
bool trail_enter(struct trail *trail, enum trail_kind kind, int64_t now_ns);

/* Ends KIND's minute if it is over; how many there were that had no line. */
uint32_t trail_end_minute(struct trail *trail, enum trail_kind kind, int64_t now_ns);

/* Says that WHO did what FORMAT says, unless there were many. NOW_NS is monotonic. */
__attribute__((format(printf, 5, 0))) void trail_note(struct trail *trail, int64_t now_ns,
						      const char *who, enum trail_kind kind,
						      const char *format, va_list arguments);

/* "ann (192.0.2.7)"; the address alone where there is no nick: over HTTP. */
void trail_who(const char *nick, struct peer_address peer, char text[TRAIL_WHO_SIZE]);

/* Says how many more there were in the minutes that are over at NOW_NS. */
void trail_tick(struct trail *trail, int64_t now_ns);

/* The same of those that are not over yet: the worker stops. */
void trail_finish(struct trail *trail);

#endif
