/*
 * handover: what the master of an old binary (upgrade.h) and that of a new one (takeover.h) say to
 * each other over a channel, and the word that says whose the connections are.
 *
 * new: HELLO     its version of the state's form (snapshot/snapshot.h)
 * old: WELCOME   what there must be room for, the store, the listeners
 * new: READY     its options are good, the store is open, memory is laid out
 *      here the old one's workers let go
 * old: STATE     a file with the state, and the lock by which other servers know this one
 * old: TLS       tls processes that go on (lingering.h), and their plain ends; if there are any
 * old: SOCKETS   the connections, and whose they are; as many messages as it takes
 * old: ACCEPTED  likewise, those that no worker has yet
 * old: OFFER     that was all
 *      here the new one reads the state, and then takes all (handover_take)
 * new: SERVING   its workers are ready: the old one ends
 *
 * Up to handover_take the new one sends and reads nothing on any connection, and the old one can
 * take everything back at any moment (handover_take_back): one atomic exchange decides for the one
 * or the other, whoever dies when. It is the point of no return.
 */
#ifndef SERVER_PROCESS_HANDOVER_H
#define SERVER_PROCESS_HANDOVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/config/arrival.h"
#include "server/config/options.h"
#include "server/state/plain_ends.h"
#include "shared/process/channel.h"

#define HANDOVER_VARIABLE   "TURNSTILE_HANDOVER" /* names the channel's descriptor */
#define HANDOVER_STORE_SIZE 1024                 /* bytes of its URL that are compared */

enum handover_kind {
	HANDOVER_HELLO = 1,
	HANDOVER_WELCOME,
	HANDOVER_READY,
	HANDOVER_STATE,
	HANDOVER_SOCKETS,
	HANDOVER_ACCEPTED,
	HANDOVER_OFFER,
	HANDOVER_SERVING,
	HANDOVER_TLS /* since minor version HANDOVER_TLS_MINOR: of who does not know it none go on
		      */
};
#define HANDOVER_TLS_MINOR 1

struct handover_hello {
	uint32_t major, minor;
	int32_t pid;
};

struct handover_listener {
	uint32_t kind; /* enum listener_kind */
	char text[sizeof(((struct listener_option *)0)->text)];
};

/* With the listeners that it opened itself, in this order. */
struct handover_welcome {
	uint32_t workers;
	uint32_t seats; /* of each of them */
	uint32_t adopt; /* connections go along */
	uint32_t listener_count;
	char store[HANDOVER_STORE_SIZE];
	struct handover_listener listeners[OPTIONS_LISTENERS_MAX];
};

struct handover_socket {
	uint32_t worker, seat;
};

/* With the file of the plain ends, and a channel and a pidfd for each of them, oldest first. */
struct handover_tls {
	int32_t pids[PLAIN_ENDS_USERS];
};
#define HANDOVER_TLS_DESCRIPTORS(count) (1 + 2 * (size_t)(count))

struct handover_message {
	uint32_t kind;  /* enum handover_kind */
	uint32_t count; /* of sockets, or of tls processes */
	union {
		struct handover_hello hello;
		struct handover_welcome welcome;
		struct handover_socket sockets[CHANNEL_DESCRIPTORS_MAX];
		struct arrival arrivals[CHANNEL_DESCRIPTORS_MAX];
		struct handover_tls tls;
	};
};

/* At the begin of the file with the state, mapped by both. */
struct handover_page {
	_Atomic uint32_t owner; /* enum handover_owner */
	uint32_t reserved;
	uint64_t length; /* of the state, behind HANDOVER_PAGE_SIZE bytes */
};
#define HANDOVER_PAGE_SIZE 4096

enum handover_owner { HANDOVER_OFFERED, HANDOVER_TAKEN, HANDOVER_TAKEN_BACK };

/* The new one: all is its own from here on. The old one: all stays its own. False: too late. */
bool handover_take(struct handover_page *page);
bool handover_take_back(struct handover_page *page);

/* The new one has taken it, and it cannot be taken back any more. */
bool handover_is_taken(const struct handover_page *page);

/* How many bytes a message of that kind has, without the rows of sockets that are not there. */
size_t handover_length(const struct handover_message *message);

/* Makes a message of what was received: false if it is none. */
bool handover_read(const struct channel_message *received, struct handover_message *message);

#endif
