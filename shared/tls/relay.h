/*
 * relay: carries bytes both ways between a TLS connection and a plain socket, until both have
 * ended.
 *
 * What one side does not take is kept, a buffer's worth, and no more is read for it meanwhile: so a
 * slow reader slows its sender, and nobody else. Each side may end its output alone. A relay has no
 * loop and no clock: its owner watches both descriptors, edge-triggered, notes here what is ready,
 * and calls relay_carry. It owns what it is given from relay_begin to relay_finish. The server's
 * tls process is made of relays, and so is `turnstile --tls`.
 */
#ifndef SHARED_TLS_RELAY_H
#define SHARED_TLS_RELAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELAY_BUFFER_SIZE 16384        /* bytes: what a TLS record holds at most */
#define RELAY_SHARE       (256 * 1024) /* bytes carried each way, before others have their turn */

struct ssl_st;

/* What a side did not take yet. */
struct relay_rest {
	char *bytes;
	size_t start, end;
};

/* What went through the plain side, for others to see. */
struct relay_count {
	_Atomic uint32_t version; /* odd while it changes */
	_Atomic uint64_t given;   /* bytes that the plain side took */
	_Atomic uint64_t taken;   /* and that it gave */
};

struct relay {
	struct ssl_st *tls; /* OpenSSL's */
	int socket;         /* below the TLS */
	int plain;
	bool socket_readable, plain_readable; /* set by the owner; until they are read dry */
	bool socket_full, plain_full;         /* wait for room; the owner ends that */
	bool reading_waits;                   /* until TLS could write */
	bool in_ended;                        /* the peer says no more */
	bool out_ended;                       /* the plain side neither, and the peer knows */
	bool broken;
	struct relay_rest in, out;
	struct relay_count *count; /* the owner's; NULL: nobody wants to know */
};

enum relay_state {
	RELAY_WAITS,   /* until something is ready */
	RELAY_GOES_ON, /* its share is used up, and there is more to do */
	RELAY_OVER
};

/* TLS, its handshake done, over SOCKET; both non-blocking. */
void relay_begin(struct relay *relay, struct ssl_st *tls, int socket, int plain);

/* Carries what goes. BUFFER (RELAY_BUFFER_SIZE bytes) holds nothing from one call to the next. */
enum relay_state relay_carry(struct relay *relay, char *buffer);

/* Closes both sides. */
void relay_finish(struct relay *relay);

#endif
